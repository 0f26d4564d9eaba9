"""Joins the model panel to the worker thread: what the model does is shown, and what is wanted of it asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from annotator.inference import ModelInfo, Progress, Suggester
    from annotator.panels.banner import Banner
    from annotator.panels.model import ModelPanel
    from annotator.settings import Settings
    from annotator.statusline import StatusLine
    from annotator.suggestions import SuggestionFlow

WEIGHTS_FILES = "Weights (*.safetensors)"
MODEL = "model"  # the topic of messages about the model
NAMED = 4  # classes that a message names; of the others it gives the number


class ModelDesk:
    """Keeps the panel, the banner and the status line up to date about the model, and passes on the person's wishes."""

    def __init__(
        self,
        panel: ModelPanel,
        suggester: Suggester,
        flow: SuggestionFlow,
        settings: Settings,
        *,
        banner: Banner,
        status: StatusLine,
    ) -> None:
        self._panel, self._suggester, self._flow = panel, suggester, flow
        self._settings, self._banner = settings, banner
        panel.set_threshold(settings.threshold)
        panel.set_weights(settings.weights)
        panel.set_device(settings.device)
        panel.threshold_changed.connect(flow.set_threshold)
        panel.suggest_all_requested.connect(flow.suggest_all)
        panel.cancel_requested.connect(suggester.cancel_all)
        panel.weights_requested.connect(self.use_weights)
        panel.device_requested.connect(self._use_device)
        flow.speed.connect(panel.set_speed)
        flow.unmatched.connect(self._offer_classes)
        suggester.loaded.connect(self._loaded)
        suggester.failed.connect(self._failed)
        suggester.activity.connect(panel.set_state)
        suggester.activity.connect(status.set_activity)
        suggester.notice.connect(self._notice)
        suggester.progress.connect(self._show_progress)

    def choose_weights(self) -> None:
        """Ask for a checkpoint file and use it."""
        file, _ = QFileDialog.getOpenFileName(self._panel.window(), "Open weights", str(Path.home()), WEIGHTS_FILES)
        if file:
            self.use_weights(file)

    def use_weights(self, weights: str) -> None:
        """Put other weights in use, now and at the next start."""
        self._settings.weights = weights
        self._panel.set_weights(weights)
        self._suggester.load(weights, self._settings.device)

    def _use_device(self, device: str) -> None:
        self._settings.device = device
        self._suggester.load(self._settings.weights, device)

    def _loaded(self, info: ModelInfo) -> None:
        self._panel.set_model(info.name, info.device)
        self._banner.retract(MODEL)

    def _failed(self, sentence: str) -> None:
        self._panel.set_state(sentence, problem=True)
        self._banner.show_message(sentence, "warning", topic=MODEL)

    def _notice(self, sentence: str) -> None:
        self._banner.show_message(sentence, "warning")

    def _show_progress(self, progress: Progress | None) -> None:
        if progress:
            self._panel.set_progress(progress.done, progress.total, progress.rate, progress.remaining)
        else:
            self._panel.set_progress(None)

    def _offer_classes(self, names: list[str]) -> None:
        shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        self._banner.show_message(
            f"The model also knows {shown}: this project has no such classes, so they are not suggested.",
            "info",
            [("Add them", self._flow.add_model_classes)],
            topic=MODEL,
        )
