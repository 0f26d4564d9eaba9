"""Deferred handling of SIGINT (Ctrl+C) and SIGTERM: the run ends at the next safe point."""

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
"""Handled signals, and their default handlers."""


class Interrupt:
    """Context in which the first Ctrl+C sets `asked` only; the second ends the program as usual.

    So does SIGTERM, sent at a shutdown, unless the program is one of several processes: torchrun sends it to the others
    when one has failed, and they cannot agree on a safe point any more.
    """

    def __init__(self, action: Callable[[], None] | None = None, *, alone: bool = True) -> None:
        """Do nothing yet; `action` is called at the first signal, between any two instructions of the program."""
        self.asked = False
        self._action = action
        self._signals = list(USUAL) if alone else [signal.SIGINT]
        self._entered: list[signal.Signals] = []

    def __enter__(self) -> Self:
        """Install the handlers, except of signals that are handled already or ignored."""
        if threading.current_thread() is threading.main_thread():
            self._entered = [s for s in self._signals if signal.getsignal(s) is USUAL[s]]
            for number in self._entered:
                signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the default handlers."""
        for number in self._entered:
            signal.signal(number, USUAL[number])
        self._entered = []

    @contextmanager
    def released(self) -> Iterator[None]:
        """Restore the default handlers for a while: for work that may be ended at any moment."""
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
