"""Work for the GUI thread that takes longer than it may, done in slices between events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

SLICE = 0.006  # seconds


class TimeSlicer(QObject):
    """Takes everything from an iterator, a little at a time.

    Signals:
        done: (list) what it gave, all of it.
    """

    done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._take)
        self._iterator: Iterator[object] = iter(())
        self._taken: list[object] = []

    def start(self, iterator: Iterator[object]) -> None:
        """Take from this iterator; what is left of the one before is dropped."""
        self._iterator, self._taken = iterator, []
        self._timer.start()

    @property
    def is_running(self) -> bool:
        """Whether something is left to take."""
        return self._timer.isActive()

    def stop(self) -> None:
        """Take no more."""
        self._timer.stop()

    def _take(self) -> None:
        end = time.perf_counter() + SLICE
        while time.perf_counter() < end:
            try:
                self._taken.append(next(self._iterator))
            except StopIteration:
                self._timer.stop()
                self.done.emit(self._taken)
                return
            except BaseException:
                self._timer.stop()  # an iterator that has failed would seem to be at its end: a part taken for all
                raise
