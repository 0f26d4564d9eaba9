"""One object that was found, in plain numbers and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Polygons = list[list["NDArray[np.float32]"]]
"""Parts, each a list of rings: exterior, holes. See `model.inference.contours`."""


@dataclass(frozen=True)
class Instance:
    """One object, in plain numbers and arrays, in coordinates of the photo: the pixel (0, 0) covers [0, 1) x [0, 1)."""

    category_id: int
    """Id of one of the predictor's categories."""
    score: float
    """0..1."""
    box: NDArray[np.float32]
    """[4] xyxy."""
    polygons: Polygons
    """Parts, largest first, each a list of rings [N, 2] float32: exterior, then holes. Empty without a mask head."""
    keypoints: NDArray[np.float32] | None = None
    """[K, 3]: x, y as COCO counts them, and visibility 2 (sure), 1 (likely), 0 (a mere guess)."""
    keypoint_scores: NDArray[np.float32] | None = None
    """[K] 0..1."""
