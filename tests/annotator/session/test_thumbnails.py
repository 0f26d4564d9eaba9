"""Small pictures in the list: those in view first, a bounded number of them, none decoded by the window's thread."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from annotator.panels.photo_rows import PICTURE_ROW
from annotator.session import thumbnails
from annotator.session.thumbnails import SIZE, Thumbnails
from dataset.pictures import images
from resources import SAMPLES
from tests.annotator.conftest import Start, start_in
from tests.qt import find


@pytest.fixture
def made(qtbot: QtBot) -> Thumbnails:
    return Thumbnails()


def _wait(qtbot: QtBot, made: Thumbnails, names: list[str]) -> None:
    made.want(names)
    qtbot.waitUntil(lambda: all(made.get(name) is not None for name in names))


def test_they_are_upright_and_of_one_box(qtbot: QtBot, made: Thumbnails, tmp_path: Path) -> None:
    tall = Image.fromarray(np.zeros((600, 900, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    tall.save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "broken.jpg").write_bytes(b"x")
    made.use_folder(tmp_path)
    _wait(qtbot, made, ["turned.jpg", "broken.jpg"])
    turned, broken = made.get("turned.jpg"), made.get("broken.jpg")
    assert turned is not None
    assert broken is not None
    assert (turned.width(), turned.height()) == (64, SIZE.height())
    assert broken.isNull()
    made.use_folder(None)


def test_what_is_wanted_last_is_made_first_and_memory_is_bounded(
    qtbot: QtBot, made: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "CAPACITY", 3)
    for i in range(8):
        Image.new("RGB", (40, 30)).save(tmp_path / f"{i}.png")
    gate, read, original = threading.Event(), [], images.read_within

    def slow(path: Path, pixels: int) -> object:
        read.append((path.stem, threading.current_thread() is threading.main_thread()))
        gate.wait(5)
        return original(path, pixels)

    monkeypatch.setattr(images, "read_within", slow)
    made.use_folder(tmp_path)
    made.want([f"{i}.png" for i in range(4)])
    qtbot.waitUntil(lambda: len(read) == 1)
    made.want(["6.png", "7.png"])  # scrolled on
    gate.set()
    qtbot.waitUntil(lambda: made.get("7.png") is not None)
    assert read == [("0", False), ("6", False), ("7", False)]
    _wait(qtbot, made, ["1.png", "2.png"])
    assert [i for i in range(8) if made.get(f"{i}.png") is not None] == [1, 2, 7]
    made.use_folder(None)


def test_the_list_shows_them_and_remembers_that(qtbot: QtBot, start: Start, folder: Path) -> None:
    for i in range(40):
        shutil.copy(SAMPLES / "coffee.jpg", folder / f"z{i}.jpg")
    window = start_in(qtbot, start, folder)
    rows = window.photos_panel.rows
    assert rows.verticalHeader().defaultSectionSize() < PICTURE_ROW
    find(window, QAction, "photos.pictures").trigger()
    assert rows.verticalHeader().defaultSectionSize() == PICTURE_ROW
    small = window._listing._thumbnails

    def shown() -> bool:
        rect = rows.visualRect(rows.model().index(1, 0))
        box = rows.viewport().grab().toImage().copy(14, rect.center().y() - 15, 60, 30)
        return len({box.pixel(x, y) for x in range(60) for y in range(30)}) > 100

    qtbot.waitUntil(shown)
    assert small.get("z39.jpg") is None, "out of sight"
    rows.scrollToBottom()
    qtbot.waitUntil(lambda: small.get("z39.jpg") is not None)
    again = start()
    assert find(again, QAction, "photos.pictures").isChecked()
    assert again.photos_panel.rows.verticalHeader().defaultSectionSize() == PICTURE_ROW
    assert again.photos_panel.rows.focusPolicy() == Qt.FocusPolicy.TabFocus
