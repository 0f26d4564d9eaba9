"""Work for the GUI thread that takes longer than it may, done in slices between events."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

SLICE = 0.006  # seconds


class TimeSlicer(QObject):
    """Takes everything from an iterator, a little at a time.

    One that is `of_project` makes records that stay until the folder is left: it takes them out of the sight of
    Python's collector of cycles, which would go through all of them again and again, half a second a time.

    Signals:
        done: (list) what it gave, all of it.
    """

    done = Signal(object)

    def __init__(self, parent: QObject | None = None, *, of_project: bool = False) -> None:
        super().__init__(parent)
        self._of_project = of_project
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
        try:
            while self.is_running and time.perf_counter() < end:  # until something that was taken has stopped it
                self._taken.append(next(self._iterator))
        except StopIteration:
            if self.is_running:
                self._timer.stop()
                self.done.emit(self._taken)
        except BaseException:
            self._timer.stop()  # an iterator that has failed would seem to be at its end: a part taken for all
            raise
        finally:
            if self._of_project:
                gc.freeze()
