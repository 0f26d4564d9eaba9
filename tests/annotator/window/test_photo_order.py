"""The order of the photo list: what comes first, and that nothing else changes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QToolButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.document import Status
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from resources import SAMPLES
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find


@pytest.fixture
def window(qtbot: QtBot, start: Start, tmp_path: Path) -> MainWindow:
    photos = tmp_path / "four"
    photos.mkdir()
    for i, name in enumerate("abcd"):
        shutil.copy(SAMPLES / "coffee.jpg", photos / f"{name}.jpg")
        os.utime(photos / f"{name}.jpg", (0, (3, 9, 1, 5)[i]))
    return start_in(qtbot, start, photos)


def _choose(qtbot: QtBot, window: MainWindow, order: str) -> None:
    """Choose an order as a person does: click the button, go down the menu, press Enter."""
    QTest.mouseClick(find(window, QToolButton, "photos.order"), Qt.MouseButton.LeftButton)
    menu = find(window, QMenu, "photos.orders")
    qtbot.waitUntil(menu.isActiveWindow)
    while menu.activeAction() is None or menu.activeAction().objectName() != f"photos.order.{order}":
        QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def _listed(window: MainWindow) -> str:
    rows = window.photos_panel.rows.model()
    return "".join(rows.index(row, 0).data()[0] for row in range(rows.rowCount()))


def test_newest_first_is_remembered_for_the_folder(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    session = window._session
    _choose(qtbot, window, "newest")
    qtbot.waitUntil(lambda: _listed(window) == "bdac")
    assert window.photos_panel.rows.currentIndex().row() == 2, "the photo that is shown stays so"
    QTest.keyClick(window.canvas, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "c.jpg")
    photos, before = session.folder, session.folder
    assert before is not None
    session.open(folder)
    qtbot.waitUntil(lambda: session.folder == folder and session.document is not None)
    assert _listed(window) == "ccd"
    session.open(before)
    qtbot.waitUntil(lambda: session.folder == photos and session.document is not None)
    qtbot.waitUntil(lambda: _listed(window) == "bdac")


def test_the_least_sure_come_first_but_for_what_is_finished(qtbot: QtBot, window: MainWindow) -> None:
    photos = window._session.photos
    for name, score in (("b.jpg", 0.9), ("c.jpg", 0.6), ("d.jpg", 0.5)):
        photos.update(name, suggestions=1, least_score=score)
    photos.update("d.jpg", status=Status.DONE)
    _choose(qtbot, window, "unsure")
    assert _listed(window) == "cbad"
    photos.update("a.jpg", suggestions=1, least_score=0.7)
    assert _listed(window) == "cbad", "nothing moves under the hand"
    _choose(qtbot, window, "unsure")
    assert _listed(window) == "cabd"
    _choose(qtbot, window, "name")
    assert _listed(window) == "abcd"


def test_most_objects_first_goes_with_a_filter_and_a_refresh(qtbot: QtBot, window: MainWindow) -> None:
    session = window._session
    window._session.go_to("c.jpg")
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "c.jpg")
    category = session.categories.add("cup").id
    made = [Annotation(session.new_id(), category, rectangle(9, 9, 90, 90)) for _ in range(2)]
    session.push(edits.add(current_document(window), made))
    _choose(qtbot, window, "most")
    assert _listed(window) == "cabd"
    assert session.folder is not None
    shutil.copy(SAMPLES / "coffee.jpg", session.folder / "aa.jpg")
    with qtbot.waitSignal(session.message):
        QTest.keyClick(window.canvas, Qt.Key.Key_F5)
    assert _listed(window) == "caabd"
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert _listed(window) == "caabd"
    assert current_document(window).annotations == ()
