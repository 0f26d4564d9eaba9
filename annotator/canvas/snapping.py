"""Where a point that is drawn or dragged snaps: vertices and edges of other objects, and the border of the photo.

Positions are photo pixels, reaches screen pixels: `scale` is how many screen pixels a photo pixel takes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from annotator.canvas.hit_testing import HANDLES_FROM, screen_size

if TYPE_CHECKING:
    from annotator.canvas.hit_testing import Index

SNAP_REACH = 8.0


class Snap(NamedTuple):
    """A point to which another snaps."""

    x: float
    """Exactly that of the vertex, or of the border, where it is one."""
    y: float
    """See x."""
    is_vertex: bool
    """Whether it is a vertex, or a corner of the photo, and not a point of an edge."""


def snap(
    index: Index, x: float, y: float, scale: float, size: tuple[int, int], *, without: int | None = None
) -> Snap | None:
    """Return the nearest vertex in reach of the point, else the nearest point of an edge; None without either.

    Of an object that is small on the screen less is in reach, so that there is room beside its vertices.

    Args:
        index: The objects.
        x: The point.
        y: The point.
        scale: Screen pixels per photo pixel.
        size: Width and height of the photo, whose corners and borders count as vertices and edges.
        without: Id of the object that the point belongs to.
    """
    reach = SNAP_REACH / scale
    vertices, edges = _of_border(x, y, reach, size)
    for row in index.crossing(x - reach, y - reach, x + reach, y + reach).tolist():
        record = index[row]
        outline = index.outline(record)
        if record.id == without or not len(outline.starts):
            continue
        near = reach * min(1.0, screen_size(record, scale) / HANDLES_FROM)
        vertex, distance = outline.nearest_vertex(x, y)
        if distance <= near:
            vertices.append((distance, Snap(*outline.starts[vertex].tolist(), is_vertex=True)))
        elif not vertices:
            _, distance, foot = outline.nearest_edge(x, y)
            if distance <= near:
                edges.append((distance, Snap(*foot, is_vertex=False)))
    return min(vertices or edges, default=(0.0, None))[1]


_Found = list[tuple[float, Snap]]  # each with its distance


def _of_border(x: float, y: float, reach: float, size: tuple[int, int]) -> tuple[_Found, _Found]:
    """Return the corners and the borders of the photo in reach."""
    width, height = map(float, size)
    across = [side for side in (0.0, width) if abs(side - x) <= reach]
    down = [side for side in (0.0, height) if abs(side - y) <= reach]
    corners = [Snap(a, b, is_vertex=True) for a in across for b in down]
    sides = [Snap(a, min(max(y, 0.0), height), is_vertex=False) for a in across]
    sides += [Snap(min(max(x, 0.0), width), b, is_vertex=False) for b in down]
    return _measured(corners, x, y, reach), _measured(sides, x, y, reach)


def _measured(found: list[Snap], x: float, y: float, reach: float) -> _Found:
    distances = [(math.hypot(one.x - x, one.y - y), one) for one in found]
    return [(distance, one) for distance, one in distances if distance <= reach]
