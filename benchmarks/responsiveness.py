"""How long the GUI's event loop pauses: the model is loaded, looks at photos, at the whole folder, and learns."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPushButton

from benchmarks.photos import real_folder, validation_names
from benchmarks.report import Record, main
from benchmarks.running import application, wait, wait_until
from model.protocol import Step

if TYPE_CHECKING:
    import argparse

    from annotator.app import Application

BEAT = 0.004  # seconds between two beats of the timer; a pause is what comes on top
PHOTOS = 40
LEARNED = 10  # photos of the round of fine-tuning
ROUND_SECONDS = 45.0  # of a round that are measured


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
            _label(running)
            pulse.take()
            beginning, training = _train(running, pulse)
    return [
        *_records("loading the model", loading, 250),
        *_records("looking at photos", browsing, 50),
        *_records("looking at the whole folder", folder_pauses, 50),
        *_records("beginning a round of fine-tuning", beginning, 50),
        *_records("during the round", training, 50),
    ]


def _label(running: Application) -> None:
    """Take the model's word for what is in some photos, and mark them done."""
    session, actions = running.session, running.window.action_table
    for name in session.photos.names[:LEARNED]:
        session.go_to(name)
        wait_until(lambda n=name: session.document and session.document.name == n and session.document.has_pool)
        actions["suggestion.accept_all"].trigger()
        actions["image.done"].trigger()


def _train(running: Application, pulse: Pulse) -> tuple[np.ndarray, np.ndarray]:
    """Pauses from the dialog to the first step of a round, and while photos are looked at during it."""
    heard: list[object] = []
    running.finetuning.process.event_received.connect(heard.append)
    running.window.action_table["model.fine_tune"].trigger()
    button = running.window.findChild(QPushButton, "finetune.train")
    assert isinstance(button, QPushButton)
    wait_until(button.isEnabled)
    button.click()
    wait_until(lambda: any(isinstance(event, Step) for event in heard))
    beginning = pulse.take()
    end = time.monotonic() + ROUND_SECONDS
    while time.monotonic() < end:
        running.session.go(1)
        wait(2.0)
    training = pulse.take()
    running.finetuning.process.cancel()
    wait_until(lambda: not running.finetuning.process.running)
    return beginning, training


def _records(phase: str, pauses: np.ndarray, longest: float) -> list[Record]:
    p99, top = float(np.percentile(pauses, 99)), float(pauses.max())
    return [
        Record(f"{phase}: 99% of pauses under", p99, "ms", aim="under 17 ms", met=p99 < 17),
        Record(f"{phase}: longest pause", top, "ms", aim=f"under {longest:.0f} ms", met=top < longest),
    ]


if __name__ == "__main__":
    main("responsiveness", measure)
