"""The list of classes as the mouse and the keys find it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication

from annotator import theme
from annotator.panels.class_rows import ClassRows, list_help, swatch_rect
from annotator.panels.rows import Rows
from annotator.panels.widgets import MARGIN
from dataset.i18n import tr

_OWN_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2, Qt.Key.Key_Delete)
_MOVES: dict[int, int] = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class ClassRowsView(Rows):
    """The list itself: a click on a row, a click on its swatch, a drag, and keys each have their signal.

    They carry the class's id: between a press and what follows it, the list may be scrolled, or arranged anew.
    """

    class_chosen = Signal(int)
    """Clicked."""
    class_applied = Signal(int)
    """Enter."""
    rename_requested = Signal(int)
    """Double-clicked, or F2."""
    recolor_requested = Signal(int)
    """Its swatch was clicked."""
    move_requested = Signal(int, int)
    """A class, and the row that it is to stand in: dragged there, or Alt with an arrow."""
    delete_requested = Signal(int)
    """Del."""

    def __init__(self, classes: ClassRows) -> None:
        super().__init__("classes.list", tr("Classes"), own_keys=_OWN_KEYS)
        self._classes = classes
        self.setModel(classes)
        self.setToolTip(list_help())
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._clicked: int | None = None  # the class whose row was pressed last, beside its swatch
        self._pressed: QPoint | None = None  # where, while that may be dragged
        self._gap: int | None = None  # the row over which the dragged one would stand

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the row, or have its colour changed."""
        index = self.indexAt(event.position().toPoint())
        self._clicked = None
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            category_id = self._classes.category_id(index.row())
            if self._on_swatch(index, event):
                self.recolor_requested.emit(category_id)
                return
            super().mousePressEvent(event)
            self._clicked, self._pressed = category_id, event.position().toPoint()
            self.class_chosen.emit(category_id)
        elif event.button() == Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the hand over a swatch, and where a dragged row would stand."""
        at = event.position().toPoint()
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            if (at - self._pressed).manhattanLength() >= QApplication.startDragDistance():
                self._set_gap(self._gap_at(at))
            return
        index = self.indexAt(event.position().toPoint())
        on_swatch = index.isValid() and self._on_swatch(index, event)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if on_swatch else Qt.CursorShape.ArrowCursor)
        if not event.buttons():
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let a dragged row stand where it was dropped."""
        dragged = self._clicked if self._gap is not None else None
        self._pressed = None
        self._set_gap(None)
        super().mouseReleaseEvent(event)
        row = None if dragged is None else self._classes.row(dragged)
        if dragged is not None and row is not None:
            gap = self._gap_at(event.position().toPoint())
            to = gap - 1 if gap > row else gap
            if to != row:
                self.move_requested.emit(dragged, to)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, and a line where a dragged one would stand."""
        super().paintEvent(event)
        if self._gap is not None:
            last = self.visualRect(self.model().index(self.model().rowCount() - 1, 0))
            y = (
                last.bottom()
                if self._gap > self.model().rowCount() - 1
                else self.visualRect(self.model().index(self._gap, 0)).top()
            )
            painter = QPainter(self.viewport())
            painter.fillRect(QRect(MARGIN, y - 1, self.viewport().width() - 2 * MARGIN, 2), theme.current().accent)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Have the class renamed whose row the first click was on: that may have arranged the list anew."""
        index = self.indexAt(event.position().toPoint())
        if self._clicked is not None and not (index.isValid() and self._on_swatch(index, event)):
            self.rename_requested.emit(self._clicked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the list's own keys are for."""
        index = self.currentIndex()
        category_id = self._classes.category_id(index.row()) if index.isValid() else None
        if self._moves_row(event):
            to = index.row() + _MOVES[event.key()]
            if category_id is not None and 0 <= to < self._classes.rowCount():
                self.move_requested.emit(category_id, to)
        elif category_id is not None and event.key() in self._meanings:
            if not event.isAutoRepeat():  # held, it would delete the next ones, too
                self._meanings[event.key()].emit(category_id)
        else:
            super().keyPressEvent(event)

    @property
    def _meanings(self) -> dict[int, SignalInstance]:
        """What the keys do to the class that is current."""
        return {
            Qt.Key.Key_Return: self.class_applied,
            Qt.Key.Key_Enter: self.class_applied,
            Qt.Key.Key_F2: self.rename_requested,
            Qt.Key.Key_Delete: self.delete_requested,
        }

    def _on_swatch(self, index: QModelIndex, event: QMouseEvent) -> bool:
        row: QRect = self.visualRect(index)
        return swatch_rect(row).contains(event.position().toPoint())

    def event(self, event: QEvent) -> bool:
        """Claim the keys that move a row before the window's shortcuts get them."""
        is_key = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride
        if is_key and self._moves_row(event):  # type: ignore[arg-type]
            event.accept()
            return True
        return super().event(event)

    def _moves_row(self, event: QKeyEvent) -> bool:
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return modifiers == Qt.KeyboardModifier.AltModifier and event.key() in _MOVES

    def _gap_at(self, at: QPoint) -> int:
        """Return the row over which a row dropped there would stand; the number of rows: after all of them."""
        row = self.rowAt(at.y())
        if row < 0:
            return self.model().rowCount() if at.y() > 0 else 0
        return row + (at.y() > self.visualRect(self.model().index(row, 0)).center().y())

    def _set_gap(self, gap: int | None) -> None:
        if gap != self._gap:
            self._gap = gap
            self.viewport().update()
