"""From a mask's probabilities over a box to polygons, without ever painting the mask.

The outline is where the probabilities, interpolated bilinearly between the centres of the cells, pass the threshold. It
is traced in the cells' own grid and placed in the photo by the unrounded box, so neither the size of the photo nor that
of the box costs anything.

A polygon is a list of rings: the exterior first, then holes. A ring is [N, 2] float32 x, y in image coordinates, where
the pixel (0, 0) covers [0, 1) x [0, 1); it is closed without repeating its first point, exteriors run clockwise on
screen and holes against it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from contourpy import FillType, LineType, SerialContourGenerator, ZInterp
from shapely.geometry import MultiPolygon, Polygon

if TYPE_CHECKING:
    from numpy.typing import NDArray

THRESHOLD = 0.5
"""Probability from which a pixel is object (paper, sec. 3.1)."""
SPECK = 0.03
"""Parts and holes smaller than this share of the largest part are dropped ..."""
SPECK_PIXELS = 4.0
"""... and so are those of fewer square pixels."""
TOLERANCE = 0.003
"""Greatest distance of a simplified outline from the exact one, in parts of the box's diagonal ..."""
HALVED = 28
"""Cells of a mask at most that is traced in steps of half a cell."""
MIN_TOLERANCE, MAX_TOLERANCE = 0.15, 1.0
"""... within these bounds, in pixels."""


def mask_polygons(
    probabilities: NDArray[np.float32],
    box: NDArray[np.float32],
    size: tuple[int, int],
    *,
    threshold: float = THRESHOLD,
    tolerance: float | None = None,
    rough: bool = False,
) -> list[list[NDArray[np.float32]]]:
    """Return the polygons of a mask, largest first, clipped to the image; an empty list when nothing is left.

    Args:
        probabilities: [M, M], the value at the centre of each cell of a grid laid over the box; outside it is 0.
        box: [4] xyxy in image coordinates, not rounded.
        size: (height, width) of the image.
        threshold: Where object begins.
        tolerance: How far, in pixels, simplified outlines may run from the exact ones; None chooses by the box's size,
            0 keeps every point.
        rough: Trace in steps of whole cells however few there are: half the time, and four times the error.
    """
    rows, columns = probabilities.shape
    x1, y1, x2, y2 = (float(v) for v in box)
    step_x, step_y = (x2 - x1) / columns, (y2 - y1) / rows
    if not (step_x > 0 and step_y > 0):
        return []
    # A border of zeros half a cell outside closes every outline: bilinear interpolation towards an empty outside.
    values = np.pad(probabilities.astype(np.float64), 1)
    xs = x1 + (np.arange(columns + 2) - 0.5) * step_x
    ys = y1 + (np.arange(rows + 2) - 0.5) * step_y
    new_xs, new_ys = (
        _knots(grid, limit, halve=rows <= HALVED and not rough) for grid, limit in ((xs, size[1]), (ys, size[0]))
    )
    if len(new_xs) < 2 or len(new_ys) < 2:
        return []
    values = _resample(_resample(values, xs, new_xs).T, ys, new_ys).T
    return _tidy(_outlines(new_xs, new_ys, values, threshold), _tolerance(box) if tolerance is None else tolerance)


