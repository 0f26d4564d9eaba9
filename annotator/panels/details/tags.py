"""Tags as a person gives them: one after the other in a field that completes them, taken away by a click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize, QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QLayout, QToolButton, QVBoxLayout, QWidget

from annotator import icons
from annotator.panels.widgets import Field, name_control, one_line, set_tone
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QFocusEvent, QKeyEvent
    from PySide6.QtWidgets import QLayoutItem

GAP = 4


class FlowLayout(QLayout):
    """Widgets beside one another, and in the next line where the width ends."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Append an item."""
        self._items.append(item)

    def count(self) -> int:
        """Return how many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]  # Qt asks for one beyond the end
        """Return the item at a place, None beyond the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]  # as above
        """Take the item at a place out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """Return that the height depends on the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of the lines at a width."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place the items."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        """Return the size of the largest item."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """Return the size of the largest item, which a narrow panel may cut."""
        height = max((item.sizeHint().height() for item in self._items), default=0)
        return QSize(20, height)

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Return the height of the lines in a rectangle, where the items are put if `move`."""
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            width = min(size.width(), rect.width())
            if x > rect.x() and x + width > rect.right() + 1:
                x, y, line = rect.x(), y + line + GAP, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), QSize(width, size.height())))
            x += width + GAP
            line = max(line, size.height())
        return y + line - rect.y()


class TagField(Field):
    """Completes what is typed to tags that are in use; Enter gives the tag, Backspace in an empty field takes one."""

    given = Signal(str)
    last_taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.known: Callable[[], Sequence[str]] = list
        """Called for the tags to complete to."""
        self._words = QStringListModel(self)
        completer = QCompleter(self._words, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.setCompleter(completer)
        completer.activated.connect(self._give, Qt.ConnectionType.QueuedConnection)  # after it has filled the field
        self.returnPressed.connect(self._give)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Complete to the tags that are in use by now."""
        self._words.setStringList(list(self.known()))
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the last tag away with Backspace, where there is no text left to take."""
        if event.key() == Qt.Key.Key_Backspace and not self.text():
            self.last_taken.emit()
            event.accept()
        elif event.text() == ",":
            self._give()
        else:
            super().keyPressEvent(event)

    def _give(self) -> None:
        text = " ".join(self.text().split())
        self.clear()
        if text:
            self.given.emit(text)


class TagsEditor(QWidget):
    """The tags of one photo."""

    changed = Signal(object)
    """The tags are to be these: a tuple of texts."""

    def __init__(self) -> None:
        super().__init__()
        self._tags: tuple[str, ...] = ()
        self._chips = QWidget()
        self._flow = FlowLayout(self._chips)
        self.field = TagField()
        self.field.setPlaceholderText(tr("Add a tag"))
        name_control(self.field, "details.tag", tr("Type a tag of the photo and press Enter"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._chips)
        column.addWidget(self.field)
        self.field.given.connect(self._add)
        self.field.last_taken.connect(lambda: self.changed.emit(self._tags[:-1]) if self._tags else None)
        self._chips.hide()

    def show_tags(self, tags: tuple[str, ...]) -> None:
        """Show these tags."""
        if tags == self._tags:
            return
        self._tags = tags
        while (item := self._flow.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for tag in tags:
            self._flow.addWidget(self._chip(tag))
        self._chips.setVisible(bool(tags))
        self.updateGeometry()

    def _add(self, tag: str) -> None:
        if tag not in self._tags:
            self.changed.emit((*self._tags, tag))

    def _chip(self, tag: str) -> QToolButton:
        chip = QToolButton(self._chips)
        chip.setText(one_line(tag).replace("&", "&&"))
        chip.setIcon(icons.icon("close", "muted"))
        chip.setIconSize(QSize(10, 10))
        chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_tone(chip, "chip")
        name_control(chip, f"details.tag.{tag}", tr("Take the tag away"), tr("Tag {tag}, take it away", tag=tag))
        chip.clicked.connect(lambda: self.changed.emit(tuple(other for other in self._tags if other != tag)))
        return chip
