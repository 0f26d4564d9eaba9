"""Fine-tuning from the window: from the dialog through the training process to the model that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox

from annotator.core.disk_thread import Deadline
from annotator.core.training_runs import TrainingRun, weights_file
from annotator.core.training_set import summarize, with_model_names
from annotator.finetune.collect_photos import PhotoCollector
from annotator.finetune.model_versions import ROUND, result_of
from annotator.finetune.process import Ending, Outcome, TrainingProcess, end_orphan
from annotator.finetune.time_estimate import TimeEstimator
from annotator.panels.dialogs.finetune_dialog import FineTuneDialog
from annotator.window.training_dock import TrainingDock
from dataset.i18n import mark, tr
from dataset.messages import os_reason
from model.protocol import Notice, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.core.project import Project
    from annotator.core.training_runs import TrainingRuns
    from annotator.finetune.collect_photos import CollectedPhotos
    from annotator.finetune.model_versions import ModelVersions
    from annotator.session.session import Session
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.model_selection import ModelSelector
    from annotator.window.main_window import MainWindow
    from model.checkpoints.lineage import ModelRecord
    from model.protocol import AnyEvent, FineTuneOptions


class FineTuneController(QObject):
    """One round at a time, of the folder that is open. Leaving the folder lets the round save itself and end."""

    _prepared = Signal(object, object, object)
    _found = Signal(object, object, object)
    _left = Signal(object, object, str, bool, bool)

    def __init__(
        self,
        session: Session,
        flow: SuggestionController,
        choice: ModelSelector,
        models: ModelVersions,
        window: MainWindow,
    ) -> None:
        super().__init__(window)
        self._session, self._flow, self._choice = session, flow, choice
        self._models, self._window = models, window
        self.process = TrainingProcess(self)
        """The training process."""
        self._dock = TrainingDock(session, window)
        self._runs: TrainingRuns | None = None  # whose round is running
        self._run: TrainingRun | None = None
        self._result: Result | None = None
        self._dialog: FineTuneDialog | None = None
        self._estimator = TimeEstimator(session, self)
        self._collector = PhotoCollector(session, self)
        self._collector.done.connect(self._use_collected)
        self._collected: CollectedPhotos | None = None
        self._wire()

    def _wire(self) -> None:
        self._window.fine_tune_requested.connect(self.open_dialog)
        self._session.project_changed.connect(self._project_changed)
        self.process.started.connect(self._started)
        self.process.event_received.connect(self.handle)
        self.process.ended.connect(self._ended)
        panel = self._dock.panel
        panel.pause_requested.connect(self.process.pause)
        panel.resume_requested.connect(self.process.resume)
        panel.stop_requested.connect(self._finish_now)
        panel.cancel_requested.connect(self._ask_to_cancel)
        self._prepared.connect(self._begin)
        self._found.connect(self._settle_alone)
        self._left.connect(self._offer)
        self._flow.model_changed.connect(self._collect)
        self._choice.chosen.connect(self._show_rival)
        self._choice.refused.connect(self._show_summary)

    # Before

    def open_dialog(self) -> None:
        """Ask for a round; while one is running, show it."""
        project = self._session.project
        if project is None:
            return
        if self.process.running:
            if self._runs is project.runs:
                self._dock.show()
            else:
                text = tr("The round of the folder that was open before is being saved; try again in a moment.")
                self._window.banner.show_message(text, "info", topic=ROUND)
            return
        self._collected = None
        self._dialog = dialog = FineTuneDialog("", self._choice.device, self._window)
        self._show_rival()
        dialog.train_requested.connect(self.start)
        dialog.photo_requested.connect(self._session.go_to)
        dialog.finished.connect(self._close_dialog)
        dialog.settings_changed.connect(lambda: self._estimator.change(dialog.settings))
        self._estimator.changed.connect(dialog.set_time)
        dialog.open()
        self._dock.prepare()
        self._collect()

    def _collect(self) -> None:
        """Collect the photos for the dialog, for the model that is in use by now."""
        if self._dialog and self._session.store:
            self._collector.start(self._session.store, self._choice.weights, self._flow.offers())

    def _show_rival(self, *_: object) -> None:
        if self._dialog:
            self._dialog.set_baseline(Path(self._choice.weights).stem or self._choice.weights)

    def _use_collected(self, collected: CollectedPhotos) -> None:
        self._collected = collected
        if collected.gone and collected.gone == weights_file(self._choice.weights):
            self._choice.give_up(tr("{file} is gone.", file=collected.gone))  # shown when there is another model
        else:
            self._show_summary()

    def _show_summary(self, *_: object) -> None:
        """Show what there is to learn from, for the model that is in use by now, and find out how long that takes."""
        project, dialog, collected = self._session.project, self._dialog, self._collected
        if project is None or dialog is None or collected is None:
            return
        summary = summarize(collected.photos, self._session.categories, self._known(), collected.lost)
        dialog.set_summary(summary)
        if summary.ready:
            categories = with_model_names(self._session.categories, self._known())
            images, parent = project.folder, self._choice.weights
            self._estimator.begin(
                project.runs, collected.photos, categories, images=images, parent=parent, settings=dialog.settings
            )

    def _close_dialog(self) -> None:
        self._collector.stop()
        self._estimator.stop()
        if self._dialog:
            self._dialog.deleteLater()
        self._dialog = None

    def _known(self) -> list[str]:
        """Return the classes of the model; before it is loaded, no class of the project counts as new."""
        return [category.name for category in (self._flow.model or self._session).categories]

    def start(self, settings: FineTuneOptions) -> None:
        """Begin a round with the photos that the dialog has gathered."""
        project = self._session.project
        if project is None or self.process.running or self._collected is None:
            return
        runs, photos, parent = project.runs, self._collected.photos, self._choice.weights
        categories = with_model_names(self._session.categories, self._known())
        images = project.folder

        def work() -> None:
            try:
                name = runs.next_name()
                run = TrainingRun(name, runs.arguments(name, images, parent, settings.arguments()), len(photos))
                runs.begin(run, photos, categories)
            except (OSError, ValueError) as error:
                self._prepared.emit(runs, None, error)
            else:
                self._prepared.emit(runs, run, None)

        self._session.on_disk(work)

    # While it runs

    def _begin(self, runs: TrainingRuns, run: TrainingRun | None, error: Exception | None) -> None:
        project = self._session.project
        if project is None or project.runs is not runs or self.process.running:
            return
        if run is None:
            why = os_reason(error) if isinstance(error, OSError) else str(error).lower()
            text = tr(
                "Training cannot begin because {folder} cannot be written: {reason}.", folder=runs.training, reason=why
            )
            self._window.banner.show_message(text, "error", topic=ROUND)
            return
        self._launch(runs, run)

    def _launch(self, runs: TrainingRuns, run: TrainingRun, *, resume: bool = False) -> None:
        self._runs, self._run, self._result = runs, run, None
        self._window.banner.retract(ROUND)
        self._dock.begin(run.name)
        self.process.start([*run.arguments, "--resume"] if resume else run.arguments)

    def _started(self, process: int) -> None:
        runs, run = self._runs, self._run
        if runs and run:
            run = self._run = msgspec.structs.replace(run, process=process)
            self._on_disk(runs, lambda: runs.save(run))

    def handle(self, event: AnyEvent) -> None:
        """Show an event of the training, and keep its result."""
        self._dock.show_event(event)
        if isinstance(event, Notice):
            self._window.banner.show_message(event.text, "warning", topic=ROUND)
        elif isinstance(event, Result):
            self._result = event

    def _finish_now(self) -> None:
        self._dock.panel.ending(tr("finishing with the best model so far"))
        self.process.stop()

    def _ask_to_cancel(self) -> None:
        question = QMessageBox(QMessageBox.Icon.Question, "Annotator", tr("Stop this training?"), parent=self._window)
        question.setObjectName("training.confirm")
        question.setInformativeText(tr("The best model so far can be kept and compared, or the round thrown away."))
        keep = question.addButton(tr("Keep the best so far"), QMessageBox.ButtonRole.AcceptRole)
        discard = question.addButton(tr("Throw away"), QMessageBox.ButtonRole.DestructiveRole)
        question.addButton(tr("Go on training"), QMessageBox.ButtonRole.RejectRole)
        keep.clicked.connect(self._finish_now)
        discard.clicked.connect(self._cancel)
        self.process.ended.connect(question.reject)
        question.finished.connect(question.deleteLater)
        question.open()

    def _cancel(self) -> None:
        self._dock.panel.ending(tr("cancelling"))
        self.process.cancel()

    # After

    def _ended(self, ending: Ending) -> None:
        runs, run, result = self._runs, self._run, self._result
        self._runs = self._run = self._result = None
        if runs is None or run is None:
            return
        project = self._session.project
        is_open = project is not None and project.runs.training == runs.training
        nothing = ending.outcome is Outcome.STOPPED and not ending.resumable
        self._dock.end(tr(NOTHING_KEPT if nothing else _HOW[ending.outcome]), done=ending.outcome is Outcome.DONE)
        if not is_open or project is None:
            return  # what is left on disk says how it ended, when the folder is opened again
        if ending.outcome is Outcome.DONE and result:
            self._on_disk(runs, project.runs.end)
            self._models.adopt_or_ask(run.name, result)
        elif ending.resumable:
            text = ending.sentence or tr("The training of {model} is stopped.", model=run.name)
            self._look_how_far(project.runs, run, text, failed=ending.outcome is Outcome.FAILED)
        else:
            self._discard(project.runs)
            if nothing:
                text = tr("The training of {model} stopped before there was anything to keep.", model=run.name)
                self._window.banner.show_message(text, "info", topic=ROUND)
            elif ending.sentence:
                self._window.banner.show_message(ending.sentence, "error", topic=ROUND)

    def _look_how_far(self, runs: TrainingRuns, run: TrainingRun, text: str, *, failed: bool = False) -> None:
        self._session.on_disk(lambda: self._left.emit(runs, run, text, runs.is_saved(run.name), failed))

    def _offer(self, runs: TrainingRuns, run: TrainingRun, text: str, saved: bool, failed: bool) -> None:  # noqa: FBT001 - a signal
        """Offer to go on with a round that was interrupted, or to begin it again where it has saved nothing yet."""
        project = self._session.project
        if project is None or project.runs is not runs or self.process.running:
            return
        if saved:
            text = tr("{what} It can go on from there.", what=text)
        else:
            text = tr("{what} It begins again from the start.", what=text)
        actions = [
            (tr("Go on") if saved else tr("Begin again"), lambda: self._go_on(runs, run)),
            (tr("Throw away"), lambda: self._discard(runs)),
        ]
        self._window.banner.show_message(text, "error" if failed else "info", actions, topic=ROUND)

    def _go_on(self, runs: TrainingRuns, run: TrainingRun) -> None:
        project = self._session.project
        if project and project.runs is runs and not self.process.running:
            self._launch(runs, run, resume=True)

    def _discard(self, runs: TrainingRuns) -> None:
        self._on_disk(runs, lambda: runs.end(discard=True))

    # Another folder

    def _project_changed(self, project: Project | None) -> None:
        self._window.banner.retract(ROUND)
        if project is None:
            if self.process.running:
                self._dock.panel.ending(tr("saving, to go on another time"))
                self.process.quit()
            if self._dialog:
                self._dialog.reject()
            return
        ours = self._runs is not None and self._runs.training == project.runs.training
        run = project.runs.run
        if run and not ours:
            self._look_for_left(project.runs, run)

    def _look_for_left(self, runs: TrainingRuns, run: TrainingRun) -> None:
        """Find out how far a round was that did not end while this folder was open."""

        def work() -> None:
            output = runs.file(run.name)
            end_orphan(run.process, str(output))
            record = None
            if output.is_file():  # it came to its end alone
                from model.checkpoints.lineage import read  # noqa: PLC0415 - brings torch: in a thread, when it is wanted

                record = read(output)
            if record:
                self._found.emit(runs, run, record)
            else:
                text = tr("The training of {model} on {n} photos was interrupted.", model=run.name, n=run.photos)
                self._left.emit(runs, run, text, runs.is_saved(run.name), False)

        self._session.on_disk(work)

    def _settle_alone(self, runs: TrainingRuns, run: TrainingRun, record: ModelRecord) -> None:
        project = self._session.project
        if project and project.runs is runs:
            self._on_disk(runs, runs.end)
            self._models.adopt_or_ask(run.name, result_of(record))

    # The end

    def leave(self) -> None:
        """The window closes: let the process save itself. Does not wait for it."""
        self._collector.stop()
        self._estimator.stop()
        self.process.quit()

    def close(self, seconds: float | None = None) -> bool:
        """Wait for the processes (at most so long), and return whether the training has ended."""
        deadline = Deadline(seconds)
        self._estimator.close(deadline.left)
        return self.process.close(deadline.left)

    def _on_disk(self, runs: TrainingRuns, job: Callable[[], object]) -> None:
        """Do something with a project's files that may fail; if it does, the next opening finds the old state."""

        def work() -> None:
            try:
                job()
            except OSError as error:
                why = os_reason(error)
                text = tr("{folder} cannot be written: {reason}.", folder=runs.training, reason=why)
                self._session.message.emit(text, "warning", "")

        self._session.on_disk(work)


NOTHING_KEPT = mark("stopped before there was anything to keep")
_HOW = {
    Outcome.DONE: mark("finished"),
    Outcome.STOPPED: mark("stopped; it can go on another time"),
    Outcome.CANCELLED: mark("cancelled"),
    Outcome.FAILED: mark("failed"),
}
