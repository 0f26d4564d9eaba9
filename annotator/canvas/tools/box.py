"""The box tool: drag a box around an object; it goes on record at once, and the model looks for the object in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from annotator.canvas.camera import qpoints
from annotator.canvas.gestures import CANCEL, Gesture, hint_of
from annotator.canvas.painting import handles
from annotator.canvas.style import ACTIVE_LINE, fill, pen
from annotator.canvas.tools.drawing import MODE_GESTURES, DrawingTool, held_mode
from dataset.geometry import rectangle
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import Pointer, ToolHost

_MIN_SIDE = 4.0  # screen pixels of a side: less is no box
_MARGIN = 8.0  # screen pixels that handles reach over the box
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_DRAG = Gesture(mark("Drag a box around an object:"), mark("the model draws its outline"))
_BOX = Gesture(mark("Shift"), mark("keeps the box"))


class BoxTool(DrawingTool):
    """Draws a box; the model outlines the object in it, unless Shift is held at the end."""

    name: ClassVar[str] = "box"
    title: ClassVar[str] = mark("Draw a box")
    tip: ClassVar[str] = mark("Drag a box around an object: the model draws its outline; with Shift it stays a box")
    keys: ClassVar[tuple[str, ...]] = ("R", "Ctrl+R")
    icon: ClassVar[str] = "box"
    gestures: ClassVar[tuple[Gesture, ...]] = (_DRAG, _BOX, CANCEL, *MODE_GESTURES)

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._pressed: Pointer | None = None  # where the drag began
        self._dragged = False  # whether the mouse has been far enough from there: else it is a click
        self._at: Pointer | None = None

    @property
    def busy(self) -> bool:
        """Whether a box is being dragged."""
        return self.holds

    @property
    def holds(self) -> bool:
        """Whether a box is being dragged."""
        return self._pressed is not None

    def press(self, at: Pointer) -> None:
        """Put the first corner."""
        if not self.may_begin(at):
            return
        self._at, self._pressed, self._dragged = at, at, False

    def move(self, at: Pointer) -> None:
        """Drag the other corner."""
        self.take_mode(at)
        self._at = at
        self._dragged |= self._pressed is not None and at.far_from(self._pressed)

    def release(self, at: Pointer) -> None:
        """Hand the box over."""
        self.move(at)
        shift_is_mode = (
            self._pressed is not None and self._pressed.held(_SHIFT) and held_mode(self._pressed) is not None
        )
        self._finish(keep=at.held(_SHIFT) and not shift_is_mode)

    def cancel(self) -> None:
        """Give up the box."""
        self._pressed = None

    def finish(self) -> None:
        """Hand over the box as it is."""
        self._finish(keep=True)

    def _finish(self, *, keep: bool) -> None:
        box = self._box()
        self.cancel()
        least = _MIN_SIDE / self.canvas.scale_factor
        if box is None or box.width() < least or box.height() < least:
            return
        outline = rectangle(box.left(), box.top(), box.right(), box.bottom())
        drawn = self.hand_over(outline, tr("draw box"), is_box=True)
        if drawn is not None and not keep:
            self.canvas.box_drawn.emit(drawn)

    def _box(self) -> QRectF | None:
        """Return the box so far, in photo pixels."""
        if self._pressed is None or self._at is None or not self._dragged or self.canvas.document is None:
            return None
        (x0, y0), (x1, y1) = self.clamped(self._pressed), self.clamped(self._at)
        return QRectF(x0, y0, x1 - x0, y1 - y0).normalized()

    def overlay(self, camera: Camera) -> QRectF:
        """Return the box."""
        box = self._box()
        if box is None:
            return QRectF()
        (x0, y0), (x1, y1) = camera.to_view([(box.left(), box.top()), (box.right(), box.bottom())]).tolist()
        return QRectF(x0, y0, x1 - x0, y1 - y0).adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The box, with its corners."""
        box = self._box()
        if box is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.color
        left, top, right, bottom = box.left(), box.top(), box.right(), box.bottom()
        corners = camera.to_view([(left, top), (right, top), (right, bottom), (left, bottom)])
        frame = qpoints(corners.tolist())
        painter.fillRect(QRectF(frame[0], frame[2]), fill(color, 40))
        for made in (pen("#000000", ACTIVE_LINE + 2.0, 110), pen(color, ACTIVE_LINE)):
            painter.setPen(made)
            painter.drawPolygon(frame)
        handles(painter, corners, color)

    def hint(self) -> str:
        """Return what can be done now."""
        if self.busy:
            return self.full_hint(hint_of(tr("Release for the model's outline"), _BOX, CANCEL))
        return self.full_hint(_DRAG.hint())
