"""The canvas: shows a document over its photo and lets tools turn mouse and keys into edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter

from annotator.canvas.active import ActiveLayer
from annotator.canvas.backdrop import Backdrop
from annotator.canvas.content import Content
from annotator.canvas.hit import Hit, extent, handle_at
from annotator.canvas.navigation import ZoomPanView
from annotator.canvas.photo import Photo
from annotator.canvas.still import REACH, StillLayer
from annotator.canvas.style import CanvasColors
from annotator.canvas.tools.base import Pointer
from annotator.canvas.tools.registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtGui import QFocusEvent, QImage, QMouseEvent, QPaintEvent, QResizeEvent
    from PySide6.QtWidgets import QWidget

    from annotator.canvas.camera import Box, Camera
    from annotator.canvas.tools.base import Tool
    from annotator.core import edits
    from annotator.core.categories import Categories
    from annotator.core.document import Document


class CanvasView(ZoomPanView):
    """Shows the photo, its annotations and suggestions; sends what the person does as edits.

    It never changes the document, but for the selection: whoever listens to `edit_made` applies the edit.

    Attributes:
        edit_made: An `edits.Edit` that a gesture made, for the state the document is in.
        cursor_moved: QPointF in photo pixels, or None when the mouse left the photo.
        hint_changed: What can be done now with the thing under the cursor, with its key, in one line.
        hovered_changed: Id of the object under the cursor, or None.
        tool_changed: The name of the tool that is now in hand.
        context_requested: QPoint on the screen where a menu is wanted; what was under it is selected.
        category_needed: Something is to be drawn and no class is chosen.
        content: What is shown, for tools.
    """

    edit_made = Signal(object)
    cursor_moved = Signal(object)
    hint_changed = Signal(str)
    hovered_changed = Signal(object)
    tool_changed = Signal(str)
    context_requested = Signal(object)
    category_needed = Signal()

    def __init__(self, categories: Categories, new_id: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setAccessibleName("Photo")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.content = Content(categories)
        self.new_id = new_id
        self.draw_category: int | None = None
        self._colors = CanvasColors()
        self._still = StillLayer(self.content)
        self._active = ActiveLayer(self.content)
        self._backdrop = Backdrop(self._paint_backdrop)
        self._exposed = QRect()  # what is being painted
        self._overlay = QRect()  # what the tool's marks cover
        self._hint = ""
        self._hovered: int | None = None
        self._pointer: Pointer | None = None  # None while the mouse is elsewhere
        self._tools: Mapping[str, Tool] = {tool.name: tool(self) for tool in TOOLS}
        self._tool = self._tools[TOOLS[0].name]
        categories.changed.connect(self._categories_changed)

    # What is shown

    @property
    def document(self) -> Document | None:
        """What is being worked on."""
        return self.content.document

    def set_document(self, document: Document | None) -> None:
        """Show another document, or none. Its photo may come before or after."""
        self._tool.cancel()
        before = self.content.document
        if before is not None:
            before.changed.disconnect(self._records_changed)
            before.offered_changed.disconnect(self._records_changed)
            before.selection_changed.disconnect(self._selection_changed)
        self.content.document = document
        if document is not None:
            document.changed.connect(self._records_changed)
            document.offered_changed.connect(self._records_changed)
            document.selection_changed.connect(self._selection_changed)
        self.content.sync()
        self._follow_size()
        self._view_changed()

    def set_photo(self, image: QImage | None) -> None:
        """Show another photo (upright, RGB32 for speed), or none while it is being read."""
        self._still.photo = None if image is None or image.isNull() else Photo(image)
        self._follow_size()
        self._backdrop.invalidate()
        self.viewport().update()

    def set_colors(self, colors: CanvasColors) -> None:
        """Take over the theme's colours."""
        self._colors = colors
        self._view_changed()

    @property
    def colors(self) -> CanvasColors:
        """The theme's colours."""
        return self._colors

    @property
    def show_annotations(self) -> bool:
        """Whether what is on record is shown."""
        return self.content.show_annotations

    @show_annotations.setter
    def show_annotations(self, value: bool) -> None:
        self.content.show_annotations = value
        self._records_changed()

    @property
    def show_suggestions(self) -> bool:
        """Whether what the model offers is shown."""
        return self.content.show_suggestions

    @show_suggestions.setter
    def show_suggestions(self, value: bool) -> None:
        self.content.show_suggestions = value
        self._records_changed()

    @property
    def show_names(self) -> bool:
        """Whether names are shown without being asked for, where there is room."""
        return self._still.show_names

    @show_names.setter
    def show_names(self, value: bool) -> None:
        self._still.show_names = value
        self._view_changed()

    def zoom_to_selection(self) -> None:
        """Show the selected objects as large as they fit; without any, the whole photo."""
        boxes = [extent(record) for record in self.content.selected]
        if boxes:
            x0, y0, x1, y1 = zip(*boxes, strict=True)
            self.zoom_to_box((min(x0), min(y0), max(x1), max(y1)))
        else:
            self.fit()

    # Tools

    @property
    def tool(self) -> str:
        """The name of the tool in hand."""
        return self._tool.name

    def set_tool(self, name: str) -> None:
        """Take another tool in hand. KeyError if there is none of that name."""
        tool = self._tools[name]
        if tool is self._tool:
            return
        self._tool.cancel()
        self._tool.leave()
        self._tool = tool
        if self._pointer is not None:
            tool.move(self._pointer)
        self.follow_tool()
        self.tool_changed.emit(name)

    def cancel(self) -> None:
        """Give up the running gesture: nothing happened."""
        self._tool.cancel()
        self.follow_tool()

    def set_hovered(self, annotation_id: int | None) -> None:
        """Highlight an object that the mouse is over elsewhere, such as in a list."""
        self._tool.hovered = annotation_id
        self._tool.refresh()
        self.follow_tool()

    def set_hovered(self, annotation_id: int | None) -> None:
        """Highlight an object that is pointed at elsewhere, in a list; None for none."""
        self._hovered = self._tool.hovered = annotation_id if annotation_id in self.content else None
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

    def handle_at(self, at: Pointer) -> Hit | None:
        """What is under the mouse of the one object that has handles. For tools."""
        selected = self.content.selected
        if not selected:
            return None
        record = selected[-1]
        return handle_at(record, self.content.index.outline(record), at.x, at.y, self.scale_factor)

    def shapes_at(self, at: Pointer) -> list[int]:
        """Ids of all objects under the mouse, the best first. For tools."""
        return self.content.index.at(at.x, at.y, self.scale_factor)

    def follow_tool(self) -> None:
        """Show what the tool now shows: previews, cursor, hint. Called after each event that a tool gets."""
        tool, camera = self._tool, self.camera()
        hidden = frozenset(tool.preview)
        for annotation_id in hidden ^ self._still.hidden:
            if annotation_id in self.content:
                self._repaint_still(extent(self.content[annotation_id]), camera)
        self._still.hidden = hidden
        viewport = self.viewport()
        for rect in self._active.follow(camera, viewport.rect(), tool.hovered, tool.preview):
            viewport.update(rect)
        overlay = tool.overlay(camera).toAlignedRect()
        for rect in (self._overlay, overlay):
            if not rect.isEmpty():
                viewport.update(rect)
        self._overlay = overlay
        self._update_cursor()
        if tool.hovered != self._hovered:
            self._hovered = tool.hovered
            self.hovered_changed.emit(self._hovered)
        hint = tool.hint() if self.document is not None else ""
        if hint != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)

    # Following the document

    def _records_changed(self, _ids: frozenset[int] = frozenset()) -> None:
        boxes = self.content.sync()
        if not boxes:
            return
        camera = self.camera()
        for box in boxes:
            self._repaint_still(box, camera)
        for rect in self._still.place_labels(camera.scale):
            self._repaint(rect.translated(camera.dx, camera.dy))
        self._selection_changed()

    def _selection_changed(self) -> None:
        self._tool.refresh()
        if self._pointer is not None and not self._tool.busy:
            self._tool.move(self._pointer)
        self.follow_tool()

    def _categories_changed(self) -> None:
        self._still.forget_labels()
        self._view_changed()
        self.follow_tool()

    def _follow_size(self) -> None:
        if self.document is not None:
            self.set_photo_size(self.document.size)
        elif self._still.photo is not None:
            size = self._still.photo.size
            self.set_photo_size((size.width(), size.height()))

    def _view_changed(self) -> None:
        self._still.place_labels(self.scale_factor)
        self._backdrop.resize(self.viewport().size(), self.devicePixelRatioF())
        self._backdrop.invalidate()
        self.viewport().update()
        if self._pointer is not None:
            self._pointer = self._at(self._pointer.view, self._pointer.modifiers, down=self._pointer.down)
        self.follow_tool()

    def _repaint_still(self, box: Box, camera: Camera) -> None:
        self._repaint(camera.rect_to_view(box).adjusted(-REACH, -REACH, REACH, REACH))

    def _repaint(self, area: QRectF) -> None:
        rect = area.toAlignedRect() & self.viewport().rect()
        if not rect.isEmpty():
            self._backdrop.invalidate(rect)
            self.viewport().update(rect)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is exposed."""
        self._exposed = event.rect()
        super().paintEvent(event)

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Copy the backdrop."""
        del rect  # in photo pixels, and less exact
        painter.resetTransform()
        self._backdrop.draw(painter, self._exposed)

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Paint what is active, and over it what the tool shows."""
        del rect
        painter.resetTransform()
        camera = self.camera()
        self._active.paint(painter, self._exposed, camera, self._colors)
        self._tool.paint(painter, camera)

    def _paint_backdrop(self, painter: QPainter, rect: QRect) -> None:
        self._still.paint(painter, rect, self.camera(), self._colors)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is painted; names that keep to the edge of the view, and the tool's marks, are painted anew."""
        stay = self._active.labels()
        super().scrollContentsBy(dx, dy)
        self._backdrop.scroll(dx, dy)
        self._active.scroll(dx, dy)
        self._overlay.translate(dx, dy)
        if self._pointer is not None:
            self._pointer = self._at(self._pointer.view, self._pointer.modifiers, down=self._pointer.down)
        self.follow_tool()
        for rect in (*(rect.translated(dx, dy) for rect in stay), *self._active.labels()):
            self.viewport().update(rect.adjusted(-2, -2, 2, 2))

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the photo in view."""
        super().resizeEvent(event)
        self._view_changed()

    def event(self, event: QEvent) -> bool:
        """Take a key before the window's shortcuts do, if the tool is really going to use it."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Space or self._tool.wants_key(event):
                event.accept()
                return True
        elif event.type() == QEvent.Type.DevicePixelRatioChange:
            self._view_changed()
        return super().event(event)

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

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the cursor any more."""
        super().leaveEvent(event)
        self._pointer = None
        self.cursor_moved.emit(None)
        self._tool.leave()
        self.follow_tool()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space holds the photo; everything else is for the tool, then for the window."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.hold_space(down=True)
        elif self.document is None or not self._tool.key_press(event):
            event.ignore()
            return
        self.follow_tool()
        event.accept()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space lets go of the photo."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.hold_space(down=False)
            event.accept()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A Space that is let go elsewhere is not heard here."""
        self.hold_space(down=False)
        super().focusOutEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Select what is under the cursor, then ask for a menu."""
        event.accept()
        if self.document is None or self._tool.busy:
            return
        if event.reason() != QContextMenuEvent.Reason.Keyboard:
            at = self._at(QPointF(event.pos()), event.modifiers(), down=False)
            ids = self.shapes_at(at)
            if not set(ids) & set(self.document.selection):
                self.document.select(ids[:1])
        self.context_requested.emit(event.globalPos())

    def sizeHint(self) -> QSize:
        """Room for a photo."""
        return QSize(960, 720)

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
