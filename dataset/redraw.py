"""A stretch of an outline replaced by a line that was drawn over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from shapely import LinearRing, LineString, MultiPolygon, Point, Polygon

from dataset.geometry import clip, from_parts, rings, to_parts, valid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from dataset.geometry import RingRef

_STEP = 1e-6  # pixels: points nearer than that to the one before are no other
_SAME = 1e-9  # of the length of a ring: vertices nearer than that are one


class _Anchor(NamedTuple):
    """Where an end of the line meets the outline."""

    along: float
    """How far along the line; what lies before is left out."""
    point: tuple[float, float]
    """The point on the outline."""
    distance: float
    """From the end of the line."""


def redraw(shape: MultiPolygon, line: ArrayLike, reach: float, size: tuple[int, int]) -> MultiPolygon | None:
    """Return the shape with a line (N, 2) in place of a stretch of one ring: valid, in a photo of `size`.

    Each end of the line is at the ring from `reach` pixels on; one that is farther away counts from where the line
    first crosses the ring. Of the two stretches between them the one goes that changes less of the area. None where
    the line has no two ends at one ring.
    """
    points = _distinct(np.asarray(line, float).reshape(-1, 2))
    if len(points) < 2:
        return None
    drawn = LineString(points)
    best: tuple[float, RingRef, NDArray[np.float64], _Anchor, _Anchor] | None = None
    for ref, vertices in rings(shape):
        ring = _distinct(vertices)
        if len(ring) < 3:
            continue
        outline = LinearRing(ring)
        first, last = _anchor(outline, drawn, reach), _anchor(outline, drawn.reverse(), reach)
        if first is None or last is None or first.point == last.point or first.along >= drawn.length - last.along:
            continue
        distance = first.distance + last.distance
        if best is None or distance < best[0]:
            best = (distance, ref, ring, first, last)
    if best is None:
        return None
    _, ref, ring, first, last = best
    positions = [drawn.project(Point(point)) for point in points]
    inner = [
        p for p, at in zip(points.tolist(), positions, strict=True) if first.along < at < drawn.length - last.along
    ]
    made = _least_changed(ring, np.array([first.point, *inner, last.point]))
    if made is None:
        return None
    parts = to_parts(shape)
    parts[ref.part][ref.ring] = made
    redrawn = from_parts(parts)
    redrawn = redrawn if redrawn.is_valid and shapely.box(0, 0, *size).covers(redrawn) else clip(valid(redrawn), size)
    return None if redrawn.is_empty else redrawn


def _distinct(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out points at the place of the one before: along an edge of no length there is no way to measure."""
    steps = np.abs(np.diff(points, axis=0)).max(axis=1, initial=0.0)
    return points[np.concatenate(([True], steps > _STEP))[: len(points)]]


def _anchor(outline: LinearRing, drawn: LineString, reach: float) -> _Anchor | None:
    """Return where the beginning of the line meets the outline."""
    crossings = [Point(xy) for xy in shapely.get_coordinates(drawn.intersection(outline))]
    first = min(((drawn.project(point), point) for point in crossings), default=None, key=lambda entry: entry[0])
    start = Point(drawn.coords[0])
    distance = outline.distance(start)
    if distance <= reach and (first is None or first[0] > reach):
        foot = outline.interpolate(outline.project(start))
        return _Anchor(0.0, (foot.x, foot.y), distance)
    return None if first is None else _Anchor(first[0], (first[1].x, first[1].y), min(first[0], distance))


def _least_changed(ring: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the ring with the line in place of either stretch between its ends, whichever changes less area."""
    before = valid(MultiPolygon([Polygon(ring)]))
    found = [(valid(MultiPolygon([Polygon(made)])), made) for made in _replaced(ring, line) if len(made) >= 3]
    changed = [(before.symmetric_difference(after).area, made) for after, made in found if after.area > 0]
    return min(changed, key=lambda entry: entry[0])[1] if changed else None


def _replaced(ring: NDArray[np.float64], line: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    outline = LinearRing(ring)
    lengths = np.hypot(*np.diff(np.concatenate((ring, ring[:1])), axis=0).T)
    at = np.concatenate(([0.0], np.cumsum(lengths)[:-1]))
    whole = float(lengths.sum())
    start, end = outline.project(Point(line[0])), outline.project(Point(line[-1]))

    def between(a: float, b: float) -> NDArray[np.float64]:
        ahead = (at - a) % whole
        rows = np.flatnonzero((ahead > _SAME * whole) & (ahead < (b - a) % whole - _SAME * whole))
        return ring[rows[np.argsort(ahead[rows])]]

    yield np.concatenate((line, between(end, start)))
    yield np.concatenate((line, between(start, end)[::-1]))
