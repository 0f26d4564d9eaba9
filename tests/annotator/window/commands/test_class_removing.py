"""Deleting, merging and reordering classes in the real window, with objects in photos that are not shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialogButtonBox, QLabel, QMenu, QPushButton, QRadioButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.skeleton import Skeleton, SkeletonChange
from annotator.panels.dialogs.class_removal_dialog import ClassRemovalDialog
from annotator.session import record_changes
from annotator.session.class_removal import remove_class
from annotator.session.skeletons import change_skeleton
from annotator.window.commands import change_progress
from annotator.window.main_window import MainWindow
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

Key, Button = Qt.Key, Qt.MouseButton
SQUARE = {"segmentation": [[5, 5, 45, 5, 45, 45, 5, 45]], "bbox": [5, 5, 40, 40], "area": 1600, "iscrowd": 0}
TRIANGLE = {"segmentation": [[9, 9, 45, 5, 45, 45]], "bbox": [9, 5, 36, 40], "area": 720, "iscrowd": 0, "odd": 1}


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """Two cats and a dog in the photo shown, a cat and a cup in another one, a cat in one that is gone."""
    places = [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 1), (5, 2, 3), (6, 3, 1)]
    contents = {
        "images": [
            {"id": 1, "file_name": "cat.jpg", "width": 451, "height": 300},
            {"id": 2, "file_name": "dog.jpg"},
            {"id": 3, "file_name": "gone.jpg"},
        ],
        "annotations": [
            {"id": i, "image_id": image, "category_id": category, **(SQUARE if i % 2 else TRIANGLE)}
            for i, image, category in places
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate(("cat", "dog", "cup", "spare"), 1)],
    }
    (folder / "annotations.json").write_text(json.dumps(contents))
    return start_in(qtbot, start, folder)


def _choose(window: MainWindow, row: int, action: str) -> None:
    """Choose an action in the menu of a class."""
    rows = window.classes.rows
    rows.customContextMenuRequested.emit(rows.visualRect(rows.model().index(row, 0)).center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    menu.setActiveAction(next(a for a in menu.actions() if a.objectName() == action))
    QTest.keyClick(menu, Key.Key_Return)


def _dialog(qtbot: QtBot, window: MainWindow) -> ClassRemovalDialog:
    (dialog,) = window.findChildren(ClassRemovalDialog)
    ok = find(dialog, QDialogButtonBox, "").button(QDialogButtonBox.StandardButton.Ok)
    qtbot.waitUntil(ok.isEnabled)
    return dialog


def _answer(qtbot: QtBot, dialog: ClassRemovalDialog, button: QDialogButtonBox.StandardButton) -> None:
    QTest.mouseClick(find(dialog, QDialogButtonBox, "").button(button), Button.LeftButton)
    window = dialog.parent()
    assert isinstance(window, MainWindow)
    qtbot.waitUntil(lambda: not (window._changes.is_running or window._changes._listing.is_running))


def _undo(qtbot: QtBot, window: MainWindow) -> None:
    button = next(b for b in window.banner.findChildren(QPushButton) if b.text() == "Undo" and b.isVisible())
    QTest.mouseClick(button, Button.LeftButton)
    qtbot.waitUntil(lambda: not (window._changes.is_running or window._changes._listing.is_running))


def _names(window: MainWindow) -> list[str]:
    return [category.name for category in window._session.categories]


def _file(qtbot: QtBot, window: MainWindow, folder: Path) -> dict[str, Any]:
    store = window._session.store
    assert store
    store.save()
    qtbot.waitUntil(lambda: not store.unsaved)
    return json.loads((folder / "annotations.json").read_text())


def test_a_class_goes_with_its_objects_of_every_photo_and_comes_back(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    before = json.loads((folder / "annotations.json").read_text())
    _choose(window, 0, "classes.delete")
    dialog = _dialog(qtbot, window)
    assert find(dialog, QLabel, "class_removal.about").text() == "cat: 4 objects in 3 photos."
    QTest.mouseClick(find(dialog, QRadioButton, "class_removal.delete"), Button.LeftButton, pos=QPoint(8, 8))
    _answer(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
    assert "4 objects" in window.banner._messages[-1].text
    assert [a.id for a in current_document(window).annotations] == [3]
    contents = _file(qtbot, window, folder)
    assert [r["id"] for r in contents["annotations"]] == [3, 5]
    assert [c["name"] for c in contents["categories"]] == ["dog", "cup", "spare"]
    photos = window._session.photos
    assert photos.photo(photos.index("dog.jpg")).count == 1
    _undo(qtbot, window)
    assert _names(window) == ["cat", "dog", "cup", "spare"]
    assert [a.id for a in current_document(window).annotations] == [1, 2, 3]
    contents = _file(qtbot, window, folder)
    by_id = {r["id"]: r for r in contents["annotations"]}
    assert {i: (r["category_id"], r.get("odd")) for i, r in by_id.items()} == {
        r["id"]: (r["category_id"], r.get("odd")) for r in before["annotations"]
    }


def test_cancel_leaves_everything(qtbot: QtBot, window: MainWindow) -> None:
    _choose(window, 0, "classes.delete")
    _answer(qtbot, _dialog(qtbot, window), QDialogButtonBox.StandardButton.Cancel)
    assert _names(window) == ["cat", "dog", "cup", "spare"]
    assert len(current_document(window).annotations) == 3
    qtbot.waitUntil(lambda: not window.findChildren(ClassRemovalDialog))


def test_merged_objects_move_everywhere_undo_steps_too(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    document, session = current_document(window), window._session
    session.push(edits.delete(document, [2]))
    _choose(window, 0, "classes.merge")
    dialog = _dialog(qtbot, window)
    into = find(dialog, QComboBox, "class_removal.into")
    into.setCurrentIndex(into.findText("cup"))
    _answer(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
    assert _names(window) == ["dog", "cup", "spare"]
    assert document[1].category_id == 3
    contents = _file(qtbot, window, folder)
    assert {r["id"]: r["category_id"] for r in contents["annotations"]} == {1: 3, 3: 2, 4: 3, 5: 3, 6: 3}
    session.history.undo()
    assert document[2].category_id == 3, "what is brought back is of the class that is there"
    _undo(qtbot, window)
    assert document[1].category_id == document[2].category_id == 1
    by_id = {r["id"]: r["category_id"] for r in _file(qtbot, window, folder)["annotations"]}
    assert by_id == {1: 1, 2: 1, 3: 2, 4: 1, 5: 3, 6: 1}


def test_another_skeleton_of_the_class_that_they_moved_to_is_known(qtbot: QtBot, window: MainWindow) -> None:
    _choose(window, 0, "classes.merge")
    dialog = _dialog(qtbot, window)
    into = find(dialog, QComboBox, "class_removal.into")
    into.setCurrentIndex(into.findText("cup"))
    _answer(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
    change_skeleton(window._changes, SkeletonChange(3, Skeleton(), Skeleton().added("rim")), {})
    other = window._removing._removed[-1].change.into
    assert other
    assert other.keypoint_names == ("rim",)


def test_one_that_takes_long_shows_how_far_it_is_and_can_be_cancelled(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_progress, "SHOWN_AFTER", 0)
    monkeypatch.setattr(record_changes, "AT_ONCE", 1)
    cancelled: list[str] = []

    def cancel(_share: float) -> None:
        button = next(b for b in window.banner.findChildren(QPushButton) if b.text() == "Cancel" and b.isVisible())
        cancelled.append(window.banner.text)
        QTest.mouseClick(button, Button.LeftButton)

    window._changes.progressed.connect(cancel)
    _choose(window, 0, "classes.delete")
    dialog = _dialog(qtbot, window)
    find(dialog, QRadioButton, "class_removal.delete").setChecked(True)
    _answer(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
    assert cancelled
    assert "%" in cancelled[0]
    assert "%" not in window.banner.text
    assert _names(window) == ["cat", "dog", "cup", "spare"]
    assert len(current_document(window).annotations) == 3


def test_one_that_is_confirmed_while_other_objects_are_being_changed_is_told_to_wait(
    qtbot: QtBot, window: MainWindow
) -> None:
    _choose(window, 0, "classes.delete")
    dialog = _dialog(qtbot, window)
    find(dialog, QRadioButton, "class_removal.delete").setChecked(True)
    store = window._session.store
    assert store
    remove_class(window._changes, 3, 2, {name: store.load(name) for name in store.annotated}, lambda _removed: None)
    ok = find(dialog, QDialogButtonBox, "").button(QDialogButtonBox.StandardButton.Ok)
    QTest.mouseClick(ok, Button.LeftButton)
    assert "try again when that is done" in window.banner.text
    window.classes.rows.setCurrentIndex(window.classes.rows.model().index(3, 0))
    QTest.keyClick(window.classes.rows, Key.Key_Delete)
    qtbot.waitUntil(lambda: not window._changes.is_running)
    assert _names(window) == ["cat", "dog", "spare"]


def test_what_was_copied_of_a_class_that_is_gone_is_not_pasted(qtbot: QtBot, window: MainWindow) -> None:
    current_document(window).select([1, 3])
    window._commands.copy()
    _choose(window, 0, "classes.delete")
    dialog = _dialog(qtbot, window)
    find(dialog, QRadioButton, "class_removal.delete").setChecked(True)
    _answer(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
    window._commands.paste()
    assert {a.category_id for a in current_document(window).annotations} == {2}


def test_a_class_without_objects_goes_unasked_and_the_messages_undo_one_after_another(
    qtbot: QtBot, window: MainWindow
) -> None:
    spare = window._session.categories.add("spare too").id
    for name in ("spare", "spare too"):
        row = _names(window).index(name)
        window.classes.rows.setCurrentIndex(window.classes.rows.model().index(row, 0))
        QTest.keyClick(window.classes.rows, Key.Key_Delete)
    assert not window.findChildren(ClassRemovalDialog)
    assert _names(window) == ["cat", "dog", "cup"]
    assert window._session.categories.add("new").id > spare, "no class gets the number of another"
    _undo(qtbot, window)
    _undo(qtbot, window)
    assert _names(window) == ["cat", "dog", "cup", "spare", "spare too", "new"]


def test_del_that_is_held_deletes_one_class_and_the_next_press_the_one_in_its_place(
    qtbot: QtBot, window: MainWindow
) -> None:
    categories, rows = window._session.categories, window.classes.rows
    spare = [categories.add(f"spare {k}").id for k in range(4)]
    window._class.draw_with(spare[0])
    rows.setFocus()
    for key in (Key.Key_Down, Key.Key_Down):
        QTest.keyClick(rows, key)
    assert rows.currentIndex().data() == "spare 2"
    for held in (False, True, True):
        press = QKeyEvent(QEvent.Type.KeyPress, Key.Key_Delete, Qt.KeyboardModifier.NoModifier, "", held)
        QApplication.sendEvent(rows, press)
    assert _names(window)[3:] == ["spare", "spare 0", "spare 1", "spare 3"]
    assert rows.currentIndex().data() == "spare 3"
    assert [index.data() for index in rows.selectionModel().selectedRows()] == ["spare 0"], "what is drawn with"
    QTest.keyClick(rows, Key.Key_Delete)
    assert rows.currentIndex().data() == "spare 1"
    rows.setCurrentIndex(rows.model().index(3, 0))
    window._class.draw_with(4)
    QTest.keyClick(rows, Key.Key_Delete)
    assert _names(window) == ["cat", "dog", "cup", "spare 0", "spare 1"]
    assert rows.currentIndex().data() == "spare 0"
    assert window.canvas.draw_category is None
    assert not rows.selectionModel().hasSelection()


def test_a_name_that_is_taken_by_now_is_said(qtbot: QtBot, window: MainWindow) -> None:
    window.classes.rows.setCurrentIndex(window.classes.rows.model().index(3, 0))
    QTest.keyClick(window.classes.rows, Key.Key_Delete)
    window._session.categories.add("spare")
    _undo(qtbot, window)
    assert "spare" in window.banner._messages[-1].text
    assert window.banner.kind == "warning"


def test_the_order_is_changed_by_keys_and_by_a_drag_and_kept(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    rows = window.classes.rows
    rows.setCurrentIndex(rows.model().index(3, 0))
    QTest.keyClick(rows, Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert _names(window) == ["cat", "dog", "spare", "cup"]
    start, end = (rows.visualRect(rows.model().index(row, 0)) for row in (0, 2))
    QTest.mousePress(rows.viewport(), Button.LeftButton, pos=start.center())
    QTest.mouseMove(rows.viewport(), QPoint(end.center().x(), end.bottom() - 2))
    QTest.mouseRelease(rows.viewport(), Button.LeftButton, pos=QPoint(end.center().x(), end.bottom() - 2))
    assert _names(window) == ["dog", "spare", "cat", "cup"]
    assert [c["name"] for c in _file(qtbot, window, folder)["categories"]] == ["dog", "spare", "cat", "cup"]
    _choose(window, 0, "classes.down")
    assert _names(window) == ["spare", "dog", "cat", "cup"]
