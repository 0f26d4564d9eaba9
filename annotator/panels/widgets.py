"""What the panels share: fields and lists that leave the window's keys alone, labels, and how rows are painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
    QTableView,
    QToolButton,
    QWidget,
)

from annotator import icons, theme

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtGui import QFont, QPaintEvent, QResizeEvent, QWheelEvent

Index = QModelIndex | QPersistentModelIndex

MARGIN = 12  # from a panel's edge to what is in it
ROW = 26  # height of a row, more where the font is large
_PAD = 8  # inside a row, between its parts

_VISIBLE = dict.fromkeys([*range(0x20), 0x7F, *range(0xD800, 0xE000)], "\ufffd") | dict.fromkeys(
    [*range(0x0A, 0x0E), 0x85, 0x2028, 0x2029], "↵"
)
_VISIBLE[ord("\t")] = "⇥"  # arrows, because few fonts have the symbols made for this, U+2400 to U+2426
_MOVES = frozenset(
    {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End}
)
_ANSWERS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape})


def name_control(widget: QWidget, name: str, tip: str, accessible: str = "") -> None:
    """Give a control its dotted name, its tooltip, and its name for screen readers (else the tooltip's)."""
    widget.setObjectName(name)
    widget.setToolTip(tip)
    widget.setAccessibleName(accessible or tip.rstrip("."))


def set_tone(widget: QWidget, tone: str) -> None:
    """Choose how the style sheet shows a widget: "muted", "warning", "error", "title", "accent", "flat", ... or ""."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def dress_panel(panel: QWidget, name: str) -> None:
    """Give a panel its name and its ground."""
    panel.setObjectName(name)
    panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    set_tone(panel, "panel")


def label(text: str = "", tone: str = "") -> QLabel:
    """Return a line of plain text."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    set_tone(made, tone)
    return made


def breakable(text: str) -> str:
    """Return the text with places to break long paths and names at."""
    return text.replace("/", "/\u200b").replace("\\", "\\\u200b").replace("_", "_\u200b")


def one_line(text: str) -> str:
    """Return a text, such as a file name, with its line breaks, tabs and what cannot be painted made visible."""
    return text.translate(_VISIBLE)


def tool_button(icon: str, name: str, tip: str) -> QToolButton:
    """Return a quiet button with an icon. A click leaves the keyboard where it is."""
    made = QToolButton()
    made.setIcon(icons.icon(icon))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    name_control(made, name, tip)
    return made


class ElidedLabel(QLabel):
    """A line of plain text that shows what fits, and all of it as its tooltip when something does not."""

    def __init__(self, text: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._mode = mode
        self._full = ""
        self.set_full_text(text)

    @property
    def full_text(self) -> str:
        """The whole text."""
        return self._full

    def set_full_text(self, text: str) -> None:
        """Show another text."""
        self._full = text
        self.setAccessibleName(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        line = " ".join(self._full.split())
        shown = self.fontMetrics().elidedText(line, self._mode, self.contentsRect().width())
        self.setText(shown)
        self.setToolTip(self._full if shown != self._full else "")


class ElidedComboBox(QComboBox):
    """A choice that shows as much of the chosen text as fits. The wheel does not turn it, but scrolls what it is in."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what scrolls."""
        event.ignore()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the box and what fits of its text."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        shown = self.currentText() or self.placeholderText()
        text = self.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideMiddle, field.width() - 4)
        option.currentText = text  # type: ignore[attr-defined]
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class Field(QLineEdit):
    """A line to type in that keeps Enter and Escape for itself while it has the keyboard."""

    escaped = Signal()
    """Escape: the keyboard may go elsewhere."""

    def event(self, event: QEvent) -> bool:
        """Claim a key before the window's shortcuts get it."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and event.key() in _ANSWERS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let no Enter and no Escape go on to what the field stands in: a list would take it for itself."""
        super().keyPressEvent(event)
        if event.key() in _ANSWERS:
            event.accept()
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()


class SearchField(Field):
    """A field that filters a list: Escape clears it, Down goes to the list, and so does Enter."""

    def __init__(self, rows: QTableView, placeholder: str) -> None:
        super().__init__()
        self._rows = rows
        set_tone(self, "search")
        self.setPlaceholderText(placeholder)
        self.setClearButtonEnabled(True)
        self.addAction(icons.icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Clear, or go to the list."""
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.clear()
            self._rows.setFocus()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._rows.setFocus()
            if not self._rows.currentIndex().isValid() and self._rows.model().rowCount():
                self._rows.setCurrentIndex(self._rows.model().index(0, 0))
        else:
            super().keyPressEvent(event)


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
