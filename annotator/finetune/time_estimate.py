"""How long a round would take: measured by a process of its own while the person looks at the dialog."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.finetune.process import GRACE, Ending, Outcome, TrainingProcess
from dataset.i18n import mark, tr
from dataset.messages import duration, os_reason
from model.protocol import Error, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.core.training_runs import TrainingRuns
    from annotator.core.training_set import TrainingPhoto
    from annotator.session.session import Session
    from dataset.coco.categories import Category
    from model.protocol import FineTuneOptions

DELAY = 700  # milliseconds without another choice until it is measured anew
MEASURING = mark("Being measured on a few steps…")
UNKNOWN = mark("Measured in the first steps and shown then")


class TimeEstimator(QObject):
    """Measures the time of the round that the dialog would begin, and again when other settings are chosen.

    Signals:
        changed: (text) how long it takes, or why nobody can tell yet.
    """

    changed = Signal(str)
    _written = Signal(object, str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.process = TrainingProcess(self)
        self.process.event_received.connect(self._handle)
        self.process.ended.connect(self._ended)
        self._written.connect(self._ready)
        self._delay = QTimer(self, singleShot=True, interval=DELAY)
        self._delay.timeout.connect(self._launch)
        self._session = session
        self._runs: TrainingRuns | None = None  # whose time is asked for
        self._is_written = False
        self._start: tuple[Path, str] | None = None  # folder of the photos, and the parent's weights
        self._settings: FineTuneOptions | None = None
        self._seconds: float | None = None
        self._problem = ""  # why the time cannot be measured

    def begin(
        self,
        runs: TrainingRuns,
        photos: Sequence[TrainingPhoto],
        categories: Sequence[Category],
        *,
        images: Path,
        parent: str,
        settings: FineTuneOptions,
    ) -> None:
        """Measure a round of these photos, that starts from the weights `parent`."""
        self.process.cancel()  # it may measure a round that starts from other weights
        self._runs, self._is_written, self._problem = runs, False, ""
        self._start, self._settings = (images, parent), settings

        def work() -> None:
            try:
                runs.write_estimate_input(photos, categories)
            except OSError as error:
                why = os_reason(error)
                self._written.emit(runs, tr("{folder} cannot be written: {reason}.", folder=runs.training, reason=why))
            except ValueError as error:
                self._written.emit(runs, str(error))
            else:
                self._written.emit(runs, "")

        self._session.on_disk(work)
        self.changed.emit(tr(MEASURING))

    def change(self, settings: FineTuneOptions) -> None:
        """Measure with other settings."""
        self._settings = settings
        if self._runs:
            self.process.cancel()
            self._delay.start()
            self.changed.emit(tr(MEASURING))

    def stop(self) -> None:
        """The time is not wanted any more."""
        runs, self._runs = self._runs, None
        self._delay.stop()
        self.process.cancel()
        if runs:
            self._session.on_disk(lambda: _clear(runs))

    def close(self, seconds: float | None = None) -> bool:
        """Wait until there is no process (not for long, and at most so long), and return whether there is none."""
        self.stop()
        return self.process.close(GRACE / 1000 if seconds is None else min(seconds, GRACE / 1000))

    def _ready(self, runs: TrainingRuns, problem: str) -> None:
        if runs is not self._runs:
            return
        self._is_written, self._problem = not problem, problem
        if not self._delay.isActive():
            self._launch()

    def _launch(self) -> None:
        runs = self._runs
        if runs is None or not self._start or not self._settings:
            return
        if not self._is_written:
            if self._problem:
                self.changed.emit(self._problem)
            return
        if self.process.running:  # it is being ended, and then this one begins
            return
        images, parent = self._start
        self._seconds, self._problem = None, ""
        self.process.start(runs.arguments("forecast", images, parent, self._settings.arguments(), estimate=True))

    def _handle(self, event: object) -> None:
        if isinstance(event, Estimate):
            self._seconds = event.seconds
        elif isinstance(event, Error):
            self._problem = event.text

    def _ended(self, ending: Ending) -> None:
        if self._runs is None:
            return
        if ending.outcome is Outcome.CANCELLED:
            if not self._delay.isActive():
                self._launch()
        elif self._seconds is None:
            self.changed.emit(self._problem or tr(UNKNOWN))
        else:
            self.changed.emit(tr("About {time}, measured on a few steps", time=duration(self._seconds)))


def _clear(runs: TrainingRuns) -> None:
    with suppress(OSError):  # what is left is overwritten the next time
        runs.remove_estimate_input()
