"""Finding what must be there."""

from __future__ import annotations

from typing import Any, TypeVar

from PySide6.QtCore import QObject
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
