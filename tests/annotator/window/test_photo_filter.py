"""What is listed is what the keys go through, and what is kept ready."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFrame, QLabel, QLineEdit, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.document import Status
from annotator.core.image_filter import Filter
from annotator.suggestions.messages import ModelInfo, Suggestions
from annotator.window.main_window import MainWindow
from dataset.coco.categories import Category
from dataset.geometry import rectangle
from resources import SAMPLES
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find, turned_by_wheel

NAMES = ["a1.jpg", "b1.jpg", "b2.jpg", "a2.jpg", "b3.jpg", "a3.jpg"]
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


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


def test_the_photo_that_is_gone_to_is_shown_where_the_one_that_is_left_leaves_the_list(
    qtbot: QtBot, window: MainWindow
) -> None:
    find(window, QComboBox, "photos.status").setCurrentText("Not done")
    _type(window, "b")
    window._session.go_to("2b2.jpg")
    _go(qtbot, window, Qt.Key.Key_M, "2b2.jpg")
    _go(qtbot, window, Qt.Key.Key_A, "1b1.jpg")
    window._session.go_to("4b3.jpg")
    qtbot.waitUntil(lambda: window._session.document is not None)
    _go(qtbot, window, Qt.Key.Key_Return, "1b1.jpg", CTRL)


def test_unreadable_photos_are_gone_through_when_they_are_listed(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    session = window._session
    for name in ("4b3.jpg", "5a3.jpg"):
        (folder / name).write_bytes(b"")
        session.photos.update(name, error="It is empty.")
    session.photos.set_filter(Filter(statuses=frozenset({Status.UNREADABLE})))
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


@pytest.fixture
def labelled(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """The window with persons on photos 1 and 2, one on photo 1 and three on photo 2, and a dog on photo 3."""
    objects = [(1, 1), (2, 1), (2, 1), (2, 1), (3, 2)]
    images = [{"id": i, "file_name": f"{i}{name}", "width": 600, "height": 400} for i, name in enumerate(NAMES)]
    annotations = [
        {"id": i, "image_id": image, "category_id": of, "bbox": [9, 9, 20, 20], "area": 400, "iscrowd": 0}
        for i, (image, of) in enumerate(objects, 1)
    ]
    classes = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    coco = {"images": images, "annotations": annotations, "categories": classes}
    (folder / "annotations.json").write_text(json.dumps(coco))
    return start_in(qtbot, start, folder)


def _listed(window: MainWindow) -> str:
    """The first character of each photo in the list."""
    rows = window.photos_panel.rows.model()
    return "".join(rows.index(row, 0).data()[0] for row in range(rows.rowCount()))


def _choose(window: MainWindow, name: str, text: str) -> None:
    """Choose in the popup as a person does with the keys."""
    QTest.mouseClick(find(window, QToolButton, "photos.more"), Qt.MouseButton.LeftButton)
    combo = find(window, QComboBox, name)
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    while combo.currentText() != text:
        before = combo.currentIndex()
        QTest.keyClick(combo, Qt.Key.Key_Down)
        assert combo.currentIndex() > before, text
    QTest.keyClick(find(window, QFrame, "photos.filter_popup"), Qt.Key.Key_Escape)


def test_photos_are_found_by_what_is_on_them(qtbot: QtBot, labelled: MainWindow) -> None:
    _choose(labelled, "photos.category", "person")
    assert _listed(labelled) == "12"
    assert find(labelled, QLabel, "photos.shown").text() == "2 of 6 shown"
    _go(qtbot, labelled, Qt.Key.Key_D, "1b1.jpg")
    _choose(labelled, "photos.count", "More than")
    number = find(labelled, QLineEdit, "photos.number")
    number.clear()
    QTest.keyClicks(number, "2")
    assert _listed(labelled) == "2"
    document = current_document(labelled)
    labelled._session.push(edits.delete(document, [1]))
    _go(qtbot, labelled, Qt.Key.Key_D, "2b2.jpg")
    QTest.mouseClick(find(labelled, QPushButton, "photos.clear"), Qt.MouseButton.LeftButton)
    assert _listed(labelled) == "012345"
    _choose(labelled, "photos.count", "None")
    assert _listed(labelled) == "0145", "an edit counts at once"


def test_what_is_worked_on_stays_listed_until_it_is_left(qtbot: QtBot, labelled: MainWindow) -> None:
    _choose(labelled, "photos.category", "dog")
    _go(qtbot, labelled, Qt.Key.Key_D, "3a2.jpg")
    labelled._session.push(edits.delete(current_document(labelled), [5]))
    assert _listed(labelled) == "3"
    labelled._session.go_to("0a1.jpg")
    assert _listed(labelled) == ""


def test_a_filter_is_remembered_for_its_folder(
    qtbot: QtBot, labelled: MainWindow, folder: Path, tmp_path: Path
) -> None:
    _choose(labelled, "photos.category", "person")
    other = tmp_path / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns(".annotator"))
    session = labelled._session
    session.open(other)
    qtbot.waitUntil(lambda: session.folder == other and session.document is not None)
    assert _listed(labelled) == "012345"
    session.open(folder)
    qtbot.waitUntil(lambda: session.folder == folder and session.document is not None)
    assert _listed(labelled) == "12"
    assert find(labelled, QComboBox, "photos.category").currentText() == "person"
    person = session.categories.find("person")
    assert person is not None
    session.categories.rename(person.id, "people")
    assert _listed(labelled) == "12"


def test_photos_are_found_by_the_scores_of_suggestions(labelled: MainWindow) -> None:
    labelled._session.photos.update("4b3.jpg", suggestions=2, least_score=0.55)
    labelled._session.photos.update("5a3.jpg", suggestions=1, least_score=0.9)
    QTest.mouseClick(find(labelled, QToolButton, "photos.more"), Qt.MouseButton.LeftButton)
    QTest.keyClicks(find(labelled, QLineEdit, "photos.score"), "0.6")
    assert _listed(labelled) == "4"


def test_a_skipped_photo_is_left_out_until_that_is_taken_back(qtbot: QtBot, window: MainWindow) -> None:
    session, skip = window._session, window.action_table["image.skip"]
    _go(qtbot, window, Qt.Key.Key_D, "1b1.jpg", SHIFT)
    assert find(window, QLabel, "photos.progress_text").text() == "0 of 5 done"
    assert session.store is not None
    assert [session.store.status("0a1.jpg"), session.photos.status(0)] == [Status.SKIPPED] * 2
    _go(qtbot, window, Qt.Key.Key_A, "0a1.jpg")
    assert skip.isChecked()
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
    assert not skip.isChecked()
    skip.trigger()
    _go(qtbot, window, Qt.Key.Key_A, "0a1.jpg")
    skip.trigger()
    assert (session.current, session.photos.status(0)) == ("0a1.jpg", Status.NEW)
    _go(qtbot, window, Qt.Key.Key_D, "1b1.jpg", SHIFT)
    for name in ("2b2.jpg", "3a2.jpg", "4b3.jpg", "5a3.jpg", "1b1.jpg"):
        _go(qtbot, window, Qt.Key.Key_N, name)


def test_a_skipped_photo_can_be_marked_done_in_one_step(window: MainWindow) -> None:
    document = current_document(window)
    window._session.push(edits.mark_skipped(document, skipped=True))
    QTest.keyClick(window.canvas, Qt.Key.Key_M)
    assert document.status is Status.DONE
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
    assert document.status is Status.SKIPPED


def test_photos_with_objects_are_gone_through(qtbot: QtBot, labelled: MainWindow) -> None:
    both = CTRL | SHIFT
    for name in ("1b1.jpg", "2b2.jpg", "3a2.jpg"):
        _go(qtbot, labelled, Qt.Key.Key_D, name, both)
    QTest.keyClick(labelled.canvas, Qt.Key.Key_D, both)
    assert labelled.banner.text == "No further photo of the list has an object."
    _type(labelled, "b")
    _go(qtbot, labelled, Qt.Key.Key_A, "2b2.jpg", both)


def _row(window: MainWindow, name: str) -> tuple[str, list[str]]:
    """What the list says of a photo, and the photos with a suggestion below 60%."""
    photos = window._session.photos
    index = window.photos_panel.rows.model().index(photos.index(name), 0)
    said = index.data(Qt.ItemDataRole.AccessibleTextRole).removeprefix(f"{name}, ")
    return said, [photos.names[i] for i in photos.matching(Filter(below_score=0.6))]


def test_suggestions_that_were_answered_are_counted_no_more_not_in_another_session_either(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    session, suggester, name = window._session, window._flow._suggester, "0a1.jpg"
    pool = [
        Annotation(-i, 1, rectangle(60 * i, 60 * i, 60 * i + 40, 60 * i + 40), origin=Origin.SUGGESTED, score=score)
        for i, score in ((1, 0.9), (2, 0.55), (3, 0.8))
    ]
    model = ModelInfo("m", "m", "cpu", (Category(1, "cat"),), "m")
    suggester.loaded.emit(model)
    suggester.suggested.emit(Suggestions(name, "m", tuple(pool), 1.0))
    assert _row(window, name) == ("has suggestions, 3 suggestions", [name])
    current_document(window).select([-2])
    QTest.keyClick(window.canvas, Qt.Key.Key_Return)
    assert _row(window, name) == ("in progress, 1 annotation, 2 suggestions", [])
    current_document(window).select([-1])
    QTest.keyClick(window.canvas, Qt.Key.Key_Delete)
    assert _row(window, name) == ("in progress, 1 annotation, 1 suggestion", [])
    _go(qtbot, window, Qt.Key.Key_D, "1b1.jpg")
    window._flow._count(name)
    assert _row(window, name) == ("in progress, 1 annotation, 1 suggestion", [])
    suggester.loaded.emit(ModelInfo("n", "n", "cpu", (Category(1, "cat"),), "n"))
    suggester.cached_scores.emit("n", {name: ((0.58, 1), (0.7, 1), (0.9, 1), (0.95, 1))})
    assert _row(window, name) == ("in progress, 1 annotation, 3 suggestions", [name]), "by another model"
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(SAMPLES / "coffee.jpg", other)
    for opened in (other, folder):
        session.open(opened)
        qtbot.waitUntil(lambda f=opened: session.folder == f and session.document is not None)
    suggester.loaded.emit(model)
    suggester.cached_scores.emit("m", {name: tuple((s.score, s.category_id) for s in pool)})
    assert current_document(window).name == "1b1.jpg"
    assert _row(window, name) == ("in progress, 1 annotation, 1 suggestion", [])
    _go(qtbot, window, Qt.Key.Key_A, name)
    suggester.suggested.emit(Suggestions(name, "m", tuple(pool), None))
    assert _row(window, name) == ("in progress, 1 annotation, 1 suggestion", [])
