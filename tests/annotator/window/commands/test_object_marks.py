"""Hiding and locking single objects in the real window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.document import Document, ObjectMarks
from annotator.core.no_overlap import OverlapRule
from annotator.panels.instance_rows import eye_rect, lock_rect
from annotator.suggestions.messages import ModelInfo, Suggestions
from annotator.window.main_window import MainWindow
from dataset.coco.categories import Category
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in

Key, Button, SHIFT = Qt.Key, Qt.MouseButton, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """A large object (1) with a small one (2) in its middle."""
    window = start_in(qtbot, start, folder)
    session = window._session
    thing = session.categories.add("thing").id
    shapes = (rectangle(20, 20, 200, 200), rectangle(80, 80, 140, 140))
    records = [Annotation(session.new_id(), thing, shape) for shape in shapes]
    session.push(edits.add(current_document(window), records))
    current_document(window).select(())
    return window


def _click(window: MainWindow, x: float, y: float) -> None:
    camera = window.canvas.camera()
    at = QPoint(round(x * camera.scale + camera.dx), round(y * camera.scale + camera.dy))
    QTest.mouseClick(window.canvas.viewport(), Button.LeftButton, pos=at)


def _press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = SHIFT) -> None:
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, key, modifiers)


def _row(window: MainWindow, annotation_id: int) -> int:
    return window.instances._model.ids.index(annotation_id)


def _text(window: MainWindow, annotation_id: int) -> str:
    index = window.instances.rows.model().index(_row(window, annotation_id), 0)
    return index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_clicks_go_through_what_is_locked_and_del_leaves_it(window: MainWindow) -> None:
    document = current_document(window)
    _click(window, 110, 110)
    assert document.selection == (2,)
    _press(window, Key.Key_L)
    assert document.marks == ObjectMarks(locked=frozenset({2}))
    assert document.selection == ()
    assert "locked" in _text(window, 2)
    _click(window, 110, 110)
    assert document.selection == (1,), "what lies below"
    window.action_table["edit.select_all"].trigger()
    _press(window, Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
    assert [a.id for a in document.annotations] == [2]
    _press(window, Key.Key_L)
    _click(window, 110, 110)
    assert document.selection == (2,), "without a selection, the key unlocks"


def test_what_is_hidden_is_not_painted_not_hit_and_stays_listed(window: MainWindow) -> None:
    document = current_document(window)
    document.select([2])
    _press(window, Key.Key_H)
    assert [record.id for record in window.canvas.content.records] == [1]
    assert "hidden" in _text(window, 2)
    assert "1 hidden" in window.instances._header.full_text
    _click(window, 110, 110)
    assert document.selection == (1,)
    rows = window.instances.rows
    center = rows.visualRect(rows.model().index(_row(window, 2), 0)).center()
    QTest.mouseClick(rows.viewport(), Button.LeftButton, pos=QPoint(40, center.y()))
    assert document.selection == ()
    assert window.instances._selected() == []
    _press(window, Key.Key_H)
    assert [record.id for record in window.canvas.content.records] == [1, 2]


def test_the_eye_and_the_lock_of_a_row_take_clicks(window: MainWindow) -> None:
    document, rows = current_document(window), window.instances.rows
    document.select([2])
    row = rows.visualRect(rows.model().index(_row(window, 1), 0))
    QTest.mouseClick(rows.viewport(), Button.LeftButton, pos=eye_rect(row).center())
    assert document.marks.hidden == {1}
    QTest.mouseClick(rows.viewport(), Button.LeftButton, pos=lock_rect(row).center())
    assert document.marks == ObjectMarks(frozenset({1}), frozenset({1}))
    assert document.selection == (2,), "no row was selected by that"
    QTest.mouseClick(rows.viewport(), Button.LeftButton, pos=eye_rect(row).center())
    assert document.marks.hidden == frozenset()


def test_no_edit_changes_it_not_even_one_that_cuts_neighbours(window: MainWindow) -> None:
    document, session = current_document(window), window._session
    session.set_overlap_rule(OverlapRule.CUT)
    document.marks = ObjectMarks(locked=frozenset({1}))
    before = document[1]
    moved = document[2].with_shape(rectangle(90, 90, 150, 150))
    session.push(edits.change(document, "move", (moved,), session.new_id))
    session.push(edits.delete(document, [1]))
    assert document[1] is before
    assert document[2].shape == moved.shape
    assert "left alone" in window.banner._messages[-1].text


def test_it_lasts_while_other_photos_are_looked_at(qtbot: QtBot, window: MainWindow) -> None:
    current_document(window).select([2])
    _press(window, Key.Key_H)
    _go(qtbot, window, 1)
    assert current_document(window).marks == ObjectMarks()
    _go(qtbot, window, -1)
    assert current_document(window).marks.hidden == {2}
    assert isinstance(current_document(window), Document)


Box = tuple[int, int, int, int]


def _pool(*boxes: Box) -> tuple[Annotation, ...]:
    return tuple(
        Annotation(-i, 1, rectangle(*box), origin=Origin.SUGGESTED, score=0.95 - i / 50)
        for i, box in enumerate(boxes, 1)
    )


def _load(window: MainWindow, model: str) -> None:
    window._flow._suggester.loaded.emit(ModelInfo(model, model, "cpu", (Category(1, "thing"),), model))


def _answer(window: MainWindow, model: str, *boxes: Box) -> None:
    """Have a model loaded and answer for the photo shown: every answer has the ids -1, -2 …"""
    _load(window, model)
    name = current_document(window).name
    window._flow._suggester.suggested.emit(Suggestions(name, model, _pool(*boxes), 1.0))


def _go(qtbot: QtBot, window: MainWindow, step: int) -> None:
    session, name = window._session, current_document(window).name
    session.go(step)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name != name)


FIRST, SECOND, THIRD = (250, 20, 290, 60), (250, 100, 290, 140), (300, 200, 340, 240)


def test_what_is_hidden_and_selected_of_one_model_says_nothing_of_the_next_ones_objects(
    qtbot: QtBot, window: MainWindow
) -> None:
    document = current_document(window)
    _answer(window, "one", FIRST, SECOND)
    document.select([-1])
    _press(window, Key.Key_H)
    document.select([-2])
    _answer(window, "one", FIRST, SECOND)
    assert (document.marks.hidden, document.selection) == ({-1}, (-2,)), "the same answer once more"
    heard: list[list[Annotation]] = []
    document.selection_changed.connect(lambda: heard.append(list(document.selected)))
    _answer(window, "two", SECOND, THIRD)
    assert [s.id for s in document.shown_suggestions] == [-1, -2]
    assert document.selection == ()
    assert heard == [[]]


def test_a_suggestion_that_is_hidden_in_a_photo_that_was_left_stays_so_until_another_model_is_loaded(
    qtbot: QtBot, window: MainWindow
) -> None:
    def leave_and_come_back(model: str) -> None:
        _go(qtbot, window, 1)
        _load(window, model)
        _go(qtbot, window, -1)

    _answer(window, "one", FIRST, SECOND)
    current_document(window).select([-1])
    _press(window, Key.Key_H)
    leave_and_come_back("one")
    assert [s.id for s in current_document(window).shown_suggestions] == [-2]
    leave_and_come_back("two")
    _answer(window, "two", SECOND, FIRST)
    assert [s.id for s in current_document(window).shown_suggestions] == [-1, -2]


def test_what_is_hidden_says_nothing_of_the_objects_of_a_model_that_answers_once_the_photo_was_left(
    qtbot: QtBot, window: MainWindow
) -> None:
    _answer(window, "one", FIRST, SECOND)
    current_document(window).marks = ObjectMarks(frozenset({1, -1}))
    _load(window, "two")
    assert current_document(window).marks == ObjectMarks(frozenset({1}))
    assert not current_document(window).suggestions, "of the model before: hidden now, it would stay so by its id"
    _go(qtbot, window, 1)
    _go(qtbot, window, -1)
    _answer(window, "two", THIRD, SECOND)
    assert [s.id for s in current_document(window).shown_suggestions] == [-1, -2]


def test_what_was_imported_stays_on_offer_while_another_model_is_loaded(window: MainWindow) -> None:
    window._session.suggestions_imported.emit(current_document(window).name, _pool(FIRST))
    _answer(window, "one", SECOND)
    window._flow.expect_model()
    assert [s.shape for s in current_document(window).suggestions] == [rectangle(*FIRST)]


@pytest.mark.parametrize("is_left", [False, True])
def test_what_is_hidden_of_an_import_says_nothing_of_the_next_ones_objects(
    qtbot: QtBot, window: MainWindow, is_left: bool
) -> None:
    session, name = window._session, current_document(window).name
    session.suggestions_imported.emit(name, _pool(FIRST, SECOND))
    current_document(window).marks = ObjectMarks(frozenset({1, -1}))
    if is_left:
        _go(qtbot, window, 1)
    session.suggestions_imported.emit(name, _pool(THIRD, SECOND))
    if is_left:
        _go(qtbot, window, -1)
    document = current_document(window)
    assert [s.shape for s in document.shown_suggestions] == [rectangle(*THIRD), rectangle(*SECOND)]
    assert document.marks == ObjectMarks(frozenset({1}))


def test_raising_is_one_step_and_in_the_file(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    document, session = current_document(window), window._session
    document.select([1])
    _press(window, Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    assert window.instances._model.ids == [1, 2]
    assert window.instances._selected() == [1]
    store = session.store
    assert store
    store.save()
    qtbot.waitUntil(lambda: not store.unsaved)
    records = json.loads((folder / "annotations.json").read_text())["annotations"]
    assert {r["id"]: r.get("z_order", 0) for r in records} == {1: 1, 2: 0}
    session.history.undo()
    assert window.instances._model.ids == [2, 1]
    _press(window, Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    assert window.instances._model.ids == [2, 1], "nothing lies below"
