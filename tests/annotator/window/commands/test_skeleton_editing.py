"""The skeleton of a class, edited from its menu in the real window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLineEdit, QListWidget, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import UNLABELLED, Annotation, Keypoint, Visibility
from annotator.panels.dialogs.skeleton_dialog import SkeletonDialog
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

Key = Qt.Key
NOSE, EAR = Keypoint(20.0, 25.0, Visibility.VISIBLE), Keypoint(30.0, 35.0, Visibility.OCCLUDED)


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """A photo with a pet that has a nose and an ear."""
    window = start_in(qtbot, start, folder)
    session = window._session
    pet = session.categories.add("pet", keypoint_names=("nose", "left_ear"), skeleton=((0, 1),))
    record = Annotation(session.new_id(), pet.id, rectangle(10, 10, 90, 90), (NOSE, EAR))
    session.push(edits.add(current_document(window), (record,)))
    return window


def _open(qtbot: QtBot, window: MainWindow) -> SkeletonDialog:
    """Choose “Skeleton…” in the menu of the first class."""
    rows = window.classes.rows
    rows.customContextMenuRequested.emit(rows.visualRect(rows.model().index(0, 0)).center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    action = next(action for action in menu.actions() if action.objectName() == "classes.skeleton")
    menu.setActiveAction(action)
    QTest.keyClick(menu, Key.Key_Return)
    (dialog,) = window.findChildren(SkeletonDialog)
    qtbot.waitUntil(lambda: dialog._labelled is not None)
    return dialog


def _apply(qtbot: QtBot, window: MainWindow, dialog: SkeletonDialog) -> None:
    (box,) = dialog.findChildren(QDialogButtonBox)
    QTest.mouseClick(box.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window._changes.is_running)


def test_points_go_along_into_the_file_and_undo_brings_the_removed_one_back(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    document, session = current_document(window), window._session
    dialog = _open(qtbot, window)
    names = find(dialog, QListWidget, "skeleton.names")
    names.setCurrentRow(0)
    QTest.keyClick(names, Key.Key_Delete)
    field = find(dialog, QLineEdit, "skeleton.new_name")
    QTest.keyClicks(field, "tail")
    QTest.keyClick(field, Key.Key_Return)
    _apply(qtbot, window, dialog)
    assert session.categories.find("pet").keypoint_names == ("left_ear", "tail")  # type: ignore[union-attr]
    assert document[1].keypoints == (EAR, UNLABELLED)
    assert "1 object was changed along" in window.banner._messages[-1].text
    session.save()
    qtbot.waitUntil(lambda: session.store is not None and not session.store.unsaved)
    saved = json.loads((folder / "annotations.json").read_text())
    assert saved["categories"][0]["keypoints"] == ["left_ear", "tail"]
    assert saved["annotations"][0]["keypoints"] == [30, 35, 1, 0, 0, 0]
    undo = next(button for button in window.banner.findChildren(QPushButton) if button.text() == "Undo")
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window._changes.is_running)
    assert session.categories.find("pet").skeleton == ((0, 1),)  # type: ignore[union-attr]
    assert document[1].keypoints == (NOSE, EAR)


def test_what_was_copied_is_pasted_with_the_new_order(qtbot: QtBot, window: MainWindow) -> None:
    document = current_document(window)
    document.select((1,))
    window._commands.copy()
    dialog = _open(qtbot, window)
    names = find(dialog, QListWidget, "skeleton.names")
    names.setCurrentRow(0)
    QTest.keyClick(names, Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    _apply(qtbot, window, dialog)
    window._commands.paste()
    assert document.selected[0].keypoints[0].visibility is Visibility.OCCLUDED


def test_cancel_changes_nothing_and_it_opens_again(qtbot: QtBot, window: MainWindow) -> None:
    dialog = _open(qtbot, window)
    dialog._change(lambda s: s.removed(0))
    QTest.keyClick(dialog, Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(SkeletonDialog))
    assert current_document(window)[1].keypoints == (NOSE, EAR)
    assert _open(qtbot, window).skeleton.names == ("nose", "left_ear")


def test_what_is_being_placed_is_put_on_record_before(qtbot: QtBot, window: MainWindow) -> None:
    document, session = current_document(window), window._session
    document.select(())
    window._class.draw_with(next(iter(session.categories)).id)
    window.action_table["tool.keypoints"].trigger()
    canvas = window.canvas
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=canvas.camera().point_to_view(50, 60).toPoint())
    assert canvas.busy
    dialog = _open(qtbot, window)
    dialog._change(lambda s: s.moved(1, 0))
    _apply(qtbot, window, dialog)
    assert not canvas.busy
    assert [k.visibility for k in document[2].keypoints] == [Visibility.UNLABELLED, Visibility.VISIBLE]


def test_another_folder_closes_the_editor(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    """One that is not held up by it, whatever the reason."""
    window._session.is_asking = lambda: False
    dialog = _open(qtbot, window)
    dialog._change(lambda s: s.removed(0))
    empty = tmp_path / "empty"
    empty.mkdir()
    window._session.open(empty)
    qtbot.waitUntil(lambda: window._session.folder == empty)
    qtbot.waitUntil(lambda: not window.findChildren(SkeletonDialog))


def test_undo_stays_while_a_class_is_chosen_and_says_where_it_is_too_late(qtbot: QtBot, window: MainWindow) -> None:
    categories = window._session.categories
    pet = categories.find("pet")
    assert pet
    dialog = _open(qtbot, window)
    dialog._change(lambda s: s.renamed(0, "snout"))
    _apply(qtbot, window, dialog)
    window._class.draw_with(pet.id)
    undo = next(button for button in window.banner.findChildren(QPushButton) if button.text() == "Undo")
    categories.set_skeleton(pet.id, ("snout", "left_ear"), ())
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert categories[pet.id].keypoint_names == ("snout", "left_ear")
    assert "changed again" in window.banner.text
