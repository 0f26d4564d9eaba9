"""Masks fitted to the edges of the photo.

A mask of 28 x 28 cells knows the object, but not to a pixel where it ends; the photo does. The guided filter (He, Sun
and Tang, *Guided Image Filtering*, ECCV 2010) makes the mask, around each place, the linear function of the photo's
colours that is nearest to it: its outline moves to an edge where there is one, and stays where there is none. The
coefficients are found in the mask's own cells and applied in cells half as large (He and Sun, *Fast Guided Filter*,
2015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINER = 2
"""Cells of the result along one of the mask."""
RADIUS = 4
"""Cells of the mask around each within which one function holds."""
SMOOTH = 0.01
"""Variance of the colours, where that of the whole crop is 1, below which they are taken for one."""
PIXELS = 2.0
"""Pixels along a cell at most when colours are looked up; beyond, they are looked up in a smaller photo."""
PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


class EdgeGuide:
    """A photo whose colours in a box can be looked up in any number of cells."""

    def __init__(self, photo: NDArray[np.uint8]) -> None:
        """Take a photo [height, width, 3]."""
        self._levels = [photo]

    def colours(self, box: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
        """Return the colours [cells, cells, 3] in a box, xyxy in pixels of the photo, with a variance of 1."""
        side = (box[2:] - box[:2]) / cells
        level = max(0, int(np.ceil(np.log2(max(1e-6, float(side.max()) / PIXELS)))))
        photo = self._level(level)
        scale = np.array(photo.shape[1::-1]) / np.array(self._levels[0].shape[1::-1])
        step, start = side * scale, box[:2] * scale
        # Both speak of pixel centres: the middle of the first cell is at start + step / 2, that of a pixel at 0.5.
        matrix = np.array([[step[0], 0, start[0] + step[0] / 2 - 0.5], [0, step[1], start[1] + step[1] / 2 - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        found = cv2.warpAffine(photo, matrix, (cells, cells), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        colours = found.astype(np.float32)
        return colours / max(float(colours.std()), 1.0)

    def _level(self, number: int) -> NDArray[np.uint8]:
        """Return the photo, halved so many times."""
        while len(self._levels) <= number:
            self._levels.append(cv2.pyrDown(self._levels[-1]).astype(np.uint8))
        return self._levels[number]


def snap_to_edges(mask: NDArray[np.float32], guide: EdgeGuide, box: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mask [M, M] of a box, 0..1, fitted to the photo: [FINER * M, FINER * M], 0..1.

    Args:
        mask: How probable it is that a cell is object.
        guide: The photo.
        box: xyxy in its pixels.
    """
    side = len(mask)
    fine = guide.colours(box, FINER * side)
    colours = cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    factors = cv2.resize(_factors(colours, mask), (FINER * side, FINER * side), interpolation=cv2.INTER_LINEAR)
    found = (factors[..., :3] * fine).sum(2) + factors[..., 3]
    return np.clip(found, 0, 1).astype(np.float32)


def _factors(colours: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the mask [M, M] is around each cell: slopes for the three colours [M, M, 3], and a constant."""
    p = mask[..., None]
    mean = _around(np.concatenate([colours, p, colours * p], 2))
    colour, own = mean[..., :3], mean[..., 3:4]
    with_mask = mean[..., 4:] - colour * own
    first, second = (colours[..., [pair[k] for pair in PAIRS]] for k in (0, 1))
    both = _around(first * second) - colour[..., [i for i, _ in PAIRS]] * colour[..., [j for _, j in PAIRS]]
    slopes = _solve(both, with_mask)
    constant = own - (slopes * colour).sum(2, keepdims=True)
    return _around(np.concatenate([slopes, constant], 2))


def _around(planes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the mean around each cell, [M, M, any number]."""
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)
    return cv2.blur(planes.astype(np.float32), window, borderType=cv2.BORDER_REPLICATE).astype(np.float32)


def _solve(covariance: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return x [M, M, 3] with (covariance + SMOOTH) x = right, by Cramer's rule; covariance is [M, M, 6], as PAIRS."""
    rr, rg, rb, gg, gb, bb = np.moveaxis(covariance, 2, 0)
    rr, gg, bb = rr + SMOOTH, gg + SMOOTH, bb + SMOOTH
    c00, c01, c02 = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c11, c12, c22 = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    x, y, z = np.moveaxis(right, 2, 0)
    rows = [c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z]
    return np.stack(rows, 2) / (rr * c00 + rg * c01 + rb * c02)[..., None]
