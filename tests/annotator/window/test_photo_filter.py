"""What is listed is what the keys go through, and what is kept ready."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.document import Status
from annotator.window.main_window import MainWindow
from resources import SAMPLES
from tests.annotator.conftest import Start
from tests.qt import find, turned_by_wheel

NAMES = ["a1.jpg", "b1.jpg", "b2.jpg", "a2.jpg", "b3.jpg", "a3.jpg"]
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i, name in enumerate(NAMES):
        shutil.copy(SAMPLES / "coffee.jpg", photos / f"{i}{name}")
    return photos


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    made = start()
    made._session.open(folder)
    qtbot.waitUntil(lambda: made._session.document is not None)
    return made


def _go(qtbot: QtBot, window: MainWindow, key: Qt.Key, expected: str, keys: Qt.KeyboardModifier | None = None) -> None:
    QTest.keyClick(window.canvas, key, keys or Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: window._session.document is not None and window._session.document.name == expected)


def _type(window: MainWindow, text: str) -> None:
    field = find(window, QLineEdit, "photos.filter")
    field.clear()
    QTest.keyClicks(field, text)


def test_next_and_previous_go_through_what_is_listed(qtbot: QtBot, window: MainWindow) -> None:
    _type(window, "a")
    _go(qtbot, window, Qt.Key.Key_D, "3a2.jpg")
    _go(qtbot, window, Qt.Key.Key_D, "5a3.jpg")
    QTest.keyClick(window.canvas, Qt.Key.Key_D)
    assert window.banner.text == "No further photo matches the filter."
    _go(qtbot, window, Qt.Key.Key_A, "3a2.jpg")
    assert window.banner.text == "", "it was about the photo before"
    _type(window, "b")  # the photo that is shown is not listed: from its place
    _go(qtbot, window, Qt.Key.Key_A, "2b2.jpg")


def test_what_is_done_leaves_the_list_and_the_next_one_of_it_is_shown(qtbot: QtBot, window: MainWindow) -> None:
    combo = find(window, QComboBox, "photos.status")
    combo.setCurrentText("Not done")
    _type(window, "b")
    _go(qtbot, window, Qt.Key.Key_N, "1b1.jpg")
    document = window._session.document
    assert document is not None
    window._session.push(edits.mark_done(document, done=True))
    assert window.photos_panel.rows.model().rowCount() == 3, "it stays while it is shown"
    _go(qtbot, window, Qt.Key.Key_D, "2b2.jpg")
    assert window.photos_panel.rows.model().rowCount() == 2
    _go(qtbot, window, Qt.Key.Key_Return, "4b3.jpg", CTRL)
    QTest.keyClick(window.canvas, Qt.Key.Key_Return, CTRL)
    assert window.banner.text == "Every other photo that matches the filter is done."


def test_unreadable_photos_are_gone_through_when_they_are_listed(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    session = window._session
    for name in ("4b3.jpg", "5a3.jpg"):
        (folder / name).write_bytes(b"")
        session.photos.update(name, error="It is empty.")
    session.photos.set_filter("", {Status.UNREADABLE})
    for name in ("4b3.jpg", "5a3.jpg"):
        QTest.keyClick(window.canvas, Qt.Key.Key_D)
        qtbot.waitUntil(lambda n=name: session.current == n and n in window.banner.text)


def test_what_is_listed_is_kept_ready(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    cache = window._session._cache
    assert cache.peek(folder / "5a3.jpg") is None
    _type(window, "a3")
    qtbot.waitUntil(lambda: cache.peek(folder / "5a3.jpg") is not None)


def test_the_wheel_changes_no_choice_that_it_passes_over(window: MainWindow) -> None:
    assert turned_by_wheel(window) == []
    assert find(window, QComboBox, "photos.status").currentText() == "All"
