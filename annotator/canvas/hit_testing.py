"""What is under the cursor. Pure: records and numbers in, a frozen answer out.

Positions are photo pixels, tolerances screen pixels: `scale` is how many screen pixels a photo pixel takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np
import shapely

from annotator.canvas.shape_table import ShapeTable
from annotator.core.annotation import Visibility
from dataset.geometry import VertexRef, rings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from annotator.core.annotation import Annotation

VERTEX_REACH = 8.0
EDGE_REACH = 6.0
KEYPOINT_REACH = 9.0
OUTLINE_REACH = 4.0  # how far outside an outline still counts as the shape
FULL_SIZE = 200.0  # an object smaller than this on the screen has proportionally smaller keypoints
HANDLES_FROM = 28.0  # a shape smaller than this on the screen has proportionally smaller reaches


class HitKind(Enum):
    """What part of an object is under the cursor."""

    KEYPOINT = auto()
    VERTEX = auto()
    EDGE = auto()
    SHAPE = auto()


@dataclass(frozen=True, slots=True)
class Hit:
    """What is under the cursor."""

    kind: HitKind
    """Which part."""
    id: int
    """Of which annotation or suggestion."""
    x: float
    """The keypoint, the vertex or the nearest point of the edge, in photo pixels; for a shape the cursor itself."""
    y: float
    """See x."""
    vertex: VertexRef | None = None
    """The vertex, or the one at which the edge starts."""
    keypoint: int | None = None
    """Index of the keypoint."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A shape's vertices as arrays. Row i is the vertex `ref(i)` and the edge from it to the next one of its ring."""

    starts: NDArray[np.float64]  # (N, 2)
    ends: NDArray[np.float64]  # (N, 2)
    refs: NDArray[np.intp]  # (N, 3): part, ring, index

    @classmethod
    def of(cls, record: Annotation) -> Outline:
        """Return the outline of a record's shape."""
        starts, ends, refs = [np.empty((0, 2))], [np.empty((0, 2))], [np.empty((0, 3), np.intp)]
        for (part, ring), vertices in rings(record.shape):
            count = len(vertices)
            starts.append(vertices)
            ends.append(np.roll(vertices, -1, axis=0))
            refs.append(np.column_stack((np.full(count, part), np.full(count, ring), np.arange(count))))
        return cls(np.concatenate(starts), np.concatenate(ends), np.concatenate(refs))

    def ref(self, row: int) -> VertexRef:
        """Return the address of a row."""
        part, ring, index = self.refs[row].tolist()
        return VertexRef(part, ring, index)

    def rows(self, refs: Iterable[VertexRef]) -> NDArray[np.intp]:
        """Return the rows of those vertices, in the order of the rows."""
        wanted = np.array(list(refs), np.intp).reshape(-1, 3)
        span = np.concatenate((self.refs, wanted)).max(axis=0, initial=0) + 1
        places = (self.refs[:, 0] * span[1] + self.refs[:, 1]) * span[2] + self.refs[:, 2]
        return np.flatnonzero(np.isin(places, (wanted[:, 0] * span[1] + wanted[:, 1]) * span[2] + wanted[:, 2]))

    def contains(self, x: float, y: float) -> bool:
        """Return whether the even-odd rule paints the point."""
        x0, y0, x1, y1 = *self.starts.T, *self.ends.T
        crosses = (y0 <= y) != (y1 <= y)
        if not crosses.any():
            return False
        x0, y0, x1, y1 = x0[crosses], y0[crosses], x1[crosses], y1[crosses]
        return bool(np.count_nonzero(x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x) % 2)

    def refs_inside(self, x0: float, y0: float, x1: float, y1: float) -> list[VertexRef]:
        """Return the vertices in a rectangle."""
        x, y = self.starts.T
        return [self.ref(row) for row in np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).tolist()]

    def nearest_vertex(self, x: float, y: float) -> tuple[int, float]:
        """(row, distance) of the nearest vertex; (-1, inf) without any."""
        return _nearest(self.starts, x, y)

    def nearest_edge(self, x: float, y: float) -> tuple[int, float, tuple[float, float]]:
        """(row, distance, point on it) of the nearest edge; (-1, inf, ...) without any."""
        along = self.ends - self.starts
        lengths = np.einsum("ij,ij->i", along, along)
        offsets = np.einsum("ij,ij->i", np.array((x, y)) - self.starts, along)
        share = np.clip(np.divide(offsets, lengths, out=np.zeros_like(offsets), where=lengths > 0), 0.0, 1.0)
        feet = self.starts + share[:, None] * along
        row, distance = _nearest(feet, x, y)
        return row, distance, (float(feet[row, 0]), float(feet[row, 1])) if row >= 0 else (x, y)


def _nearest(points: NDArray[np.float64], x: float, y: float) -> tuple[int, float]:
    if not len(points):
        return -1, np.inf
    distances = np.hypot(points[:, 0] - x, points[:, 1] - y)
    row = int(distances.argmin())
    return row, float(distances[row])


def labelled(record: Annotation) -> tuple[list[int], NDArray[np.float64]]:
    """Return indices and (N, 2) positions of the keypoints that are on the photo."""
    shown = [i for i, keypoint in enumerate(record.keypoints) if keypoint.visibility is not Visibility.UNLABELLED]
    return shown, np.array([record.keypoints[i][:2] for i in shown], float).reshape(-1, 2)