def _outlines(
    xs: NDArray[np.float64], ys: NDArray[np.float64], values: NDArray[np.float64], threshold: float
) -> list[Polygon]:
    """Return where values [len(ys), len(xs)] at the crossings of two rows of lines pass a threshold, but for specks."""
    generator = SerialContourGenerator(  # itself: contourpy's function that chooses one takes longer than the tracing
        np.broadcast_to(xs, values.shape),
        np.broadcast_to(ys[:, None], values.shape),
        values,
        None,  # pyrefly: ignore - contourpy passes it on like this itself
        corner_mask=True,
        line_type=LineType.Separate,
        fill_type=FillType.OuterOffset,
        quad_as_tri=False,
        z_interp=ZInterp.Linear,
    )
    traced: Any = generator.filled(threshold, max(2.0, threshold + 1))
    areas = [_areas(points, ends) for points, ends in zip(*traced, strict=True)]
    nets = [float(area[0] - area[1:].sum()) for area in areas]
    largest = max(nets, default=0.0)
    speck = max(SPECK_PIXELS, SPECK * largest) if largest > SPECK_PIXELS else 0.0
    parts = []
    for points, ends, area, net in zip(*traced, areas, nets, strict=True):
        if net >= speck:
            rings = [points[start:end] for (start, end), a in zip(pairwise(ends), area, strict=True) if a >= speck]
            parts.append(Polygon(rings[0], rings[1:]))
    return parts


def _areas(points: NDArray[np.float64], ends: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the areas of closed rings, one after another in points [N, 2] from each of `ends` to the next."""
    x, y = (points - points[0]).T
    between = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)
    between[np.asarray(ends[1:], np.int64) - 1] = 0.0  # from the end of one ring to the next
    return np.abs(np.add.reduceat(between, np.asarray(ends[:-1], np.int64))) / 2


def _knots(grid: NDArray[np.float64], limit: int, *, halve: bool) -> NDArray[np.float64]:
    """Return where to trace along one axis: the grid's lines and those half way, cut off at the image's edges.

    An outline is straight between two lines though the interpolation is curved; half the step is a quarter the error.
    """
    fine = np.linspace(grid[0], grid[-1], 2 * len(grid) - 1) if halve else grid
    inner = fine[(fine > 0) & (fine < limit)]
    ends = [float(end) for end in (0, limit) if fine[0] <= end <= fine[-1]]
    return np.unique(np.concatenate([inner, ends]))


def _resample(values: NDArray[np.float64], old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate the columns of values [R, len(old)] linearly at `new`, which lies within `old`."""
    left = np.clip(np.searchsorted(old, new, side="right") - 1, 0, len(old) - 2)
    share = (new - old[left]) / (old[left + 1] - old[left])
    return values[:, left] * (1 - share) + values[:, left + 1] * share


def _tolerance(box: NDArray[np.float32]) -> float:
    diagonal = float(np.hypot(box[2] - box[0], box[3] - box[1]))
    return min(max(TOLERANCE * diagonal, MIN_TOLERANCE), MAX_TOLERANCE)


def _tidy(parts: list[Polygon], tolerance: float) -> list[list[NDArray[np.float32]]]:
    """Simplify, and return what is left as rings, largest first."""
    kept: list[Polygon] = []
    for part in parts:
        simple = part.simplify(tolerance, preserve_topology=True) if tolerance > 0 else part
        kept += _polygons_of(simple if simple.is_valid else shapely.make_valid(part))
    kept.sort(key=lambda part: -part.area)
    return [rings for part in kept if (rings := _rings(part))]


def _polygons_of(shape: shapely.Geometry) -> list[Polygon]:
    """Return the polygons of a shape, which may hold lines and points besides."""
    if isinstance(shape, Polygon):
        return [shape]
    if isinstance(shape, MultiPolygon):
        return list(shape.geoms)
    return [part for member in getattr(shape, "geoms", ()) for part in _polygons_of(member)]


def _rings(part: Polygon) -> list[NDArray[np.float32]]:
    oriented = shapely.orient_polygons(part, exterior_cw=False)
    rings = [_ring(oriented.exterior), *(_ring(hole) for hole in oriented.interiors)]
    return [ring for ring in rings if len(ring) >= 3] if len(rings[0]) >= 3 else []


def _ring(line: shapely.LinearRing) -> NDArray[np.float32]:
    """Return a ring's points in 32 bits, none twice in a row."""
    points = shapely.get_coordinates(line)[:-1].astype(np.float32)
    return points[(points != np.roll(points, 1, axis=0)).any(1)]
