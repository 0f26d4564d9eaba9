"""The box tool: a box around an object is what the model is asked with, when it is drawn and when it is dragged later.

A new box goes on record at once. While one is dragged, the model's outline of what is in it is seen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from annotator.canvas.camera import qpoints
from annotator.canvas.gestures import CANCEL, Gesture, hint_of
from annotator.canvas.painter_paths import path_of
from annotator.canvas.painting import filled, handles, strong_outline
from annotator.canvas.style import ACTIVE_LINE, fill, pen
from annotator.canvas.tools.base import NO_PREVIEW, DraggedBox, Drawn
from annotator.canvas.tools.box_frame import MARGIN, Frame, cursor_of, paint_frame
from annotator.canvas.tools.drawing import MODE_GESTURES, DrawingTool, held_mode
from annotator.core import edits
from dataset.affine import resized
from dataset.geometry import bounds, rectangle
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from shapely import MultiPolygon

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import Pointer, ToolHost
    from annotator.core.annotation import Annotation
    from dataset.affine import Box, Grip

_MIN_SIDE = 4.0  # screen pixels of a side: less is no box
_MIN_PREVIEW = 16.0  # screen pixels of a side of a new box from which the outline in it is seen
_INSIDE = 1.0  # photo pixels that an outline may reach over the box that it is of
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_DRAG = Gesture(mark("Drag a box around an object:"), mark("the model draws its outline"))
_BOX = Gesture(mark("Shift"), mark("keeps the box"))
_HANDLE = Gesture(mark("Drag a handle of the selected object's box:"), mark("the model outlines it anew"))
_RELEASE = mark("Release for the model's outline")


class _HeldHandle(NamedTuple):
    """A box that the model is asked with for an object on record."""

    record: Annotation
    """As it is."""
    box: Box
    """As it was before the drag."""
    grip: Grip


class _Asked(NamedTuple):
    """A box that the model has been asked with."""

    record_id: int
    """The object's."""
    box: Box
    before: tuple[Annotation, ...] = ()
    """The object as it was before this box and those that it was dragged from."""


