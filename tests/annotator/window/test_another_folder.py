"""What belongs to a folder ends with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from annotator.window.main_window import MainWindow
from resources import SAMPLES
from tests.annotator.conftest import Start


def _open(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.folder == folder and window._session.document is not None)


def _other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(SAMPLES / "coffee.jpg", folder)
    return folder


def test_zoom_is_not_kept(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    window.canvas.zoom_to(8.0)
    _open(qtbot, window, _other(tmp_path))
    document = window._session.document
    assert document is not None
    seen = window.canvas.camera().rect_to_view((0, 0, *document.size))
    assert QRectF(window.canvas.viewport().rect()).contains(seen)


def test_messages_are_not_kept_and_move_no_photo(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    place, scale = window.canvas.geometry(), window.canvas.scale_factor
    window._session.message.emit("A photo of it is odd. " * 20, "warning", "")
    qtbot.wait(1)
    assert window.banner.isVisible()
    assert (window.canvas.geometry(), window.canvas.scale_factor) == (place, scale)
    _open(qtbot, window, _other(tmp_path))
    assert window.banner.text == ""
