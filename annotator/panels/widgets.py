"""What the panels share: fields that leave the window's keys alone, labels, names and tones of controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QTableView,
    QToolButton,
    QWidget,
)

from annotator import icons

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent, QResizeEvent, QWheelEvent

MARGIN = 12  # from a panel's edge to what is in it

_VISIBLE = dict.fromkeys([*range(0x20), 0x7F, *range(0xD800, 0xE000)], "\ufffd") | dict.fromkeys(
    [*range(0x0A, 0x0E), 0x85, 0x2028, 0x2029], "↵"
)
_VISIBLE[ord("\t")] = "⇥"  # arrows, because few fonts have the symbols made for this, U+2400 to U+2426
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
