"""What a running gesture makes of the keys: none undoes or overwrites something else, and no vertex is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.canvas.tools.base import Clicked
from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.document import Document, ShownRecords, Status
from annotator.core.photo_state import Mark, PhotoState
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.canvas.conftest import corners
from tests.annotator.conftest import Start

Key = Qt.Key
NO, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
Point = tuple[float, float]

EIGHT: list[Point] = [(120, 20), (160, 20), (200, 40), (220, 80), (200, 120), (160, 140), (120, 120), (100, 80)]


class Hand:
    """A mouse and a keyboard on the real window, which shows a photo with work on it. Points are photo pixels."""

    def __init__(self, window: MainWindow) -> None:
        self.window, self.canvas, self.session = window, window.canvas, window._session

    @property
    def document(self) -> Document:
        assert self.session.document is not None
        return self.session.document

    def send(self, kind: QEvent.Type, at: Point, button: Qt.MouseButton, down: Qt.MouseButton) -> None:
        to, view = self.canvas.viewport(), QPointF(self.canvas.camera().point_to_view(*at))
        QApplication.sendEvent(to, QMouseEvent(kind, view, QPointF(to.mapToGlobal(view)), button, down, NO))

    def press(self, at: Point) -> None:
        self.canvas.setFocus()  # as a real click does
        self.send(QEvent.Type.MouseMove, at, NOTHING, NOTHING)
        self.send(QEvent.Type.MouseButtonPress, at, LEFT, LEFT)

    def move(self, *points: Point) -> None:
        for at in points:
            self.send(QEvent.Type.MouseMove, at, NOTHING, LEFT)

    def release(self, at: Point) -> None:
        self.send(QEvent.Type.MouseButtonRelease, at, LEFT, NOTHING)

    def click(self, *points: Point) -> None:
        for at in points:
            self.press(at)
            self.release(at)

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = NO) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.window, key, keys)

    def undo(self) -> None:
        self.key(Key.Key_Z, CTRL)

    def redo(self) -> None:
        self.key(Key.Key_Y, CTRL)

    def tool(self, key: Qt.Key) -> None:
        self.canvas.setFocus()
        self.key(key)

    def shape(self, annotation_id: int) -> list[Point]:
        return corners(self.document[annotation_id])

    def action(self, name: str) -> tuple[bool, str]:
        action = self.window.action_table[name]
        return action.isEnabled(), action.text().replace("&", "")


@pytest.fixture
def hand(qtbot: QtBot, start: Start, folder: Path) -> Hand:
    """Two objects on record, of which the second was a suggestion; another suggestion; something that can be redone."""
    window = start()
    hand = Hand(window)
    session = hand.session
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    thing, cup = session.categories.add("thing"), session.categories.add("cup")
    window._class.draw_with(cup.id)
    document = hand.document
    session.push(edits.add(document, [Annotation(session.new_id(), thing.id, rectangle(20, 20, 60, 60))]))
    document.set_suggestions(
        Annotation(-1 - i, thing.id, rectangle(20 + 100 * i, 160, 80 + 100 * i, 220), (), Origin.SUGGESTED, 0.9)
        for i in range(2)
    )
    document.select((-1,))
    hand.key(Key.Key_Return)
    document.select((1,))
    hand.key(Key.Key_Right)
    hand.undo()
    document.select(())
    assert [a.id for a in document.annotations] == [1, 2]
    assert session.history.redoText() == "nudge"
    return hand


def test_undo_takes_vertices_back_and_redo_puts_them_again(hand: Hand) -> None:
    record = hand.document.state
    hand.tool(Key.Key_P)
    hand.click(*EIGHT[:4])
    assert hand.action("edit.undo") == (True, "Undo place vertex")
    assert hand.action("edit.redo") == (False, "Redo")
    hand.undo()
    hand.undo()
    assert hand.document.state == record, "what was accepted before stays accepted"
    assert hand.action("edit.redo") == (True, "Redo place vertex")
    hand.redo()
    hand.key(Key.Key_Return)
    assert hand.shape(hand.document.selection[0]) == EIGHT[:3]
    hand.undo()
    assert hand.document.state == record, "the polygon is one step once it is closed"


def test_with_the_last_vertex_taken_back_undo_and_redo_are_those_of_before(hand: Hand) -> None:
    record = hand.document.state
    hand.tool(Key.Key_P)
    hand.click(*EIGHT[:2])
    hand.undo()
    hand.undo()
    assert hand.action("edit.undo") == (True, "Undo accept suggestion")
    hand.undo()
    assert [a.id for a in hand.document.annotations] == [1]
    hand.redo()
    assert hand.document.state == record
    hand.redo()
    hand.redo()
    hand.click(EIGHT[2])
    hand.key(Key.Key_Return)
    assert hand.shape(hand.document.selection[0]) == EIGHT[:3]


def test_drawing_and_giving_up_takes_no_redo_away(hand: Hand) -> None:
    hand.tool(Key.Key_P)
    hand.click(*EIGHT[:2])
    hand.key(Key.Key_Escape)
    assert hand.action("edit.redo") == (True, "Redo nudge")
    hand.redo()
    assert hand.shape(1)[0] == (21, 20)


def test_a_polygon_that_was_given_up_comes_back(hand: Hand) -> None:
    hand.tool(Key.Key_P)
    hand.click(*EIGHT)
    hand.key(Key.Key_Escape)
    assert not hand.canvas._tool.busy
    hand.tool(Key.Key_V)
    hand.click((40, 40))
    hand.key(Key.Key_Delete)
    assert [a.id for a in hand.document.annotations] == [2]
    hand.undo()
    assert hand.action("edit.undo") == (True, "Undo cancel polygon")
    hand.undo()
    assert hand.canvas.tool == "polygon"
    assert hand.window.action_table["tool.polygon"].isChecked()
    hand.key(Key.Key_Return)
    assert hand.shape(hand.document.selection[0]) == EIGHT


def test_a_freehand_line_that_was_given_up_comes_back(hand: Hand) -> None:
    hand.tool(Key.Key_P)
    hand.press(EIGHT[0])
    hand.move(*EIGHT[1:])
    hand.key(Key.Key_Escape)
    hand.release(EIGHT[-1])
    assert not hand.canvas._tool.busy
    hand.undo()
    hand.key(Key.Key_Return)
    assert hand.shape(hand.document.selection[0]) == EIGHT


def test_undo_in_the_middle_of_a_freehand_line_takes_it_back_and_redo_brings_it(hand: Hand) -> None:
    hand.tool(Key.Key_P)
    hand.click(EIGHT[0])
    hand.press(EIGHT[1])
    hand.move(*EIGHT[2:])
    hand.undo()
    hand.release(EIGHT[-1])
    assert hand.canvas._tool.busy
    hand.undo()
    hand.key(Key.Key_Return)
    assert hand.shape(hand.document.selection[0]) == EIGHT


def test_fewer_than_three_vertices_come_back_after_another_tool_or_photo(qtbot: QtBot, hand: Hand) -> None:
    hand.tool(Key.Key_P)
    hand.click(*EIGHT[:2])
    hand.tool(Key.Key_V)
    hand.undo()
    assert hand.canvas.tool == "polygon"
    hand.key(Key.Key_D)
    qtbot.waitUntil(lambda: hand.session.document is not None and hand.session.current == "coffee.jpg")
    assert hand.action("edit.undo") == (False, "Undo")
    hand.key(Key.Key_A)
    qtbot.waitUntil(lambda: hand.session.document is not None and hand.session.current == "cat.jpg")
    hand.undo()
    hand.click(EIGHT[2])
    hand.key(Key.Key_Return)
    assert hand.shape(hand.document.selection[0]) == EIGHT[:3]


def _drag_object(hand: Hand) -> None:
    hand.tool(Key.Key_V)
    hand.press((40, 40))
    hand.move((55, 50), (70, 60))


def _drag_vertex(hand: Hand) -> None:
    hand.tool(Key.Key_V)
    hand.click((40, 40))
    hand.press((60, 60))
    hand.move((75, 70), (90, 80))


def _pull_edge(hand: Hand) -> None:
    hand.tool(Key.Key_V)
    hand.click((40, 40))
    hand.press((60, 40))
    hand.move((75, 50), (90, 60))


def _press_object(hand: Hand) -> None:
    """The button is down, and nothing has moved yet."""
    hand.tool(Key.Key_V)
    hand.press((40, 40))


def _band(hand: Hand) -> None:
    hand.tool(Key.Key_V)
    hand.click((40, 40))
    hand.press((250, 20))
    hand.move((200, 60), (100, 100))


def _box(hand: Hand) -> None:
    hand.tool(Key.Key_R)
    hand.press((120, 20))
    hand.move((150, 60), (200, 100))


HELD = (_drag_object, _drag_vertex, _pull_edge, _press_object, _band, _box)


def test_undo_during_a_drag_ends_the_drag_and_nothing_else(hand: Hand) -> None:
    record = hand.document.state
    for gesture in HELD:
        for end in (hand.undo, hand.window.action_table["edit.undo"].trigger):
            gesture(hand)
            end()
            hand.move((130, 130))
            hand.release((140, 140))
            assert hand.document.state == record, gesture
            assert hand.action("edit.redo") == (True, "Redo nudge"), gesture
            assert hand.action("edit.undo") == (True, "Undo accept suggestion"), gesture


KEYS = [
    (Key.Key_Delete, NO), (Key.Key_Backspace, NO), (Key.Key_V, CTRL), (Key.Key_D, CTRL), (Key.Key_A, CTRL),
    (Key.Key_Return, NO), (Key.Key_Return, SHIFT), (Key.Key_Return, CTRL), (Key.Key_Tab, NO), (Key.Key_1, NO),
    (Key.Key_D, NO), (Key.Key_A, NO), (Key.Key_N, NO), (Key.Key_M, NO), (Key.Key_S, CTRL), (Key.Key_P, NO),
    (Key.Key_R, NO), (Key.Key_V, NO), (Key.Key_H, NO), (Key.Key_S, NO), (Key.Key_Y, CTRL), (Key.Key_Right, NO),
    (Key.Key_Z, NO), (Key.Key_F, CTRL), (Key.Key_Plus, CTRL), (Key.Key_Period, NO), (Key.Key_K, NO),
    (Key.Key_T, CTRL), (Key.Key_F1, NO), (Key.Key_Q, CTRL),
]  # fmt: skip


def test_no_key_does_anything_until_the_button_is_released(hand: Hand) -> None:
    start = hand.document.state
    for gesture in HELD:
        gesture(hand)
        hand.release((200, 100))
        expected = [a.shape for a in hand.document.annotations]
        if hand.document.state != start:
            hand.undo()
        hand.document.select(())
        gesture(hand)
        selection, tool, camera = hand.document.selection, hand.canvas.tool, hand.canvas.camera()
        for key, modifiers in KEYS:
            hand.key(key, modifiers)
            assert (hand.document.state, hand.document.selection) == (start, selection), (gesture, key)
            assert (hand.session.current, hand.canvas.tool) == ("cat.jpg", tool), (gesture, key)
            assert hand.canvas.camera() == camera, (gesture, key)
        assert hand.document.shown == ShownRecords()
        hand.release((200, 100))
        assert [a.shape for a in hand.document.annotations] == expected, "the drag is what it would have been"
        if hand.document.state != start:
            hand.undo()


def test_tab_chooses_the_next_object_where_it_was_clicked_and_leaves_the_keyboard(hand: Hand) -> None:
    asked: list[Clicked] = []
    hand.canvas.object_clicked.connect(asked.append)
    hand.tool(Key.Key_W)
    hand.click((200, 100))
    hand.key(Key.Key_Tab)
    assert [clicked.turn for clicked in asked] == [0, 1]
    assert hand.canvas.hasFocus()


STAYING = KEYS[2:5] + KEYS[6:7] + KEYS[8:10] + KEYS[14:16] + KEYS[18:20] + KEYS[21:27]
LEAVING = [*KEYS[10:11], *KEYS[7:8], *KEYS[12:14], *KEYS[16:18]]


def test_no_vertex_is_lost_to_a_key_between_two_clicks(hand: Hand) -> None:
    hand.document.select((1,))
    hand.key(Key.Key_C, CTRL)
    hand.tool(Key.Key_P)
    for key, modifiers in STAYING:
        hand.canvas.fit()
        hand.click(*EIGHT[:4])
        hand.key(key, modifiers)
        hand.click(*EIGHT[4:])
        hand.key(Key.Key_Return)
        assert hand.shape(hand.document.selection[0]) == EIGHT, key


def test_a_key_that_leaves_closes_the_polygon(qtbot: QtBot, hand: Hand) -> None:
    document = hand.document
    for key, modifiers in LEAVING:
        hand.tool(Key.Key_P)
        hand.click(*EIGHT)
        hand.key(key, modifiers)
        assert corners(document.annotations[-1]) == EIGHT, key
        hand.session.go_to(document.name)
        qtbot.waitUntil(lambda: hand.session.document is document)
        if document.done:
            hand.undo()
            assert corners(document.annotations[-1]) == EIGHT, "the mark came after it"
        hand.undo()
        assert len(document.annotations) == 2, key


@pytest.mark.parametrize("key", [Key.Key_V, Key.Key_D], ids=str)
def test_a_polygon_that_was_closed_by_leaving_it_can_be_gone_on_with(qtbot: QtBot, hand: Hand, key: Key) -> None:
    document = hand.document
    hand.tool(Key.Key_P)
    hand.click(*EIGHT[:4])
    hand.key(key)
    hand.session.go_to(document.name)
    qtbot.waitUntil(lambda: hand.session.document is document)
    hand.undo()
    assert hand.action("edit.undo") == (True, "Undo close polygon")
    hand.undo()
    assert (hand.canvas.tool, hand.canvas.busy, len(document.annotations)) == ("polygon", True, 2)
    hand.redo()
    hand.redo()
    assert len(document.annotations) == 3
    hand.undo()
    hand.undo()
    hand.click(*EIGHT[4:])
    hand.key(Key.Key_Return)
    assert hand.shape(document.selection[0]) == EIGHT
    hand.undo()
    assert (hand.canvas.busy, len(document.annotations)) == (False, 2)


def test_what_was_pasted_in_the_middle_of_a_polygon_is_undone_first(hand: Hand) -> None:
    hand.document.select((1,))
    hand.key(Key.Key_C, CTRL)
    hand.tool(Key.Key_P)
    hand.click(*EIGHT[:4])
    hand.key(Key.Key_V, CTRL)
    assert len(hand.document.annotations) == 3
    hand.undo()
    assert len(hand.document.annotations) == 2
    hand.undo()
    hand.key(Key.Key_Return)
    assert hand.shape(hand.document.selection[0]) == EIGHT[:3]


def test_a_drag_ends_where_its_object_becomes_another(hand: Hand) -> None:
    """Such as by the outline that the model has found for it."""
    _drag_vertex(hand)
    changed = hand.document[1].with_shape(rectangle(20, 20, 50, 50))
    hand.session.push(edits.change(hand.document, "by somebody", [changed], hand.session.new_id))
    hand.move((95, 85))
    hand.release((95, 85))
    assert hand.document[1] == changed


def test_a_drag_goes_on_while_something_else_changes(hand: Hand) -> None:
    _drag_vertex(hand)
    hand.document.set_suggestions(())
    hand.session.push(edits.delete(hand.document, (2,)))
    hand.release((90, 80))
    assert hand.shape(1)[2] == (90, 80)


def test_a_release_that_went_elsewhere_ends_the_drag_where_it_was(hand: Hand) -> None:
    _drag_object(hand)
    hand.send(QEvent.Type.MouseMove, (200, 200), NOTHING, NOTHING)
    assert hand.shape(1)[0] == (50, 40)
    assert not hand.canvas.holds


@pytest.mark.parametrize(
    ("key", "keys"), [(Key.Key_M, NO), (Key.Key_Return, CTRL), (Key.Key_Return, CTRL | SHIFT)], ids=str
)
def test_marking_the_last_photo_done_closes_an_open_polygon(hand: Hand, key: Key, keys: Qt.KeyboardModifier) -> None:
    session = hand.session
    for name in ("coffee.jpg", "dog.jpg"):
        assert session.store
        session.store.put(name, PhotoState((10, 10), mark=Mark.DONE))
        session.photos.update(name, status=Status.DONE)
    hand.tool(Key.Key_P)
    hand.click(*EIGHT)
    before = len(hand.document.annotations)
    offered = len(hand.document.suggestions) if SHIFT in keys else 0
    hand.key(key, keys)
    assert (session.current, hand.document.done) == ("cat.jpg", True)
    assert len(hand.document.annotations) == before + 1 + offered
    assert EIGHT in [hand.shape(a.id) for a in hand.document.annotations]
    hand.undo()
    assert (hand.document.done, len(hand.document.annotations)) == (False, before + 1), "the polygon is a step before"
