from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDockWidget,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from annotator import theme
from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.document import Document
from annotator.core.store.store import SaveNotice, SaveState
from annotator.session.session import Session
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, start_in
from tests.qt import find


def _session(window: MainWindow) -> Session:
    return window._session


def _open(qtbot: QtBot, window: MainWindow, folder: Path) -> Document:
    session = _session(window)
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None and session.folder == folder)
    assert session.document
    return session.document


def _add(window: MainWindow, x: float = 100) -> Annotation:
    session = _session(window)
    category = session.categories.find("thing") or session.categories.add("thing")
    annotation = Annotation(session.new_id(), category.id, rectangle(x, 100, x + 80, 180))
    assert session.document
    session.push(edits.add(session.document, [annotation]))
    return annotation


def test_an_empty_window_says_what_to_do(start: Start) -> None:
    window = start()
    assert window.pages.currentWidget() is window.welcome
    assert not window.strip.isVisible()
    assert not window.action_table["edit.undo"].isEnabled()


def test_every_action_works_on_an_empty_window(qtbot: QtBot, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    window = start()
    for dialog in ("getExistingDirectory", "getOpenFileName", "getSaveFileName"):
        answer = "" if dialog == "getExistingDirectory" else ("", "")
        monkeypatch.setattr(QFileDialog, dialog, lambda *_, a=answer: a)
    monkeypatch.setattr("annotator.window.shortcuts_dialog.ShortcutsDialog.exec", lambda _self: 0)
    names = [a.objectName() for a in window.findChildren(QAction) if a.objectName() and a.objectName() != "file.quit"]
    assert len(names) > 40
    for name in names:
        if name in window.action_table._actions:
            window.action_table[name].trigger()
    assert window.isVisible()


def test_opening_shows_photos_and_the_first_one(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    assert window.pages.currentWidget() is window.canvas
    assert folder.name in window.windowTitle()
    assert window.photos_panel.rows.model().rowCount() == 3
    assert window.photos_panel.rows.currentIndex().row() == 0


def test_keys_go_through_photos(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    keys = (Qt.Key.Key_D, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp, Qt.Key.Key_F, Qt.Key.Key_A)
    for key, name in zip(keys, ("coffee.jpg", "dog.jpg", "coffee.jpg", "dog.jpg", "coffee.jpg"), strict=True):
        QTest.keyClick(window.canvas, key)
        qtbot.waitUntil(lambda n=name: _session(window).current == n)
    qtbot.waitUntil(lambda: _session(window).document is not None)
    QTest.keyClick(window.canvas, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: _session(window).current == "dog.jpg")
    assert _session(window).photos.done == 1


def test_letters_in_the_filter_are_text(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    QTest.keyClick(window.canvas, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    field = find(window, QLineEdit, "photos.filter")
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "dog")
    assert field.text() == "dog"
    assert _session(window).current == "cat.jpg"
    assert window.photos_panel.rows.model().rowCount() == 1


def test_a_click_in_the_list_opens_the_photo(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    rows = window.photos_panel.rows
    place = rows.visualRect(rows.model().index(2, 0)).center()
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    qtbot.waitUntil(lambda: _session(window).current == "dog.jpg")


def test_undo_and_its_text(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    _add(window)
    undo = window.action_table["edit.undo"]
    assert (undo.isEnabled(), undo.text()) == (True, "&Undo add object")
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not document.annotations
    assert not undo.isEnabled()


def test_numbers_relabel_what_is_selected_and_choose_what_is_drawn(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    _add(window)
    other = _session(window).categories.add("other")
    QTest.keyClick(window.canvas, Qt.Key.Key_2)
    assert document.annotations[0].category_id == other.id
    assert window.canvas.draw_category == other.id
    QTest.keyClick(window.canvas, Qt.Key.Key_P)
    QTest.keyClick(window.canvas, Qt.Key.Key_1)
    assert document.annotations[0].category_id == other.id
    assert window.canvas.draw_category != other.id


def test_objects_of_the_list_are_selected_on_the_canvas(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    first, second = _add(window, 10), _add(window, 200)
    assert document.selection == (second.id,)
    rows = window.instances.rows
    place = rows.visualRect(rows.model().index(1, 0)).center()
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert document.selection == (first.id,)
    QTest.keyClick(rows, Qt.Key.Key_Delete)
    assert [a.id for a in document.annotations] == [second.id]


def test_a_drop_opens_a_folder_and_a_coco_file_with_its_folder(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path
) -> None:
    window = start()
    coco = folder / "other.json"
    coco.write_text(json.dumps({"images": [], "annotations": [], "categories": [{"id": 5, "name": "boat"}]}))
    for path in (folder, coco):
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        enter = QDragEnterEvent(
            QPoint(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        window.dragEnterEvent(enter)
        assert enter.isAccepted()
        window.dropEvent(
            QDropEvent(
                QPointF(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
            )
        )
        qtbot.waitUntil(lambda: _session(window).document is not None)
    qtbot.waitUntil(lambda: [c.name for c in _session(window).categories] == ["boat"])


def test_recent_folders_are_offered(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    menu = window._files.recent
    menu.aboutToShow.emit()
    assert [a.text() for a in menu.actions()] == [str(folder)]
    again = start()
    button = next(b for b in again.welcome.findChildren(QAbstractButton) if str(folder) in b.toolTip())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: _session(again).folder == folder)


def test_layout_and_flags_are_remembered(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    find(window, QDockWidget, "dock.model").hide()
    window.action_table["view.names"].trigger()
    assert window.canvas.show_names is False
    window.resize(1000, 700)
    window.close()
    again = start()
    assert find(again, QDockWidget, "dock.model").isHidden()
    assert not find(again, QDockWidget, "dock.photos").isHidden()
    assert again.canvas.show_names is False
    assert not again.action_table["view.names"].isChecked()


def test_the_theme_can_be_forced(qtbot: QtBot, qapp: QApplication, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    grounds = {}
    for scheme in ("light", "dark"):
        find(window, QAction, f"view.theme.{scheme}").trigger()
        assert theme.current().name == scheme
        grounds[scheme] = window.canvas.colors.background
    assert grounds["light"] != grounds["dark"]


def test_the_context_menu_offers_what_fits(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    _add(window)

    def texts() -> list[str]:
        window._show_context_menu(QPoint(5, 5))
        menu = window.findChildren(QMenu)[-1]
        menu.close()
        return [a.objectName() for a in menu.actions()]

    assert "suggestion.accept" not in texts()
    document.set_suggestions([Annotation(-1, 1, rectangle(300, 300, 400, 400), origin=Origin.SUGGESTED, score=0.9)])
    document.select([-1])
    assert texts()[:2] == ["suggestion.accept", "suggestion.reject"]


def test_what_is_saved_is_said(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    saved = find(window, QLabel, "status.saved")
    _add(window)
    assert saved.text() == "saving…"
    QTest.keyClick(window.canvas, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: saved.text() == "saved")
    assert len(json.loads((folder / "annotations.json").read_text())["annotations"]) == 1


def test_bad_folders_are_said_in_the_banner_and_the_open_one_stays_usable(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path
) -> None:
    window = start()
    _session(window).open(tmp_path / "gone")
    qtbot.waitUntil(lambda: "gone" in window.banner.text)
    assert window.pages.currentWidget() is window.welcome
    _open(qtbot, window, folder)
    assert window.canvas.document is not None


def test_every_dock_and_control_has_a_name_for_screen_readers(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    for action in window.findChildren(QAction):
        if action.text() and action.menu() is None and not action.isSeparator() and action.objectName():
            assert action.objectName().count(".") >= 1
    for name in ("photos.filter", "model.threshold", "model.suggest_all", "model.weights", "classes.add"):
        control = find(window, QWidget, name)
        assert control.accessibleName(), name
        assert control.toolTip(), name


def test_classes_tell_how_often_they_are_used(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    first = _add(window, 10)
    _add(window, 200)
    store = _session(window).store
    assert store
    assert store.class_counts[first.category_id] == 2
    document.select([first.id])
    QTest.keyClick(window.canvas, Qt.Key.Key_Delete)
    assert store.class_counts[first.category_id] == 1
    window.close()
    _session(window).close()
    again = start()
    _open(qtbot, again, folder)
    reopened = _session(again).store
    assert reopened
    assert reopened.class_counts[first.category_id] == 1


@pytest.mark.parametrize(("answer", "closes"), [("Go on without saving", True), ("Cancel", False)])
def test_closing_over_a_full_disk_asks_first(
    qtbot: QtBot, start: Start, folder: Path, answer: str, closes: bool
) -> None:
    window = start()
    _open(qtbot, window, folder)
    session = _session(window)
    session._opener.noticed.emit(
        SaveNotice(SaveState.FAILED, "annotations.json cannot be written: no space left."), True
    )
    assert "no space left" in window.banner.text

    def click() -> None:
        box = find(window, QMessageBox, "close.unsaved")
        next(b for b in box.buttons() if b.text().replace("&", "") == answer).click()

    QTimer.singleShot(100, click)
    window.close()
    assert window.isVisible() is not closes
    session.save_error = ""


def test_another_folder_over_a_full_disk_asks_first(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    session = _session(window)
    session._opener.noticed.emit(
        SaveNotice(SaveState.FAILED, "annotations.json cannot be written: no space left."), True
    )
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    QTimer.singleShot(100, lambda: find(window, QMessageBox, "close.unsaved").reject())
    session.open(other)
    assert session.folder == folder
    session.save_error = ""
    _open(qtbot, window, other)


def test_what_is_being_drawn_is_kept_when_the_photo_changes(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    _add(window)
    QTest.keyClick(window.canvas, Qt.Key.Key_1)
    QTest.keyClick(window.canvas, Qt.Key.Key_P)
    for x, y in ((20, 20), (90, 20), (90, 90)):
        place = window.canvas.mapFromScene(QPointF(x, y))
        QTest.mouseClick(window.canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.keyClick(window.canvas, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: _session(window).current == "coffee.jpg")
    assert len(document.annotations) == 2


def test_a_click_on_a_class_or_a_new_class_relabels_nothing_and_enter_does(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    thing = _add(window).category_id
    window.classes.start_adding()
    field = find(window, QLineEdit, "classes.new_name")
    QTest.keyClicks(field, "other")
    QTest.keyClick(field, Qt.Key.Key_Return)
    other = _session(window).categories.find("other")
    assert other
    assert window.canvas.draw_category == other.id
    rows = window.classes.rows
    place = rows.visualRect(rows.model().index(1, 0)).center()
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert document.annotations[0].category_id == thing
    QTest.keyClick(rows, Qt.Key.Key_Return)
    assert document.annotations[0].category_id == other.id


def test_a_message_goes_when_its_cause_has_gone(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    session = _session(window)
    session._opener.noticed.emit(
        SaveNotice(SaveState.FAILED, "annotations.json cannot be written: no space left."), True
    )
    assert "no space left" in window.banner.text
    _add(window)
    session.save()
    qtbot.waitUntil(lambda: window.banner.text == "")


def test_drawing_starts_with_a_class(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    document = _open(qtbot, window, folder)
    category = _session(window).categories.add("raft")
    QTest.keyClick(window.canvas, Qt.Key.Key_P)
    for x, y in ((20, 20), (90, 20), (90, 90)):
        place = window.canvas.mapFromScene(QPointF(x, y))
        QTest.mouseClick(window.canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.keyClick(window.canvas, Qt.Key.Key_Return)
    assert [a.category_id for a in document.annotations] == [category.id]


def test_annotations_that_are_refused_say_so_for_as_long_as_it_is_so(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "good")
    (folder / "annotations.json").write_text("{")
    window = start()
    _session(window).open(folder)
    qtbot.waitUntil(lambda: "backup" in window.banner.text)
    assert find(window, QLabel, "status.saved").text() == "annotations not open"
    _open(qtbot, window, tmp_path / "good")
    assert window.banner.text == ""
    assert (folder / "annotations.json").read_text() == "{"


def test_the_title_names_the_photo_and_its_place(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start_in(qtbot, start, folder)
    assert window.windowTitle() == "1/3 cat.jpg – photos – Annotator"
    QTest.keyClick(window.canvas, Qt.Key.Key_D)
    assert window.windowTitle() == "2/3 coffee.jpg – photos – Annotator"


def test_no_action_is_checked_where_there_is_nothing_to_mark(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    marks = [window.action_table[name] for name in ("image.done", "image.skip")]
    for mark in marks:
        mark.trigger()
    assert not any(mark.isChecked() for mark in marks)
    (folder / "coffee.jpg").write_bytes(b"not a photo")
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.document is not None)
    window._session.go_to("coffee.jpg")
    qtbot.waitUntil(lambda: "coffee.jpg" in window.banner.text)
    QTest.keyClick(window.canvas, Qt.Key.Key_M)
    assert not any(mark.isChecked() for mark in marks)
    window._session.go_to("cat.jpg")
    qtbot.waitUntil(lambda: window._session.document is not None)
    QTest.keyClick(window.canvas, Qt.Key.Key_M)
    assert [mark.isChecked() for mark in marks] == [True, False]
