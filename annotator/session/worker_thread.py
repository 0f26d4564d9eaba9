"""A thread that runs one function until it returns."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QThread

if TYPE_CHECKING:
    from collections.abc import Callable

STACK_BYTES = 16 * 2**20  # macOS gives a thread 512 KB, too little for torch


class WorkerThread(QThread):
    """Runs `work` in a thread of its own, named for debuggers.

    With `background`, the thread and those it starts (torch's) yield to the window's: on Linux, where the priorities
    of QThread do nothing, by the niceness of the thread.
    """

    def __init__(self, work: Callable[[], None], name: str, *, background: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setStackSize(STACK_BYTES)
        self._work = work
        self._background = background

    def run(self) -> None:
        """Called by Qt in the new thread."""
        if self._background and sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        self._work()
