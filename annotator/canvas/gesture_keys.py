"""The keys of a running gesture, which are the canvas's wherever the keyboard focus is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = frozenset({QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress})


class GestureKeys(QObject):
    """Passes keys to the canvas while a gesture runs and another widget has the focus.

    A text that is being edited keeps its keys, and so do menus and dialogs. Without a gesture no event comes here.
    """

    def __init__(self, canvas: QWidget, takes: Callable[[QKeyEvent], bool]) -> None:
        """`takes` returns whether the gesture uses a key."""
        super().__init__(canvas)
        self._canvas, self._takes = canvas, takes
        self._running = False

    def set_running(self, running: bool) -> None:  # noqa: FBT001 - a property of the gesture
        """Begin, or end."""
        app = QApplication.instance()
        if running == self._running or app is None:
            return
        self._running = running
        if running:
            app.installEventFilter(self)
        else:
            app.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what the gesture uses before the widget with the focus gets it."""
        if (
            event.type() not in _KEYS
            or not isinstance(event, QKeyEvent)
            or not isinstance(watched, QWidget)
            or watched is self._canvas  # it has its own way
            or not self._canvas.isVisible()
            or _is_answering()
            or not self._takes(event)
        ):
            return False
        if event.type() == QEvent.Type.KeyPress:
            self._canvas.keyPressEvent(event)
        event.accept()
        return True


def _is_answering() -> bool:
    """Return whether a text is being edited, or a menu or a dialog is waiting for an answer."""
    is_text = isinstance(QApplication.focusWidget(), QLineEdit | QAbstractSpinBox)
    return is_text or bool(QApplication.activePopupWidget() or QApplication.activeModalWidget())
