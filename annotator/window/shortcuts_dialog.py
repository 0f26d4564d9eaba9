"""The dialog that shows every key and gesture, and changes the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator import icons
from annotator.canvas import navigation
from annotator.canvas.tools.registry import TOOLS
from annotator.panels.widgets import label, name_control, set_tone
from annotator.window.actions import Actions, Spec, class_keys, menus
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from annotator.canvas.gestures import Gesture

_NAME = Qt.ItemDataRole.UserRole
_SIZE = QSize(660, 700)


class ShortcutsDialog(QDialog):
    """Actions by menu and gestures by tool; the selected action's keys can be typed anew, taken away or set back."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keys")
        self.setWindowTitle(tr("Keys and gestures"))
        self.resize(_SIZE.boundedTo(self.screen().availableGeometry().size() * 0.9))
        self._actions = actions
        self._items: dict[str, QTreeWidgetItem] = {}  # of the actions, by name
        self._groups: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []  # heads and what is below them
        self._search = _SearchField()
        self._search.setPlaceholderText(tr("Find an action, a key or a gesture"))
        self._search.setClearButtonEnabled(True)
        self._search.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        name_control(self._search, "keys.search", tr("Words of its name, or a key, such as Ctrl+S"))
        set_tone(self._search, "search")
        self._list = QTreeWidget()
        self._list.setObjectName("keys.list")
        self._edit = _KeyField()
        self._edit.setObjectName("keys.edit")
        self._edit.setMaximumSequenceLength(1)
        self._edit.setClearButtonEnabled(True)
        self._standard = QPushButton(tr("Standard keys"))
        name_control(self._standard, "keys.standard", tr("Set this action's keys back"))
        self._message = label(tone="muted")
        self._message.setObjectName("keys.message")
        self._message.setWordWrap(True)
        self._lay_out()
        self._fill()
        self._list.currentItemChanged.connect(self._show)
        self._edit.editingFinished.connect(self._change)
        self._edit.left.connect(self._leave_field)
        self._standard.clicked.connect(self._reset)
        self._search.textChanged.connect(self._filter)
        self._search.left.connect(self._list.setFocus)
        self._show()
        self._search.setFocus()

    def _lay_out(self) -> None:
        self._list.setHeaderLabels([tr("Action"), tr("Keys")])
        self._list.setRootIsDecorated(False)
        self._list.setIndentation(12)
        self._list.setStyleSheet("QTreeWidget::item { min-height: 24px; }")
        self._list.header().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        row = QHBoxLayout()
        row.addWidget(label(tr("New key")))
        row.addWidget(self._edit, 1)
        row.addWidget(self._standard)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        # Enter belongs to the fields here, not to a button.
        for button in (*buttons.buttons(), self._standard):
            if isinstance(button, QPushButton):
                button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._search)
        column.addWidget(self._list, 1)
        column.addLayout(row)
        column.addWidget(self._message)
        column.addWidget(buttons)

    def _fill(self) -> None:
        for menu in menus():
            self._add_actions(menu.title, (spec for spec in menu.entries if isinstance(spec, Spec)))
        self._add_actions(tr("Classes"), class_keys())
        self._add_gestures(tr("The photo, with every tool"), navigation.GESTURES)
        for tool in TOOLS:
            if tool.gestures:
                self._add_gestures(tr("With the tool “{tool}”", tool=tr(tool.title)), tool.gestures)
        self._list.expandAll()

    def _add_actions(self, title: str, specs: Iterable[Spec]) -> None:
        head = self._head(title)
        for spec in specs:
            item = self._add(head, spec.text.replace("&", "").rstrip("…"), self._keys(spec.name))
            item.setData(0, _NAME, spec.name)
            item.setToolTip(0, spec.tip)
            self._items[spec.name] = item

    def _add_gestures(self, title: str, gestures: Iterable[Gesture]) -> None:
        head = self._head(title)
        for what, how in (gesture.row() for gesture in gestures):
            self._add(head, what[:1].upper() + what[1:], how)

    def _head(self, title: str) -> QTreeWidgetItem:
        head = QTreeWidgetItem(self._list, [title.replace("&", "")])
        head.setFlags(Qt.ItemFlag.ItemIsEnabled)
        head.setFirstColumnSpanned(True)
        font = head.font(0)
        font.setBold(True)
        head.setFont(0, font)
        self._groups.append((head, []))
        return head

    def _add(self, head: QTreeWidgetItem, text: str, keys: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem(head, [text, keys])
        self._groups[-1][1].append(item)
        return item

    def _filter(self, text: str) -> None:
        """Show what has the key that is typed, else what has all words in its name, its keys or its group's title."""
        typed = text.strip().casefold()
        rows = [item for _, items in self._groups for item in items]
        with_key = {id(item) for item in rows if typed and typed in item.text(1).casefold().split(", ")}
        for head, items in self._groups:
            for item in items:
                where = f"{head.text(0)} {item.text(0)} {item.text(1)}".casefold()
                found = id(item) in with_key if with_key else all(word in where for word in typed.split())
                item.setHidden(not found)
            head.setHidden(all(item.isHidden() for item in items))
        self._list.setCurrentIndex(QModelIndex())
        shown = [(head, item) for head, items in self._groups for item in items if not item.isHidden()]
        if typed and shown:
            head, first = shown[0]
            self._list.setCurrentItem(first)
            self._list.scrollToItem(head)
        self._show()

    def _keys(self, name: str) -> str:
        shown = QKeySequence.SequenceFormat.NativeText
        return ", ".join(key.toString(shown) for key in self._actions[name].shortcuts())

    def _selected(self) -> str | None:
        item = self._list.currentItem()
        return item.data(0, _NAME) if item else None

    def _show(self) -> None:
        name, item = self._selected(), self._list.currentItem()
        self._edit.setEnabled(name is not None)
        self._standard.setEnabled(name is not None)
        self._edit.setKeySequence(self._actions[name].shortcut() if name else QKeySequence())
        is_gesture = item is not None and name is None
        if is_gesture:
            self._message.setText(tr("Gestures, and the keys of one that is begun, cannot be changed."))
        elif all(row.isHidden() for _, rows in self._groups for row in rows):
            self._message.setText(tr("Nothing has these words or this key."))
        else:
            self._message.setText(tr("Select an action, then press its new key."))

    def _change(self) -> None:
        name, keys = self._selected(), self._edit.keySequence()
        if name is None or keys == self._actions[name].shortcut():
            return
        taken = self._taken(name, [keys])
        if not taken:
            self._actions.change_key(name, keys)
        self._show()
        self._message.setText(taken or self._changed(name))

    def _leave_field(self) -> None:
        self._show()
        self._list.setFocus()

    def _reset(self) -> None:
        name = self._selected()
        if name is None:
            return
        taken = self._taken(name, self._actions.standard_keys(name))
        if not taken:
            self._actions.reset_keys(name)
        self._show()
        self._message.setText(taken or self._changed(name))

    def _taken(self, name: str, keys: Iterable[QKeySequence]) -> str:
        """Return which other action has one of these keys; "" if none has."""
        for key in keys:
            for other, item in self._items.items():
                if other != name and not key.isEmpty() and key in self._actions[other].shortcuts():
                    return tr("{key} is the key of “{action}”: give that one another first.",
                              key=key.toString(), action=item.text(0))  # fmt: skip
        return ""

    def _changed(self, name: str) -> str:
        """Show the keys that an action has now, and return what they are."""
        keys, action = self._keys(name), self._items[name].text(0)
        self._items[name].setText(1, keys)
        if keys:
            return tr("“{action}” has the keys: {keys}.", action=action, keys=keys)
        return tr("“{action}” has the keys: none.", action=action)


class _SearchField(QLineEdit):
    """Arrows and Enter go on to the list; Escape empties it, then closes the dialog."""

    left = Signal()
    """On to the list."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class _KeyField(QKeySequenceEdit):
    """The field that takes the next key that is pressed, but for Escape, which leaves it."""

    left = Signal()
    """Escape."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not event.modifiers():
            self.left.emit()
        else:
            super().keyPressEvent(event)
