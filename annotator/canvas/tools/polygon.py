"""The polygon tool: click vertex after vertex, or draw freehand with the button held."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from annotator.canvas.camera import qpoints
from annotator.canvas.gestures import CANCEL, NEXT_VERTEX, TAKE_BACK, Gesture, hint_of
from annotator.canvas.style import HANDLE, dot, fill
from annotator.canvas.tools.drawing import MODE_GESTURES, DrawingTool
from annotator.canvas.tools.polyline import CLOSE_REACH, FREEHAND, STRAIGHT, PolylineTool
from dataset.geometry import from_parts, valid
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import Pointer, Points


_PLACE = Gesture(mark("Click"), mark("place vertices"))
_CLOSE = Gesture(mark("Enter or click the first vertex:"), mark("close"))
_END = Gesture(mark("Double-click"), mark("place the last vertex and close"))


class PolygonTool(DrawingTool, PolylineTool):
    """Draws an outline vertex by vertex, or freehand."""

    name: ClassVar[str] = "polygon"
    title: ClassVar[str] = mark("Draw a polygon")
    tip: ClassVar[str] = mark("Draw a polygon")
    keys: ClassVar[tuple[str, ...]] = ("P", "Ctrl+N")
    icon: ClassVar[str] = "polygon"
    gestures: ClassVar[tuple[Gesture, ...]] = (
        _PLACE, FREEHAND, _CLOSE, _END, STRAIGHT, TAKE_BACK, CANCEL, *MODE_GESTURES
    )  # fmt: skip
    min_points: ClassVar[int] = 3
    snaps: ClassVar[bool] = True
    follows_edges: ClassVar[bool] = True
    cancel_text: ClassVar[str] = mark("cancel polygon")

    @property
    def cursor(self) -> Qt.CursorShape:
        """A cross; a hand where a click closes."""
        return Qt.CursorShape.PointingHandCursor if self.closes(self._points) else super().cursor

    def move(self, at: Pointer) -> None:
        """Draw the line to the mouse; with the button held, freehand."""
        self.take_mode(at)
        super().move(at)

    def closes(self, points: Points) -> bool:
        """Return whether the mouse is at the first of at least three vertices."""
        if self._at is None or len(points) < self.min_points:
            return False
        return self.near(points[0], (self._at.x, self._at.y), self.reach(points))

    def stroke_ended(self, points: Points) -> Points | None:
        """Return the outline if the stroke came back to its start."""
        return points[:-1] if self.closes(points) else None  # the last is the first one again

    def end(self) -> None:
        """Hand over the polygon, if it has an area; otherwise it stays to be gone on with."""
        outline = self.outline()
        points = [p for p, before in zip(outline, [None, *outline], strict=False) if p != before]
        shape = from_parts([[points]])
        has_object = self.target if self.mode else self.canvas.draw_category
        if has_object is None or shape.is_empty or valid(shape).area <= 0:
            return
        placed, self._points = self._points, ()
        if self.hand_over(shape, tr("draw object")) is None and self.is_refused:
            self._points = placed
            self._set((), tr("cancel polygon"))

    def finish(self) -> None:
        """End a polygon that nobody closed: undo takes the object away, then brings back the open outline."""
        self._end_stroke()
        placed = self._points
        if len(placed) >= self.min_points:
            self._set((), tr("close polygon"))  # a step that ends the gesture, so that those before it stay
            self._points = placed
            self.end()
            self._points = ()
        self.cancel()

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The polygon so far and the line to the mouse."""
        if not self._points:
            self.paint_snap(painter, camera)
            return
        inside = QPainterPath()
        inside.addPolygon(qpoints(self._line(camera).tolist()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(inside, fill(self.color, 40))
        super().paint(painter, camera)
        if len(self._points) >= self.min_points:
            self._paint_first(painter, camera.point_to_view(*self._points[0]))
        self.paint_snap(painter, camera)

    def _paint_first(self, painter: QPainter, at: QPointF) -> None:
        share = self.reach(self._points) / CLOSE_REACH
        size = max(4.0, (HANDLE + (6.0 if self.closes(self._points) else 2.0)) * share)
        for ink, diameter in (("#000000", size + 1.5), ("#ffffff", size), (self.color, 0.6 * size)):
            painter.setPen(dot(ink, diameter))
            painter.drawPoint(at)

    def hint(self) -> str:
        """Return what can be done now."""
        return self.full_hint(self._hint())

    def _hint(self) -> str:
        straight = STRAIGHT if self.canvas.is_magnetic else ""
        if not self._points:
            key = "" if straight else self.canvas.key_of("edit.magnetic")
            return hint_of(_PLACE, FREEHAND, tr("{key} follow edges", key=key) if key else "")
        if self._is_ending:
            return hint_of(tr("Finding the edges…"), CANCEL)
        if len(self._points) < self.min_points:
            return hint_of(NEXT_VERTEX, straight, TAKE_BACK, CANCEL)
        return hint_of(_CLOSE, straight, TAKE_BACK, CANCEL)
