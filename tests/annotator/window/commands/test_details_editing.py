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

from annotator.core.photo_state import PhotoNotes
from annotator.window.main_window import MainWindow
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

CTRL = Qt.KeyboardModifier.ControlModifier


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


def test_tags_in_use_are_completed_to(qtbot: QtBot, window: MainWindow) -> None:
    window._session.photos.update("dog.jpg", notes=PhotoNotes(("night", "fog")))
    QTest.keyClick(window.canvas, Qt.Key.Key_I, CTRL)
    field = find(window, QLineEdit, "details.tag")
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "NIG")
    assert field.completer().currentCompletion() == "night"
