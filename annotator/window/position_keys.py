"""The window's keys by their position, where what they type is no key of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit

from annotator.canvas.key_positions import by_position

if TYPE_CHECKING:
    from annotator.window.actions import Actions


class PositionKeys(QObject):
    """Filters the window's events: a key that comes here is one that no shortcut and no widget in it has taken."""

    def __init__(self, actions: Actions, parent: QObject) -> None:
        super().__init__(parent)
        self._actions = actions

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Do what the keys do on a US layout, but where a text is edited: that has taken what it knows."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        focus, keys = QApplication.focusWidget(), by_position(event)
        is_text = isinstance(focus, QLineEdit | QAbstractSpinBox)
        return keys is not None and not is_text and self._actions.trigger(keys, focus)