class BoxTool(DrawingTool):
    """Draws a box; the model outlines the object in it, unless Shift is held at the end."""

    name: ClassVar[str] = "box"
    title: ClassVar[str] = mark("Draw a box")
    tip: ClassVar[str] = mark(
        "Drag a box around an object, or a handle of the selected one's box: the model draws its outline;"
        " with Shift it stays a box"
    )
    keys: ClassVar[tuple[str, ...]] = ("R", "Ctrl+R")
    icon: ClassVar[str] = "box"
    gestures: ClassVar[tuple[Gesture, ...]] = (_DRAG, _HANDLE, _BOX, CANCEL, *MODE_GESTURES)

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._pressed: Pointer | None = None  # where the drag began
        self._dragged = False  # whether the mouse has been far enough from there: else it is a click
        self._at: Pointer | None = None
        self._grip: Grip | None = None  # under the mouse
        self._prompt: _HeldHandle | None = None  # whose handle is dragged; None: a new box is drawn
        self._gesture = 0  # the number of the drag that runs, or ran last
        self._outline: tuple[Box, MultiPolygon] | None = None  # what the model last found in this gesture, and where
        self._asked: Box | None = None  # what it was last asked with
        self._last: _Asked | None = None  # what the model was asked with last

    @property
    def busy(self) -> bool:
        """Whether a box is being dragged."""
        return self.holds

    @property
    def holds(self) -> bool:
        """Whether a box is being dragged."""
        return self._pressed is not None

    @property
    def cursor(self) -> Qt.CursorShape:
        """That of the handle under the mouse, else a cross."""
        grip = self._grip if self._prompt is None else self._prompt.grip
        return super().cursor if grip is None else cursor_of(grip)

    # The box of the selected object

    @property
    def _target_box(self) -> Box | None:
        """The box that is asked with for the selected object: the one drawn for it, as long as it is still in that."""
        target = self.target
        if self.mode is not None or target is None or target.is_crowd or target.shape.is_empty:
            return None
        x0, y0, x1, y1 = around = bounds(target.shape)
        last = self._last
        if last is not None and last.record_id == target.id and target not in last.before:
            left, top, right, bottom = last.box
            if x0 >= left - _INSIDE and y0 >= top - _INSIDE and x1 <= right + _INSIDE and y1 <= bottom + _INSIDE:
                return last.box
        return around

    def _frame(self, camera: Camera) -> Frame | None:
        box = self._box() if self._prompt is not None else self._target_box
        return None if box is None or (self.busy and self._prompt is None) else Frame.of(box, camera)

    # The mouse

    def press(self, at: Pointer) -> None:
        """Take hold of a handle, or put the first corner."""
        self._hover(at)
        target, box = self.target, self._target_box
        self._prompt = None
        if self._grip is not None and target is not None and box is not None:
            self._prompt, self._held_mode = _HeldHandle(target, box, self._grip), None
        elif not self.may_begin(at):
            return
        self._at, self._pressed, self._dragged = at, at, False
        self._gesture += 1
        self._outline = self._asked = None

    def move(self, at: Pointer) -> None:
        """Drag a corner or a side."""
        self.take_mode(at)
        self._at = at
        if self._pressed is None:
            self._hover(at)
            return
        self._dragged |= at.far_from(self._pressed)
        self._ask()
        self._show()

    def _hover(self, at: Pointer) -> None:
        frame = None if held_mode(at) else self._frame(self.canvas.camera())
        self._grip = None if frame is None else frame.grip_at(at)

    def leave(self) -> None:
        """Nothing is under the mouse."""
        super().leave()
        self._grip = None

    def refresh(self) -> None:
        """Give up when the object is another one now."""
        if self._prompt is not None:
            record = self._prompt.record
            if record.id not in self.canvas.content or self.canvas.content[record.id] != record:
                self.cancel()
        elif not self.busy:
            self._grip = None

    def release(self, at: Pointer) -> None:
        """Hand the box over."""
        self.move(at)
        self._finish(keep=self._is_kept)

    def cancel(self) -> None:
        """Give up the box."""
        self._pressed = self._prompt = self._outline = self._asked = None
        self._gesture += 1
        self.preview = NO_PREVIEW

    def finish(self) -> None:
        """Hand over the box as it is."""
        self._finish(keep=True)

    def _box(self) -> Box | None:
        """Return the box so far, in photo pixels."""
        document = self.canvas.document
        if self._pressed is None or self._at is None or not self._dragged or document is None:
            return None if self._prompt is None else self._prompt.box
        if self._prompt is not None:
            move = self._at.x - self._pressed.x, self._at.y - self._pressed.y
            return resized(self._prompt.box, self._prompt.grip, move, document.size)
        (x0, y0), (x1, y1) = self.clamped(self._pressed), self.clamped(self._at)
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    # The model's outline

    def _category(self) -> int | None:
        """Return the class of the object that is looked for."""
        if self._prompt is None and self.mode is None:
            return self.canvas.draw_category
        record = self.target if self._prompt is None else self._prompt.record
        return None if record is None else record.category_id

    def _ask(self) -> None:
        """Ask the model what is in the box, if it is another one now."""
        box, category_id = self._box(), self._category()
        if not self._dragged or box is None or category_id is None or box == self._asked:
            return
        self._asked = box
        self.canvas.box_dragged.emit(DraggedBox(self._gesture, box, category_id))

    def show_outline(self, dragged: DraggedBox, outline: MultiPolygon) -> None:
        """Show what the model has found, if the drag still goes on."""
        if dragged.gesture == self._gesture and self.busy and not outline.is_empty:
            self._outline = dragged.box, outline
            self._show()

    def _show(self) -> None:
        """Show the object as the drag would leave it."""
        prompt, box = self._prompt, self._box()
        if prompt is None or box is None or not self._dragged:
            return
        seen = None if self._outline is None or self._is_kept else self._outline[1]
        shape = rectangle(*box) if seen is None and prompt.record.is_box else seen
        self.preview = NO_PREVIEW if shape is None else {prompt.record.id: replace(prompt.record, shape=shape)}

    @property
    def _is_kept(self) -> bool:
        """Whether the box is to stay one, by the key held now; that of an outline is none."""
        if self._at is None or self._pressed is None or not self._at.held(_SHIFT):
            return False
        if self._prompt is not None:
            return self._prompt.record.is_box
        return not (self._pressed.held(_SHIFT) and held_mode(self._pressed) is not None)

    # The end

    def _finish(self, *, keep: bool) -> None:
        box, prompt, found = self._box(), self._prompt, self._outline
        dragged = self._dragged and self._pressed is not None
        self.cancel()
        if box is None or not dragged:
            return
        if prompt is not None:
            self._end_prompt(prompt, box, None if found is None else found[1], keep=keep)
            return
        least = _MIN_SIDE / self.canvas.scale_factor
        if box[2] - box[0] < least or box[3] - box[1] < least:
            return
        # What was seen in the very box that is drawn stays to be seen until the model's full answer is there.
        seen = found[1] if found is not None and found[0] == box and not keep else None
        outline = rectangle(*box)
        drawn = self.hand_over(outline if seen is None else seen, tr("draw box"), is_box=seen is None)
        if drawn is not None:
            self._last = _Asked(drawn.record_id, box) if drawn.mode is None else None
            if not keep:
                self.canvas.box_drawn.emit(replace(drawn, outline=outline))

    def _end_prompt(self, prompt: _HeldHandle, box: Box, found: MultiPolygon | None, *, keep: bool) -> None:
        """Put what was seen on record, and have the model look at it in full; a box with Shift stays one."""
        document, record = self.canvas.document, prompt.record
        if document is None or box == prompt.box:
            return
        record_id, keeps_box = record.id, record.is_box and (keep or found is None)
        shape = rectangle(*box) if keeps_box else found
        if shape is not None:
            changed = replace(record.with_shape(shape), is_box=keeps_box)
            edit = edits.change(document, tr("outline anew"), (changed,), self.canvas.new_id)
            record_id = next(iter(edit.annotations))
            before = () if self._last is None or self._last.record_id != record.id else self._last.before
            self._last = _Asked(record_id, box, before if edit.is_empty else (*before, record))
            self.canvas.commit(edit)
        if not keep:
            drawn = Drawn(record_id, rectangle(*box), record.category_id, record)
            self.canvas.box_drawn.emit(drawn)

    # What is seen

    def overlay(self, camera: Camera) -> QRectF:
        """Return the box and its handles."""
        frame = self._frame(camera)
        if frame is not None:
            return frame.rect.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
        box = self._box()
        return QRectF() if box is None else camera.rect_to_view(box).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The box, with its corners, or with handles that of an object."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = self._frame(camera)
        if frame is not None and self.target is not None:
            paint_frame(painter, frame, self.canvas.content.color(self.target))
            return
        box = self._box()
        if box is None:
            return
        color, rect = self.color, camera.rect_to_view(box)
        sees = self._outline is not None and not self._is_kept and min(rect.width(), rect.height()) >= _MIN_PREVIEW
        x0, y0, x1, y1 = box
        corners = camera.to_view([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        frame_points = qpoints(corners.tolist())
        painter.fillRect(rect, fill(color, 14 if sees else 40))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for made in (pen("#000000", ACTIVE_LINE + 2.0, 110), pen(color, ACTIVE_LINE)):
            painter.setPen(made)
            painter.drawPolygon(frame_points)
        if sees and self._outline is not None:
            path = path_of(self._outline[1])
            filled(painter, camera, path, color, 70)
            strong_outline(painter, camera, path, color, ACTIVE_LINE)
        handles(painter, corners, color)

    def hint(self) -> str:
        """Return what can be done now."""
        if self._prompt is not None and self.busy:
            return hint_of(tr(_RELEASE), *((_BOX,) if self._prompt.record.is_box else ()), CANCEL)
        if self.busy:
            return self.full_hint(hint_of(tr(_RELEASE), _BOX, CANCEL))
        if self._grip is not None:
            return _HANDLE.hint()
        return self.full_hint(_DRAG.hint())
