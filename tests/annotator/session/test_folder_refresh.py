"""F5: the folder is listed again, and nothing else is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.document import Status
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from resources import SAMPLES
from tests.annotator.conftest import Start, current_document, start_in


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    return start_in(qtbot, start, folder)


def _refresh(qtbot: QtBot, window: MainWindow) -> None:
    with qtbot.waitSignal(window._session.message):
        QTest.keyClick(window.canvas, Qt.Key.Key_F5)


def test_new_photos_appear_and_those_that_are_gone_are_marked(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    session = window._session
    session.go_to("coffee.jpg")
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "coffee.jpg")
    document = current_document(window)
    category = session.categories.add("cup").id
    session.push(edits.add(document, [Annotation(session.new_id(), category, rectangle(9, 9, 90, 90))]))
    before = document.selection
    (folder / "cat.jpg").unlink()
    (folder / "sub").mkdir()
    for name in ("bird.jpg", "sub/zebra.jpg"):
        shutil.copy(SAMPLES / "dog.jpg", folder / name)
    _refresh(qtbot, window)
    photos = session.photos
    assert list(photos.names) == ["cat.jpg", "bird.jpg", "coffee.jpg", "dog.jpg", "sub/zebra.jpg"]
    assert window.banner.text == "2 new photos. 1 photo is not there any more."
    assert (photos.status(0), photos.error(0)) == (Status.UNREADABLE, "It is not in the folder any more.")
    assert "3/5 coffee.jpg" in window.windowTitle()
    assert (session.document, document.selection, photos.count(2)) == (document, before, 1)
    assert window.photos_panel.rows.currentIndex().row() == 2
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert document.annotations == ()
    QTest.keyClick(window.canvas, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "bird.jpg")
    shutil.copy(SAMPLES / "cat.jpg", folder)
    _refresh(qtbot, window)
    assert (photos.status(photos.index("cat.jpg")), photos.error(photos.index("cat.jpg"))) == (Status.NEW, "")


def test_a_photo_that_was_repaired_is_shown(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    session = window._session
    whole = (folder / "dog.jpg").read_bytes()
    (folder / "dog.jpg").write_bytes(b"")
    session._cache.clear()
    session.go_to("dog.jpg")
    qtbot.waitUntil(lambda: session.photos.status(2) is Status.UNREADABLE)
    (folder / "dog.jpg").write_bytes(whole)
    _refresh(qtbot, window)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "dog.jpg")
    assert session.photos.status(2) is Status.NEW


def test_a_folder_that_is_gone_is_said_to_be(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    session = window._session
    folder.rename(folder.parent / "elsewhere")
    with qtbot.waitSignal(session.message) as said:
        window.action_table["file.refresh"].trigger()
    assert said.args is not None
    assert "does not exist" in said.args[0]
    assert len(session.photos) == 3
    (folder.parent / "elsewhere").rename(folder)


def test_an_empty_folder_is_opened_once_it_has_photos(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    window = start()
    with qtbot.waitSignal(window._session.opened):
        window._session.open(empty)
    shutil.copy(folder / "cat.jpg", empty)
    QTest.keyClick(window.canvas, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: window._session.document is not None)
