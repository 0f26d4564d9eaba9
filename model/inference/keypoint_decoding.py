"""From keypoint masks to points (paper, sec. 5: each is a one-hot mask of its region)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE, LIKELY = 0.3, 0.1
"""Scores from which a keypoint counts as visible (2) and as there (1); below, it is not labelled (0)."""
BEND = -0.75
"""The free parameter of cubic convolution (Keys, 1981), as torch's own resizing has it."""
WHOLE = 2.0
"""Pixels a cell up to which a side of a region is resized whole. Beyond, a mask is resized around its best cell only:
between cells that far apart it cannot rise over both."""
AROUND = 2.0
"""Cells before and behind the best one then."""


def locate(logits: NDArray[np.float32], boxes: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return where keypoints are: at the greatest value of each mask, resized bicubically to its region's pixels.

    That is how Detectron and torchvision do it; as products of small matrices it takes a fraction of the time. Of two
    places that are nearly as good (1 keypoint of 100) it may be the other one, as large regions are resized around the
    best cell only.

    Args:
        logits: [N, K, S, S] over the positions of each region.
        boxes: [N, 4] xyxy.

    Returns:
        [N, K, 2] x, y, and [N, K] the greatest value.
    """
    kinds, size = logits.shape[1:3]
    points = np.zeros((len(boxes), kinds, 2), np.float32)
    peaks = np.zeros((len(boxes), kinds), np.float32)
    best = logits.reshape(len(logits), kinds, size * size).argmax(2)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
    for i, (width, height) in enumerate(np.ceil(sides).astype(int).tolist()):
        rows = _pixels(best[i] // size, size, height)  # [K, h]
        columns = _pixels(best[i] % size, size, width)
        values = _resizing(size, height)[rows] @ logits[i] @ _resizing(size, width)[columns].transpose(0, 2, 1)
        flat = values.reshape(kinds, -1)
        top = flat.argmax(1)
        every = np.arange(kinds)
        peaks[i] = flat[every, top]
        points[i, :, 0] = columns[every, top % columns.shape[1]]
        points[i, :, 1] = rows[every, top // columns.shape[1]]
    within = (points + 0.5) * (sides / np.ceil(sides))[:, None]
    return (boxes[:, None, :2] + within).astype(np.float32), peaks


def locate_roughly(logits: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [N, K, 2] x, y as `locate` does, but to a cell of the masks only, in next to no time."""
    size = logits.shape[3]
    best = logits.reshape(*logits.shape[:2], size * size).argmax(2)
    cells = np.stack([best % size, best // size], -1).astype(np.float32) + 0.5
    return boxes[:, None, :2] + cells * ((boxes[:, 2:] - boxes[:, :2]) / size)[:, None]


def _pixels(cells: NDArray[np.int64], size: int, pixels: int) -> NDArray[np.int64]:
    """Return for each of the best cells [K] of a line of `size` the pixels [K, n] of `pixels` that are resized."""
    scale = pixels / size
    if scale <= WHOLE:
        return np.broadcast_to(np.arange(pixels), (len(cells), pixels))
    count = min(pixels, int(np.ceil((2 * AROUND + 1) * scale)))
    first = np.clip(np.floor((cells - AROUND) * scale).astype(int), 0, pixels - count)
    return first[:, None] + np.arange(count)


@lru_cache(maxsize=256)
def _resizing(size: int, pixels: int) -> NDArray[np.float32]:
    """Return the weights [pixels, size] by which cubic convolution makes `pixels` values of `size`."""
    source = (np.arange(pixels) + 0.5) * (size / pixels) - 0.5
    left = np.floor(source)
    weights = np.zeros((pixels, size), np.float32)
    for offset in (-1, 0, 1, 2):
        tap = np.clip(left + offset, 0, size - 1).astype(int)  # the edge goes on outside
        np.add.at(weights, (np.arange(pixels), tap), _cubic(np.abs(source - left - offset)))
    return weights


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the kernel of cubic convolution (Keys, 1981, eq. 4) at distances from 0 to 2."""
    near = ((BEND + 2) * distance - (BEND + 3)) * distance**2 + 1
    far = BEND * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, far)


def certainty(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for masks [N, K, S, S] the probability [N, K] that the keypoint is within a cell of the best one."""
    count, kinds, size, _ = logits.shape
    flat = logits.reshape(count, kinds, size * size)
    best = flat.argmax(2)[..., None]
    shares = np.exp(flat - np.take_along_axis(flat, best, 2)).reshape(logits.shape)
    padded = np.pad(shares, ((0, 0), (0, 0), (1, 1), (1, 1))).reshape(count, kinds, -1)
    steps = np.arange(3)
    corner = best // size * (size + 2) + best % size  # of the nine cells, in masks with a border of nothing
    near = np.take_along_axis(padded, corner + (steps[:, None] * (size + 2) + steps).ravel(), 2)
    return np.clip(near.sum(2) / shares.sum((2, 3)), 0, 1).astype(np.float32)


def visibility(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return COCO's 2, 1 or 0 for each of the scores that `certainty` gives."""
    return (scores >= LIKELY).astype(np.float32) + (scores >= SURE)
