"""Commands act on what is shown, and the window names what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from annotator.panels.widgets import ElidedLabel
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

LEFT, NO = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Key = Qt.Key


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """A photo with two objects on record and two suggestions."""
    window = start_in(qtbot, start, folder)
    session = window._session
    session.categories.add("person", keypoint_names=("nose",))
    session.categories.add("cup")
    document = current_document(window)
    nose = (Keypoint(60.0, 60.0, Visibility.VISIBLE),)
    session.push(
        edits.add(document, [Annotation(session.new_id(), 1, rectangle(x, 40, x + 60, 100), nose) for x in (40, 140)])
    )
    document.set_suggestions(
        Annotation(-1 - i, 1, rectangle(100 * i, 200, 100 * i + 50, 250), origin=Origin.SUGGESTED, score=0.9)
        for i in range(2)
    )
    return window


def _press(window: MainWindow, key: Qt.Key, keys: Qt.KeyboardModifier = NO) -> None:
    QTest.keyClick(window.canvas, key, keys)


def _click(window: MainWindow, x: float, y: float) -> None:
    QTest.mouseClick(window.canvas.viewport(), LEFT, NO, window.canvas.mapFromScene(QPointF(x, y)))


def test_hidden_suggestions_are_not_accepted(window: MainWindow) -> None:
    document = current_document(window)
    _press(window, Key.Key_S)
    before = document.state
    for key, keys in ((Key.Key_Return, SHIFT), (Key.Key_Tab, NO), (Key.Key_Return, NO), (Key.Key_Delete, NO)):
        document.select(())
        _press(window, key, keys)
        assert document.selection == ()
        assert document.state == before
    assert window.banner.text == "Suggestions are hidden, and left alone."
    _press(window, Key.Key_S)
    assert window.banner.text == ""
    _press(window, Key.Key_Return, SHIFT)
    assert len(document.annotations) == 4


def test_hidden_objects_are_not_deleted(window: MainWindow) -> None:
    document = current_document(window)
    before = document.annotations
    _press(window, Key.Key_H)
    assert document.selection == (), "what was selected is hidden now"
    _press(window, Key.Key_A, CTRL)
    assert window.banner.text == "Objects are hidden, and left alone."
    _press(window, Key.Key_Delete)
    assert document.annotations == before


EDITING = (
    "edit.copy", "edit.duplicate", "edit.delete", "keypoint.visibility", "keypoint.place", "suggestion.accept",
    "suggestion.accept_all", "suggestion.reject", "suggestion.next", "suggestion.previous", "class.1", "class.2",
)  # fmt: skip


@pytest.mark.parametrize("way", ["select all", "band", "list", "clicked before", "undone"])
@pytest.mark.parametrize("kind", ["annotations", "suggestions"])
def test_no_command_changes_what_is_hidden(window: MainWindow, kind: str, way: str) -> None:
    document, canvas = current_document(window), window.canvas
    ids = [a.id for a in document.annotations] if kind == "annotations" else [-1, -2]
    action = window.action_table[f"view.{kind}"]
    if way == "clicked before":
        document.select(ids)
    action.trigger()
    if way == "select all":
        window.action_table["edit.select_all"].trigger()
    elif way == "band":
        for x, y in ((2, 2), (260, 260)):
            _click(window, x, y)
        QTest.mousePress(canvas.viewport(), LEFT, NO, canvas.mapFromScene(QPointF(2, 2)))
        QTest.mouseMove(canvas.viewport(), canvas.mapFromScene(QPointF(260, 260)))
        QTest.mouseRelease(canvas.viewport(), LEFT, NO, canvas.mapFromScene(QPointF(260, 260)))
    elif way == "list":
        window.instances.rows.selectAll()
    elif way == "undone":
        document.select(ids)  # as an edit does that selected them before
    hidden = [document.get(i) for i in ids]
    reviewed = document.reviewed
    assert not set(document.selection) & set(ids)
    for name in EDITING:
        window.action_table[name].trigger()
        assert [document.get(i) for i in ids] == hidden, name
        assert not set(document.selection) & set(ids), name
        assert kind == "annotations" or document.reviewed == reviewed, name


def test_what_is_hidden_is_named_and_a_click_brings_it_back(window: MainWindow) -> None:
    chip = find(window, QPushButton, "status.hidden")
    assert not chip.isVisible()
    for key, text in ((Key.Key_S, "Suggestions hidden"), (Key.Key_H, "Objects and suggestions hidden")):
        _press(window, key)
        assert chip.isVisible()
        assert chip.text() == text
    assert find(window, ElidedLabel, "instances.header").full_text == "2 objects hidden · 2 suggestions hidden"
    assert window.instances.rows.empty_text == "All of it is hidden."
    _press(window, Key.Key_S)
    assert chip.text() == "Objects hidden"
    QTest.mouseClick(chip, LEFT)
    assert not chip.isVisible()
    assert window.action_table["view.annotations"].isChecked()
    assert window.instances.rows.model().rowCount() == 4
    assert not chip.hasFocus()


def test_it_stays_hidden_on_the_next_photo_and_at_the_next_start(
    qtbot: QtBot, window: MainWindow, start: Start, folder: Path
) -> None:
    _press(window, Key.Key_H)
    _press(window, Key.Key_D)
    qtbot.waitUntil(lambda: window._session.document is not None)
    assert not current_document(window).shown.annotations
    window.close()
    window._session.close()
    again = start()
    assert find(again, QPushButton, "status.hidden").text() == "Objects hidden"
    again._session.open(folder)
    qtbot.waitUntil(lambda: again._session.document is not None)
    assert not current_document(again).shown.annotations
    assert not again.action_table["view.annotations"].isChecked()


def _draw(window: MainWindow) -> None:
    _press(window, Key.Key_P)
    for x, y in ((220, 20), (290, 20), (290, 90)):
        _click(window, x, y)
    _press(window, Key.Key_Return)


def _paste(window: MainWindow) -> None:
    _press(window, Key.Key_V, CTRL)


def _undo(window: MainWindow) -> None:
    _press(window, Key.Key_Z, CTRL)


def _correct_suggestion(window: MainWindow) -> None:
    current_document(window).select([-1])
    _press(window, Key.Key_Right)


@pytest.mark.parametrize("act", [_draw, _paste, _undo, _correct_suggestion], ids=lambda act: act.__name__.strip("_"))
def test_what_a_person_makes_while_objects_are_hidden_is_seen(
    window: MainWindow, act: Callable[[MainWindow], None]
) -> None:
    document = current_document(window)
    _press(window, Key.Key_C, CTRL)
    before = document.annotations
    _press(window, Key.Key_H)
    act(window)
    assert document.annotations != before
    assert document.shown.annotations
    assert window.action_table["view.annotations"].isChecked()
    assert set(document.selection) <= {a.id for a in document.annotations}
    assert bool(document.selection) == bool(document.annotations)


def test_an_accepted_suggestion_goes_where_the_objects_are(window: MainWindow) -> None:
    """So that suggestions can be reviewed alone."""
    document = current_document(window)
    _press(window, Key.Key_H)
    _press(window, Key.Key_Tab)
    _press(window, Key.Key_Return)
    assert len(document.annotations) == 3
    assert not document.shown.annotations
    assert document.selection == (-2,)


def test_a_threshold_over_what_is_selected_lets_go_of_it(window: MainWindow) -> None:
    document = current_document(window)
    document.select([-1, -2])
    window._session.set_threshold(0.95)
    _press(window, Key.Key_Delete)
    window._session.set_threshold(0.5)
    assert [s.id for s in document.suggestions] == [-1, -2]


def test_undo_brings_back_a_suggestion_where_it_is_seen(window: MainWindow) -> None:
    document = current_document(window)
    document.select([-1])
    _press(window, Key.Key_Delete)
    _press(window, Key.Key_S)
    _press(window, Key.Key_Z, CTRL)
    assert [s.id for s in document.shown_suggestions] == [-1, -2]
