"""The polygon tool: click vertex after vertex, or draw freehand with the button held."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import shapely
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath

from annotator.canvas.camera import qpoints
from annotator.canvas.painting import handles
from annotator.canvas.style import ACTIVE_LINE, DASH, HANDLE, dot, fill, pen
from annotator.canvas.tools.base import GestureStep, Pointer, Points
from annotator.canvas.tools.drawing import DrawingTool
from dataset.geometry import from_parts, valid
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import ToolHost

_CLOSE_REACH = 10.0  # screen pixels from the first vertex within which a click closes
_FREEHAND_STEP = 4.0  # screen pixels between the points of a freehand line
_FREEHAND_SLACK = 1.0  # how far, in screen pixels, simplifying may move a freehand line
_CLOSING_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_USED_KEYS = (*_CLOSING_KEYS, Qt.Key.Key_Escape, Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class PolygonTool(DrawingTool):
    """Draws an outline vertex by vertex, or freehand."""

    name: ClassVar[str] = "polygon"
    title: ClassVar[str] = mark("Draw a polygon")
    tip: ClassVar[str] = mark("Draw a polygon")
    keys: ClassVar[tuple[str, ...]] = ("P",)
    icon: ClassVar[str] = "polygon"

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._points: Points = ()
        self._stroke: list[tuple[float, float]] = []  # the freehand line being drawn, after the last point
        self._at: Pointer | None = None
        self._held: Pointer | None = None  # where the button went down that may draw freehand
        self._before_press: Points = ()

    @property
    def busy(self) -> bool:
        """Whether a polygon is begun."""
        return bool(self._points)

    @property
    def holds(self) -> bool:
        """Whether the button is held that may draw freehand."""
        return self._held is not None

    @property
    def cursor(self) -> Qt.CursorShape:
        """A cross; a hand where a click closes."""
        return Qt.CursorShape.PointingHandCursor if self._closes(self._points) else super().cursor

    def press(self, at: Pointer) -> None:
        """Put a vertex, or close at the first one."""
        if not self.busy and not self.may_begin(at):
            return
        self._at = at
        if self._closes(self._points):
            self._finish()
            return
        self._stroke, self._held, self._before_press = [], at, self._points
        self._set((*self._points, self.clamped(at)), tr("place vertex"))

    def move(self, at: Pointer) -> None:
        """Draw the line to the mouse; with the button held, freehand."""
        self.take_mode(at)
        self._at = at
        if self._held is None or not at.down or not self._points:
            return
        if not self._stroke and not at.far_from(self._held):
            return  # a click, however unsteady
        x, y = self.clamped(at)
        last_x, last_y = (self._stroke or self._points)[-1]
        if max(abs(x - last_x), abs(y - last_y)) * self.canvas.scale_factor >= _FREEHAND_STEP:
            self._stroke.append((x, y))

    def release(self, at: Pointer) -> None:
        """Keep what of the freehand line is needed for its form; one that comes back to its start is closed."""
        self._at = at
        self._end_stroke(closes=True)

    def _end_stroke(self, *, closes: bool = False) -> None:
        stroke, self._stroke, self._held = self._stroke, [], None
        if not stroke:
            return
        line = shapely.LineString([self._points[-1], *stroke])
        kept = line.simplify(_FREEHAND_SLACK / self.canvas.scale_factor).coords
        points = (*self._points, *((x, y) for x, y in kept[1:]))
        closes = closes and self._closes(points)
        self._set(points[:-1] if closes else points, tr("draw line"))  # the last is the first one again
        if closes:
            self._finish()

    def double_click(self, at: Pointer) -> None:
        """Close; the first click of the two has put the last vertex."""
        if len(self._points) >= 3:
            self._finish()
        elif not self._points:
            self.press(at)

    def leave(self) -> None:
        """The line to the mouse ends at the last vertex."""
        super().leave()
        self._at = None

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Enter, Escape and Backspace while a polygon is begun."""
        return self.busy and event.key() in _USED_KEYS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier

    def key_press(self, event: QKeyEvent) -> bool:
        """Close, give up, take the last vertex back."""
        if not self.takes_key(event):
            return False
        if event.key() in _CLOSING_KEYS:
            self._finish()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            self._set(self._points[:-1], tr("take back vertex"))
        return True

    def cancel(self) -> None:
        """Give up the polygon, which undo brings back."""
        self._end_stroke()
        if self._points:
            self._set((), tr("cancel polygon"))

    def take_back(self) -> None:
        """Take back the vertex that the button put, with the freehand line."""
        self._end_stroke()
        self._set(self._before_press, tr("take back vertex"))

    def finish(self) -> None:
        """Close a polygon that has three vertices; fewer are nothing, which undo brings back."""
        self._end_stroke()
        if len(self._points) >= 3:
            self._finish()
        self.cancel()

    def _set(self, points: Points, text: str) -> None:
        before, self._points = self._points, points
        self.canvas.record_step(GestureStep(text, before, points, self._restore))

    def _restore(self, points: Points) -> None:
        self._points, self._stroke, self._held = points, [], None
        self.canvas.take_up(self.name)

    def _closes(self, points: Points) -> bool:
        if self._at is None or len(points) < 3:
            return False
        x, y = points[0]
        return max(abs(self._at.x - x), abs(self._at.y - y)) * self.canvas.scale_factor <= _CLOSE_REACH

    def _finish(self) -> None:
        """Hand over the polygon, if it has an area; otherwise it stays to be gone on with."""
        points = [p for p, before in zip(self._points, [None, *self._points], strict=False) if p != before]
        shape = from_parts([[points]])
        has_object = self.target if self.mode else self.canvas.draw_category
        if has_object is None or shape.is_empty or valid(shape).area <= 0:
            return
        placed, self._points = self._points, ()
        if self.hand_over(shape, tr("draw object")) is None and self.is_refused:
            self._points = placed
            self._set((), tr("cancel polygon"))

    def overlay(self, camera: Camera) -> QRectF:
        """Return what the polygon so far and the line to the mouse cover."""
        if not self._points:
            return QRectF()
        points = self._line(camera)
        x0, y0 = points.min(axis=0).tolist()
        x1, y1 = points.max(axis=0).tolist()
        return QRectF(x0, y0, x1 - x0, y1 - y0).adjusted(-_CLOSE_REACH, -_CLOSE_REACH, _CLOSE_REACH, _CLOSE_REACH)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The polygon so far and the line to the mouse."""
        if not self._points:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.color
        line = qpoints(self._line(camera).tolist())
        vertices = camera.to_view(self._points)
        inside = QPainterPath(line[0])
        for point in line[1:]:
            inside.lineTo(point)
        painter.fillPath(inside, fill(color, 40))
        fixed = len(self._points) + len(self._stroke)
        for made in (pen("#000000", ACTIVE_LINE + 2.0, 110), pen(color, ACTIVE_LINE)):
            painter.setPen(made)
            painter.drawPolyline(line[:fixed])
        if len(line) > fixed:
            for made in (pen("#000000", 3.0, 90), pen(color, 1.4, 255, DASH)):
                painter.setPen(made)
                painter.drawLine(line[fixed - 1], line[fixed])
        handles(painter, vertices, color)
        if len(self._points) >= 3:
            self._paint_first(painter, QPointF(*vertices[0].tolist()), color)

    def _paint_first(self, painter: QPainter, at: QPointF, color: str) -> None:
        size = HANDLE + (6.0 if self._closes(self._points) else 2.0)
        for ink, diameter in (("#000000", size + 1.5), ("#ffffff", size), (color, size - 4.0)):
            painter.setPen(dot(ink, diameter))
            painter.drawPoint(at)

    def _line(self, camera: Camera) -> np.ndarray:
        points = [*self._points, *self._stroke]
        view = camera.to_view(points)
        if self._at is None or self._held is not None:
            return view
        end = camera.to_view([self._points[0] if self._closes(self._points) else self.clamped(self._at)])
        return np.concatenate((view, end))

    def hint(self) -> str:
        """Return what can be done now."""
        return self.full_hint(self._hint())

    def _hint(self) -> str:
        if not self._points:
            return tr("Click to place vertices  ·  Hold and drag to draw freehand")
        if len(self._points) < 3:
            return tr("Click next vertex  ·  Backspace take back  ·  Esc cancel")
        return tr("Enter or click the first vertex to close  ·  Backspace take back  ·  Esc cancel")
