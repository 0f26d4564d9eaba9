"""The class that is drawn with, when classes come late or another folder has others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from annotator.window.main_window import MainWindow
from resources import SAMPLES
from tests.annotator.conftest import Start
from tests.qt import find

LEFT = Qt.MouseButton.LeftButton


def _open(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.folder == folder and window._session.document is not None)


def _drag_a_box(window: MainWindow) -> list[int]:
    """Drag with the tool in hand, and return the classes of what is on record."""
    viewport = window.canvas.viewport()
    QTest.mousePress(viewport, LEFT, pos=QPoint(150, 150))
    QTest.mouseMove(viewport, QPoint(250, 220))
    QTest.mouseRelease(viewport, LEFT, pos=QPoint(250, 220))
    assert window._session.document is not None
    return [a.category_id for a in window._session.document.annotations]


def _folder(path: Path, *classes: str) -> Path:
    path.mkdir()
    shutil.copy(SAMPLES / "coffee.jpg", path)
    categories = [{"id": 1 + i, "name": name} for i, name in enumerate(classes)]
    (path / "annotations.json").write_text(json.dumps({"images": [], "annotations": [], "categories": categories}))
    return path


def test_a_tool_taken_before_there_are_classes_draws_with_the_first_that_comes(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    window = start()
    _open(qtbot, window, folder)
    QTest.keyClick(window.canvas, Qt.Key.Key_R)
    assert _drag_a_box(window) == []
    assert "wait for the model" in window.banner.text
    field = find(window, QLineEdit, "classes.new_name")
    assert field.isVisible()
    for name in ("person", "cup"):  # as when a model brings them
        window._session.categories.add(name)
    assert window.banner.text == ""
    assert not field.isVisible()
    assert _drag_a_box(window) == [1]


def test_without_a_model_to_come_nobody_is_asked_to_wait(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    window._class._choice.is_loading = False
    _open(qtbot, window, folder)
    QTest.keyClick(window.canvas, Qt.Key.Key_R)
    assert _drag_a_box(window) == []
    assert "wait" not in window.banner.text


def test_another_folder_is_drawn_in_with_the_class_of_the_same_name(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    window = start()
    _open(qtbot, window, _folder(tmp_path / "one", "cat", "dog"))
    QTest.keyClick(window.canvas, Qt.Key.Key_R)
    window.action_table["class.2"].trigger()
    assert _drag_a_box(window) == [2]
    _open(qtbot, window, _folder(tmp_path / "two", "boat", "tree", "dog"))
    assert _drag_a_box(window) == [3]
    _open(qtbot, window, _folder(tmp_path / "three", "boat", "tree"))
    assert _drag_a_box(window) == [1], "no dog: the first, and not the tree that has its number"
