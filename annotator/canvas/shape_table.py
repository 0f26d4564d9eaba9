"""The shapes of many records as columns of numbers: what thousands of them need at once, without a loop over them.

Rows are records in painting order. Coordinates are photo pixels.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely

from annotator.canvas.painter_paths import FEW, STEP, path_of_rings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QPainterPath
    from shapely import MultiPolygon

    from annotator.canvas.camera import Box

_LEAST = 4  # vertices, the closing one included, that a thinned ring keeps


class ShapeTable:
    """The rings of shapes, one after the other, and their bounds."""

    def __init__(self, shapes: Sequence[MultiPolygon]) -> None:
        self.bounds: NDArray[np.float64] = np.asarray(shapely.bounds(shapes), float).reshape(-1, 4)
        """[N, 4] x0, y0, x1, y1 of each shape; NaN where there is none."""
        self._shapes = shapes
        self._rings: _Rings | None = None
        self._thinned: dict[int, _Rings] = {}

    def tops(self) -> NDArray[np.float64]:
        """Return the highest vertex [N, 2] of each shape; NaN where there is none."""
        rings = self._all()
        found = np.full((len(self._shapes), 2), np.nan)
        of_vertex = np.repeat(rings.rows, rings.lengths)
        highest = np.flatnonzero(rings.points[:, 1] == self.bounds[of_vertex, 1])
        rows, places = np.unique(of_vertex[highest], return_index=True)
        found[rows] = rings.points[highest[places]]
        return found

    def paths(self, groups: Sequence[Sequence[int]], scale: float, box: Box | None = None) -> list[QPainterPath]:
        """Return the outlines of each group of rows as one path, with the detail that a zoom of `scale` can show.

        Of a `box`, x0, y0, x1, y1, only the edges are taken that may be seen in it.
        """
        rows = np.concatenate([np.asarray(group, np.intp) for group in groups] or [np.empty(0, np.intp)])
        points, lengths, counts = self._at(scale).of_rows(rows)
        ends = np.cumsum([0, *(len(group) for group in groups)])
        rings = np.concatenate(([0], np.cumsum(counts)))[ends]  # up to each group, like the next
        vertices = np.concatenate(([0], np.cumsum(lengths)))[rings]
        if box is not None:
            points, lengths, left = _edges_in(points, lengths, box)
            vertices = left[vertices]
            rings = np.searchsorted(np.cumsum(lengths), vertices, side="right")
        parts = zip(pairwise(vertices.tolist()), pairwise(rings.tolist()), strict=True)
        return [path_of_rings(points[a:b], lengths[c:d]) for (a, b), (c, d) in parts]

    def _all(self) -> _Rings:
        if self._rings is None:
            self._rings = _Rings.of(self._shapes)
        return self._rings

    def _at(self, scale: float) -> _Rings:
        level = min(0, math.floor(math.log2(scale)))
        if level == 0:
            return self._all()
        if level not in self._thinned:
            self._thinned[level] = self._all().thinned(STEP / 2.0 ** (level + 1))
        return self._thinned[level]


class _Rings:
    """Closed rings in one array."""

    def __init__(self, points: NDArray[np.float64], lengths: NDArray[np.intp], rows: NDArray[np.intp]) -> None:
        self.points = points  # [V, 2]
        self.lengths = lengths  # [R] vertices of each ring, the closing one included
        self.rows = rows  # [R] the record of each
        self._ends = np.cumsum(lengths)

    @classmethod
    def of(cls, shapes: Sequence[MultiPolygon]) -> _Rings:
        """Take the rings out of shapes."""
        if not shapes:
            return cls(np.empty((0, 2)), np.empty(0, np.intp), np.empty(0, np.intp))
        _, points, (rings, parts, wholes) = shapely.to_ragged_array(list(shapes))
        rows = np.repeat(np.arange(len(shapes)), np.diff(parts[wholes]))
        return cls(points[:, :2], np.diff(rings).astype(np.intp), rows)

    def of_rows(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
        """Return the vertices [V, 2] of some records' rings one after the other, the length of each, and rings of each.

        The time goes with what is returned, not with all there is.
        """
        first, end = np.searchsorted(self.rows, rows), np.searchsorted(self.rows, rows, side="right")
        rings = _ranges(first, end)
        lengths = self.lengths[rings]
        return self.points[_ranges(self._ends[rings] - lengths, self._ends[rings])], lengths, end - first

    def thinned(self, step: float) -> _Rings:
        """Leave out vertices that fall into the same cell of that size as the one before."""
        if not len(self.points):
            return self
        cells = np.floor(self.points / step)
        keep = np.ones(len(self.points), bool)
        np.any(cells[1:] != cells[:-1], axis=1, out=keep[1:])
        ends = self._ends
        keep[ends - self.lengths] = keep[ends - 1] = True
        short = (self.lengths < FEW) | (np.add.reduceat(keep, ends - self.lengths, dtype=np.intp) < _LEAST)
        keep |= np.repeat(short, self.lengths)
        return _Rings(self.points[keep], np.add.reduceat(keep, ends - self.lengths, dtype=np.intp), self.rows)


def _edges_in(
    points: NDArray[np.float64], lengths: NDArray[np.intp], box: Box
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Return the stretches of rings that may be seen in a box.

    Returns:
        Vertices [K, 2], the length of each stretch, and how many are left of the first 0, 1, ... of `points` [V + 1].
    """
    if not len(points):
        return points, lengths, np.zeros(1, np.intp)
    beyond = (points[:, 0] < box[0], points[:, 0] > box[2], points[:, 1] < box[1], points[:, 1] > box[3])
    unseen = np.zeros(len(points), bool)  # of the edge from each vertex to the next
    for side in beyond:
        unseen[:-1] |= side[:-1] & side[1:]
    ends = np.cumsum(lengths)
    # Where a hairline begins or ends, Qt paints its last edge up to half a pixel elsewhere, and a closed one has none.
    # So a ring is not cut of whose first or last edge anything is seen, and elsewhere one edge more is kept.
    closes = ~unseen[ends - lengths] | ~unseen[ends - 2]
    unseen &= np.repeat(~closes, lengths)
    unseen[ends - 1] = True  # no edge leads from ring to ring
    seen = ~unseen
    unseen[1:] &= ~seen[:-1]
    unseen[:-1] &= ~seen[1:]
    unseen[ends - 1] = True
    before = np.concatenate(([True], unseen[:-1]))  # of the edge to each vertex
    kept = ~(unseen & before)
    starts = np.flatnonzero(kept & before)
    left = np.concatenate(([0], np.cumsum(kept)))
    return points[kept], np.diff(np.append(left[starts], left[-1])), left


def _ranges(starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the numbers of all half-open ranges, one range after the other."""
    lengths = ends - starts
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
