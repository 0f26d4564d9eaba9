"""Objects of one training photo pasted into another (Ghiasi et al., *Simple Copy-Paste*, CVPR 2021).

Both are of one size. What a pasted object hides is taken from the masks and boxes below it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from model.data.augmentation import MIN_SIDE
from model.network.targets import MASK_GRID, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANCE = 0.5
"""Probability that an object of the other photo is pasted."""
MAX_AREA_SHARE = 0.4
"""Share of the image that a pasted object may cover: no photo vanishes behind one."""
HIDDEN = 0.75
"""Share of an object that, when it is hidden, makes it an ignored region."""
PER_OBJECT = ("boxes", "labels", "masks", "mask_boxes", "has_mask", "keypoints")
"""Fields of a target that have one row an object."""
SOLID = 127
"""Value of a mask, of 255, above which there is object."""


def paste(
    image: torch.Tensor, target: Target, other: torch.Tensor, donor: Target, random: np.random.Generator
) -> tuple[torch.Tensor, Target]:
    """Return an image [3, H, W] and its target with some objects, of those with a mask, of another one.

    Args:
        image: [3, H, W] uint8.
        target: Its target.
        other: The other photo, of the same size.
        donor: Its target.
        random: Draws the objects that are pasted.
    """
    size = (image.shape[1], image.shape[2])
    drawn = np.flatnonzero(donor.has_mask.numpy() & (random.random(len(donor.boxes)) < CHANCE))
    masks = {int(i): _in_image(donor.masks[i].numpy(), donor.mask_boxes[i].numpy(), size) for i in drawn}
    kept = [i for i, mask in masks.items() if 0 < (mask > SOLID).mean() < MAX_AREA_SHARE]
    if not kept:
        return image, target
    cover = np.max([masks[i] for i in kept], 0)
    share = torch.from_numpy(cover.astype(np.float32) / 255)
    mixed = image * (1 - share) + other * share
    below = _hide(target, cover)
    return mixed.round().to(torch.uint8), _joined(below, _some(donor, torch.tensor(kept)))


def _in_image(grid: NDArray[np.uint8], box: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the mask [MASK_GRID, MASK_GRID] of a box as a mask [height, width] of the image."""
    cell = np.maximum(box[2:] - box[:2], 1e-3) / MASK_GRID
    # warpAffine counts from the centres of pixels and of cells.
    start = (0.5 - box[:2]) / cell - 0.5
    matrix = np.array([[1 / cell[0], 0, start[0]], [0, 1 / cell[1], start[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grid, matrix, (size[1], size[0]), flags=flags).astype(np.uint8)


def _in_grid(mask: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the part of a mask [H, W] in a box, as a grid [MASK_GRID, MASK_GRID]."""
    cell = (box[2:] - box[:2]) / MASK_GRID
    matrix = np.array([[cell[0], 0, box[0] + cell[0] / 2 - 0.5], [0, cell[1], box[1] + cell[1] / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(mask, matrix, (MASK_GRID, MASK_GRID), flags=flags).astype(np.uint8)


def _hide(target: Target, cover: NDArray[np.uint8]) -> Target:
    """Return the target without what a mask [H, W] covers; mostly hidden objects become ignored regions."""
    boxes, masks = target.boxes.numpy().copy(), target.masks.numpy().copy()
    seen = np.ones(len(boxes), bool)
    for i, box in enumerate(boxes):
        with_mask = bool(target.has_mask[i])
        frame = target.mask_boxes[i].numpy() if with_mask else box
        over = _in_grid(cover, frame)
        if not over.any():
            continue
        if not with_mask:
            seen[i] = (over > SOLID).mean() < HIDDEN
            continue
        before = int((masks[i] > SOLID).sum())
        masks[i] = np.minimum(masks[i], 255 - over)
        left = masks[i] > SOLID
        seen[i] = left.sum() > (1 - HIDDEN) * before
        if seen[i]:
            boxes[i] = _bounds(left, frame, box)
            seen[i] = (boxes[i, 2:] - boxes[i, :2]).min() >= MIN_SIDE
    points = target.keypoints.clone()
    x, y = (points[..., k].long().clamp(0, cover.shape[1 - k] - 1) for k in (0, 1))
    points[..., 2][torch.from_numpy(cover)[y, x] > SOLID] = 0
    changed = replace(target, boxes=torch.from_numpy(boxes), masks=torch.from_numpy(masks), keypoints=points)
    gone = target.boxes[torch.from_numpy(~seen)]
    return replace(_some(changed, torch.from_numpy(np.flatnonzero(seen))), ignore=torch.cat([target.ignore, gone]))


def _bounds(mask: NDArray[np.bool_], frame: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the box around what is left of a mask over a frame, within the box that was around all of it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    cells = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32) / MASK_GRID
    found = np.tile(frame[:2], 2) + cells * np.tile(frame[2:] - frame[:2], 2)
    limit = np.tile(box[:2], 2), np.tile(box[2:], 2)
    return np.clip(found, *limit).astype(np.float32)


def _some(target: Target, index: torch.Tensor) -> Target:
    """Return a target with some of its instances only."""
    chosen: dict[str, Any] = {name: getattr(target, name)[index] for name in PER_OBJECT}
    return replace(target, **chosen)


def _joined(below: Target, above: Target) -> Target:
    """Return a target with the instances of two; all other fields are those of `below`."""
    both: dict[str, Any] = {name: torch.cat([getattr(t, name) for t in (below, above)]) for name in PER_OBJECT}
    return replace(below, **both)
