"""What belongs to a folder ends with it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QMenu, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.store.store import Store
from annotator.panels.dialogs.class_removal_dialog import ClassRemovalDialog
from annotator.window.main_window import MainWindow
from dataset import folder as folders
from dataset.geometry import rectangle
from resources import SAMPLES
from tests.annotator.conftest import Start, current_document
from tests.qt import find


def _open(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.folder == folder and window._session.document is not None)


def _other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(SAMPLES / "coffee.jpg", folder)
    return folder


def test_zoom_is_not_kept(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    window.canvas.zoom_to(8.0)
    _open(qtbot, window, _other(tmp_path))
    document = window._session.document
    assert document is not None
    seen = window.canvas.camera().rect_to_view((0, 0, *document.size))
    assert QRectF(window.canvas.viewport().rect()).contains(seen)


def test_messages_are_not_kept_and_move_no_photo(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path) -> None:
    window = start()
    _open(qtbot, window, folder)
    place, scale = window.canvas.geometry(), window.canvas.scale_factor
    window._session.message.emit("A photo of it is odd. " * 20, "warning", "")
    qtbot.wait(1)
    assert window.banner.isVisible()
    assert (window.canvas.geometry(), window.canvas.scale_factor) == (place, scale)
    _open(qtbot, window, _other(tmp_path))
    assert window.banner.text == ""


def test_a_folder_that_another_window_has_is_tried_again_when_that_has_closed(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotator.core.store.project_folder.LOCK_WAIT", 0.0)
    other = Store.open(folder, fallback=tmp_path / "fallback")
    window = start()
    window._session.open(folder)
    qtbot.waitUntil(lambda: "another" in window.banner.text)
    assert "move it away" not in window.banner.text
    assert "Repair" not in window.banner.text
    other.close()
    (again,) = [b for b in window.banner.findChildren(QPushButton) if b.text() == "Try again"]
    QTest.mouseClick(again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window._session.document is not None)
    assert window.banner.text == ""


def test_advice_fits_a_file_that_cannot_be_read_at_all(qtbot: QtBot, start: Start, folder: Path) -> None:
    (folder / "annotations.json").mkdir()
    window = start()
    window._session.open(folder)
    qtbot.waitUntil(lambda: "make it readable" in window.banner.text)
    assert "Repair" not in window.banner.text


def test_what_was_copied_is_not_pasted_with_the_ids_of_other_classes(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path
) -> None:
    window = start()
    _open(qtbot, window, folder)
    session = window._session
    assert session.document is not None
    thing = session.categories.add("thing")
    session.push(edits.add(session.document, [Annotation(session.new_id(), thing.id, rectangle(10, 10, 60, 60))]))
    session.document.select([session.document.annotations[0].id])
    window.action_table["edit.copy"].trigger()
    window.action_table["edit.paste"].trigger()
    assert len(session.document.annotations) == 2
    _open(qtbot, window, _other(tmp_path))
    window.action_table["edit.paste"].trigger()
    assert session.document is not None
    assert session.document.annotations == ()


def test_photos_that_are_passed_over_are_named_together(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path
) -> None:
    for name in ("cat.jpg", "coffee.jpg"):
        (folder / name).write_bytes(b"")
    window = start()
    _open(qtbot, window, folder)
    assert window._session.current == "dog.jpg"
    assert window.banner.text == "cat.jpg and coffee.jpg cannot be shown; the list says why."
    _open(qtbot, window, _other(tmp_path))
    assert window.banner.text == ""


def test_the_panels_name_what_is_being_opened_then_why_it_is_not(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotator.core.store.project_folder.LOCK_WAIT", 0.0)
    other = Store.open(folder, fallback=tmp_path / "fallback")
    window = start()
    session = window._session
    shown: list[tuple[str, str]] = []

    def panels() -> tuple[str, str]:
        return window.instances.rows.empty_text, window.classes.rows.empty_text

    session.opened.connect(lambda: shown.append(panels()))
    session.open(folder)
    shown.append(panels())
    with qtbot.waitSignal(session.refused):
        pass
    other.close()
    assert set(shown) == {("Opening photos…", "Opening photos…")}
    assert len(shown) == 2
    assert all("could not be opened" in text for text in panels())
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    assert panels() == ("Nothing here yet: draw an object, or wait for suggestions.", "No classes yet: add one.")


def test_a_folder_that_is_not_there_is_not_being_opened(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    window = start()
    window._session.open(tmp_path / "gone")
    assert window.classes.rows.empty_text == "Opening gone…"
    qtbot.waitUntil(lambda: "does not exist" in window.banner.text)
    assert window.instances.rows.empty_text == "No photo is open."
    assert window.classes.rows.empty_text == "No photos are open."


def test_what_an_empty_folder_shows_is_true_of_it(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    window = start()
    (tmp_path / "empty").mkdir()
    window._session.open(tmp_path / "empty")
    qtbot.waitUntil(lambda: "There are no photos in" in window.banner.text)
    texts = {panel.rows.empty_text for panel in (window.photos_panel, window.classes, window.instances)}
    assert texts == {"No photos are open.", "No photo is open."}


def test_classes_are_added_only_where_a_project_keeps_them(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path
) -> None:
    window = start()
    session, add = window._session, find(window, QPushButton, "classes.add")
    name = find(window, QLineEdit, "classes.new_name")
    QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    window.classes.start_adding()
    assert not name.isVisible()
    _open(qtbot, window, folder)
    QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    QTest.keyClicks(name, "badger")
    editable: list[bool] = []
    session.opened.connect(lambda: editable.append(window.classes.isEnabled() or name.isVisible()))
    _open(qtbot, window, _other(tmp_path))
    assert editable == [False], "while its annotations are being read"
    QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    QTest.keyClicks(name, "hedgehog")
    QTest.keyClick(name, Qt.Key.Key_Return)
    assert [c.name for c in session.categories] == ["hedgehog"]


def test_a_photo_that_cannot_be_shown_is_said_to_be_so(qtbot: QtBot, start: Start, folder: Path) -> None:
    (folder / "cat.jpg").write_bytes(b"")
    window = start()
    _open(qtbot, window, folder)
    window._session.go_to("cat.jpg")
    assert window.instances.rows.empty_text in {"Opening cat.jpg…", "cat.jpg cannot be shown."}
    qtbot.waitUntil(lambda: window.instances.rows.empty_text == "cat.jpg cannot be shown.")


def test_a_folder_of_hidden_photos_is_said_to_be_one(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    (hidden / "below").mkdir(parents=True)
    shutil.copy(SAMPLES / "coffee.jpg", hidden / "below" / ".coffee.jpg")
    window = start()
    window._session.open(hidden)
    qtbot.waitUntil(lambda: window.banner.text != "")
    assert window.banner.text.startswith("hidden has only hidden photos: names that begin with a dot are not listed.")
    assert window.instances.rows.empty_text == "No photo is open."


@pytest.fixture
def arrival(start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[threading.Event]:
    """Set: the other folder, on a slow disk, is listed."""
    assert start is not None, "what waits goes on before the windows are closed"
    arrived, original = threading.Event(), folders.list_images

    def waiting(folder: Path, **options: Any) -> list[str]:
        if folder == tmp_path / "other":
            arrived.wait(30)
        return original(folder, **options)

    monkeypatch.setattr(folders, "list_images", waiting)
    yield arrived
    arrived.set()


@pytest.fixture
def awaiting(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path, arrival: threading.Event) -> MainWindow:
    """A window that shows a folder with one object, while another one, which has a class, is being listed."""
    other = _other(tmp_path)
    contents = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "ship"}]}
    (other / "annotations.json").write_text(json.dumps(contents))
    window = start()
    _open(qtbot, window, folder)
    session = window._session
    person = session.categories.add("person")
    box = Annotation(session.new_id(), person.id, rectangle(10, 10, 60, 60))
    session.push(edits.add(current_document(window), [box]))
    session.open(other)
    return window


def _wait_for_other(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    session = window._session
    qtbot.waitUntil(lambda: session.folder == folder.parent / "other" and session.document is not None)


def _ask_to_delete(window: MainWindow) -> ClassRemovalDialog:
    rows = window.classes.rows
    rows.setCurrentIndex(rows.model().index(0, 0))
    QTest.keyClick(rows, Qt.Key.Key_Delete)
    (dialog,) = window.findChildren(ClassRemovalDialog)
    return dialog


def test_a_question_is_answered_before_another_folder_takes_over(
    qtbot: QtBot, awaiting: MainWindow, folder: Path, arrival: threading.Event
) -> None:
    session, store = awaiting._session, awaiting._session.store
    assert store is not None
    dialog = _ask_to_delete(awaiting)
    arrival.set()
    qtbot.wait(100)
    assert session.folder == folder
    dialog._delete.setChecked(True)
    ok = find(dialog, QDialogButtonBox, "").button(QDialogButtonBox.StandardButton.Ok)
    QTest.mouseClick(ok, Qt.MouseButton.LeftButton)
    _wait_for_other(qtbot, awaiting, folder)
    assert [c.name for c in session.categories] == ["ship"]


def test_a_menu_is_closed_before_another_folder_takes_over(
    qtbot: QtBot, awaiting: MainWindow, folder: Path, arrival: threading.Event
) -> None:
    rows = awaiting.classes.rows
    rows.customContextMenuRequested.emit(rows.visualRect(rows.model().index(0, 0)).center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    arrival.set()
    qtbot.wait(100)
    assert awaiting._session.folder == folder
    menu.close()
    _wait_for_other(qtbot, awaiting, folder)


def test_a_question_about_a_class_goes_with_its_folder(
    qtbot: QtBot, awaiting: MainWindow, folder: Path, arrival: threading.Event
) -> None:
    awaiting._session.is_asking = lambda: False
    _ask_to_delete(awaiting)
    arrival.set()
    _wait_for_other(qtbot, awaiting, folder)
    qtbot.waitUntil(lambda: not awaiting.findChildren(ClassRemovalDialog))


def test_a_place_that_was_chosen_for_a_folder_does_not_get_the_annotations_of_another(
    qtbot: QtBot,
    awaiting: MainWindow,
    folder: Path,
    tmp_path: Path,
    arrival: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(*_: object) -> tuple[str, str]:
        """Answer as a dialog of the system does, which Qt knows nothing of."""
        arrival.set()
        _wait_for_other(qtbot, awaiting, folder)
        return str(tmp_path / "copy.json"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    awaiting.action_table["file.save_as"].trigger()
    store = awaiting._session.store
    assert store is not None
    store.save().result(10)  # after what was to be saved elsewhere
    assert store.file == tmp_path / "other" / "annotations.json"
    assert not (tmp_path / "copy.json").exists()


@pytest.mark.parametrize("asks", [True, False])
def test_what_is_imported_into_a_folder_does_not_go_into_another(
    qtbot: QtBot,
    awaiting: MainWindow,
    folder: Path,
    tmp_path: Path,
    arrival: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    asks: bool,
) -> None:
    """`asks`: whether the other folder waits for the answer."""
    session = awaiting._session
    box = {"bbox": [1, 1, 30, 30], "area": 900, "iscrowd": 0}
    images = [{"id": i, "file_name": f"{name}.jpg"} for i, name in enumerate(("cat", "coffee"), 1)]
    annotations = [{"id": i, "image_id": i, "category_id": 1, **box} for i in (1, 2)]
    source = tmp_path / "source.json"
    source.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "x"}]})
    )
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(source), ""))
    folder_then: list[Path | None] = []

    def answer() -> None:
        question = QApplication.activeModalWidget()
        if not isinstance(question, QMessageBox):
            QTimer.singleShot(20, answer)
            return
        arrival.set()
        if asks:
            qtbot.wait(100)
        else:
            session.is_asking = lambda: False
            _wait_for_other(qtbot, awaiting, folder)
        folder_then.append(session.folder)
        QTest.mouseClick(question.buttons()[0], Qt.MouseButton.LeftButton)

    answer()
    find(awaiting, QAction, "file.import.coco").trigger()
    qtbot.waitUntil(lambda: bool(folder_then))
    assert folder_then == [folder if asks else tmp_path / "other"]
    _wait_for_other(qtbot, awaiting, folder)
    qtbot.wait(100)
    assert [c.name for c in session.categories] == ["ship"]
    assert current_document(awaiting).annotations == ()
