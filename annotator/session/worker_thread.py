"""A thread that runs one function until it returns, whatever that raises meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QThread, Signal

from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

RESTART_AFTER = 0.5  # seconds
STACK_BYTES = 16 * 2**20  # macOS gives a thread 512 KB, too little for torch


class WorkerThread(QThread):
    """Runs `work` in a thread of its own, named for debuggers; when it fails, that is reported, and it runs again.

    With `background`, the thread and those it starts (torch's) yield to the window's: on Linux, where the priorities
    of QThread do nothing, by the niceness of the thread.

    Signals:
        failed: (sentence) something that nobody foresaw.
    """

    failed = Signal(str)

    def __init__(self, work: Callable[[], None], name: str, *, background: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setStackSize(STACK_BYTES)
        self._work = work
        self._background = background

    def end(self, seconds: float | None = None) -> bool:
        """Wait for `work` to return, which was told to (at most so long), and return whether it has."""
        return self.wait() if seconds is None else self.wait(round(1000 * seconds))

    def run(self) -> None:
        """Called by Qt in the new thread."""
        if self._background and sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        while True:
            try:
                self._work()
            except BaseException as error:  # noqa: BLE001 - a thread that ends is a window that hangs
                reason = f"{type(error).__name__}: {error}"
                self.failed.emit(tr("The thread “{name}” failed: {reason}", name=self.objectName(), reason=reason))
                time.sleep(RESTART_AFTER)  # it may fail again at once
            else:
                return
