"""A line of points: click one after another, or draw freehand with the button held."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import shapely
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from annotator.canvas.camera import qpoints
from annotator.canvas.painting import handles
from annotator.canvas.style import ACTIVE_LINE, DASH, pen
from annotator.canvas.tools.base import GestureStep, Pointer, Points, Tool
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import ToolHost

CLOSE_REACH = 10.0  # screen pixels from the first vertex within which a click closes
_FREEHAND_STEP = 4.0  # screen pixels between the points of a freehand line
_FREEHAND_SLACK = 1.0  # how far, in screen pixels, simplifying may move a freehand line
_ENDING_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_USED_KEYS = (*_ENDING_KEYS, Qt.Key.Key_Escape, Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class PolylineTool(Tool):
    """Places points, each a step that can be undone; what they are for is the subclass's `end`."""

    min_points: ClassVar[int] = 2
    """With fewer, a double click or another tool ends nothing."""
    cancel_text: ClassVar[str] = mark("cancel line")
    """Name of the step that gives the line up, given to `mark`."""

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._points: Points = ()
        self._stroke: list[tuple[float, float]] = []  # the freehand line being drawn, after the last point
        self._at: Pointer | None = None
        self._held: Pointer | None = None  # where the button went down that may draw freehand
        self._before_press: Points = ()

    # What the line is for

    @property
    def color(self) -> str:
        """The colour of the line."""
        return self.canvas.draw_color

    def may_begin(self, at: Pointer) -> bool:
        """Return whether a line can begin there."""
        del at
        return True

    def closes(self, points: Points) -> bool:
        """Return whether a click at the mouse ends the line of these points."""
        del points
        return False

    def stroke_ended(self, points: Points) -> Points | None:
        """Return what the line is if a freehand stroke has ended it, with its last point where the mouse is."""
        del points
        return None

    def end(self) -> None:
        """Hand over the line, or leave it to be gone on with."""

    # The gesture

    @property
    def busy(self) -> bool:
        """Whether a line is begun."""
        return bool(self._points)

    @property
    def holds(self) -> bool:
        """Whether the button is held that may draw freehand."""
        return self._held is not None

    def press(self, at: Pointer) -> None:
        """Put a vertex, or end the line."""
        if not self.busy and not self.may_begin(at):
            return
        self._at = at
        if self.closes(self._points):
            self.end()
            return
        self._stroke, self._held, self._before_press = [], at, self._points
        self._set((*self._points, self.clamped(at)), tr("place vertex"))

    def move(self, at: Pointer) -> None:
        """Draw the line to the mouse; with the button held, freehand."""
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
        """Keep what of the freehand line is needed for its form; it may end the line."""
        self._at = at
        self._end_stroke(released=True)

    def _end_stroke(self, *, released: bool = False) -> None:
        stroke, self._stroke, self._held = self._stroke, [], None
        if not stroke:
            return
        line = shapely.LineString([self._points[-1], *stroke])
        kept = line.simplify(_FREEHAND_SLACK / self.canvas.scale_factor).coords
        points = (*self._points, *((x, y) for x, y in kept[1:]))
        ended = self.stroke_ended(points) if released else None
        self._set(points if ended is None else ended, tr("draw line"))
        if ended is not None:
            self.end()

    def double_click(self, at: Pointer) -> None:
        """End the line; the first click of the two has put the last vertex."""
        if len(self._points) >= self.min_points:
            self.end()
        elif not self._points:
            self.press(at)

    def leave(self) -> None:
        """The line to the mouse ends at the last vertex."""
        super().leave()
        self._at = None

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Enter, Escape and Backspace while a line is begun."""
        return self.busy and event.key() in _USED_KEYS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier

    def key_press(self, event: QKeyEvent) -> bool:
        """End the line, give it up, take the last vertex back."""
        if not self.takes_key(event):
            return False
        if event.key() in _ENDING_KEYS:
            self.end()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            self._set(self._points[:-1], tr("take back vertex"))
        return True

    def cancel(self) -> None:
        """Give up the line, which undo brings back."""
        self._end_stroke()
        if self._points:
            self._set((), tr(self.cancel_text))

    def take_back(self) -> None:
        """Take back the vertex that the button put, with the freehand line."""
        self._end_stroke()
        self._set(self._before_press, tr("take back vertex"))

    def finish(self) -> None:
        """End a line that has enough vertices; fewer are nothing, which undo brings back."""
        self._end_stroke()
        if len(self._points) >= self.min_points:
            self.end()
        self.cancel()

    def _set(self, points: Points, text: str) -> None:
        before, self._points = self._points, points
        self.canvas.record_step(GestureStep(text, before, points, self._restore))

    def _restore(self, points: Points) -> None:
        self._points, self._stroke, self._held = points, [], None
        self.canvas.take_up(self.name)

    # What is seen

    @property
    def cursor(self) -> Qt.CursorShape:
        """A cross."""
        return Qt.CursorShape.CrossCursor

    def overlay(self, camera: Camera) -> QRectF:
        """Return what the line so far and the line to the mouse cover."""
        if not self._points:
            return QRectF()
        points = self._line(camera)
        x0, y0 = points.min(axis=0).tolist()
        x1, y1 = points.max(axis=0).tolist()
        return QRectF(x0, y0, x1 - x0, y1 - y0).adjusted(-CLOSE_REACH, -CLOSE_REACH, CLOSE_REACH, CLOSE_REACH)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The line so far, and the line to the mouse."""
        if not self._points:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.color
        line = qpoints(self._line(camera).tolist())
        fixed = len(self._points) + len(self._stroke)
        for made in (pen("#000000", ACTIVE_LINE + 2.0, 110), pen(color, ACTIVE_LINE)):
            painter.setPen(made)
            painter.drawPolyline(line[:fixed])
        if len(line) > fixed:
            for made in (pen("#000000", 3.0, 90), pen(color, 1.4, 255, DASH)):
                painter.setPen(made)
                painter.drawLine(line[fixed - 1], line[fixed])
        handles(painter, camera.to_view(self._points), color)

    def _line(self, camera: Camera) -> np.ndarray:
        points = [*self._points, *self._stroke]
        view = camera.to_view(points)
        if self._at is None or self._held is not None:
            return view
        end = camera.to_view([self._points[0] if self.closes(self._points) else self.clamped(self._at)])
        return np.concatenate((view, end))
