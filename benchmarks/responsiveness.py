"""How long the GUI's event loop pauses while the worker loads the model, looks at photos and at the whole folder."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer

from benchmarks.photos import real_folder, validation_names
from benchmarks.report import Record, main
from benchmarks.running import application, wait, wait_until

if TYPE_CHECKING:
    import argparse

BEAT = 0.004  # seconds between two beats of the timer; a pause is what comes on top
PHOTOS = 40


class Pulse:
    """A timer in the GUI thread that notes how late each of its beats comes."""

    def __init__(self) -> None:
        self._late: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(interval=round(1000 * BEAT), timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self._late.append(max(0.0, now - self._last - BEAT))
        self._last = now

    def take(self) -> np.ndarray:
        """Milliseconds of every pause since the last call."""
        late, self._late = self._late, []
        return 1000 * np.array(late)


def measure(_args: argparse.Namespace) -> list[Record]:
    """Pauses by phase."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = real_folder(Path(temporary) / "photos", PHOTOS, validation_names())
        with application(folder, Path(temporary)) as running:
            pulse = Pulse()
            info: list[object] = []
            running.suggester.loaded.connect(info.append)
            wait_until(lambda: info)
            loading = pulse.take()
            for _ in range(10):
                wait(1.0)
                running.session.go(1)
            browsing = pulse.take()
            progress: list[object] = []
            running.suggester.progress.connect(progress.append)
            running.flow.suggest_all()
            wait_until(lambda: progress and progress[-1] is None)
            folder_pauses = pulse.take()
    return [
        *_records("loading the model", loading, 250),
        *_records("looking at photos", browsing, 50),
        *_records("looking at the whole folder", folder_pauses, 50),
    ]


def _records(phase: str, pauses: np.ndarray, longest: float) -> list[Record]:
    p99, top = float(np.percentile(pauses, 99)), float(pauses.max())
    return [
        Record(f"{phase}: 99% of pauses under", p99, "ms", aim="under 17 ms", met=p99 < 17),
        Record(f"{phase}: longest pause", top, "ms", aim=f"under {longest:.0f} ms", met=top < longest),
    ]


if __name__ == "__main__":
    main("responsiveness", measure)
