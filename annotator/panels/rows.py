"""Lists that leave the window's keys alone, and how their rows are painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from annotator import icons, theme
from annotator.panels.widgets import MARGIN, breakable

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtGui import QFont, QPaintEvent

Index = QModelIndex | QPersistentModelIndex

ROW = 26  # height of a row, more where the font is large
_PAD = 8  # inside a row, between its parts
_MOVES = frozenset(
    {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End}
)


class Rows(QTableView):
    """A list of rows of one height. It takes the keys that move in it and `own_keys`; all others go to the window.

    A click leaves the keyboard where it is, so that no key depends on what was clicked last; Tab brings it here.

    A table of one column, because it lays out 100,000 rows without asking the model for each: a QListView does ask,
    after every change of any row, and takes 150 ms.
    """

    def __init__(self, name: str, accessible: str, own_keys: Collection[Qt.Key] = ()) -> None:
        super().__init__()
        self._least_height = ROW
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setProperty("tone", "rows")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSizeAdjustPolicy(QAbstractItemView.SizeAdjustPolicy.AdjustIgnored)
        self.setMouseTracking(True)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setMinimumSectionSize(1)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._fit_rows()
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._own_keys = frozenset(own_keys)
        self._empty_text = ""

    def set_empty_text(self, text: str) -> None:
        """Set what is shown where there are no rows."""
        if text != self._empty_text:
            self._empty_text = text
            self.viewport().update()

    @property
    def empty_text(self) -> str:
        """What is shown where there are no rows."""
        return self._empty_text

    def event(self, event: QEvent) -> bool:
        """Claim a key before the window's shortcuts get it."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._takes(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the list's own keys and pass the others on; Enter activates the row, and goes on."""
        if self._takes(event):
            super().keyPressEvent(event)
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        event.ignore()

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Home and End go to the first and the last row."""
        if action == QAbstractItemView.CursorAction.MoveHome:
            return self.model().index(0, 0)
        if action == QAbstractItemView.CursorAction.MoveEnd:
            return self.model().index(self.model().rowCount() - 1, 0)
        return super().moveCursor(action, modifiers)

    def changeEvent(self, event: QEvent) -> None:
        """Make the rows as high as a new font needs."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_rows()

    def sizeHint(self) -> QSize:
        """Room for a few rows; the window decides."""
        return QSize(240, 6 * self.verticalHeader().defaultSectionSize())

    def minimumSizeHint(self) -> QSize:
        """Room for two rows."""
        return QSize(120, 2 * self.verticalHeader().defaultSectionSize())

    def keyboardSearch(self, search: str) -> None:
        """Letters are the window's keys, not a search."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, or the text for none."""
        super().paintEvent(event)
        if self._empty_text and not (self.model() and self.model().rowCount()):
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.current().muted))
            room = self.viewport().rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(room, flags, breakable(self._empty_text))

    def set_least_height(self, height: int) -> None:
        """Make rows at least so high."""
        self._least_height = height
        self._fit_rows()

    def _fit_rows(self) -> None:
        height = max(self._least_height, self.fontMetrics().height() + 8)
        self.verticalHeader().setMinimumSectionSize(height)
        self.verticalHeader().setDefaultSectionSize(height)

    def _takes(self, event: QKeyEvent) -> bool:
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        return event.key() in _MOVES | self._own_keys and plain


class RowPainter:
    """Paints the parts of one row, from the left and from the right, until the room between them is used."""

    def __init__(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        self.painter = painter
        self.theme = theme.current()
        self.rect: QRect = option.rect  # type: ignore[attr-defined]
        self._font: QFont = option.font  # type: ignore[attr-defined]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        self.metrics = painter.fontMetrics()
        self.left = self.rect.left() + MARGIN
        self.right = self.rect.right() - MARGIN

    def ground(self, option: QStyleOptionViewItem, *, emphasised: bool = False) -> None:
        """Selection and hover, and a line of accent around the current row while the list has the keyboard."""
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        inner = QRectF(self.rect).adjusted(4, 1, -4, -1)
        if state & QStyle.StateFlag.State_Selected:
            self._fill(inner, self.theme.selection)
        elif state & QStyle.StateFlag.State_MouseOver or emphasised:
            self._fill(inner, self.theme.hover)
        if state & QStyle.StateFlag.State_HasFocus:
            pen = QPen(QColor(self.theme.accent), 1)
            self.painter.setPen(pen)
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            self.painter.drawRoundedRect(inner.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def icon(self, name: str, color: str, size: int = 16) -> None:
        """An icon at the left."""
        top = self.rect.center().y() - size // 2 + 1
        icons.paint(self.painter, name, QRect(self.left, top, size, size), color)
        self.left += size + _PAD

    def swatch(self, color: str, *, dashed: bool = False) -> QRectF:
        """Paint a class colour at the left: a solid square for what is there, a dashed ring for what is suggested."""
        box = QRectF(self.left, self.rect.center().y() - 5, 12, 12)
        paint_swatch(self.painter, box, color, dashed=dashed)
        self.left += 12 + _PAD
        return box

    def text_right(self, text: str, color: str) -> None:
        """A short text at the right, whole."""
        if text:
            width = self.metrics.horizontalAdvance(text)
            self._text(QRect(self.right - width, self.rect.top(), width + 1, self.rect.height()), text, color)
            self.right -= width + _PAD

    def text_below(self, text: str, color: str) -> None:
        """A short text in a second line, where what comes after it has the first. For rows of at least two lines."""
        if text:
            height, middle = self.metrics.height() + 1, self.rect.center().y()
            self._text(QRect(self.left, middle + 1, self.room, height), text, color)
            self.rect = QRect(self.rect.left(), middle - height, self.rect.width(), height)

    def text(
        self, text: str, color: str, mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight, width: int | None = None
    ) -> None:
        """A text at the left, cut to the room there is, or to `width`."""
        room = self.room if width is None else min(width, self.room)
        shown = self.metrics.elidedText(text, mode, room)
        used = self.metrics.horizontalAdvance(shown)
        self._text(QRect(self.left, self.rect.top(), used + 1, self.rect.height()), shown, color)
        self.left += used

    @property
    def room(self) -> int:
        """The width that is left."""
        return max(self.right - self.left, 0)

    def _text(self, rect: QRect, text: str, color: str) -> None:
        self.painter.setPen(QColor(color))
        self.painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _fill(self, rect: QRectF, color: str) -> None:
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(QColor(color))
        self.painter.drawRoundedRect(rect, 4, 4)


class Swatch(QWidget):
    """A class colour beside its name, in a row of the given height."""

    def __init__(self, color: str, height: int) -> None:
        super().__init__()
        self._color = color
        self.setFixedSize(14, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the colour."""
        painter = QPainter(self)
        paint_swatch(painter, QRectF(0, (self.height() - 12) / 2, 12, 12), self._color)
        painter.end()


def paint_swatch(painter: QPainter, box: QRectF, color: str, *, dashed: bool = False) -> None:
    """A class colour in a box: a solid square, or a dashed ring."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if dashed:
        pen = QPen(QColor(color), 2)
        pen.setDashPattern([1.6, 1.27])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(box.adjusted(1, 1, -1, -1))
        return
    edge = QColor(theme.current().text)
    edge.setAlpha(60)
    painter.setPen(QPen(edge, 1))
    painter.setBrush(QColor(color))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
