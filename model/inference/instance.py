"""One object that was found, in plain numbers and arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dataset import rle
from dataset.masks import rasterize

if TYPE_CHECKING:
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

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the pixels of the object in a photo: an array of `size` (height, width), all false without polygons.

        As COCO's rasteriser paints polygons.

        Raises:
            ValueError: A photo of that size has no mask (no pixels, or 2**31 and more).
        """
        return rle.decode(rasterize(self.polygons, size[::-1])).astype(bool)

    def moved(self, dx: float, dy: float) -> Instance:
        """Return the same object at another place."""
        keypoints = self.keypoints
        if keypoints is not None:
            keypoints = keypoints + np.array((dx, dy, 0), np.float32)
        step = np.array((dx, dy), np.float32)
        polygons = [[ring + step for ring in part] for part in self.polygons]
        return replace(self, box=self.box + np.tile(step, 2), polygons=polygons, keypoints=keypoints)

    def enlarged(self, scale: tuple[float, float]) -> Instance:
        """Return the same object of a photo that is `scale` times as wide and as high."""
        if scale == (1, 1):
            return self
        factors = np.array(scale, np.float32)
        keypoints = self.keypoints
        if keypoints is not None:
            # COCO counts keypoints from the centre of a pixel.
            keypoints = np.concatenate([(keypoints[:, :2] + 0.5) * factors - 0.5, keypoints[:, 2:]], 1)
        polygons = [[ring * factors for ring in part] for part in self.polygons]
        return replace(self, box=self.box * np.tile(factors, 2), polygons=polygons, keypoints=keypoints)
