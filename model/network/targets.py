"""The ground truth of a training image, as the losses take it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

MASK_GRID = 112
"""Cells along each side of a stored mask: twice finer than a 28x28 target for a region twice the size of the box."""


@dataclass
class Target:
    """The ground truth of one image. Coordinates are pixels of the network's input picture."""

    boxes: Tensor
    """[N, 4] float32 xyxy."""
    labels: Tensor
    """[N] int64, 1 to classes."""
    masks: Tensor
    """[N, MASK_GRID, MASK_GRID] uint8: the share of each cell of `mask_boxes` that is object, times 255."""
    mask_boxes: Tensor
    """[N, 4] float32: where the grid lies; it may reach over the edge of a cropped photo."""
    has_mask: Tensor
    """[N] bool."""
    keypoints: Tensor
    """[N, K, 3] float32: x, y, visibility. An instance whose visibilities are all 0 has no keypoints."""
    ignore: Tensor
    """[M, 4] float32: crowds, which enter no loss."""
    complete: Tensor
    """[classes + 1] bool: the classes of which every instance in the photo is labelled. Index 0 is background."""
    seed: int = 0
    """Seed of the draws of anchors and regions, so that a run can be repeated, in one process or several."""

    def to(self, device: torch.device) -> Target:
        """Return the same on another device."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "seed"}
        return replace(self, **{name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()})

    def draws(self, purpose: int) -> torch.Generator:
        """Return the random numbers for one of the photo's draws."""
        return torch.Generator(self.boxes.device).manual_seed(2 * self.seed + purpose)


def empty_target(classes: int, keypoints: int) -> Target:
    """Return the target of a completely labelled photo without instances."""
    return Target(
        boxes=torch.zeros(0, 4),
        labels=torch.zeros(0, dtype=torch.int64),
        masks=torch.zeros(0, MASK_GRID, MASK_GRID, dtype=torch.uint8),
        mask_boxes=torch.zeros(0, 4),
        has_mask=torch.zeros(0, dtype=torch.bool),
        keypoints=torch.zeros(0, keypoints, 3),
        ignore=torch.zeros(0, 4),
        complete=torch.ones(classes + 1, dtype=torch.bool),
    )
