"""Ctrl+C that waits for a good moment."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

STATUS = 130
"""Exit status of a program that Ctrl+C ended."""


class Interrupt:
    """While it is entered, the first Ctrl+C is taken note of and nothing more; the second ends the program as usual."""

    def __init__(self, action: Callable[[], None] | None = None) -> None:
        """Prepare; `action` is called at the first Ctrl+C, between any two instructions of the program."""
        self.asked = False
        self._action = action
        self._entered = False

    def __enter__(self) -> Self:
        """Listen, unless somebody else does already or Ctrl+C is ignored."""
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if usual and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._take)
            self._entered = True
        return self

    def __exit__(self, *_: object) -> None:
        """Give Ctrl+C its usual meaning back."""
        if self._entered:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._entered = False

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._action is not None:
            self._action()
