"""The active layer: what is hovered, selected or being changed, painted over the backdrop."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter

from annotator.canvas.hit_testing import Outline, extent
from annotator.canvas.labels import Label, label_of, paint_label
from annotator.canvas.painter_paths import STEP, path_of
from annotator.canvas.painting import filled, handle_diameter, handles, outline, skeleton, strong_outline
from annotator.canvas.static_layer import REACH
from annotator.canvas.style import ACTIVE_LINE, HOVER_FILL, LINE, SELECTED_FILL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.canvas.camera import Camera
    from annotator.canvas.style import CanvasColors
    from annotator.canvas.visible_records import VisibleRecords
    from annotator.core.annotation import Annotation

PLAIN_FROM = 6  # of more shapes that follow the mouse, outlines are as at rest, without fill: 40 take half the time
MANY = 40  # of more selected shapes than that, all but the last are painted with those at rest


class State(IntEnum):
    """Why a shape is active."""

    HOVERED = 0
    SELECTED = 1
    HANDLES = 2  # selected, and the one whose vertices can be dragged


class Active(NamedTuple):
    """One active shape and what it covers on the screen."""

    record: Annotation
    state: State
    area: QRect
    label: Label | None

    def same_as(self, other: Active | None) -> bool:
        """Return whether it looks the same."""
        return other is not None and self.record is other.record and self[1:] == other[1:]


class ActiveLayer:
    """Knows which shapes are active, and where the screen has to be painted anew when that changes."""

    def __init__(self, content: VisibleRecords) -> None:
        self._content = content
        self.uses_handles = True
        """Whether the selected object shows its vertices."""
        self.fills = True
        """Whether shapes are filled."""
        self._shapes: dict[int, Active] = {}
        self._is_draft = False  # so many are being dragged that they are painted plainly

    def follow(
        self, camera: Camera, view: QRect, hovered: int | None, preview: Mapping[int, Annotation]
    ) -> list[QRect]:
        """Take over what is hovered, selected and previewed. Returns what has to be painted anew."""
        before, self._shapes = self._shapes, self._collect(camera, QRectF(view), hovered, preview)
        self._is_draft = len(preview) > PLAIN_FROM
        now = self._shapes
        stale = [shape.area for i, shape in before.items() if not shape.same_as(now.get(i))]
        return stale + [shape.area for i, shape in now.items() if not shape.same_as(before.get(i))]

    def forget(self) -> None:
        """Names or colours changed: everything is to be painted anew."""
        self._shapes = {}

    def scroll(self, dx: int, dy: int) -> None:
        """What is painted has been moved by (dx, dy) on the screen."""
        self._shapes = {
            i: shape._replace(area=shape.area.translated(dx, dy), label=shape.label and shape.label.moved(dx, dy))
            for i, shape in self._shapes.items()
        }

    def labels(self) -> list[QRect]:
        """Return where the names stand: they stay in view when the photo scrolls, so they do not move with it."""
        return [shape.label.rect.toAlignedRect() for shape in self._shapes.values() if shape.label is not None]

    def paint(self, painter: QPainter, exposed: QRect, camera: Camera, colors: CanvasColors) -> None:
        """Paint a rectangle of the viewport."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen = [shape for shape in self._shapes.values() if shape.area.intersects(exposed)]
        for shape in seen:
            self._paint_shape(painter, camera, shape)
        for shape in seen:
            if shape.label is not None and shape.label.rect.intersects(exposed):
                paint_label(painter, shape.label, colors, strong=True)

    def _collect(
        self, camera: Camera, view: QRectF, hovered: int | None, preview: Mapping[int, Annotation]
    ) -> dict[int, Active]:
        content = self._content
        selected = content.selected
        many = len(selected) > MANY
        states = {record.id: State.SELECTED for record in (selected[-1:] if many else selected)}
        if states and self.uses_handles:
            states[next(reversed(states))] = State.HANDLES
        if hovered is not None and hovered in content:
            states.setdefault(hovered, State.HOVERED)
        for annotation_id in preview:
            states.setdefault(annotation_id, State.SELECTED)
        shapes = {}
        for annotation_id, state in sorted(states.items(), key=lambda entry: entry[1]):
            record = preview.get(annotation_id) or content[annotation_id]
            area = camera.rect_to_view(extent(record)).adjusted(-REACH, -REACH, REACH, REACH)
            if not area.intersects(view):
                continue
            label = None if many and state is State.SELECTED else label_of(content, record, camera.scale)
            if label is not None:
                label = label.moved(camera.dx, camera.dy).inside(view)
                area |= label.rect.adjusted(-1, -1, 1, 1)
            shapes[annotation_id] = Active(record, state, area.toAlignedRect(), label)
        return shapes

    def _paint_shape(self, painter: QPainter, camera: Camera, shape: Active) -> None:
        record, state = shape.record, shape.state
        category = self._content.category(record)
        known = record.id in self._content and self._content[record.id] is record
        scale = camera.scale * camera.ratio
        path = self._content.paths.get(record, scale) if known else path_of(record.shape, STEP / scale)
        if self._is_draft:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            outline(painter, camera, path, category.color, dashed=record.is_suggestion)
            skeleton(painter, camera, record, category, strong=False)
            return
        if self.fills:
            filled(painter, camera, path, category.color, HOVER_FILL if state is State.HOVERED else SELECTED_FILL)
        width = LINE if state is State.HOVERED else ACTIVE_LINE
        strong_outline(painter, camera, path, category.color, width, dashed=record.is_suggestion)
        if state is State.HANDLES and not record.shape.is_empty and not record.is_box:  # a box has its own handles
            points = camera.to_view(Outline.of(record).starts)
            handles(painter, points, category.color, handle_diameter(points))
        skeleton(painter, camera, record, category, strong=True)
