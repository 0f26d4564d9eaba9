"""The window without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator import theme
from annotator.core.document import Document
from annotator.panels import banner
from annotator.session.image_cache import ImageCache
from annotator.session.session import Session
from annotator.settings import Settings
from annotator.suggestions.controller import SuggestionController
from annotator.suggestions.inference_worker import InferenceWorker
from annotator.suggestions.model_selection import ModelSelector
from annotator.window.main_window import MainWindow

Start = Callable[[], MainWindow]


def start_in(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """Return a new window with a folder open and its photo ready to be worked on."""
    window = start()
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.document is not None)
    return window


def current_document(window: MainWindow) -> Document:
    """Return the document of the photo that is shown."""
    document = window._session.document
    assert document is not None
    return document


@pytest.fixture(autouse=True)
def quick_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages can be clicked at once: no person is surprised by them here."""
    monkeypatch.setattr(banner, "SETTLING_MS", 0)


@pytest.fixture
def start(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Start]:
    """The window with everything but a model: nothing here needs torch."""
    closing: list[Callable[[], object]] = []

    def run() -> MainWindow:
        settings = Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
        cache = ImageCache()
        session, suggester = Session(settings, cache), InferenceWorker(cache)
        choice = ModelSelector(session, suggester, settings)
        window = MainWindow(session, suggester, SuggestionController(session, suggester), choice, settings)
        closing.extend(
            (window.close, suggester.close, session.close, lambda: theme.changed.disconnect(window.apply_theme))
        )
        qtbot.addWidget(window)
        window.show()
        with qtbot.waitActive(window):
            window.activateWindow()
        return window

    yield run
    for close in closing:
        close()
    theme.apply(qapp, "system")
