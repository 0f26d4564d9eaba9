"""The controller between the model panel and the worker thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from annotator.core.training_runs import SUFFIX
from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.panels.banner import Banner
    from annotator.panels.model import ModelPanel
    from annotator.settings import Settings
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import FolderProgress, ModelInfo
    from annotator.suggestions.model_selection import ModelSelector
    from annotator.window.status_bar import StatusBar

MODEL = "model"  # the topic of messages about a model that cannot be used, and there is none in its place
UNMATCHED = "unmatched"  # of those about classes that only the model has
NOTICE = "notice"  # of those about a photo that the model failed on, or a device that is used instead
REFUSED = "refused model"  # of those about a model that cannot be used, in whose place there is another
CLOSER_LOOK = "closer_look"  # settings key
MAX_NAMED = 4  # classes that a message names; of the others it gives the number


class ModelPanelController:
    """Keeps the panel, the banner and the status line up to date about the model, and passes on requests."""

    def __init__(
        self,
        panel: ModelPanel,
        suggester: InferenceWorker,
        flow: SuggestionController,
        choice: ModelSelector,
        settings: Settings,
        *,
        banner: Banner,
        status: StatusBar,
    ) -> None:
        self._panel, self._flow, self._choice, self._banner = panel, flow, choice, banner
        self._fault: tuple[str, bool] | None = None  # of a model, until there is another
        self._offered: list[str] = []  # the model's classes that the project lacks
        panel.set_threshold(settings.threshold)
        panel.set_weights(choice.weights)
        panel.offer_devices(suggester.devices)
        panel.set_device(choice.device)
        panel.set_closer_look(on=settings.flag(CLOSER_LOOK, default=True))
        suggester.set_closer_look(on=settings.flag(CLOSER_LOOK, default=True))
        panel.closer_look_chosen.connect(lambda on: self._look_closer(suggester, settings, on=on))
        panel.threshold_changed.connect(flow.set_threshold)
        panel.suggest_all_requested.connect(flow.suggest_all)
        panel.cancel_requested.connect(suggester.cancel_all)
        panel.weights_requested.connect(choice.use)
        panel.device_requested.connect(choice.use_device)
        choice.chosen.connect(panel.set_weights)
        choice.chosen.connect(self._take_choice)
        choice.fell_back.connect(self._take_fault)
        flow.model_changed.connect(self._show_fault)
        choice.refused.connect(self._failed)
        flow.speed.connect(panel.set_speed)
        flow.unmatched.connect(self._offer_classes)
        suggester.loaded.connect(self._loaded)
        suggester.activity.connect(panel.set_state)
        suggester.activity.connect(status.set_activity)
        suggester.notice.connect(self._notice)
        suggester.progress.connect(self._show_progress)

    @staticmethod
    def _look_closer(suggester: InferenceWorker, settings: Settings, *, on: bool) -> None:
        settings.set_flag(CLOSER_LOOK, value=on)
        suggester.set_closer_look(on=on)

    def choose_weights(self) -> None:
        """Ask for a checkpoint file and use it."""
        title, types = tr("Open weights"), tr("Weights (*.safetensors)")
        file, _ = QFileDialog.getOpenFileName(self._panel.window(), title, str(Path.home()), types)
        if file:
            self._choice.use(file)

    def _loaded(self, info: ModelInfo) -> None:
        self._panel.set_model(info.name.removesuffix(SUFFIX), info.device)
        self._banner.retract(MODEL)

    def _failed(self, sentence: str) -> None:
        self._panel.set_state(sentence, problem=True)
        self._banner.show_message(sentence, "warning", topic=MODEL, of_folder=False)

    def _take_fault(self, sentence: str, lasting: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._fault = sentence, lasting

    def _show_fault(self) -> None:
        """Show it over the messages on the model that is used instead."""
        if self._fault:
            (sentence, lasting), self._fault = self._fault, None
            keep = [(tr("Use it from now on"), lambda: self._choice.use(self._choice.weights))] if lasting else []
            self._banner.show_message(sentence, "warning", keep, topic=REFUSED)

    def _take_choice(self, _weights: str) -> None:
        self._fault = None
        self._banner.retract(REFUSED)

    def _notice(self, sentence: str) -> None:
        self._banner.show_message(sentence, "warning", topic=NOTICE)

    def _show_progress(self, progress: FolderProgress | None) -> None:
        if progress:
            self._panel.set_progress(progress.done, progress.total, progress.rate, progress.remaining)
        else:
            self._panel.set_progress(None)

    def _offer_classes(self, names: list[str]) -> None:
        fewer, self._offered = set(names) < set(self._offered), names
        if not names:
            self._banner.retract(UNMATCHED)
            return
        if fewer and not self._banner.has(UNMATCHED):  # it was closed
            return
        text = tr(
            "The model also knows {classes}: this project has no such classes, so they are not suggested.",
            classes=_list_classes(names),
        )
        add = (tr("Add them"), self._flow.add_model_classes)
        self._banner.show_message(text, "info", [add], topic=UNMATCHED, is_offer=True)


def _list_classes(names: list[str]) -> str:
    shown, rest = ", ".join(names[:MAX_NAMED]), len(names) - MAX_NAMED
    return tr("{names} and {n} more", names=shown, n=rest) if rest > 0 else shown
