"""Shapes as edits need them: rings, vertices, overlap, boolean operations.

Pixels of the upright photo, (0, 0) covers [0, 1) x [0, 1).

A shape is always a `shapely.MultiPolygon`: parts, each one exterior ring and any number of holes. Rings are addressed
without their closing point. Shapes may be invalid (a person can drag an edge across another); what measures them
repairs a copy.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

SLIVER = 1e-6  # square pixels: a part or hole as small as that is a rounding error
ELLIPSE_SIDES = 64
TOUCH = 1e-6  # pixels: a vertex as near to an edge as that lies on it


class RingRef(NamedTuple):
    """A ring of a shape: ring 0 of a part is its exterior, the others are holes."""

    part: int
    ring: int


class VertexRef(NamedTuple):
    """A vertex of a shape, or the edge that starts at it."""

    part: int
    ring: int
    index: int


Parts = list[list["NDArray[np.float64]"]]  # parts -> rings -> (N, 2) vertices, not closed


def from_parts(parts: Iterable[Sequence[ArrayLike]]) -> MultiPolygon:
    """Make a shape from parts, each [exterior, hole, ...], each ring (N, 2).

    Rings of fewer than 3 vertices are left out, and a part without its exterior with them.
    """
    # Shapely's functions, as its classes take three times as long for the same.
    polygons = [
        shapely.polygons(exterior, [shapely.linearrings(hole) for hole in holes] or None)
        for exterior, *holes in without_short_rings(parts)
    ]
    return shapely.multipolygons(polygons) if polygons else MultiPolygon()


def from_exteriors(shapes: Sequence[Sequence[NDArray[np.float64]]]) -> list[MultiPolygon]:
    """Make many shapes at once, each of exteriors (N, 2) of 3 vertices or more: a tenth of the time of `from_parts`."""
    exteriors = [ring for shape in shapes for ring in shape]
    if not exteriors:
        return [MultiPolygon() for _ in shapes]
    # Each ring is closed beforehand: of three vertices, the last like the first, only a single one would be.
    closed = [np.concatenate((ring, ring[:1])) for ring in map(_not_closed, exteriors)]
    owners = np.repeat(np.arange(len(closed)), [len(ring) for ring in closed])
    polygons = shapely.polygons(shapely.linearrings(np.concatenate(closed), indices=owners))
    made = np.full(len(shapes), MultiPolygon(), object)
    shapely.multipolygons(
        polygons, indices=np.repeat(np.arange(len(shapes)), [len(shape) for shape in shapes]), out=made
    )
    return made.tolist()


def without_short_rings(parts: Iterable[Sequence[ArrayLike]]) -> Parts:
    """Return parts without rings of fewer than 3 vertices, and a part without its exterior not at all."""
    arrays = ([np.asarray(ring, float).reshape(-1, 2) for ring in part] for part in parts)
    return [
        [exterior, *(hole for hole in holes if len(hole) >= 3)] for exterior, *holes in arrays if len(exterior) >= 3
    ]


def rounded(parts: Iterable[Sequence[ArrayLike]], decimals: int) -> Parts:
    """Return parts with rounded coordinates as `to_parts(from_parts(parts))` has them, without making a shape."""
    cut = [[np.round(np.asarray(ring, float), decimals) for ring in part] for part in parts]
    return [[_not_closed(ring) for ring in part] for part in without_short_rings(cut)]


def _not_closed(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a ring without a last vertex that repeats the first, unless fewer than 3 would be left."""
    return ring[:-1] if len(ring) > 3 and ring[0].tolist() == ring[-1].tolist() else ring


def to_parts(shape: MultiPolygon) -> Parts:
    """The inverse of `from_parts`: fresh arrays, free to change."""
    return [
        [np.array(polygon.exterior.coords)[:-1, :2], *(np.array(hole.coords)[:-1, :2] for hole in polygon.interiors)]
        for polygon in shape.geoms
    ]


def rectangle(x0: float, y0: float, x1: float, y1: float) -> MultiPolygon:
    """The outline of a box given by two opposite corners."""
    left, right, top, bottom = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    return from_parts([[[(left, top), (right, top), (right, bottom), (left, bottom)]]])


