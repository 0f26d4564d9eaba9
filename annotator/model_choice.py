"""Which model the open folder works with: the project's own where it has one, else that of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.rounds import BUILTIN

if TYPE_CHECKING:
    from annotator.core.rounds import Rounds
    from annotator.core.store import Store
    from annotator.inference import Suggester
    from annotator.session import Session
    from annotator.settings import Settings


class ModelChoice(QObject):
    """Has the worker load the model that is wanted: when a folder is opened, and when the person chooses another.

    To be made before what else listens to the session: a folder must not meet the model of the one before.

    Signals:
        changing: another model is being loaded, and what the one before it said does not count any more.
        chosen: (weights) the model that is wanted now: a name or a path.
        fell_back: (sentence) the project's model cannot be used, and why; the builtin one is loaded instead.
    """

    changing = Signal()
    chosen = Signal(str)
    fell_back = Signal(str)

    def __init__(
        self, session: Session, suggester: Suggester, settings: Settings, *, weights: str = "", device: str = ""
    ) -> None:
        """Begin with the settings'; `weights` and `device`, if given, hold instead of what folder and settings say."""
        super().__init__()
        self._session, self._suggester, self._settings = session, suggester, settings
        self._fixed = weights
        self.weights = weights or settings.weights
        self.device = device or settings.device
        self._asked = False
        self._of_project = False  # whether the weights are those that the project names
        session.store_changed.connect(self._store_changed)
        suggester.failed.connect(self._failed)

    def start(self) -> None:
        """Load the model for the first time; nothing is loaded before."""
        if not self._asked:
            self._asked = True
            self._suggester.load(self.weights, self.device)

    def use(self, weights: str, *, here: bool = False) -> None:
        """Use these weights: in this project alone if `here` or it has a model of its own, else everywhere."""
        self._fixed = ""
        store = self._session.store
        self._of_project = store is not None and (here or bool(store.rounds.in_use))
        if store and self._of_project:
            self._remember(store.rounds, weights)
        else:
            self._settings.weights = weights
        self._load(weights)

    def use_device(self, device: str) -> None:
        """Compute there, now and at the next start."""
        self.device = self._settings.device = device
        self._load(self.weights)

    def _remember(self, rounds: Rounds, weights: str) -> None:
        session = self._session

        def write() -> None:
            try:
                rounds.use(weights)
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                text = f"{rounds.models / 'in_use'} cannot be written ({why}): the choice holds until you quit."
                session.message.emit(text, "warning", "")

        rounds.in_use = rounds.name_of(weights)
        session.on_disk(write)

    def _store_changed(self, store: Store | None) -> None:
        if store is None:
            return
        of_project = "" if self._fixed else store.rounds.weights
        self._of_project = bool(of_project)
        wanted = of_project or self._fixed or self._settings.weights
        if wanted != self.weights:
            self.changing.emit()
            self._load(wanted)

    def _load(self, weights: str) -> None:
        self.weights = weights
        self.chosen.emit(weights)
        if self._asked:
            self._suggester.load(weights, self.device)

    def _failed(self, sentence: str) -> None:
        if self._of_project and self.weights != BUILTIN:
            self._of_project = False
            self.fell_back.emit(f"{sentence} The built-in model is used instead.")
            self._load(BUILTIN)
