"""Python's collector of reference cycles, in the GUI thread alone.

By itself it runs in whichever thread allocates, and destroys there what it finds: a dialog that was closed, say. A
widget that another thread destroys ends the program (a segmentation fault, at once or when its layout is gone through).
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

INTERVAL = 250
"""Milliseconds: about what Python makes a few thousand objects in, beside a busy thread."""


def collect_in_gui_thread(parent: QObject) -> None:
    """Collect in the thread of `parent` from now on, as long as it is there, and nowhere else."""
    gc.disable()
    timer = QTimer(parent, interval=INTERVAL)
    timer.timeout.connect(collect_due)
    timer.start()


def collect_due() -> None:
    """Collect the oldest generation that is due, with those below it, as Python does by itself."""
    counts, thresholds = gc.get_count(), gc.get_threshold()
    due = [n for n, (count, most) in enumerate(zip(counts, thresholds, strict=True)) if count > most]
    if due:
        gc.collect(due[-1])
