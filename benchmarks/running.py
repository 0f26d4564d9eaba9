"""The real application, running offscreen in this process, driven from a generator of waits."""

from __future__ import annotations

import gc
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from annotator.app import Application
from annotator.garbage_collection import collect_in_gui_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def application(folder: Path, home: Path) -> Iterator[Application]:
    """Start the application on a folder, with settings of its own."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ[name] = str(home / name)
    QApplication.setApplicationName("Annotator")
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(qt, QApplication)
    running = Application(qt)
    collect_in_gui_thread(running.window)  # this and the next as `annotator.app.run` does
    running.start(folder)
    gc.freeze()
    try:
        yield running
    finally:
        running.window.close()
        running.close()


def wait(seconds: float) -> None:
    """Let the event loop run for so long."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(holds: Callable[[], object], seconds: float = 300) -> float:
    """Let the event loop run until this holds, and return how long that took. TimeoutError after `seconds`."""
    start = time.perf_counter()
    loop = QEventLoop()
    timer = QTimer(interval=2)
    timer.timeout.connect(lambda: loop.quit() if holds() or time.perf_counter() - start > seconds else None)
    if not holds():
        timer.start()
        loop.exec()
        if not holds():
            raise TimeoutError(f"nothing within {seconds} s")
    return time.perf_counter() - start
