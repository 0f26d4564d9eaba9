"""The canvas: shows a document over its photo and lets tools turn mouse and keys into edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QPainter

from annotator.canvas import key_positions
from annotator.canvas.crosshair import Crosshair
from annotator.canvas.document_view import DocumentView
from annotator.canvas.gesture_keys import GestureKeys
from annotator.canvas.hit_testing import Hit, handle_at
from annotator.canvas.magnet import Magnet
from annotator.canvas.navigation import NOTCH
from annotator.canvas.snapping import snap
from annotator.canvas.tools.base import NO_PREVIEW, Pointer
from annotator.canvas.tools.registry import TOOLS
from annotator.core.strokes import DEFAULT_DIAMETER, MAX_DIAMETER, MIN_DIAMETER, stepped
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtGui import QFocusEvent, QMouseEvent, QWheelEvent
    from PySide6.QtWidgets import QWidget
    from shapely import MultiPolygon

    from annotator.canvas.camera import Camera
    from annotator.canvas.snapping import Snap
    from annotator.canvas.tools.base import Clicked, DraggedBox, FoundObject, GestureStep, Tool
    from annotator.core import edits
    from annotator.core.annotation import Annotation
    from annotator.core.categories import Categories
    from annotator.core.document import Document
    from dataset.geometry import CombineMode

_TABS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
_MODIFIERS = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt)


class CanvasView(DocumentView):
    """Shows the photo, its annotations and suggestions; sends what the person does as edits.

    It never changes the document, but for the selection: the slot connected to `edit_made` applies the edit.
    """

    edit_made = Signal(object)
    """An `edits.Edit` that a gesture has become, for the state the document is in."""
    cursor_moved = Signal(object)
    """QPointF in photo pixels, or None when the mouse left the photo."""
    hint_changed = Signal(str)
    """What can be done now with the thing under the cursor, with its key, in one line."""
    hovered_changed = Signal(object)
    """Id of the object under the cursor, or None."""
    step_made = Signal(object)
    """A `GestureStep` that a gesture of several has taken."""
    tool_changed = Signal(str)
    """The name of the tool that is now in hand."""
    context_requested = Signal(object)
    """QPoint on the screen for a context menu; what was under it is selected."""
    category_needed = Signal()
    """Something is to be drawn and no class is chosen."""
    brush_size_changed = Signal(int)
    """The diameter of the brush, in photo pixels."""
    box_drawn = Signal(object)
    """The `Drawn` of a box that has just gone on record, and in which the model is to outline an object."""

    box_dragged = Signal(object)
    """The `DraggedBox` in which the model is to find an outline at once; the answer goes to `show_outline`."""
    object_clicked = Signal(object)
    """The `Clicked` of an object that the model is to outline; the answer goes to `show_found`."""

    def __init__(self, categories: Categories, new_id: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(categories, parent)
        self.setObjectName("canvas")
        self.setAccessibleName(tr("Photo"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.new_id = new_id
        self._key_of: Callable[[str], str] = lambda _action: ""
        self._draw_category: int | None = None
        self._draw_mode: CombineMode | None = None
        self._brush_size = DEFAULT_DIAMETER
        self.snaps = False
        """Whether points that are drawn or dragged snap to other objects and to the photo's border."""
        self._is_magnetic = False
        self.magnet = Magnet(lambda: self._static.photo, self.camera, self)
        self._proposal: Mapping[int, Annotation] = NO_PREVIEW
        self._hint = ""
        self._hovered: int | None = None
        self._pointer: Pointer | None = None  # None while the mouse is elsewhere
        self._tools: Mapping[str, Tool] = {tool.name: tool(self) for tool in TOOLS}
        self._tool = self._tools[TOOLS[0].name]
        self.magnet.ready.connect(self.follow_tool)  # after the tools have heard of it
        self._crosshair = Crosshair()
        self._gesture_keys = GestureKeys(self, self._takes_key)

    def set_document(self, document: Document | None) -> None:
        """Show another document, or none. Its photo may come before or after."""
        self._tool.cancel()
        super().set_document(document)

    def key_of(self, action: str) -> str:
        """Return the key of an action of the window, for hints; "" if it has none."""
        return self._key_of(action)

    def follow_keys(self, key_of: Callable[[str], str]) -> None:
        """Name the keys that `key_of` returns for the names of actions in the hints, from now on."""
        self._key_of = key_of
        self.follow_tool()

    @property
    def draw_category(self) -> int | None:
        """Id of the class of what is drawn next; None: to be chosen first."""
        return self._draw_category

    @draw_category.setter
    def draw_category(self, category_id: int | None) -> None:
        self._draw_category = category_id
        self.follow_tool()

    @property
    def draw_color(self) -> str:
        """The colour of what is drawn next."""
        category_id, categories = self._draw_category, self.content.categories
        if category_id is None or category_id not in categories:
            return self.colors.accent
        return categories[category_id].color

    @property
    def draw_mode(self) -> CombineMode | None:
        """What becomes of the selected object with what is drawn; None: that is an object of its own."""
        return self._draw_mode

    @draw_mode.setter
    def draw_mode(self, mode: CombineMode | None) -> None:
        self._draw_mode = mode
        self.follow_tool()

    @property
    def brush_size(self) -> int:
        """Diameter of the brush and the eraser, in photo pixels."""
        return self._brush_size

    @brush_size.setter
    def brush_size(self, value: int) -> None:
        value = min(max(value, MIN_DIAMETER), MAX_DIAMETER)
        if value != self._brush_size:
            self._brush_size = value
            self.follow_tool()
            self.brush_size_changed.emit(value)

    @property
    def is_magnetic(self) -> bool:
        """Whether lines that are drawn follow the edges of the photo."""
        return self._is_magnetic

    @is_magnetic.setter
    def is_magnetic(self, value: bool) -> None:
        self._is_magnetic = value
        self.follow_tool()

    # Tools

    @property
    def tool(self) -> str:
        """The name of the tool in hand."""
        return self._tool.name

    def draws(self, name: str = "") -> bool:
        """Return whether a tool, by default the one in hand, makes new objects. KeyError if there is none so named."""
        return (self._tools[name] if name else self._tool).draws

    def finds_class(self, name: str) -> bool:
        """Return whether what a tool makes has a class where none is chosen. KeyError if there is none so named."""
        return self._tools[name].finds_class

    def show_outline(self, dragged: DraggedBox, outline: MultiPolygon) -> None:
        """Give the tool in hand what the model found in a box that is being dragged."""
        self._tool.show_outline(dragged, outline)
        self.follow_tool()

    def show_found(self, clicked: Clicked, found: FoundObject) -> None:
        """Give the tool in hand what the model found where it was clicked."""
        self._tool.show_found(clicked, found)
        self.follow_tool()

    @property
    def has_modes(self) -> bool:
        """Whether `draw_mode` says what becomes of what the tool in hand draws."""
        return self._tool.has_modes

    @property
    def has_size(self) -> bool:
        """Whether `brush_size` is the size of the tool in hand."""
        return self._tool.has_size

    def set_tool(self, name: str) -> None:
        """Take another tool in hand. KeyError if there is none of that name."""
        tool = self._tools[name]
        if tool is self._tool:
            return
        self._tool.finish()
        self._tool.leave()
        self._tool = tool
        tool.refresh()  # it was told nothing while another was in hand
        if self._pointer is not None:
            tool.move(self._pointer)
        self.follow_tool()
        self.tool_changed.emit(name)

    def take_up(self, name: str) -> None:
        """Take a tool in hand, if it is not, and show what it now shows. For tools."""
        self.set_tool(name)
        self.follow_tool()

    def cancel(self) -> None:
        """Give up the running gesture: nothing happened."""
        self._tool.cancel()
        self.follow_tool()

    @property
    def busy(self) -> bool:
        """Whether a gesture is running."""
        return self._tool.busy

    @property
    def holds(self) -> bool:
        """Whether the button is held in a gesture: whatever changes the photo waits until it is released."""
        return self._tool.holds

    def take_back(self) -> None:
        """Give up what the held button has done so far."""
        self._tool.take_back()
        self.follow_tool()

    def finish(self) -> None:
        """End the running gesture as it stands, so that nothing drawn is lost: the photo is left or done."""
        self._tool.finish()
        self.follow_tool()

    def set_hovered(self, annotation_id: int | None) -> None:
        """Highlight an object that is pointed at elsewhere, in a list; None for none."""
        self._hovered = self._tool.hovered = annotation_id if annotation_id in self.content else None
        self.follow_tool()

    def show_proposal(self, records: Mapping[int, Annotation]) -> None:
        """Show these records, by id, instead of those in the document, until there are others to show or none."""
        self._proposal = records
        self.follow_tool()

    def toggle_visibility(self) -> None:
        """Make the hovered or selected keypoint visible, occluded, unlabelled in turn."""
        self._tool.toggle_visibility()
        self.follow_tool()

    def add_missing_keypoint(self) -> None:
        """Put the first keypoint that the selected object lacks under the cursor."""
        if self._pointer is not None:
            self._tool.add_missing_keypoint(self._pointer)
            self.follow_tool()

    def commit(self, edit: edits.Edit) -> None:
        """Send an edit, unless it changes nothing. For tools."""
        if not edit.is_empty:
            self.edit_made.emit(edit)

    def record_step(self, step: GestureStep[Any]) -> None:
        """Send a step of the running gesture. For tools."""
        self.step_made.emit(step)

    def handle_at(self, at: Pointer) -> Hit | None:
        """Return what is under the mouse of the one object that has handles. For tools."""
        record = self.content.target
        if record is None:
            return None
        return handle_at(record, self.content.index.outline(record), at.x, at.y, self.scale_factor)

    def shapes_at(self, at: Pointer) -> list[int]:
        """Return ids of all objects under the mouse that are not locked, the best first. For tools."""
        locked = self.content.locked
        return [i for i in self.content.index.at(at.x, at.y, self.scale_factor) if i not in locked]

    def snap_at(self, x: float, y: float, *, inverted: bool, without: int | None = None) -> Snap | None:
        """Return where a point, of the object `without`, snaps; `inverted`: against `snaps`. For tools."""
        if self.document is None or self.snaps == inverted:
            return None
        return snap(self.content.index, x, y, self.scale_factor, self.document.size, without=without)

    def follow_tool(self) -> None:
        """Show what the tool now shows: previews, cursor, hint. Called after each event that a tool gets."""
        tool = self._tool
        self._gesture_keys.set_running(tool.busy or tool.holds)
        self._active.uses_handles = tool.uses_handles
        self.show_active(tool.hovered, {**self._proposal, **tool.preview}, tool.overlay(self.camera()))
        self._update_crosshair()
        self._update_cursor()
        if tool.hovered != self._hovered:
            self._hovered = tool.hovered
            self.hovered_changed.emit(self._hovered)
        hint = tool.hint() if self.document is not None else ""
        if hint != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)

    def _update_crosshair(self) -> None:
        crosses = self.look.crosshair and self._tool.draws and self._pointer is not None
        photo = self.camera().rect_to_view((0, 0, *self._photo_size))
        for rect in self._crosshair.move(self._pointer.view if crosses and self._pointer else None, photo):
            self.viewport().update(rect)

    def paint_over(self, painter: QPainter, camera: Camera) -> None:
        """Paint what the tool shows, and the cross hair under it."""
        self._crosshair.paint(painter)
        self._tool.paint(painter, camera)

    def _active_changed(self) -> None:
        self._tool.refresh()
        if self._pointer is not None and not self._tool.busy and self.document is not None:
            self._tool.move(self._pointer)
        self.follow_tool()

    def _camera_changed(self) -> None:
        if self._pointer is not None:
            self._pointer = self._at(self._pointer.view, self._pointer.modifiers, down=self._pointer.down)
        self.follow_tool()

    # Events

    def event(self, event: QEvent) -> bool:
        """Take a key before the window's shortcuts do, if the tool is really going to use it."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Space or self._takes_key(event):
                event.accept()
                return True
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _TABS and self._takes_key(event):  # Qt would move the focus first
                self.keyPressEvent(event)
                return True
        elif event.type() == QEvent.Type.DevicePixelRatioChange:
            self._view_changed()
        return super().event(event)

    def _takes_key(self, event: QKeyEvent) -> bool:
        return self._tool.holds or self._tool.takes_key(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pan, or let the tool begin."""
        if not self.pan_press(event) and event.button() == Qt.MouseButton.LeftButton and self.document is not None:
            self._tool.press(self._pointed(event))
            self.follow_tool()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Let the tool do what it does on a double click."""
        if not self.pan_press(event) and event.button() == Qt.MouseButton.LeftButton and self.document is not None:
            self._tool.double_click(self._pointed(event))
            self.follow_tool()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or let the tool hover and drag."""
        if self._tool.holds and self._pointer is not None and not event.buttons() & Qt.MouseButton.LeftButton:
            self._tool.release(self._pointer)  # over something else, such as a dialog that came up meanwhile
        at = self._pointed(event)
        self.cursor_moved.emit(QPointF(at.x, at.y) if self._in_photo(at) else None)
        if not self.pan_move(event) and self.document is not None:
            self._tool.move(at)
            self.follow_tool()
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning, or let the tool finish."""
        if not self.pan_release() and event.button() == Qt.MouseButton.LeftButton and self.document is not None:
            self._tool.release(self._pointed(event))
            self.follow_tool()
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """With Shift, change the size of the brush in hand; else scroll or zoom."""
        held = event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier)
        if not self._tool.has_size or held != Qt.KeyboardModifier.ShiftModifier:
            super().wheelEvent(event)
            return
        turned = event.angleDelta()  # some systems turn it sideways with Shift
        if not self._tool.holds:  # a stroke has one size
            self.brush_size = stepped(self.brush_size, (turned.y() or turned.x()) / NOTCH)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the cursor any more."""
        super().leaveEvent(event)
        self._pointer = None
        self.cursor_moved.emit(None)
        self._tool.leave()
        self.follow_tool()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space holds the photo; everything else is for the tool, then for the window."""
        self._follow_modifiers(event)
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.hold_space(down=True)
        elif self._tool.holds:
            self._end_hold(event)
        elif self.document is None or not self._tool.key_press(event):
            event.ignore()
            return
        self.follow_tool()
        event.accept()

    def _follow_modifiers(self, event: QKeyEvent) -> None:
        """Have the tool show at once what a key that is now held, or no longer, makes of the next gesture."""
        if event.key() in _MODIFIERS and self._pointer and not self._tool.holds and self.document is not None:
            self._pointer = replace(self._pointer, modifiers=event.modifiers())
            self._tool.move(self._pointer)
            self.follow_tool()

    def _end_hold(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._tool.cancel()
        elif key_positions.matches(event, QKeySequence.StandardKey.Undo):
            self._tool.take_back()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space lets go of the photo."""
        self._follow_modifiers(event)
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.hold_space(down=False)
            event.accept()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A release of Space elsewhere does not get here."""
        self.hold_space(down=False)
        super().focusOutEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Select what is under the cursor, then ask for a menu."""
        event.accept()
        if self.document is None or self._tool.busy or self._tool.holds:
            return
        if event.reason() != QContextMenuEvent.Reason.Keyboard:
            at = self._at(QPointF(event.pos()), event.modifiers(), down=False)
            ids = self.shapes_at(at)
            if not set(ids) & set(self.document.selection):
                self.document.select(ids[:1])
        self.context_requested.emit(event.globalPos())

    def _pointed(self, event: QMouseEvent) -> Pointer:
        down = bool(event.buttons() & Qt.MouseButton.LeftButton)
        self._pointer = self._at(event.position(), event.modifiers(), down=down)
        return self._pointer

    def _at(self, view: QPointF, modifiers: Qt.KeyboardModifier, *, down: bool) -> Pointer:
        photo = self.camera().to_photo(view)
        return Pointer(photo.x(), photo.y(), view, modifiers, down)

    def _in_photo(self, at: Pointer) -> bool:
        width, height = self._photo_size
        return 0 <= at.x < width and 0 <= at.y < height

    def _tool_cursor(self) -> Qt.CursorShape:
        return self._tool.cursor
