"""Several rings as one, for formats of one ring an object: joined by lines that are gone along there and back.

Ultralytics' own converter joins the parts of a COCO object so; a hole is joined to what is around it likewise. Under
the even-odd rule such a line covers nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from dataset.geometry import from_parts, to_parts, valid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_PAIRS = 1 << 20
"""Of vertices whose distances are measured to find the shortest line; of longer rings every so many-th is."""
SAME_LENGTH = 1e-9
"""Of the whole, by which the outline of rings taken apart may differ from the edges that are left of the joined one."""


def join_rings(shape: MultiPolygon) -> NDArray[np.float64]:
    """Return one ring (N, 2), not closed, that covers under the even-odd rule what the shape does.

    Args:
        shape: Not empty. An invalid one of several rings is taken as it is painted.
    """
    parts = to_parts(shape)
    if len(parts) == 1 and len(parts[0]) == 1:
        return parts[0][0]
    polygons = [part for part in shapely.get_parts(shapely.get_parts(valid(shape))) if isinstance(part, Polygon)]
    if not polygons:
        return parts[0][0]
    # Holes run against exteriors, so that the non-zero rule leaves them open as well.
    oriented = to_parts(MultiPolygon([shapely.orient_polygons(polygon) for polygon in polygons]))
    rings = sorted((ring for part in oriented for ring in part), key=lambda ring: float(ring[:, 0].min()))
    return _chained(rings)


def _chained(rings: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return rings in one, each joined to the next by a line between their nearest vertices."""
    links = [_nearest(a, b) for a, b in pairwise(rings)]
    made = np.empty((0, 2))
    for place in range(len(rings) - 1, -1, -1):
        start = links[place - 1][1] if place else 0
        ring = np.roll(rings[place], -start, axis=0)
        if place:
            ring = np.concatenate((ring, ring[:1]))  # closed: the way back begins where it came in
        if place < len(links):
            end = (links[place][0] - start) % len(rings[place])
            ring = np.concatenate((ring[: end + 1], made, ring[end:]))
        made = ring
    return made


def _nearest(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[int, int]:
    """Return the indices of two vertices of (N, 2) and (M, 2) that are near one another."""
    step = int(np.ceil(np.sqrt(max(1.0, len(a) * len(b) / MAX_PAIRS))))
    distances = ((a[::step, None] - b[None, ::step]) ** 2).sum(axis=2)
    first, second = np.unravel_index(int(distances.argmin()), distances.shape)
    return int(first) * step, int(second) * step


def separate_rings(ring: NDArray[np.float64]) -> MultiPolygon:
    """Return the shape of a ring (N, 2), with the rings that `join_rings` joined apart again.

    One without a vertex that comes twice is the shape's only ring, crossing edges and all.
    """
    if len(np.unique(ring, axis=0)) == len(ring):
        return from_parts([[ring]])
    edges: dict[tuple[float, ...], None] = {}
    for a, b in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
        if (*b, *a) in edges:
            del edges[*b, *a]
        elif a != b:
            edges[*a, *b] = None
    lines = shapely.linestrings(np.array(list(edges)).reshape(-1, 2, 2))
    drawn = float(shapely.length(lines).sum())
    try:
        area = shapely.build_area(shapely.geometrycollections(lines))
    except shapely.GEOSException:  # it takes some crossings for a contradiction
        area = Polygon()
    if not area.is_valid or abs(shapely.length(area) - drawn) > SAME_LENGTH * drawn:  # some of them cross
        area = valid(from_parts([[ring]]))
    return MultiPolygon([part for part in shapely.get_parts(shapely.get_parts(area)) if isinstance(part, Polygon)])
