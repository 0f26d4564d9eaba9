"""Drags of the handles of a box: what is in it is scaled or turned with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import shapely

from annotator.canvas.hit_testing import extents, labelled
from annotator.canvas.tools.drags import DragOfOne, mapped
from dataset.affine import Affine, resized, scaling, turned
from dataset.geometry import bounds
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from annotator.core.annotation import Annotation
    from dataset.affine import Box, Grip, Size

TURN_STEP = 15.0
"""Degrees, between which a turn in steps goes to and fro."""


def box_around(records: Sequence[Annotation]) -> Box:
    """Return the box around the outlines and keypoints of one or more records."""
    boxes = extents(records)
    return (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())


@dataclass(frozen=True, slots=True)
class ScaleObjects:
    """Drags a handle of the box around objects, which are scaled with it."""

    records: tuple[Annotation, ...]
    box: Box
    """Around them."""
    grip: Grip
    size: Size

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""
        return tr("scale") if len(preview) == 1 else plural("scale {n} object", "scale {n} objects", len(preview))

    def box_at(self, dx: float, dy: float, *, keep_aspect: bool = False, from_centre: bool = False) -> Box:
        """Return the box after a drag of (dx, dy) photo pixels."""
        return resized(self.box, self.grip, (dx, dy), self.size, keep_aspect=keep_aspect, from_centre=from_centre)

    def at(self, dx: float, dy: float) -> Mapping[int, Annotation]:
        """Return the records after a drag of (dx, dy) photo pixels."""
        return self.to(self.box_at(dx, dy))

    def to(self, box: Box) -> Mapping[int, Annotation]:
        """Return the records with another box around them."""
        return mapped(self.records, scaling(self.box, box)) if box != self.box else {}


@dataclass(frozen=True, slots=True)
class TurnObjects:
    """Turns objects about the middle of the box around them."""

    records: tuple[Annotation, ...]
    points: NDArray[np.float64]
    """[N, 2], between which they lie."""
    start: tuple[float, float]
    """Where the mouse took hold."""
    size: Size

    @classmethod
    def of(cls, records: tuple[Annotation, ...], start: tuple[float, float], size: Size) -> TurnObjects:
        """Return the turn of these records, with the mouse there."""
        shapes = [shapely.multipoints(shapely.get_coordinates(record.shape)) for record in records]
        keypoints = [shapely.multipoints(labelled(record)[1]) for record in records]
        hull = shapely.get_coordinates(shapely.convex_hull(shapely.geometrycollections([*shapes, *keypoints])))
        return cls(records, hull, start, size)

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""
        return tr("rotate") if len(preview) == 1 else plural("rotate {n} object", "rotate {n} objects", len(preview))

    def degrees(self, x: float, y: float, *, stepped: bool = False) -> float:
        """Return how far they are turned with the mouse at a place, clockwise, -180 to 180."""
        (x0, y0), (x1, y1) = self.points.min(axis=0).tolist(), self.points.max(axis=0).tolist()
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        now, before = math.atan2(y - cy, x - cx), math.atan2(self.start[1] - cy, self.start[0] - cx)
        angle = math.remainder(math.degrees(now - before), 360.0)
        return round(angle / TURN_STEP) * TURN_STEP if stepped else angle

    def turn(self, degrees: float) -> Affine:
        """Return the turn by an angle, as far as there is room for it."""
        return turned(self.points, degrees, self.size)

    def at(self, dx: float, dy: float) -> Mapping[int, Annotation]:
        """Return the records with the mouse (dx, dy) photo pixels from where it took hold."""
        return self.to(self.turn(self.degrees(self.start[0] + dx, self.start[1] + dy)))

    def to(self, turn: Affine) -> Mapping[int, Annotation]:
        """Return the records after a turn."""
        return mapped(self.records, turn) if turn != Affine() else {}


@dataclass(frozen=True, slots=True)
class ResizeBox(DragOfOne):
    """Drags a handle of an object that is but a box; its keypoints stay where they are."""

    grip: Grip
    size: Size

    def text(self, preview: Mapping[int, Annotation]) -> str:
        """Return the name of the edit, for the Edit menu."""
        del preview
        return tr("resize box")

    @property
    def start(self) -> tuple[float, float]:
        """Where the handle was."""
        return self.grip.place(bounds(self.record.shape))

    def at(
        self, dx: float, dy: float, *, keep_aspect: bool = False, from_centre: bool = False
    ) -> Mapping[int, Annotation]:
        """Return the box after a drag of (dx, dy) photo pixels."""
        before = bounds(self.record.shape)
        box = resized(before, self.grip, (dx, dy), self.size, keep_aspect=keep_aspect, from_centre=from_centre)
        if box == before:
            return {}
        shape = scaling(before, box).shape(self.record.shape)
        return {self.record.id: replace(self.record.with_shape(shape), is_box=True)}
