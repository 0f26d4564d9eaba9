"""Drags: the state at their start, and the records after a displacement of the mouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from annotator.canvas.hit_testing import extent, labelled
from dataset.affine import Affine
from dataset.geometry import VertexRef, from_parts, insert_vertex, move_vertex, rings, to_parts
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from annotator.core.annotation import Annotation, Keypoint

Size = tuple[int, int]


def clamp(x: float, y: float, size: Size) -> tuple[float, float]:
    """Return the point of a photo of that size (width, height) nearest to (x, y)."""
    return min(max(x, 0.0), float(size[0])), min(max(y, 0.0), float(size[1]))


def moved(records: Iterable[Annotation], dx: float, dy: float, size: Size) -> dict[int, Annotation]:
    """Return records moved together, as far as they stay in the photo, keypoints included.

    What sticks out of the photo already does not get farther out, and may come back in.
    """
    records = tuple(records)
    boxes = [extent(record) for record in records]
    x0, y0, x1, y1 = (pick(values) for pick, values in zip((min, min, max, max), zip(*boxes, strict=True), strict=True))
    dx = min(max(dx, min(0.0, -x0)), max(0.0, size[0] - x1))
    dy = min(max(dy, min(0.0, -y0)), max(0.0, size[1] - y1))
    return mapped(records, Affine(dx=dx, dy=dy)) if dx or dy else {}


def mapped(records: Iterable[Annotation], affine: Affine) -> dict[int, Annotation]:
    """Return records with every part, hole and keypoint where an affine map has it."""
    return {record.id: _mapped(record, affine) for record in records}


def _mapped(record: Annotation, affine: Affine) -> Annotation:
    is_box = record.is_box and affine.keeps_boxes  # a moved box is still a box
    if not record.shape.is_empty:
        record = record.with_shape(affine.shape(record.shape))
    shown, points = labelled(record)
    if shown:
        keypoints = list(record.keypoints)
        for index, (x, y) in zip(shown, affine.points(points).tolist(), strict=True):
            keypoints[index] = keypoints[index]._replace(x=x, y=y)
        record = record.with_keypoints(tuple(keypoints))
    return replace(record, is_box=is_box)


def with_vertices_moved(record: Annotation, refs: Iterable[VertexRef], dx: float, dy: float, size: Size) -> Annotation:
    """Return the record with some vertices moved, each kept in the photo."""
    parts = to_parts(record.shape)
    for part, ring, index in refs:
        vertices = parts[part][ring]
        vertices[index] = clamp(vertices[index, 0] + dx, vertices[index, 1] + dy, size)
    return record.with_shape(from_parts(parts))


def with_keypoint(record: Annotation, index: int, keypoint: Keypoint) -> Annotation:
    """Return the record with one keypoint replaced."""
    keypoints = list(record.keypoints)
    keypoints[index] = keypoint
    return record.with_keypoints(tuple(keypoints))


def same_structure(a: Annotation | None, b: Annotation | None) -> bool:
    """Return whether two records have the same rings with as many vertices, and as many keypoints."""
    if a is None or b is None or len(a.keypoints) != len(b.keypoints):
        return False
    return a is b or [(ref, len(ring)) for ref, ring in rings(a.shape)] == [(ref, len(r)) for ref, r in rings(b.shape)]


class Drag(Protocol):
    """What is dragged: its state at the start, and what becomes of it."""

    @property
    def records(self) -> tuple[Annotation, ...]:
        """The objects as they were at the start."""

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""

    def at(self, dx: float, dy: float) -> Mapping[int, Annotation]:
        """Return the records after a drag of (dx, dy) photo pixels; none where that is none."""


@dataclass(frozen=True, slots=True)
class MoveObjects:
    """Drags whole objects."""

    records: tuple[Annotation, ...]
    size: Size

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""
        return tr("move") if len(preview) == 1 else plural("move {n} object", "move {n} objects", len(preview))

    def at(self, dx: float, dy: float) -> Mapping[int, Annotation]:
        """Return the records after a drag of (dx, dy) photo pixels."""
        return moved(self.records, dx, dy, self.size)


@dataclass(frozen=True, slots=True)
class DragOfOne:
    """What the drags within one object have in common."""

    record: Annotation

    @property
    def records(self) -> tuple[Annotation, ...]:
        """The object as it was at the start."""
        return (self.record,)


@dataclass(frozen=True, slots=True)
class MoveVertices(DragOfOne):
    """Drags vertices of one object."""

    refs: frozenset[VertexRef]
    size: Size
    grabbed: VertexRef
    """The one under the mouse."""

    @property
    def start(self) -> tuple[float, float]:
        """Where the grabbed vertex was."""
        part, ring, index = self.grabbed
        return tuple(to_parts(self.record.shape)[part][ring][index].tolist())

    def to(self, x: float, y: float) -> Mapping[int, Annotation]:
        """Return the record with the grabbed vertex exactly there, and the others moved along."""
        x0, y0 = self.start
        changed = with_vertices_moved(self.record, self.refs, x - x0, y - y0, self.size)
        if self.grabbed in self.refs:
            changed = changed.with_shape(move_vertex(changed.shape, self.grabbed, x, y))
        return {self.record.id: changed}

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""
        del preview
        return plural("move vertex", "move {n} vertices", len(self.refs))

    def at(self, dx: float, dy: float) -> Mapping[int, Annotation]:
        """Return the record after a drag of (dx, dy) photo pixels."""
        if not dx and not dy:
            return {}
        return {self.record.id: with_vertices_moved(self.record, self.refs, dx, dy, self.size)}


@dataclass(frozen=True, slots=True)
class InsertVertex(DragOfOne):
    """Pulls a new vertex out of an edge."""

    edge: VertexRef
    x: float
    y: float
    size: Size

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""
        del preview
        return tr("add vertex")

    @property
    def start(self) -> tuple[float, float]:
        """Where the new vertex began."""
        return self.x, self.y

    def at(self, dx: float, dy: float) -> Mapping[int, Annotation]:
        """Return the record with the new vertex (dx, dy) photo pixels from where it began."""
        return self.to(*clamp(self.x + dx, self.y + dy, self.size))

    def to(self, x: float, y: float) -> Mapping[int, Annotation]:
        """Return the record with the new vertex exactly there."""
        return {self.record.id: self.record.with_shape(insert_vertex(self.record.shape, self.edge, x, y))}

    @property
    def ref(self) -> VertexRef:
        """Where the new vertex is in the new shape."""
        return self.edge._replace(index=self.edge.index + 1)


@dataclass(frozen=True, slots=True)
class MoveKeypoint(DragOfOne):
    """Drags a keypoint."""

    index: int
    size: Size

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""
        del preview
        return tr("move keypoint")

    def at(self, dx: float, dy: float) -> Mapping[int, Annotation]:
        """Return the record after a drag of (dx, dy) photo pixels."""
        if not dx and not dy:
            return {}
        old = self.record.keypoints[self.index]
        x, y = clamp(old.x + dx, old.y + dy, self.size)
        return {self.record.id: with_keypoint(self.record, self.index, old._replace(x=x, y=y))}
