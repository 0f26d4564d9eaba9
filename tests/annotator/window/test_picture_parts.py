"""Pages and bands are chosen for the eye alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox

from tests.annotator.conftest import Start, current_document, start_in
from tests.dataset.pictures.test_tiff import tiff
from tests.qt import find

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from annotator.window.main_window import MainWindow

GREYS = (10, 60, 110, 160)


@pytest.fixture
def window(qtbot: QtBot, start: Start, tmp_path: Path) -> MainWindow:
    """A file of two pages, one of four bands, and a plain photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    pages = [Image.new("RGB", (60, 40), color) for color in ("red", "blue")]
    pages[0].save(folder / "a.tif", save_all=True, append_images=pages[1:])
    bands = np.tile(np.array(GREYS, np.uint8), (40, 60, 1))
    (folder / "b.tif").write_bytes(tiff(bands, extra=(0, 0, 0), tile=16))
    Image.new("RGB", (60, 40), "white").save(folder / "c.png")
    window = start_in(qtbot, start, folder)
    QTest.keyClick(window.canvas, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    return window


def seen(window: MainWindow) -> tuple[int, ...]:
    """The colour in the middle of the photo on the screen."""
    image = window.canvas.viewport().grab().toImage()
    color = image.pixelColor(window.canvas.mapFromScene(QPointF(30, 20)) * image.devicePixelRatio())
    return color.red(), color.green(), color.blue()


def choose(window: MainWindow, name: str, row: int) -> None:
    """Choose a row of a choice by keys, as a person does."""
    control = find(window, QComboBox, f"picture.{name}")
    assert control.isVisible()
    control.setFocus()
    QTest.keyClick(control, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(control, Qt.Key.Key_Down)


def go_to(qtbot: QtBot, window: MainWindow, name: str) -> None:
    window._session.go_to(name)
    qtbot.waitUntil(lambda: window._session.document is not None and window._session.document.name == name)


def test_another_page_is_shown_and_nothing_else_changes(qtbot: QtBot, window: MainWindow) -> None:
    document = current_document(window)
    photo = window._session._photo
    assert seen(window) == (255, 0, 0)
    assert not find(window, QComboBox, "picture.bands").isVisible()
    choose(window, "page", 1)
    qtbot.waitUntil(lambda: seen(window) == (0, 0, 255))
    assert window._session._photo is photo
    assert current_document(window) is document
    assert window._session.store is not None
    assert not window._session.store.unsaved
    choose(window, "page", 0)
    assert seen(window) == (255, 0, 0)


def test_bands_are_shown_as_greys_and_colours_and_remembered_in_the_folder(qtbot: QtBot, window: MainWindow) -> None:
    go_to(qtbot, window, "b.tif")
    assert seen(window) == (10, 10, 10)
    assert not find(window, QComboBox, "picture.page").isVisible()
    choose(window, "bands", 5)
    qtbot.waitUntil(lambda: seen(window) == (160, 160, 160))
    choose(window, "bands", 1)
    qtbot.waitUntil(lambda: seen(window) == (10, 60, 110))
    choose(window, "red", 3)
    qtbot.waitUntil(lambda: seen(window) == (160, 60, 110))
    go_to(qtbot, window, "c.png")
    assert seen(window) == (255, 255, 255)
    assert not find(window, QComboBox, "picture.bands").isVisible()
    go_to(qtbot, window, "b.tif")
    qtbot.waitUntil(lambda: seen(window) == (160, 60, 110))
    assert find(window, QComboBox, "picture.red").currentText() == "4"


def test_a_page_that_cannot_be_read_is_told_and_the_first_shown(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    file = tmp_path / "photos" / "a.tif"
    file.write_bytes(file.read_bytes()[:-100])  # of the last page
    with qtbot.waitSignal(window._session.message) as heard:
        choose(window, "page", 1)
    assert "cannot be shown: The file is truncated" in str(heard.args)
    assert seen(window) == (255, 0, 0)
    assert find(window, QComboBox, "picture.page").currentIndex() == 0