def ellipse(centre: ArrayLike, radii: tuple[float, float]) -> NDArray[np.float64]:
    """Return an ellipse along the axes as a ring (ELLIPSE_SIDES, 2)."""
    angles = np.linspace(0, 2 * np.pi, ELLIPSE_SIDES, endpoint=False)
    return np.asarray(centre, float) + np.column_stack((radii[0] * np.cos(angles), radii[1] * np.sin(angles)))


def rings(shape: MultiPolygon) -> Iterator[tuple[RingRef, NDArray[np.float64]]]:
    """Every ring with its address, (N, 2) vertices, not closed."""
    for p, part in enumerate(to_parts(shape)):
        for r, ring in enumerate(part):
            yield RingRef(p, r), ring


def move_vertex(shape: MultiPolygon, ref: VertexRef, x: float, y: float) -> MultiPolygon:
    """The shape with one vertex elsewhere."""
    parts = to_parts(shape)
    parts[ref.part][ref.ring][ref.index] = x, y
    return from_parts(parts)


def insert_vertex(shape: MultiPolygon, ref: VertexRef, x: float, y: float) -> MultiPolygon:
    """The shape with a new vertex on the edge that starts at `ref`; the new one has the index `ref.index + 1`."""
    parts = to_parts(shape)
    part = parts[ref.part]
    part[ref.ring] = np.insert(part[ref.ring], ref.index + 1, (x, y), axis=0)
    return from_parts(parts)


def delete_vertices(shape: MultiPolygon, refs: Iterable[VertexRef]) -> MultiPolygon:
    """The shape without those vertices. A ring left with fewer than 3 goes, and with an exterior its whole part."""
    parts = to_parts(shape)
    doomed: dict[RingRef, list[int]] = {}
    for ref in refs:
        doomed.setdefault(RingRef(ref.part, ref.ring), []).append(ref.index)
    for (p, r), indices in doomed.items():
        parts[p][r] = np.delete(parts[p][r], indices, axis=0)
    return from_parts(parts)


def translate(shape: MultiPolygon, dx: float, dy: float) -> MultiPolygon:
    """The shape moved by (dx, dy)."""
    return shapely.transform(shape, lambda xy: xy + np.array((dx, dy)))


