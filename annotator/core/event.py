"""Signals without Qt: callbacks for a change of state."""

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Event(Generic[P]):
    """Callbacks in the order they were connected. Not thread-safe: one thread owns the state and its events."""

    __slots__ = ("_callbacks",)

    def __init__(self) -> None:
        self._callbacks: list[Callable[P, object]] = []

    def connect(self, callback: Callable[P, object]) -> None:
        """Call `callback` at every later emit."""
        self._callbacks.append(callback)

    def disconnect(self, callback: Callable[P, object]) -> None:
        """Stop calling `callback`. ValueError if it is not connected."""
        self._callbacks.remove(callback)

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every callback. One that disconnects itself meanwhile does not disturb the others."""
        for callback in tuple(self._callbacks):
            callback(*args, **kwargs)
