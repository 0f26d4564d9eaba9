"""Which model the open folder works with: the project's own where it has one, else that of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.training_runs import BUILTIN
from dataset.i18n import tr
from dataset.messages import os_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.core.project import Project
    from annotator.core.training_runs import TrainingRuns
    from annotator.session.session import Session
    from annotator.settings import Settings
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import ModelInfo


class ModelSelector(QObject):
    """Has the worker load the model that is wanted: when a folder is opened, and when the person chooses another.

    A choice is written down once its model is loaded: one that is broken leaves the last good one in use, and chosen.
    To be made before what else is connected to the session: a folder must not meet the model of the one before.

    Signals:
        changing: another model is being loaded, and what the one before it found does not count any more.
        chosen: (weights) the model that is wanted now: a name or a path.
        fell_back: (sentence, lasting) why a model cannot be used, and which one is used instead; `lasting` where the
            one that failed is still what is written down, and the next opening tries it again.
        refused: (sentence) why a model cannot be used where there is no other to try.
    """

    changing = Signal()
    chosen = Signal(object)
    fell_back = Signal(str, bool)
    refused = Signal(str)

    def __init__(
        self, session: Session, suggester: InferenceWorker, settings: Settings, *, weights: str = "", device: str = ""
    ) -> None:
        """Begin with the settings'; `weights` and `device`, if given, hold instead of what folder and settings say."""
        super().__init__()
        self._session, self._suggester, self._settings = session, suggester, settings
        self._fixed = weights
        self.weights = weights or settings.weights
        self.device = device or settings.device
        self.is_loading = True
        """Whether a model is on its way: from the start on, until one is loaded or none can be."""
        self._asked = False
        self._of_project = False  # whether the project names a model
        self._good = ""  # the weights that were loaded last in this folder
        self._keep: Callable[[], None] | None = None  # writes the choice down, once its model is loaded
        self._fault: _LoadFailure | None = None  # while another model is loaded instead
        session.project_changed.connect(self._project_changed)
        suggester.loaded.connect(self._loaded)
        suggester.failed.connect(self._failed)

    def start(self) -> None:
        """Load the model for the first time; nothing is loaded before."""
        if not self._asked:
            self._asked = True
            self._suggester.load(self.weights, self.device)

    def use(self, weights: str, *, here: bool = False) -> None:
        """Use these weights: in this project alone if `here` or it has a model of its own, else everywhere."""
        self._fixed = ""
        project = self._session.project
        if project and (here or self._of_project or project.runs.in_use):
            self._of_project = True
            runs = project.runs
            self._keep = lambda: self._remember(runs, weights)
        else:
            self._keep = lambda: setattr(self._settings, "weights", weights)
        self._fault = None
        self._load(weights)

    def use_device(self, device: str) -> None:
        """Compute there, now and at the next start."""
        self.device = self._settings.device = device
        self._fault = None
        self._load(self.weights)

    def give_up(self, sentence: str) -> None:
        """Use the builtin model instead of the chosen one, for the reason in the sentence."""
        self._good, self._keep = "", None
        self._fault = _LoadFailure(self.weights, sentence, is_written=True)
        self._load(BUILTIN)

    def _remember(self, runs: TrainingRuns, weights: str) -> None:
        session = self._session

        def write() -> None:
            try:
                runs.use(weights)
            except OSError as error:
                why = os_reason(error)
                text = tr(
                    "{file} cannot be written ({reason}): the choice holds until you quit.",
                    file=runs.models / "in_use",
                    reason=why,
                )
                session.message.emit(text, "warning", "")

        runs.in_use = runs.name_of(weights)
        session.on_disk(write)

    def _project_changed(self, project: Project | None) -> None:
        self._fault = None
        if project is None:
            keep, self._keep = self._keep, None
            if keep:  # left before it was loaded: the next opening finds out whether it can be
                keep()
            return
        of_project = "" if self._fixed else project.runs.weights
        self._of_project = bool(of_project)
        wanted = of_project or self._fixed or self._settings.weights
        if wanted != self.weights:
            self._good = ""
            self.changing.emit()
            self._load(wanted)

    def _load(self, weights: str) -> None:
        self.weights, self.is_loading = weights, True
        self.chosen.emit(weights)
        if self._asked:
            self._suggester.load(weights, self.device)

    def _loaded(self, model: ModelInfo) -> None:
        if model.weights != self.weights:  # another one has been asked for since
            return
        self._good, self.is_loading = self.weights, False
        keep, self._keep = self._keep, None
        if keep:
            keep()
        fault, self._fault = self._fault, None
        if fault:
            if self._good == BUILTIN:
                text = tr("{reason} The built-in model is used instead.", reason=fault.sentence)
            else:
                text = tr("{reason} {model} is used instead.", reason=fault.sentence, model=Path(self._good).stem)
            self.fell_back.emit(text, fault.is_written)

    def _failed(self, sentence: str, weights: str) -> None:
        if weights != self.weights:
            return
        keep, self._keep = self._keep, None
        fault = self._fault or _LoadFailure(weights, sentence, is_written=keep is None)
        instead = self._good or BUILTIN
        if instead != weights:
            self._fault = fault
            self._load(instead)
            return
        self._fault = None  # such as a device that is not there: other weights would not help
        self.is_loading = False
        self.weights = self._good or fault.weights
        self.chosen.emit(self.weights)
        self._suggester.refuse(fault.sentence)
        self.refused.emit(fault.sentence)


@dataclass(frozen=True, slots=True)
class _LoadFailure:
    """Weights that could not be loaded, why, and whether they are what is written down."""

    weights: str
    sentence: str
    is_written: bool
