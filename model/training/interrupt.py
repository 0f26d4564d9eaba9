"""Ctrl+C, and the order to end that a system gives, which wait for a good moment."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

STATUS = 130
"""Exit status of a program that Ctrl+C ended."""
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
"""What is listened to, and what it does otherwise: end the program at once."""


class Interrupt:
    """While it is entered, the first Ctrl+C is taken note of and nothing more; the second ends the program as usual.

    So it is with SIGTERM, which a system sends that shuts down, unless the program is one of a team: whoever started
    the team sends that when one of them has failed, and nobody is left to agree with on a good moment.
    """

    def __init__(self, action: Callable[[], None] | None = None, *, alone: bool = True) -> None:
        """Prepare; `action` is called at the first order, between any two instructions of the program."""
        self.asked = False
        self._action = action
        self._signals = list(USUAL) if alone else [signal.SIGINT]
        self._entered: list[signal.Signals] = []

    def __enter__(self) -> Self:
        """Listen, unless somebody else does already or the signal is ignored."""
        if threading.current_thread() is threading.main_thread():
            self._entered = [s for s in self._signals if signal.getsignal(s) is USUAL[s]]
            for number in self._entered:
                signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals their usual meaning back."""
        for number in self._entered:
            signal.signal(number, USUAL[number])
        self._entered = []

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the signals their usual meaning for a while: for work that may be ended at any moment."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        self.__exit__()
        if self._action is not None:
            self._action()
