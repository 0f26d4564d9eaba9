"""The transform tool: the box around what is selected has handles that scale, rotate and move all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QRectF, Qt

from annotator.canvas.gestures import CANCEL, CENTRED, PROPORTIONS, Gesture, hint_of
from annotator.canvas.hit_testing import extent
from annotator.canvas.labels import Label, paint_label, width_of
from annotator.canvas.tools.box_drags import ScaleObjects, TurnObjects, box_around
from annotator.canvas.tools.box_frame import (
    FROM_CENTRE,
    KEEP_ASPECT,
    Frame,
    cursor_of,
    paint_frame,
    paint_grips,
    paint_knob,
    paint_line,
    shown_grips,
    view_points,
)
from annotator.canvas.tools.clicks import ADD
from annotator.canvas.tools.drags import MoveObjects
from annotator.canvas.tools.objects import ObjectsTool
from dataset.affine import Affine, scaling
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import Pointer, ToolHost
    from annotator.canvas.tools.drags import Drag
    from annotator.core.annotation import Annotation
    from dataset.affine import Box, Grip

_CLICK = Gesture(mark("Click an object"), mark("to scale, rotate or move it"))
_SCALE = Gesture(mark("Drag a handle:"), mark("scale"))
_ROTATE = Gesture(mark("Drag beside a corner:"), mark("rotate"))
_STEPS = Gesture(mark("Shift"), mark("in steps of 15°"))
_MOVE_INSIDE = Gesture(mark("Drag inside:"), mark("move"))
_LABEL_OFF = 16.0  # viewport pixels from the mouse


class TransformTool(ObjectsTool):
    """Scales by the handles, turns by the knob and beside the corners, moves from inside."""

    name: ClassVar[str] = "transform"
    title: ClassVar[str] = mark("Scale and rotate")
    tip: ClassVar[str] = mark("Scale, rotate and move the selected objects by the handles of the box around them")
    keys: ClassVar[tuple[str, ...]] = ("T",)
    icon: ClassVar[str] = "transform"
    gestures: ClassVar[tuple[Gesture, ...]] = (
        _CLICK, _SCALE, PROPORTIONS, CENTRED, _ROTATE, _STEPS, _MOVE_INSIDE, CANCEL
    )  # fmt: skip

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._grip: Grip | None = None  # under the mouse, or being dragged
        self._turns = False  # whether the mouse is where it turns
        self._inside = False  # whether it is in the frame
        self._shown = Affine()  # what the drag has made of the frame so far
        self._text = ""  # how large what is dragged is now, or how far it is turned
        self._around: tuple[tuple[Annotation, ...], Box] | None = None  # records and the box around them

    @property
    def _box(self) -> Box | None:
        """The box around what is selected."""
        selected = self.canvas.content.selected
        if not selected:
            return None
        if self._around is None or self._around[0] != selected:
            self._around = selected, box_around(selected)
        return self._around[1]

    def _frame(self, camera: Camera) -> Frame | None:
        return None if self._box is None else Frame.of(self._box, camera)

    @property
    def cursor(self) -> Qt.CursorShape:
        """The cursor for what a drag would do."""
        if self._grip is not None:
            return cursor_of(self._grip)
        if self._turns:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.SizeAllCursor if self._inside and not self._band else super().cursor

    # The mouse

    def _hover(self, at: Pointer) -> None:
        frame = self._frame(self.canvas.camera())
        self._grip = None if frame is None else frame.grip_at(at)
        self._turns = frame is not None and self._grip is None and frame.turns_at(at)
        self._inside = frame is not None and self._grip is None and frame.contains(at)
        if self._grip is None and not self._turns:
            super()._hover(at)
        else:
            self._point_at([])

    def leave(self) -> None:
        """Nothing is under the mouse."""
        super().leave()
        self._grip, self._turns, self._inside = None, False, False

    def _press_handle(self, at: Pointer) -> bool:
        selected, box, size = self.canvas.content.selected, self._box, self._document.size
        if box is None:
            return False
        if self._grip is not None:
            self._drag = ScaleObjects(selected, box, self._grip, size)
        elif self._turns:
            self._drag = TurnObjects.of(selected, (at.x, at.y), size)
        elif self._inside and not at.held(ADD):
            self._drag = MoveObjects(selected, size)
        return self._drag is not None

    def _click(self, at: Pointer) -> None:
        if not self._inside or self.canvas.shapes_at(at):
            super()._click(at)

    def _dragged(self, drag: Drag, dx: float, dy: float, at: Pointer) -> Mapping[int, Annotation]:
        if isinstance(drag, ScaleObjects):
            box = drag.box_at(dx, dy, keep_aspect=at.held(KEEP_ASPECT), from_centre=at.held(FROM_CENTRE))
            self._shown, self._text = scaling(drag.box, box), f"{box[2] - box[0]:.0f} × {box[3] - box[1]:.0f}"
            return drag.to(box)
        if isinstance(drag, TurnObjects):
            degrees = drag.degrees(at.x, at.y, stepped=at.held(KEEP_ASPECT))
            self._shown, self._text = drag.turn(degrees), f"{degrees:.0f}°"
            return drag.to(self._shown)
        preview = drag.at(dx, dy)
        first = drag.records[0]
        (x0, y0, *_), (x1, y1, *_) = extent(first), extent(preview.get(first.id, first))
        self._shown = Affine(dx=x1 - x0, dy=y1 - y0)
        return preview

    def _forget_drag(self) -> None:
        super()._forget_drag()
        self._shown, self._text = Affine(), ""

    # What is seen

    def handles_area(self, camera: Camera) -> QRectF:
        """Return what the frame and its handles cover."""
        frame = self._frame(camera)
        if frame is None:
            return QRectF()
        if not self._dragging:
            return frame.area
        points = self._corners(camera)
        xs, ys = [point.x() for point in points], [point.y() for point in points]
        around = Frame(QRectF(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))).area
        label = self._label()
        return around if label is None else around | label.rect.adjusted(-1, -1, 1, 1)

    def paint_handles(self, painter: QPainter, camera: Camera) -> None:
        """Paint the frame and its handles; while it is turned, turned."""
        frame, color = self._frame(camera), self.canvas.colors.accent
        if frame is None:
            return
        if not self._dragging:
            paint_knob(painter, frame, color, hot=self._turns)
            paint_frame(painter, frame, color)
            return
        corners = self._corners(camera)
        paint_line(painter, corners, color)
        if isinstance(self._drag, TurnObjects):
            paint_grips(painter, corners, color)
        else:
            paint_grips(painter, [at for _, at in shown_grips(QRectF(corners[0], corners[2]))], color)
        label = self._label()
        if label is not None:
            paint_label(painter, label, self.canvas.colors, strong=True)

    def _corners(self, camera: Camera) -> list[QPointF]:
        assert self._box is not None, "something is dragged"
        x0, y0, x1, y1 = self._box
        return view_points(self._shown.points([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]).tolist(), camera)

    def _label(self) -> Label | None:
        if not self._text or self._at is None:
            return None
        x, y = self._at.view.x() + _LABEL_OFF, self._at.view.y() + _LABEL_OFF
        label = Label(x, y, width_of(self._text), self._text, self.canvas.colors.accent)
        return label.inside(QRectF(self.canvas.viewport().rect()))

    def hint(self) -> str:
        """Return what can be done with what is under the mouse."""
        turning = self._turns if self._drag is None else isinstance(self._drag, TurnObjects)
        if self._dragging and self._grip is not None:
            return hint_of(tr("Release to finish"), PROPORTIONS, CENTRED, CANCEL)
        if self._dragging:
            return hint_of(tr("Release to finish"), _STEPS if turning else "", CANCEL)
        if self._grip is not None:
            return hint_of(_SCALE, PROPORTIONS, CENTRED)
        if turning:
            return hint_of(_ROTATE, _STEPS)
        if self._box is None:
            return _CLICK.hint()
        return hint_of(_SCALE, _ROTATE, _MOVE_INSIDE)
