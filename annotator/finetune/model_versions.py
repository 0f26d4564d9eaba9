"""The project's models: a round's is put in use, or the person is asked; one click goes back to any earlier one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.training_runs import BUILTIN, is_round
from annotator.panels.dialogs.models_dialog import ModelFact, ModelsDialog
from dataset.i18n import tr
from dataset.messages import os_reason
from model.protocol import Result

if TYPE_CHECKING:
    from annotator.core.training_runs import TrainingRuns
    from annotator.session.session import Session
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import FolderProgress, ModelInfo
    from annotator.suggestions.model_selection import ModelSelector
    from annotator.window.main_window import MainWindow
    from model.checkpoints.lineage import ModelRecord

ROUND = "round"  # the topic of messages about a round and its model


class ModelVersions(QObject):
    """Puts models in use and has the suggestions made anew; shows the models that there are."""

    _listed = Signal(object, object)

    def __init__(
        self,
        session: Session,
        suggester: InferenceWorker,
        flow: SuggestionController,
        choice: ModelSelector,
        window: MainWindow,
    ) -> None:
        super().__init__(window)
        self._session, self._suggester, self._flow, self._choice = session, suggester, flow, choice
        self._window = window
        self._again: list[str] = []  # photos that the new model has to look at again
        self._whole_folder = False  # whether the model is going through all photos
        self._dialog: ModelsDialog | None = None
        choice.fell_back.connect(self._fell_back)
        suggester.loaded.connect(self._loaded)
        suggester.progress.connect(self._note_progress)
        window.models_requested.connect(self.show_models)
        self._listed.connect(self._show_list)

    def adopt_or_ask(self, name: str, result: Result) -> None:
        """A round's model is there: use it if it measures better, else ask."""
        project = self._session.project
        assert project is not None, "the round of an open folder"
        weights, before = str(project.runs.file(name)), self._choice.weights
        banner = self._window.banner
        if result.better:
            self.use(weights)
            text = tr("{model} is in use. {comparison}", model=name, comparison=result.sentence)
            banner.show_message(text, "info", [(tr("Go back"), lambda: self.use(before))], topic=ROUND)
        else:
            text = tr("{model} is trained, but not in use. {comparison}", model=name, comparison=result.sentence)
            actions = [(tr("Use it anyway"), lambda: self.use(weights)), (tr("Keep the old one"), lambda: None)]
            banner.show_message(text, "warning", actions, topic=ROUND)

    def use(self, weights: str) -> None:
        """Use a model in this folder from now on; what is not done is looked at again, the current photo first."""
        if self._session.project is None or weights == self._choice.weights:
            return
        self._again = self._flow.unfinished() if self._whole_folder else self._flow.stale_names()
        self._window.banner.retract(ROUND)
        self._choice.use(weights, here=True)

    def show_models(self) -> None:
        """Show the models of the project."""
        if self._session.project is None:
            return
        if self._dialog is None:
            self._dialog = dialog = ModelsDialog(self._window)
            dialog.use_requested.connect(self._use_by_name)
            dialog.delete_requested.connect(self._delete)
        self._dialog.show()
        self._dialog.raise_()
        self._refresh()

    def _loaded(self, _info: ModelInfo) -> None:
        names, self._again = self._again, []
        if names:
            self._suggester.suggest_all(names)
        if self._dialog and self._dialog.isVisible():
            self._refresh()

    def _fell_back(self, *_: object) -> None:
        self._again = []  # the model before has looked at them

    def _note_progress(self, progress: FolderProgress | None) -> None:
        self._whole_folder = progress is not None

    def _use_by_name(self, name: str) -> None:
        project = self._session.project
        if project:
            self.use(str(project.runs.file(name)) if is_round(name) else name)

    def _delete(self, name: str) -> None:
        project, banner = self._session.project, self._window.banner
        if project is None:
            return
        runs, message = project.runs, self._session.message

        def work() -> None:
            try:
                runs.remove(name)
            except OSError as error:
                why = os_reason(error)
                text = tr("{file} cannot be deleted: {reason}.", file=runs.file(name), reason=why)
                message.emit(text, "warning", "")

        banner.retract(ROUND)  # it may offer the one that is gone
        self._session.on_disk(work)
        self._refresh()

    def _refresh(self) -> None:
        project = self._session.project
        if project is None:
            return
        runs = project.runs

        def work() -> None:
            self._listed.emit(runs, facts_of(runs))

        self._session.on_disk(work)

    def _show_list(self, runs: TrainingRuns, facts: list[ModelFact]) -> None:
        project = self._session.project
        if self._dialog and project and project.runs is runs:
            used = runs.name_of(self._choice.weights)
            if used not in [fact.name for fact in facts]:
                own = ModelFact(used, sentence=tr("{model}: chosen by hand.", model=used), removable=False)
                facts = [own, *facts]
            self._dialog.set_models(facts, used)


def facts_of(runs: TrainingRuns) -> list[ModelFact]:
    """What there is to say of every model of a project, the newest first, and of the builtin one. Reads the disk."""
    from model.checkpoints.lineage import read  # noqa: PLC0415 - brings torch: in a thread, when it is wanted

    facts = [fact_of(name, read(runs.file(name))) for name in reversed(runs.names())]
    about = tr("The built-in model, which every folder begins with.")
    return [*facts, ModelFact(BUILTIN, sentence=about, removable=False)]


def fact_of(name: str, record: ModelRecord | None) -> ModelFact:
    """Return the record in a model's header."""
    if record is None:
        problem = tr("{model} is damaged, or not a model of this application: delete it.", model=name)
        return ModelFact(name, problem=problem)
    result = result_of(record)
    points = record.result.get("keypoint")
    return ModelFact(
        name,
        made=_when(record.created),
        parent=record.parent_name,
        photos=len(record.annotations) or record.photos,
        before=result.before,
        after=result.after,
        low=result.low,
        high=result.high,
        keypoints=_number(points.get("after")) if isinstance(points, dict) else None,
        sentence=f"{result.sentence} {record.result.get('kept', '')}".rstrip(),
    )


def result_of(record: ModelRecord) -> Result:
    """Return the comparison with its parent of a model's header."""
    found = record.result
    before, after, low, high = (_number(found.get(key)) for key in ("before", "after", "low", "high"))
    sentence = str(found.get("sentence", ""))
    return Result(found.get("better") is True, before=before, after=after, low=low, high=high, sentence=sentence)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _when(created: str) -> str:
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""