def bounds(shape: MultiPolygon) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1); all zero for an empty shape."""
    return (0.0, 0.0, 0.0, 0.0) if shape.is_empty else shape.bounds


def valid(shape: MultiPolygon) -> BaseGeometry:
    """The shape, or a repaired copy that covers what is painted.

    As in a mask: each ring under the even-odd rule, holes taken out of their part, parts united.
    """
    if shape.is_valid:
        return shape
    painted = []
    for polygon in shape.geoms:
        part = shapely.make_valid(Polygon(polygon.exterior))
        for hole in polygon.interiors:
            part = part.difference(shapely.make_valid(Polygon(hole)))
        painted.append(part)
    return shapely.union_all(painted)


def iou(a: MultiPolygon, b: MultiPolygon) -> float:
    """Intersection over union of the areas, 0 where both are empty."""
    if a.is_empty or b.is_empty:
        return 0.0
    ax0, ay0, ax1, ay1 = a.bounds
    bx0, by0, bx1, by1 = b.bounds
    if ax1 <= bx0 or bx1 <= ax0 or ay1 <= by0 or by1 <= ay0:
        return 0.0
    ours, theirs = valid(a), valid(b)
    shared = ours.intersection(theirs).area
    union = ours.area + theirs.area - shared
    return shared / union if union > 0 else 0.0


class CombineMode(StrEnum):
    """What becomes of a shape with another one."""

    ADD = "add"
    """Their union."""
    SUBTRACT = "subtract"
    """The shape without the other; one that lies inside it makes a hole."""
    INTERSECT = "intersect"
    """What they share."""


def combine(shape: MultiPolygon, other: MultiPolygon, mode: CombineMode, size: tuple[int, int]) -> MultiPolygon:
    """Return the shape united with, without, or within another: valid, inside a photo of `size` (width, height).

    Empty where nothing is left. Invalid shapes are taken as they are painted (`valid`).
    """
    ours, theirs = valid(shape), valid(other)
    if mode is CombineMode.ADD:
        made = ours.union(theirs)
    elif mode is CombineMode.SUBTRACT:
        made = ours.difference(theirs)
    else:
        made = ours.intersection(theirs)
    return clip(made, size)


def clip(shape: BaseGeometry, size: tuple[int, int]) -> MultiPolygon:
    """Return what of the shape lies in a photo of `size` (width, height), as a valid shape.

    Lines and points, and parts and holes that are but rounding errors, are left out.
    """
    photo = shapely.box(0, 0, *size)
    made = shape if shape.is_empty or photo.covers(shape) else shape.intersection(photo)
    return MultiPolygon([_without_slivers(part) for part in _polygons(made) if part.area > SLIVER])


def _without_slivers(polygon: Polygon) -> Polygon:
    holes = [hole for hole in polygon.interiors if Polygon(hole).area > SLIVER]
    return polygon if len(holes) == len(polygon.interiors) else Polygon(polygon.exterior, holes)


def without_holes(shape: MultiPolygon) -> MultiPolygon:
    """Return the shape with its holes filled, valid: a part that lay in a hole is one with what is around it."""
    filled = shapely.union_all([Polygon(part.exterior) for part in _polygons(valid(shape))])
    return MultiPolygon(_polygons(filled))


def separate_parts(shape: MultiPolygon) -> list[MultiPolygon]:
    """Return each part as a shape of its own, valid, the largest first."""
    parts = sorted(_polygons(valid(shape)), key=lambda part: -part.area)
    return [MultiPolygon([part]) for part in parts]


def split(shape: MultiPolygon, line: ArrayLike) -> list[MultiPolygon]:
    """Return the pieces into which a line (N, 2) cuts the shape, the largest first; one where it does not cross it.

    Pieces share the vertices of the cut. Parts that the line does not cut stay with the largest piece.
    """
    cut = shapely.LineString(np.asarray(line, float))
    whole, pieces = [], []
    for part in _polygons(valid(shape)):
        noded = shapely.union_all([part.boundary, cut])
        faces = _polygons(shapely.polygonize([noded]))
        inside = [face for face in faces if face.area > SLIVER and part.contains(face.representative_point())]
        if len(inside) > 1:
            pieces += inside
        else:
            whole.append(part)  # a line that ends in it, or only touches it, cuts nothing
    if not pieces:
        return [shape]
    pieces.sort(key=lambda piece: -piece.area)
    return [MultiPolygon([pieces[0], *whole]), *(MultiPolygon([piece]) for piece in pieces[1:])]


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    """Return the parts that have an area."""
    # Twice, because a collection may have a MultiPolygon in it.
    return [part for part in shapely.get_parts(shapely.get_parts(shape)) if isinstance(part, Polygon)]


def share_vertices(shape: MultiPolygon, other: MultiPolygon) -> MultiPolygon:
    """Return the shape with the vertices of another that lie on its edges, so that their border is painted alike."""
    vertices = np.unique(_near(shapely.get_coordinates(other), shapely.get_coordinates(shape)), axis=0)
    if not len(vertices):
        return shape
    made = from_parts([[_with_vertices(ring, vertices) for ring in part] for part in to_parts(shape)])
    changed = len(shapely.get_coordinates(made)) != len(shapely.get_coordinates(shape))
    return made if changed and made.is_valid else shape


def _with_vertices(ring: NDArray[np.float64], vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a ring (N, 2) with those vertices (M, 2) that lie on its edges but at neither end."""
    vertices = _near(vertices, ring)
    if not len(vertices):
        return ring
    ends = np.roll(ring, -1, axis=0)
    edges = shapely.STRtree(shapely.linestrings(np.stack((ring, ends), axis=1)))
    found, edge = edges.query(shapely.points(vertices), predicate="dwithin", distance=TOUCH)
    along = np.linalg.norm(vertices[found] - ring[edge], axis=1)
    inner = (along > TOUCH) & (np.linalg.norm(vertices[found] - ends[edge], axis=1) > TOUCH)
    found, edge, along = found[inner], edge[inner], along[inner]
    order = np.lexsort((along, edge))
    return np.insert(ring, edge[order] + 1, vertices[found[order]], axis=0)


def _near(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return those of the points (N, 2) that may touch the edges between the others (M, 2), by the box around them."""
    if not len(others):
        return points[:0]
    inside = (points >= others.min(axis=0) - TOUCH) & (points <= others.max(axis=0) + TOUCH)
    return points[inside.all(axis=1)]
