"""Tags and a note of a photo: given, taken away, undone, kept in the COCO file, and found by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QToolButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.photo_state import PhotoNotes
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    return start_in(qtbot, start, folder)


def _tag(window: MainWindow, *tags: str) -> None:
    field = find(window, QLineEdit, "details.tag")
    for tag in tags:
        QTest.keyClicks(field, tag)
        QTest.keyClick(field, Qt.Key.Key_Return)


def _entry(folder: Path, name: str) -> dict[str, Any]:
    images = json.loads((folder / "annotations.json").read_text())["images"]
    return next(image for image in images if image["file_name"] == name)


def test_tags_are_given_taken_and_undone(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    document = current_document(window)
    QTest.keyClick(window.canvas, Qt.Key.Key_I, CTRL)
    qtbot.waitUntil(find(window, QLineEdit, "details.tag").hasFocus)
    _tag(window, "night", "  very   dark ", "night")
    assert document.notes.tags == ("night", "very dark")
    QTest.mouseClick(find(window, QToolButton, "details.tag.night"), Qt.MouseButton.LeftButton)
    assert document.notes.tags == ("very dark",)
    assert window._session.history.undoText() == "change tags"
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
    assert document.notes.tags == ("night", "very dark")
    assert window._session.store is not None
    window._session.store.save().result()
    assert _entry(folder, "cat.jpg")["tags"] == ["night", "very dark"]
    window._session.go_to("dog.jpg")
    qtbot.waitUntil(lambda: window._session.document not in (None, document))
    assert (
        window.findChild(QToolButton, "details.tag.night") is None
        or not find(window, QToolButton, "details.tag.night").isVisible()
    )


def test_a_note_is_one_step_and_letters_are_no_keys(qtbot: QtBot, window: MainWindow) -> None:
    document, note = current_document(window), find(window, QPlainTextEdit, "details.note")
    window.action_table["image.notes"].trigger()
    note.setFocus()
    qtbot.waitUntil(note.hasFocus)
    QTest.keyClicks(note, "made at dusk")
    assert (document.notes.note, window._session.current) == ("made at dusk", "cat.jpg")
    QTest.keyClick(note, Qt.Key.Key_Z, CTRL)
    assert (document.notes.note, note.toPlainText()) == ("", "")
    assert not window._session.history.canUndo()
    QTest.keyClick(note, Qt.Key.Key_Y, CTRL)
    assert note.toPlainText() == "made at dusk"
    for field in (note, find(window, QLineEdit, "details.tag")):
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert window.canvas.hasFocus()


def test_photos_are_found_by_tag_and_note(qtbot: QtBot, window: MainWindow) -> None:
    window._session.go_to("coffee.jpg")
    qtbot.waitUntil(lambda: window._session.document is not None and window._session.document.name == "coffee.jpg")
    window.action_table["image.notes"].trigger()
    _tag(window, "night")
    QTest.mouseClick(find(window, QToolButton, "photos.more"), Qt.MouseButton.LeftButton)
    combo = find(window, QComboBox, "photos.tag")
    for text, shown in (("night", 1), ("With a note", 0), ("Any or none", 3)):
        QTest.keyClick(combo, Qt.Key.Key_Home)
        while combo.currentText() != text:
            QTest.keyClick(combo, Qt.Key.Key_Down)
        assert window.photos_panel.rows.model().rowCount() == max(shown, 0), text


@pytest.fixture
def objects(window: MainWindow) -> MainWindow:
    """The window with two selected objects of a class that declares what they are to have."""
    session, document = window._session, current_document(window)
    thing = session.categories.add("thing").id
    declared = [{"name": "side", "values": ["left", "right"]}, {"name": "hidden", "input_type": "checkbox"}]
    session.categories.set_extra(thing, "attributes", declared)
    records = [Annotation(i, thing, rectangle(20 * i, 20, 20 * i + 15, 60), extra={"odd": i}) for i in (1, 2)]
    session.push(edits.add(document, records))
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_T, SHIFT)
    return window


def _extras(window: MainWindow) -> list[Any]:
    return [a.extra for a in current_document(window).annotations]


def test_attributes_are_set_for_the_selection_undone_and_saved(qtbot: QtBot, objects: MainWindow, folder: Path) -> None:
    new = find(objects, QLineEdit, "details.new_attribute")
    QTest.keyClicks(new, "color")
    QTest.keyClick(new, Qt.Key.Key_Return)
    QTest.keyClicks(find(objects, QLineEdit, "details.attribute.color"), "red")
    QTest.keyClick(find(objects, QLineEdit, "details.attribute.color"), Qt.Key.Key_Return)
    field = find(objects, QLineEdit, "details.group")
    field.setFocus()
    QTest.keyClicks(field, "5")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert objects.canvas.hasFocus()
    assert _extras(objects) == [{"odd": i, "attributes": {"color": "red"}, "group_id": 5} for i in (1, 2)]
    row = objects.instances.rows.model().index(0, 0)
    assert "color: red, group 5" in row.data(Qt.ItemDataRole.ToolTipRole)
    store = objects._session.store
    assert store is not None
    store.save().result()
    saved = json.loads((folder / "annotations.json").read_text())["annotations"]
    assert [(r["attributes"], r["group_id"], r["odd"]) for r in saved] == [({"color": "red"}, 5, i) for i in (1, 2)]
    for _ in range(2):
        QTest.keyClick(objects.canvas, Qt.Key.Key_Z, CTRL)
    assert _extras(objects) == [{"odd": 1}, {"odd": 2}]
    assert field.text() == ""


def test_what_a_class_declares_is_offered_and_written_in_its_type(objects: MainWindow) -> None:
    document = current_document(objects)
    for name in ("side", "hidden"):
        combo = find(objects, QComboBox, f"details.attribute.{name}")
        combo.setFocus()
        QTest.keyClick(combo, Qt.Key.Key_Down)
    assert [extra["attributes"] for extra in _extras(objects)] == [{"side": "left", "hidden": True}] * 2
    document.select([1])
    QTest.keyClick(find(objects, QComboBox, "details.attribute.side"), Qt.Key.Key_Down)
    assert [extra["attributes"]["side"] for extra in _extras(objects)] == ["right", "left"]
    document.select([1, 2])
    assert find(objects, QComboBox, "details.attribute.side").currentIndex() == -1, "they differ"
    assert find(objects, QComboBox, "details.attribute.hidden").currentText() == "true"


def test_what_is_typed_is_set_when_the_photo_is_left_and_not_after_undo(qtbot: QtBot, objects: MainWindow) -> None:
    document = current_document(objects)
    field = find(objects, QLineEdit, "details.group")
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "9")
    objects._session.go_to("dog.jpg")
    assert [a.extra.get("group_id") for a in document.annotations] == [9, 9]
    qtbot.waitUntil(lambda: objects._session.document not in (None, document))
    assert not field.isVisible(), "nothing is selected"


def test_attributes_without_a_selected_object_are_asked_to_have_one(objects: MainWindow) -> None:
    current_document(objects).select(())
    objects.action_table["object.attributes"].trigger()
    assert objects.banner.text == "Select an object first: attributes belong to one."


def test_tags_in_use_are_completed_to(qtbot: QtBot, window: MainWindow) -> None:
    window._session.photos.update("dog.jpg", notes=PhotoNotes(("night", "fog")))
    QTest.keyClick(window.canvas, Qt.Key.Key_I, CTRL)
    field = find(window, QLineEdit, "details.tag")
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "NIG")
    assert field.completer().currentCompletion() == "night"
