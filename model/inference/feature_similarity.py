"""A box around what looks, to the backbone, like the place that was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIMILAR = 0.35
"""Least cosine similarity, after the photo's mean feature was taken away, of what belongs to one thing.

On eleven objects of COCO the mask in the box has a mean IoU of 0.35 with this on the third map; none of
0.2, 0.5 and 0.65, and neither of the two finer maps, was better.
"""

TINY = 1e-12
"""Least length that is divided by."""


def similar_cells(features: NDArray[np.float32], cell: tuple[float, float]) -> tuple[int, int, int, int]:
    """Return the box x0, y0, x1, y1, in cells, of the connected cells that are like the one under (x, y).

    Args:
        features: [C, h, w] of the photo, without padding.
        cell: x, y in cells.
    """
    height, width = features.shape[1:]
    column, row = (min(max(int(at), 0), side - 1) for at, side in zip(cell, (width, height), strict=True))
    spread = features - features.mean((1, 2), keepdims=True)
    unit = spread / np.maximum(np.linalg.norm(spread, axis=0), TINY)
    here = unit[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].mean((1, 2))
    alike = np.einsum("chw,c->hw", unit, here / max(float(np.linalg.norm(here)), TINY)) > SIMILAR
    mask = alike.astype(np.uint8)
    mask[row, column] = 1
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    left, top, wide, high, _ = (int(v) for v in stats[labels[row, column]])
    return left, top, left + wide, top + high
