"""How much each place of a photo is, to the backbone, like one place in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TINY = 1e-12
"""Least length that is divided by."""


def directions(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features [C, h, w], without padding, less their mean in the photo, and of length 1."""
    spread = features - features.mean((1, 2), keepdims=True)
    return spread / np.maximum(np.linalg.norm(spread, axis=0), TINY)


def likeness(unit: NDArray[np.float32], cell: tuple[float, float]) -> NDArray[np.float32]:
    """Return [h, w], -1..1: the cosine similarity of all cells with the one under (x, y).

    Args:
        unit: [C, h, w] what `directions` returned.
        cell: x, y in cells.
    """
    height, width = unit.shape[1:]
    column, row = (min(max(int(at), 0), side - 1) for at, side in zip(cell, (width, height), strict=True))
    return np.einsum("chw,c->hw", unit, unit[:, row, column])


def resampled(values: NDArray[np.float32], box: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
    """Return values [h, w] in the cells of a grid [cells, cells] over a box, xyxy in cells of theirs."""
    step = (box[2:] - box[:2]) / cells
    start = box[:2] + step / 2 - 0.5
    matrix = np.array([[step[0], 0, start[0]], [0, step[1], start[1]]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(values, matrix, (cells, cells), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return found.astype(np.float32)
