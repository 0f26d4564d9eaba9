"""Keys of layouts whose letters are of another script, or whose digits need Shift, as the system sends them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from annotator.canvas import key_positions
from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, start_in
from tests.qt import find

NO, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
OURS = "PRVDAZN"
LAYOUTS = {"Russian": "ЗКМВФЯТ", "Greek": "ΠΡΩΔΑΖΝ", "Arabic": "حقريشئى", "Hebrew": "פרהגשזמ", "Thai": "ยพอกฟผื"}
AZERTY = "&é\"'(-è_çà"


def _native(us: str) -> tuple[int, int]:
    """The scan code and the virtual key that the system gives the key."""
    if sys.platform == "darwin":
        return 1, next(code for code, typed in key_positions._MAC.items() if typed == us)
    code = next(code for code, typed in key_positions._PC.items() if typed == us)
    return code + (0 if sys.platform == "win32" else 8), 0


def _press(us: str, typed: str, modifiers: Qt.KeyboardModifier = NO) -> None:
    """Press the key that stands where `us` does on a US layout, and types something else here."""
    focus = QApplication.focusWidget()
    assert focus is not None
    for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
        event = QKeyEvent(kind, ord(typed), modifiers, *_native(us), 0, typed.lower())
        QApplication.sendEvent(focus, event)


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    window = start_in(qtbot, start, folder)
    session = window._session
    for name in ("person", "cup", "dog"):
        session.categories.add(name)
    assert session.document
    session.push(edits.add(session.document, [Annotation(session.new_id(), 1, rectangle(20, 20, 60, 60))]))
    window.canvas.setFocus()
    return window


def _shown(qtbot: QtBot, window: MainWindow, name: str) -> None:
    qtbot.waitUntil(lambda: window._session.document is not None and window._session.current == name)


def test_letters_of_another_script_are_the_keys_where_they_stand(qtbot: QtBot, window: MainWindow) -> None:
    document = window._session.document
    assert document is not None
    for layout, letters in LAYOUTS.items():
        keys = dict(zip(OURS, letters, strict=True))
        for us, tool in (("P", "polygon"), ("R", "box"), ("V", "select")):
            _press(us, keys[us])
            assert window.canvas.tool == tool, layout
        _press("D", keys["D"])
        _shown(qtbot, window, "coffee.jpg")
        _press("A", keys["A"])
        _shown(qtbot, window, "cat.jpg")
        names = window.canvas.show_names
        _press("N", keys["N"], SHIFT)
        assert window.canvas.show_names != names, layout
        _press("Z", keys["Z"], CTRL)
        assert document.annotations == (), layout
        _press("Z", keys["Z"], CTRL | SHIFT)
        assert len(document.annotations) == 1, layout


def test_digits_that_need_shift_are_the_keys_of_the_classes_without(window: MainWindow) -> None:
    document = window._session.document
    assert document is not None
    for us, typed, category_id in (("2", "é", 2), ("1", "&", 1), ("3", '"', 3)):
        _press(us, typed)
        assert [a.category_id for a in document.annotations] == [category_id]


def test_latin_letters_are_what_they_type(window: MainWindow) -> None:
    """On a French layout A and Z stand where Q and W do elsewhere, on a German one Z where Y does."""
    before = (window.canvas.tool, window._session.current)
    for us, typed in (("A", "Q"), ("Z", "Ä"), ("P", "Ö"), ("D", "Y"), (";", "M"), ("1", "1")):
        event = QKeyEvent(QEvent.Type.KeyPress, ord(typed), NO, *_native(us), 0, typed)
        assert key_positions.by_position(event) is None
        _press(us, typed)
    assert (window.canvas.tool, window._session.current) == before


def test_a_text_gets_what_is_typed_and_other_panels_leave_the_photos_keys_alone(
    qtbot: QtBot, window: MainWindow
) -> None:
    field = find(window, QLineEdit, "photos.filter")
    field.setFocus()
    for typed, us in zip("ЗКВ", "PRD", strict=True):
        _press(us, typed)
    _press("2", "é")
    assert field.text() == "зквé"
    assert window.canvas.tool == "select"
    field.clear()
    window.photos_panel.rows.setFocus()
    window._session.document.select(())  # type: ignore[union-attr]
    _press("P", "З")
    assert window.canvas.tool == "polygon", "a key of the window"
    _press("A", "Ф", CTRL)
    assert window._session.document is not None
    assert window._session.document.selection == (), "a key of the photo"


def test_the_row_of_digits_is_whole() -> None:
    for us, typed in zip("1234567890", AZERTY, strict=True):
        event = QKeyEvent(QEvent.Type.KeyPress, ord(typed.upper()), NO, *_native(us), 0, typed)
        keys = key_positions.by_position(event)
        assert keys is not None
        assert keys.toString() == us
