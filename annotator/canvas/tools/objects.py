"""What tools on whole objects have in common: these are chosen by clicks and rubber bands, moved and nudged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter

from annotator.canvas.tools import select_overlay
from annotator.canvas.tools.base import NO_PREVIEW, Pointer, Tool
from annotator.canvas.tools.clicks import ADD, Clicks
from annotator.canvas.tools.drags import Drag, MoveObjects, moved
from annotator.core import edits
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import ToolHost
    from annotator.core.annotation import Annotation
    from annotator.core.document import Document

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class ObjectsTool(Tool):
    """Click selects, drag moves, a drag from beside the objects is a rubber band; handles are the subclass's."""

    draws: ClassVar[bool] = False

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._over: Pointer | None = None  # where the mouse is
        self._stacked = False  # whether it is over more than one object
        self._pressed: Pointer | None = None
        self._drag: Drag | None = None  # begins when the mouse moves far enough
        self._dragging = False
        self._band = False
        self._held = False  # the press chose a suggestion, which a drag leaves where it is
        self._at: Pointer | None = None  # where the drag is
        self._clicks = Clicks()

    @property
    def _document(self) -> Document:
        document = self.canvas.document
        assert document is not None, "the canvas gives tools events only while it has a document"
        return document

    @property
    def _handled(self) -> Annotation | None:
        return self.canvas.content.target

    @property
    def busy(self) -> bool:
        """Whether something is being dragged."""
        return self._dragging

    @property
    def holds(self) -> bool:
        """Whether the button is held."""
        return self._pressed is not None

    @property
    def cursor(self) -> Qt.CursorShape:
        """The cursor for what a drag would do."""
        if self._dragging:
            return Qt.CursorShape.CrossCursor if self._band else Qt.CursorShape.SizeAllCursor
        if self.hovered is not None:
            selected = self.hovered in self._document.selection
            return Qt.CursorShape.SizeAllCursor if selected else Qt.CursorShape.PointingHandCursor
        return Qt.CursorShape.ArrowCursor

    def refresh(self) -> None:
        """Forget what is no longer there or no longer the same."""
        if self.hovered is not None and self.hovered not in self.canvas.content:
            self.hovered = None
        if self._drag is not None and any(self._is_other(record) for record in self._drag.records):
            self.cancel()  # what it would leave is made of a record that is no more

    def _is_other(self, record: Annotation) -> bool:
        return record.id not in self.canvas.content or self.canvas.content[record.id] != record

    # The mouse

    def move(self, at: Pointer) -> None:
        """Hover, or follow the drag."""
        if self._pressed is None or not at.down:
            self._hover(at)
            return
        if not self._dragging and not self._held and at.far_from(self._pressed):
            self._dragging = True
            self._band = self._drag is None
            self._begin_drag()
        if self._dragging:
            self.hovered = None
            if self._drag is not None:
                self.preview = self._dragged(self._drag, at.x - self._pressed.x, at.y - self._pressed.y, at)
        self._at = at

    def _begin_drag(self) -> None:
        """The mouse has moved far enough."""

    def _dragged(self, drag: Drag, dx: float, dy: float, at: Pointer) -> Mapping[int, Annotation]:
        """Return the records after a drag of (dx, dy) photo pixels, with the mouse there."""
        del at
        return drag.at(dx, dy)

    def leave(self) -> None:
        """Nothing is under the mouse."""
        self.hovered, self._over, self._stacked = None, None, False

    def _hover(self, at: Pointer) -> None:
        """Take over what is under the mouse."""
        self._over = at
        self._point_at(self.canvas.shapes_at(at))

    def _point_at(self, ids: list[int]) -> None:
        self.hovered, self._stacked = next(iter(ids), None), len(ids) > 1

    def press(self, at: Pointer) -> None:
        """Select, and get ready to drag."""
        self._pressed, self._at = at, at
        self._drag, self._dragging, self._band, self._held = None, False, False, False
        self._hover(at)
        if not self._press_handle(at):
            self._press_object(at)

    def _press_handle(self, at: Pointer) -> bool:
        """Handle a press on a handle. Return False if the press is for the object below it."""
        del at
        return False

    def _press_object(self, at: Pointer) -> None:
        document = self._document
        ids = self.canvas.shapes_at(at)
        if at.held(ADD) or at.held(Qt.KeyboardModifier.AltModifier):
            return  # decided on release: a drag is a rubber band
        if not ids:
            return
        if not set(ids) & set(document.selection):
            document.select(ids[:1])
            self._clicks.forget()
            # As in labelme and CVAT, the first drag moves what is on record. Moving a suggestion accepts it, so that
            # takes a drag of one that is seen to be selected.
            self._held = ids[0] < 0
            if self._held:
                return
        self._drag = MoveObjects(self.canvas.content.selected, document.size)

    def release(self, at: Pointer) -> None:
        """End the drag with its edit, or take it for a click."""
        pressed, drag, preview = self._pressed, self._drag, self.preview
        if pressed is None:
            return
        dragged, band = self._dragging, self._band
        self._forget_drag()
        if band:
            self._select_in_band(pressed, at)
        elif dragged and drag is not None:
            self._end_drag(drag, preview)
        elif drag is None or isinstance(drag, MoveObjects):
            self._click(pressed)
        self._hover(at)

    def _end_drag(self, drag: Drag, preview: Mapping[int, Annotation]) -> None:
        if preview:
            records = preview.values()
            edit = edits.change(self._document, drag.text(preview), records, self.canvas.new_id)
            self._commit(edit, next(iter(records)))

    def _click(self, at: Pointer) -> None:
        document = self._document
        document.select(self._clicks.selection(at, self.canvas.shapes_at(at), document.selection))

    def _select_in_band(self, pressed: Pointer, at: Pointer) -> None:
        ids = self.canvas.content.index.inside(*band_box(pressed, at))
        self._document.select((*self._document.selection, *ids) if pressed.held(ADD) else ids)

    # The keyboard

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Escape and for arrows with a selection."""
        is_ours = event.key() == Qt.Key.Key_Escape or (event.key() in _ARROWS and _plain(event))
        return is_ours and bool(self.canvas.content.selected)

    def key_press(self, event: QKeyEvent) -> bool:
        """Nudge, delete, give up."""
        if event.key() in _ARROWS and _plain(event):
            step = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            dx, dy = _ARROWS[Qt.Key(event.key())]
            return self._nudge(dx * step, dy * step)
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.modifiers():
            return self._delete()
        if event.matches(QKeySequence.StandardKey.Cancel):
            return self._escape()
        return False

    def _nudge(self, dx: int, dy: int) -> bool:
        selected = self.canvas.content.selected
        if not selected:
            return False
        self._commit_nudge(moved(selected, dx, dy, self._document.size))
        return True

    def _commit_nudge(self, changed: Mapping[int, Annotation], what: str = "") -> None:
        if changed:
            edit = edits.change(self._document, tr("nudge"), changed.values(), self.canvas.new_id)
            self._commit(replace(edit, merge=f"nudge {what}of {edit.selection[1]}"), next(iter(changed.values())))

    def _delete(self) -> bool:
        if self._handled is None:
            return False
        self.canvas.commit(edits.delete(self._document, self._document.selection))
        return True

    def _escape(self) -> bool:
        if not self._document.selection:
            return False
        self._document.select(())
        return True

    def cancel(self) -> None:
        """Give up the drag: the objects are where they were."""
        self._forget_drag()

    def _forget_drag(self) -> None:
        self._pressed, self._drag, self._dragging, self._band, self._held = None, None, False, False, False
        self.preview = NO_PREVIEW

    def _commit(self, edit: edits.Edit, record: Annotation) -> None:
        """Send an edit after which the object with handles looks like `record`."""
        del record
        self.canvas.commit(edit)

    # What is seen

    def overlay(self, camera: Camera) -> QRectF:
        """Return what the rubber band, or the handles, cover."""
        band = self._band_rect(camera)
        return self.handles_area(camera) if band is None else band.adjusted(-2, -2, 2, 2)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """Paint the rubber band, or the handles."""
        band = self._band_rect(camera)
        if band is None:
            self.paint_handles(painter, camera)
        else:
            select_overlay.paint_band(painter, band, self.canvas.colors)

    def handles_area(self, camera: Camera) -> QRectF:
        """Return what `paint_handles` covers, in viewport pixels."""
        del camera
        return QRectF()

    def paint_handles(self, painter: QPainter, camera: Camera) -> None:
        """Paint the handles, in viewport pixels."""

    def _band_rect(self, camera: Camera) -> QRectF | None:
        if not self._band or self._pressed is None or self._at is None:
            return None
        start = camera.point_to_view(self._pressed.x, self._pressed.y)  # stays on the photo when that scrolls
        return QRectF(start, self._at.view).normalized()


def band_box(pressed: Pointer, at: Pointer) -> tuple[float, float, float, float]:
    """Return the rubber band between two positions of the mouse, x0, y0, x1, y1 in photo pixels."""
    (x0, x1), (y0, y1) = sorted((pressed.x, at.x)), sorted((pressed.y, at.y))
    return x0, y0, x1, y1


def _plain(event: QKeyEvent) -> bool:
    allowed = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
    return not event.modifiers() & ~allowed
