"""The dialog that shows every key, and changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator.window.actions import Actions, Spec, class_keys, menus
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable


class ShortcutsDialog(QDialog):
    """Actions by menu; the selected one's keys can be typed anew, taken away or set back."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keys")
        self.setWindowTitle(tr("Keys"))
        self.resize(QSize(520, 640).boundedTo(self.screen().availableGeometry().size() * 0.9))
        self._actions = actions
        self._items: dict[str, QTreeWidgetItem] = {}
        self._list = QTreeWidget()
        self._list.setObjectName("keys.list")
        self._list.setHeaderLabels([tr("Action"), tr("Keys")])
        self._list.setColumnWidth(0, 320)
        self._list.setRootIsDecorated(False)
        self._list.setStyleSheet("QTreeWidget::item { min-height: 24px; }")
        self._edit = _KeyField()
        self._edit.setObjectName("keys.edit")
        self._edit.setMaximumSequenceLength(1)
        self._edit.setClearButtonEnabled(True)
        self._standard = QPushButton(tr("Standard keys"))
        self._standard.setObjectName("keys.standard")
        self._standard.setToolTip(tr("Set this action's keys back"))
        self._message = QLabel(tr("Select an action, then press its new key."))
        self._message.setObjectName("keys.message")
        self._message.setWordWrap(True)
        self._lay_out()
        self._fill()
        self._list.currentItemChanged.connect(self._show)
        self._edit.editingFinished.connect(self._change)
        self._edit.left.connect(self._leave_field)
        self._standard.clicked.connect(self._reset)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(QLabel(tr("New key")))
        row.addWidget(self._edit, 1)
        row.addWidget(self._standard)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        # Enter belongs to the key field here, not to a button.
        for button in (*buttons.buttons(), self._standard):
            if isinstance(button, QPushButton):
                button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._list, 1)
        column.addLayout(row)
        column.addWidget(self._message)
        column.addWidget(buttons)

    def _fill(self) -> None:
        groups = [(menu.title, menu.entries) for menu in menus()]
        for title, entries in (*groups, (tr("Classes"), class_keys())):
            head = QTreeWidgetItem(self._list, [title.replace("&", "")])
            head.setFlags(Qt.ItemFlag.ItemIsEnabled)
            head.setFirstColumnSpanned(True)
            font = head.font(0)
            font.setBold(True)
            head.setFont(0, font)
            for spec in entries:
                if isinstance(spec, Spec):
                    item = QTreeWidgetItem(head, [spec.text.replace("&", "").rstrip("…"), self._keys(spec.name)])
                    item.setData(0, Qt.ItemDataRole.UserRole, spec.name)
                    self._items[spec.name] = item
        self._list.expandAll()

    def _keys(self, name: str) -> str:
        shown = QKeySequence.SequenceFormat.NativeText
        return ", ".join(key.toString(shown) for key in self._actions[name].shortcuts())

    def _selected(self) -> str | None:
        item = self._list.currentItem()
        return item.data(0, Qt.ItemDataRole.UserRole) if item else None

    def _show(self) -> None:
        name = self._selected()
        self._edit.setKeySequence(self._actions[name].shortcut() if name else QKeySequence())

    def _change(self) -> None:
        name, keys = self._selected(), self._edit.keySequence()
        if name is None or keys == self._actions[name].shortcut():
            return
        if not self._have_others(name, [keys]):
            self._actions.change_key(name, keys)
            self._changed(name)
        self._show()

    def _leave_field(self) -> None:
        self._show()
        self._list.setFocus()

    def _reset(self) -> None:
        name = self._selected()
        if name and not self._have_others(name, self._actions.standard_keys(name)):
            self._actions.reset_keys(name)
            self._changed(name)
            self._show()

    def _have_others(self, name: str, keys: Iterable[QKeySequence]) -> bool:
        """Return whether another action has one of these keys, and if so, show which."""
        for key in keys:
            for other, item in self._items.items():
                if other != name and not key.isEmpty() and key in self._actions[other].shortcuts():
                    text = tr("{key} is the key of “{action}”: give that one another first.",
                              key=key.toString(), action=item.text(0))  # fmt: skip
                    self._message.setText(text)
                    return True
        return False

    def _changed(self, name: str) -> None:
        keys, action = self._keys(name), self._items[name].text(0)
        self._items[name].setText(1, keys)
        if keys:
            self._message.setText(tr("“{action}” has the keys: {keys}.", action=action, keys=keys))
        else:
            self._message.setText(tr("“{action}” has the keys: none.", action=action))


class _KeyField(QKeySequenceEdit):
    """The field that takes the next key that is pressed, but for Escape, which leaves it."""

    left = Signal()
    """Escape."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not event.modifiers():
            self.left.emit()
        else:
            super().keyPressEvent(event)
