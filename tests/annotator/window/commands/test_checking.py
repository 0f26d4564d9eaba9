"""Project > Check in the real window: what is wrong is listed, shown and repaired."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from annotator.core.annotation import Annotation, Origin
from annotator.panels.rows import Rows
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

LEFT = Qt.MouseButton.LeftButton
MOST = 20_000  # milliseconds that are waited for what is there in a few


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """A crossing outline in the first photo, in the second an object twice, and one that reaches out of the photo."""
    square = [50.0, 50, 90, 50, 90, 90, 50, 90]
    base: dict[str, Any] = {"category_id": 1, "iscrowd": 0}
    twice = {**base, "image_id": 2, "segmentation": [square], "bbox": [50, 50, 40, 40], "area": 1600}
    crossing = {"segmentation": [[10, 10, 50, 50, 50, 10, 10, 50]], "bbox": [10, 10, 40, 40], "area": 800}
    body = {
        "images": [{"id": n, "file_name": f"{name}.jpg"} for n, name in enumerate(("cat", "coffee"), 1)],
        "annotations": [
            {**base, "id": 1, "image_id": 1, **crossing},
            {**twice, "id": 2},
            {**twice, "id": 3},
            {**base, "id": 4, "image_id": 2, "bbox": [-30, 5, 60, 60], "area": 3600},
        ],
        "categories": [{"id": 1, "name": "cup"}],
    }
    (folder / "annotations.json").write_text(json.dumps(body))
    shutil.copy(folder / "dog.jpg", folder / "same.jpg")
    return start_in(qtbot, start, folder)


def check(qtbot: QtBot, window: MainWindow) -> dict[str, int]:
    window.action_table["project.check"].trigger()
    qtbot.waitUntil(lambda: not window.checking.checker.is_running, timeout=MOST)
    kinds = find(window, Rows, "check.kinds").model()
    rows = [kinds.index(row, 0) for row in range(kinds.rowCount())]
    return {row.data(Qt.ItemDataRole.UserRole): row.data(Qt.ItemDataRole.UserRole + 1) for row in rows}


def click(rows: Rows, row: int) -> None:
    index = rows.model().index(row, 0)
    rows.scrollTo(index)
    QTest.mouseClick(rows.viewport(), LEFT, pos=rows.visualRect(index).center() + QPoint(-2, 0))


def choose(window: MainWindow, kind: str) -> None:
    rows = find(window, Rows, "check.kinds")
    listed = [rows.model().index(row, 0).data(Qt.ItemDataRole.UserRole) for row in range(rows.model().rowCount())]
    click(rows, listed.index(kind))


def test_what_is_wrong_is_listed_shown_repaired_and_undone(qtbot: QtBot, window: MainWindow) -> None:
    session = window._session
    found = check(qtbot, window)
    assert found == {"crossing": 1, "outside": 1, "object_copy": 1, "size_missing": 2, "photo_copy": 1}

    choose(window, "object_copy")
    click(find(window, Rows, "check.findings"), 0)
    qtbot.waitUntil(lambda: session.document is not None and session.document.selection == (3,), timeout=MOST)
    assert session.current == "coffee.jpg"
    assert window.canvas.transform().m11() > 1, "the object fills the view"

    repair = find(window, QPushButton, "check.repair")
    assert repair.text() == "Repair 1"
    QTest.mouseClick(repair, LEFT)
    qtbot.waitUntil(lambda: current_document(window).get(3) is None, timeout=MOST)
    for kind in ("outside", "crossing"):  # the second of them in a photo that is not shown
        choose(window, kind)
        QTest.mouseClick(repair, LEFT)
        qtbot.waitUntil(lambda k=kind: k not in window.checking.panel._by_kind, timeout=MOST)
    assert current_document(window)[4].shape.bounds == (0, 5, 30, 65)
    assert session.store is not None
    assert session.store.load("cat.jpg").annotations[0].shape.is_valid
    assert check(qtbot, window) == {"photo_copy": 1}, "it is in the file, and so are the sizes now"
    assert not repair.isVisible()

    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert {a.id for a in current_document(window).annotations} == {2, 3, 4}
    undo = next(button for button in window.banner.findChildren(QPushButton) if button.text() == "Undo")
    QTest.mouseClick(undo, LEFT)
    assert not session.store.load("cat.jpg").annotations[0].shape.is_valid


def test_a_done_photo_with_a_sure_suggestion_left_is_found(qtbot: QtBot, window: MainWindow) -> None:
    suggestion = Annotation(-1, 1, rectangle(0, 0, 50, 50), origin=Origin.SUGGESTED, score=0.95)
    current_document(window).set_suggestions([suggestion])
    QTest.keyClick(window.canvas, Qt.Key.Key_M)
    assert check(qtbot, window)["unanswered"] == 1
    assert find(window, Rows, "check.findings").model().rowCount() == 1


def test_a_check_is_stopped_when_the_folder_is_left(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.action_table["project.check"].trigger()
    (tmp_path / "other").mkdir()
    shutil.copy(window._session.folder / "dog.jpg", tmp_path / "other" / "dog.jpg")  # type: ignore[operator]
    with qtbot.waitSignal(window._session.project_changed, check_params_cb=bool, timeout=MOST):
        window._session.open(tmp_path / "other")
    qtbot.waitUntil(lambda: not window.checking.checker.is_running, timeout=MOST)
    assert find(window, Rows, "check.kinds").model().rowCount() == 0
