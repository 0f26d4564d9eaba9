"""Finding what must be there."""

from __future__ import annotations

from typing import Any, TypeVar

from PySide6.QtCore import QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QSlider, QWidget
from pytestqt.wait_signal import SignalBlocker

T = TypeVar("T", bound=QObject)


def find(parent: QObject, kind: type[T], name: str) -> T:
    """The child of that kind and object name."""
    child = parent.findChild(kind, name)
    assert child is not None, f"there is no {kind.__name__} named {name}"
    return child


def arguments(signal: SignalBlocker) -> list[Any]:
    """What a signal that has come carried."""
    assert signal.args is not None
    return list(signal.args)


def turn_wheel(widget: QWidget) -> bool:
    """Turn the mouse wheel by a notch over the middle of a widget; return whether that took it."""
    at = QPointF(widget.rect().center())
    turn = QWheelEvent(
        at, widget.mapToGlobal(at), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, turn)
    return turn.isAccepted()


def turned_by_wheel(parent: QWidget) -> list[str]:
    """The choices, sliders and number fields in a window that a wheel changes which is turned over them."""
    controls = (*parent.findChildren(QComboBox), *parent.findChildren(QSlider), *parent.findChildren(QAbstractSpinBox))
    return [control.objectName() for control in controls if turn_wheel(control)]
