"""The frame of a box with its handles: where they are on the screen, what is under the mouse, how it is painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt

from annotator.canvas.camera import qpoints
from annotator.canvas.style import dot, pen
from dataset.affine import GRIPS, Grip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PySide6.QtGui import QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import Pointer
    from dataset.affine import Box

SIDE = 8.0
"""Of a handle, in viewport pixels."""
MARGIN = 8.0
"""Viewport pixels that handles reach over what they are of."""
FROM_CENTRE = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier
"""Held while a handle is dragged: the middle stays. Many window managers take Alt, so it is not the only one."""
KEEP_ASPECT = Qt.KeyboardModifier.ShiftModifier
"""Held while a handle is dragged: the proportions stay."""
_REACH = 8.0  # viewport pixels from a handle
_TURN_REACH = 24.0  # viewport pixels from a corner, outside of the frame
_MIN_FRAME = 30.0  # viewport pixels of a side: of less, there would be nothing but handles
_MIDDLES_FROM = 44.0  # viewport pixels of a side that has a handle in its middle, too
_STEM = 26.0  # viewport pixels from the frame to its knob
_KNOB = 11.0  # diameter

_CURSORS = {
    0: Qt.CursorShape.SizeHorCursor,
    1: Qt.CursorShape.SizeFDiagCursor,
    -1: Qt.CursorShape.SizeBDiagCursor,
}


def cursor_of(grip: Grip) -> Qt.CursorShape:
    """Return the cursor over a handle."""
    return _CURSORS[grip.x * grip.y] if grip.x else Qt.CursorShape.SizeVerCursor


def grip_near(box: Box, x: float, y: float, *, corner: bool) -> Grip:
    """Return the handle of a box that a point on its outline is for: the nearest corner, or the nearest side's."""
    x0, y0, x1, y1 = box
    if corner:
        return Grip(-1 if x - x0 < x1 - x else 1, -1 if y - y0 < y1 - y else 1)
    ways = {Grip(-1, 0): abs(x - x0), Grip(1, 0): abs(x - x1), Grip(0, -1): abs(y - y0), Grip(0, 1): abs(y - y1)}
    return min(ways, key=lambda grip: ways[grip])


def shown_grips(rect: QRectF) -> list[tuple[Grip, QPointF]]:
    """Return the handles of a rectangle of the screen, and where they are: on a short side, those at its ends alone."""
    box = (rect.left(), rect.top(), rect.right(), rect.bottom())
    long_x, long_y = rect.width() >= _MIDDLES_FROM, rect.height() >= _MIDDLES_FROM
    shown = [g for g in GRIPS if g.is_corner or (long_y if g.x else long_x)]
    return [(grip, QPointF(*grip.place(box))) for grip in shown]


class Frame(NamedTuple):
    """A frame on the screen with handles, and a knob to turn it by."""

    rect: QRectF
    """In viewport pixels; wider than its box where that is too small to be taken hold of."""

    @classmethod
    def of(cls, box: Box, camera: Camera) -> Frame:
        """Return the frame of a box of the photo."""
        rect = camera.rect_to_view(box)
        dx, dy = max(0.0, _MIN_FRAME - rect.width()) / 2, max(0.0, _MIN_FRAME - rect.height()) / 2
        return cls(rect.adjusted(-dx, -dy, dx, dy))

    @property
    def corners(self) -> list[QPointF]:
        """The four, in their order round the frame."""
        rect = self.rect
        return [rect.topLeft(), rect.topRight(), rect.bottomRight(), rect.bottomLeft()]

    @property
    def stem(self) -> tuple[QPointF, QPointF]:
        """Where the knob's line begins at the frame, and where the knob is: above it, or below where no room is."""
        middle, top, bottom = self.rect.center().x(), self.rect.top(), self.rect.bottom()
        if top - _STEM < _KNOB:
            return QPointF(middle, bottom), QPointF(middle, bottom + _STEM)
        return QPointF(middle, top), QPointF(middle, top - _STEM)

    def grip_at(self, at: Pointer) -> Grip | None:
        """Return the handle in reach of the mouse; of several the nearest."""
        near = [(_distance(point, at.view), grip) for grip, point in shown_grips(self.rect)]
        distance, grip = min(near)
        return grip if distance <= _REACH else None

    def turns_at(self, at: Pointer) -> bool:
        """Return whether the mouse is at the knob, or beside a corner."""
        if _distance(self.stem[1], at.view) <= _REACH:
            return True
        near = min(_distance(corner, at.view) for corner in self.corners)
        return near <= _TURN_REACH and not self.rect.contains(at.view)

    def contains(self, at: Pointer) -> bool:
        """Return whether the mouse is in the frame."""
        return self.rect.contains(at.view)

    @property
    def area(self) -> QRectF:
        """What is painted of it at most."""
        knob = self.stem[1]
        around = QRectF(knob.x() - _KNOB, knob.y() - _KNOB, 2 * _KNOB, 2 * _KNOB)
        return self.rect.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN) | around


def paint_line(painter: QPainter, points: Sequence[QPointF], color: str) -> None:
    """Paint a closed thin line through viewport positions."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for ink in (pen("#000000", 3.0, 90), pen(color, 1.2)):
        painter.setPen(ink)
        painter.drawPolygon(points)


def paint_grips(painter: QPainter, points: Iterable[QPointF], color: str) -> None:
    """Paint handles, light squares with a rim of that colour, at viewport positions."""
    half = SIDE / 2
    squares = [QRectF(at.x() - half, at.y() - half, SIDE, SIDE) for at in points]
    painter.setPen(pen("#000000", 3.4, 110))
    painter.drawRects(squares)
    painter.setPen(pen(color, 1.6))
    painter.setBrush(Qt.GlobalColor.white)
    painter.drawRects(squares)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_knob(painter: QPainter, frame: Frame, color: str, *, hot: bool) -> None:
    """Paint the knob of a frame and its line; `hot`: the mouse is where it turns."""
    start, knob = frame.stem
    for ink in (pen("#000000", 3.0, 90), pen(color, 1.2)):
        painter.setPen(ink)
        painter.drawLine(start, knob)
    rings = (("#000000", _KNOB + 2.0), (color, _KNOB), ("#ffffff", 0.0 if hot else _KNOB - 3.2))
    for ink_color, diameter in rings:
        if diameter:
            painter.setPen(dot(ink_color, diameter))
            painter.drawPoint(knob)


def paint_frame(painter: QPainter, frame: Frame, color: str) -> None:
    """Paint a frame and its handles."""
    paint_line(painter, frame.corners, color)
    paint_grips(painter, [point for _, point in shown_grips(frame.rect)], color)


def view_points(points: Iterable[tuple[float, float]], camera: Camera) -> list[QPointF]:
    """Return points of the photo on the screen."""
    return qpoints(camera.to_view(list(points)).tolist())


def _distance(a: QPointF, b: QPointF) -> float:
    return ((a.x() - b.x()) ** 2 + (a.y() - b.y()) ** 2) ** 0.5
