"""From keypoint masks to points (paper, sec. 5: each is a one-hot mask of its region)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

SURE, LIKELY = 0.3, 0.1
"""Scores from which a keypoint counts as visible (2) and as there (1); below, it is not labelled (0)."""
BEND = -0.75
"""The free parameter of cubic convolution (Keys, 1981), as torch's own resizing has it."""


def locate(logits: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return where keypoints are: at the greatest value of each mask, resized bicubically to its region's pixels.

    That is how Detectron and torchvision do it; as two products of matrices it takes a fraction of the time.

    Args:
        logits: [N, K, S, S] float32 over the positions of each region.
        boxes: [N, 4] xyxy float32.

    Returns:
        [N, K, 2] float32 x, y, and [N, K] float32 the greatest value.
    """
    kinds, size = logits.shape[1:3]
    points, peaks = logits.new_zeros(len(boxes), kinds, 2), logits.new_zeros(len(boxes), kinds)
    sides = (boxes[:, 2:] - boxes[:, :2]).float().clamp(min=1)
    for i, (width, height) in enumerate(sides.ceil().long().tolist()):
        down, across = (_resizing(size, pixels).to(logits) for pixels in (height, width))
        values = down @ logits[i] @ across.T  # [K, height, width]
        peaks[i], best = values.flatten(1).max(1)
        points[i] = torch.stack([best % width, best // width], -1) + 0.5
    return boxes[:, None, :2] + points * (sides / sides.ceil())[:, None], peaks


def locate_roughly(logits: Tensor, boxes: Tensor) -> Tensor:
    """Return [N, K, 2] float32 x, y as `locate` does, but to a cell of the masks only, in next to no time."""
    size = logits.shape[3]
    best = logits.flatten(2).argmax(2)
    cells = torch.stack([best % size, best // size], -1) + 0.5
    return boxes[:, None, :2] + cells * ((boxes[:, 2:] - boxes[:, :2]) / size)[:, None]


@lru_cache(maxsize=256)
def _resizing(size: int, pixels: int) -> Tensor:
    """Return the weights [pixels, size] by which cubic convolution makes `pixels` values of `size`."""
    source = (torch.arange(pixels) + 0.5) * (size / pixels) - 0.5
    left = source.floor()
    weights = torch.zeros(pixels, size)
    for offset in (-1, 0, 1, 2):
        tap = (left + offset).clamp(0, size - 1).long()  # the edge goes on outside
        weights.scatter_add_(1, tap[:, None], _cubic((source - left - offset).abs())[:, None])
    return weights


def _cubic(distance: Tensor) -> Tensor:
    """Return the kernel of cubic convolution (Keys, 1981, eq. 4) at distances from 0 to 2."""
    near = ((BEND + 2) * distance - (BEND + 3)) * distance**2 + 1
    far = BEND * (((distance - 5) * distance + 8) * distance - 4)
    return torch.where(distance <= 1, near, far)


def certainty(logits: Tensor) -> Tensor:
    """Return for masks [N, K, S, S] the probability [N, K] that the keypoint is within a cell of the best one."""
    size = logits.shape[3]
    flat = logits.flatten(2)
    best = flat.argmax(2)
    row, column = best // size + 1, best % size + 1  # in masks with a border of nothing
    steps = torch.arange(-1, 2, device=logits.device)
    around = (row[..., None, None] + steps[:, None]) * (size + 2) + column[..., None, None] + steps  # [N, K, 3, 3]
    padded = functional.pad(logits, (1, 1, 1, 1), value=float("-inf")).flatten(2)
    near = padded.gather(2, around.flatten(2))
    return (near.logsumexp(2) - flat.logsumexp(2)).exp().clamp(0, 1)


def visibility(scores: Tensor) -> Tensor:
    """Return COCO's 2, 1 or 0 for each of the scores that `certainty` gives."""
    return (scores >= LIKELY).to(scores.dtype) + (scores >= SURE).to(scores.dtype)