def extent(record: Annotation) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1) around the shape and the keypoints; all zero where there is neither."""
    _, points = labelled(record)
    points = np.concatenate((points, np.reshape(() if record.shape.is_empty else record.shape.bounds, (-1, 2))))
    return (*points.min(axis=0).tolist(), *points.max(axis=0).tolist()) if len(points) else (0.0, 0.0, 0.0, 0.0)


def extents(records: Sequence[Annotation]) -> NDArray[np.float64]:
    """Return the extent [N, 4] of each record."""
    boxes = np.asarray(shapely.bounds([record.shape for record in records]), float).reshape(-1, 4)
    for row, record in enumerate(records):
        if record.keypoints or record.shape.is_empty:
            boxes[row] = extent(record)
    return boxes


def handle_at(record: Annotation, outline: Outline, x: float, y: float, scale: float) -> Hit | None:
    """Return the keypoint, vertex or edge of the record with handles that is in reach: keypoints lie over vertices."""
    keypoint = keypoint_at(record, x, y, scale)
    if keypoint is not None:
        return keypoint
    if not len(outline.starts):
        return None
    shrink = min(1.0, screen_size(record, scale) / HANDLES_FROM)
    row, distance = outline.nearest_vertex(x, y)
    if distance * scale <= VERTEX_REACH * shrink:
        return Hit(HitKind.VERTEX, record.id, *outline.starts[row].tolist(), vertex=outline.ref(row))
    row, distance, foot = outline.nearest_edge(x, y)
    if distance * scale <= EDGE_REACH * shrink:
        return Hit(HitKind.EDGE, record.id, *foot, vertex=outline.ref(row))
    return None


def keypoint_at(record: Annotation, x: float, y: float, scale: float) -> Hit | None:
    """Return the keypoint of a record that is in reach."""
    shown, points = labelled(record)
    row, distance = _nearest(points, x, y)
    if distance * scale <= KEYPOINT_REACH * min(1.0, max(0.4, screen_size(record, scale) / FULL_SIZE)):
        return Hit(HitKind.KEYPOINT, record.id, *points[row].tolist(), keypoint=shown[row])
    return None


def screen_size(record: Annotation, scale: float) -> float:
    """Return the longer side of what is around a record, in screen pixels."""
    x0, y0, x1, y1 = extent(record)
    return max(x1 - x0, y1 - y0) * scale


class Index:
    """Finds the records at a point among thousands. Built for one state of a document; build another after a change.

    Outlines are taken over from the index before, for records that are still the same.
    """

    def __init__(self, records: Iterable[Annotation] = (), before: Index | None = None) -> None:
        self._records: Sequence[Annotation] = tuple(records)
        shapes = [record.shape for record in self._records]
        self.shapes = ShapeTable(shapes)
        """Their shapes, row by row."""
        self._boxes = self.shapes.bounds.copy()
        self._areas = np.asarray(shapely.area(shapes), float)
        for row in np.flatnonzero(np.isnan(self._boxes[:, 0])):  # no shape: its keypoints are all there is
            self._boxes[row] = extent(self._records[row])
        known = {} if before is None else before._outlines
        alive = {record.id: record for record in self._records}
        self._outlines = {i: entry for i, entry in known.items() if alive.get(i) is entry[0]}

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Annotation]:
        return iter(self._records)

    def __getitem__(self, row: int) -> Annotation:
        """Return the record in a row; rows are in painting order."""
        return self._records[row]

    def outline(self, record: Annotation) -> Outline:
        """Return the record's outline, worked out once."""
        entry = self._outlines.get(record.id)
        if entry is None or entry[0] is not record:
            entry = self._outlines[record.id] = (record, Outline.of(record))
        return entry[1]

    def at(self, x: float, y: float, scale: float) -> list[int]:
        """Ids of what covers the point or has its outline in reach: the smallest first, of equals the topmost."""
        reach = OUTLINE_REACH / scale
        x0, y0, x1, y1 = self._boxes.T
        near = (x0 - reach <= x) & (x <= x1 + reach) & (y0 - reach <= y) & (y <= y1 + reach)
        rows = [row for row in np.flatnonzero(near).tolist() if self._touches(self._records[row], x, y, scale)]
        return [self._records[row].id for row in sorted(rows, key=lambda row: (self._areas[row], -row))]

    def inside(self, x0: float, y0: float, x1: float, y1: float) -> list[int]:
        """Return ids of what lies wholly in the rectangle."""
        left, top, right, bottom = self._boxes.T
        rows = np.flatnonzero((left >= x0) & (top >= y0) & (right <= x1) & (bottom <= y1))
        return [self._records[row].id for row in rows.tolist()]

    def crossing(self, x0: float, y0: float, x1: float, y1: float) -> NDArray[np.intp]:
        """Return the rows of what may be seen in the rectangle, in painting order."""
        left, top, right, bottom = self._boxes.T
        return np.flatnonzero((left <= x1) & (top <= y1) & (right >= x0) & (bottom >= y0))

    def _touches(self, record: Annotation, x: float, y: float, scale: float) -> bool:
        outline = self.outline(record)
        if not len(outline.starts):
            return _nearest(labelled(record)[1], x, y)[1] * scale <= KEYPOINT_REACH
        return outline.contains(x, y) or outline.nearest_edge(x, y)[1] * scale <= OUTLINE_REACH
