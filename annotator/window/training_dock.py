"""The dock of the training panel: made when it is first needed, with its plots and the pixels of its photos."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.panels.training_panel import TrainingPanel
from annotator.window.bottom_dock import add_bottom_dock
from dataset.i18n import tr
from model.protocol import Preview, Step
from model.torch_import import large_import

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDockWidget

    from annotator.session.decoded_image import DecodedImage
    from annotator.session.session import Session
    from annotator.window.main_window import MainWindow
    from model.protocol import AnyEvent

PLOTS = "annotator.panels.training_plots"
PREVIEW_HEIGHT = 240  # pixels kept of a photo


class TrainingDock(QObject):
    """Shows a round in the window. Its dock can be closed; the Model panel goes on showing how far the round is."""

    _imported = Signal()
    _decoded = Signal(object, object, float)

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self.panel = TrainingPanel(self._color_of)
        """The panel in the dock."""
        self.panel.photo_chosen.connect(session.go_to)
        self._dock: QDockWidget | None = None
        self._plots_asked = False
        self._imported.connect(self._add_plots)
        self._decoded.connect(self.panel.previews.set_image)

    def prepare(self) -> None:
        """Import what takes long in a thread, because the dock will soon be shown."""
        if not self._plots_asked:
            self._plots_asked = True

            def work() -> None:
                with large_import():
                    import_module(PLOTS)
                self._imported.emit()

            self._session.on_disk(work)

    def begin(self, name: str) -> None:
        """A round begins."""
        self.prepare()
        self.show()
        self.panel.begin(name)
        self._window.model_panel.set_training(0.0)

    def end(self, text: str, *, done: bool) -> None:
        """The round is over; `text` is how, in a few words, and `done` whether there is a model."""
        self.panel.end(text, done=done)
        self._window.model_panel.set_training(None)

    def show(self) -> None:
        """Show the dock."""
        if self._dock is None:
            window = self._window
            self._dock = add_bottom_dock(window, window.panels_menu, "training", tr("Fine-tuning"), self.panel)
        self._dock.show()

    def show_event(self, event: AnyEvent) -> None:
        """Show an event of the process."""
        self.panel.show_event(event)
        if isinstance(event, Step):
            self._window.model_panel.set_training(event.share)
        if isinstance(event, Preview) and event.before is not None:
            self._load(event.photo)

    def _add_plots(self) -> None:
        from annotator.panels.training_plots import TrainingPlots  # noqa: PLC0415 - imported in a thread by now

        self.panel.set_plots(TrainingPlots())

    def _load(self, name: str) -> None:
        def reduce(photo: DecodedImage) -> None:
            self._decoded.emit(name, photo.pyramid.thumbnail(PREVIEW_HEIGHT), PREVIEW_HEIGHT / photo.size[1])

        self._session.with_photo(name, reduce)

    def _color_of(self, name: str) -> str:
        category = self._session.categories.find(name)
        return category.color if category else ""
