"""Drawing tools that add to the selected object, cut out of it, or intersect with it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from annotator.canvas.tools.base import Drawn
from annotator.canvas.tools.drawing import CUT_COLOR
from annotator.core.annotation import Origin
from dataset.geometry import CombineMode
from tests.annotator.canvas.conftest import ALT, CTRL, NO, SHIFT, Bench, triple

ADD, SUBTRACT, INTERSECT = CombineMode
KEYS = {ADD: CTRL, SUBTRACT: CTRL | SHIFT, INTERSECT: ALT | SHIFT}
OVERLAP = [(150, 150), (250, 150), (250, 250), (150, 250)]  # a quarter of it is in object 1
AREAS = {ADD: 17500, SUBTRACT: 7500, INTERSECT: 2500}


@pytest.fixture
def drawing(bench: Bench) -> Bench:
    """The polygon tool in hand, object 1 selected."""
    bench.view.draw_category = 2
    bench.document.select((1,))
    bench.view.set_tool("polygon")
    return bench


def draw(bench: Bench, points: list[tuple[int, int]], keys: Qt.KeyboardModifier = NO) -> None:
    bench.click(*points[0], keys)
    for point in points[1:]:
        bench.click(*point)
    bench.key(Qt.Key.Key_Return)


@pytest.mark.parametrize("mode", CombineMode)
@pytest.mark.parametrize("held", [False, True])
def test_a_mode_or_held_keys_change_the_selected_object(drawing: Bench, mode: CombineMode, *, held: bool) -> None:
    before = drawing.document.state
    if not held:
        drawing.view.draw_mode = mode
    draw(drawing, OVERLAP, KEYS[mode] if held else NO)
    record = drawing.document[1]
    assert record.shape.area == pytest.approx(AREAS[mode])
    assert (record.category_id, record.keypoints) == (1, triple())
    assert drawing.document.selection == (1,)
    assert len(drawing.document.annotations) == 2
    drawing.undo()
    assert drawing.document.state == before


def test_held_keys_are_for_one_gesture(drawing: Bench) -> None:
    draw(drawing, OVERLAP, CTRL | SHIFT)
    draw(drawing, [(10, 200), (60, 200), (60, 250)])
    assert len(drawing.document.annotations) == 3


def test_an_outline_inside_the_object_makes_a_hole(drawing: Bench) -> None:
    draw(drawing, [(110, 110), (190, 110), (190, 190)], ALT)
    (part,) = drawing.document[1].shape.geoms
    assert len(part.interiors) == 1


def test_freehand_cuts_too(drawing: Bench) -> None:
    drawing.press(150, 90, CTRL | SHIFT)
    for y in range(90, 211, 5):
        drawing.drag_to(150, y)
    for x in range(150, 211, 5):
        drawing.drag_to(x, 210)
    for step in range(31):
        drawing.drag_to(210 - 2 * step, 210 - 4 * step)
    drawing.release(150, 90)
    assert drawing.document[1].shape.area < 9000


def test_a_suggestion_so_changed_is_accepted(drawing: Bench) -> None:
    drawing.document.select((-1,))
    draw(drawing, [(40, 40), (90, 40), (90, 90)], CTRL)
    assert not drawing.document.suggestions
    (record,) = drawing.document.selected
    assert (record.id, record.origin) == (1000, Origin.EDITED)


def test_what_is_cut_away_entirely_is_deleted_in_the_same_step(drawing: Bench) -> None:
    drawing.view.draw_mode = SUBTRACT
    draw(drawing, [(90, 90), (210, 90), (210, 210), (90, 210)])
    assert 1 not in drawing.document
    assert len(drawing.made) == 1
    drawing.undo()
    assert drawing.document[1].keypoints == triple()


@pytest.mark.parametrize("tool", ["polygon", "box"])
def test_without_a_selected_object_nothing_is_drawn_and_that_is_said(drawing: Bench, tool: str) -> None:
    drawing.document.select(())
    drawing.view.set_tool(tool)
    drawing.view.draw_mode = SUBTRACT
    assert drawing.hints[-1] == "Select the object that is cut first"
    assert drawing.view.viewport().cursor().shape() is Qt.CursorShape.ForbiddenCursor
    drawing.drag((220, 100), (280, 160))
    draw(drawing, OVERLAP)
    assert drawing.made == []
    drawing.view.draw_mode = None
    drawing.hover(20, 250)
    drawing.drag((220, 100), (280, 160), SHIFT)
    drawing.key(Qt.Key.Key_Escape)
    drawing.view.draw_mode = ADD
    if tool == "polygon":
        assert drawing.hints[-1].startswith("Select the object that is added to")


def test_a_gesture_that_changes_nothing_says_so_and_can_be_had_back(drawing: Bench) -> None:
    steps = []
    drawing.view.step_made.connect(steps.append)
    draw(drawing, [(300, 200), (350, 200), (350, 250)], CTRL | SHIFT)
    assert drawing.made == []
    assert drawing.hints[-1] == "Nothing cut: that does not overlap the selected object"
    assert steps[-1].ends
    steps[-1].restore(steps[-1].before)
    assert drawing.view.busy


def test_no_class_is_needed_to_change_an_object(drawing: Bench) -> None:
    drawing.view.draw_category = None
    draw(drawing, OVERLAP, CTRL)
    assert drawing.document[1].shape.area == pytest.approx(AREAS[ADD])


def test_the_hint_says_what_will_happen(drawing: Bench) -> None:
    assert "Ctrl add to the selected" in drawing.hints[-1]
    for mode, start in ((ADD, "Add to the selected"), (SUBTRACT, "Cut out of the"), (INTERSECT, "Keep of the")):
        drawing.view.draw_mode = mode
        assert drawing.hints[-1].startswith(start)
        assert "person" in drawing.hints[-1]


def test_the_hint_follows_the_held_keys_without_the_mouse(drawing: Bench) -> None:
    drawing.hover(220, 220)

    def send(kind: QEvent.Type, key: Qt.Key, before: Qt.KeyboardModifier) -> str:
        QApplication.sendEvent(drawing.view, QKeyEvent(kind, key, before))  # systems send what was held before
        return drawing.hints[-1]

    press, release = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
    assert send(press, Qt.Key.Key_Control, NO).startswith("Add to the selected")
    assert send(press, Qt.Key.Key_Shift, CTRL).startswith("Cut out of the")
    assert send(release, Qt.Key.Key_Shift, CTRL | SHIFT).startswith("Add to the selected")
    assert send(release, Qt.Key.Key_Control, CTRL).startswith("Click place")


def test_undo_with_ctrl_brings_a_polygon_back_as_it_was_begun(drawing: Bench) -> None:
    steps = []
    drawing.view.step_made.connect(steps.append)
    for point in OVERLAP:
        drawing.click(*point)
    drawing.key(Qt.Key.Key_Escape)
    QApplication.sendEvent(drawing.view, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Control, NO))
    steps[-1].restore(steps[-1].before)
    drawing.key(Qt.Key.Key_Return)
    assert len(drawing.document.annotations) == 3, "a new object, as it would have been"


def test_the_colour_shows_what_will_happen(drawing: Bench) -> None:
    drawing.view.draw_mode = SUBTRACT
    drawing.click(210, 210)
    drawing.click(290, 210)
    drawing.hover(290, 290)
    red, green, blue = drawing.color(250, 210)
    assert red > green + 60
    assert red > blue + 60
    assert CUT_COLOR == "#ef4444"


@pytest.mark.parametrize("mode", CombineMode)
def test_a_box_changes_the_object_at_once_and_asks(drawing: Bench, mode: CombineMode) -> None:
    asked: list[Drawn] = []
    drawing.view.box_drawn.connect(asked.append)
    drawing.view.set_tool("box")
    before = drawing.document[1]
    drawing.drag(OVERLAP[0], OVERLAP[2], KEYS[mode])
    assert drawing.document[1].shape.area == pytest.approx(AREAS[mode])
    assert [(d.record_id, d.target, d.mode, d.category_id) for d in asked] == [(1, before, mode, 1)]


def test_shift_keeps_the_box_unless_it_is_part_of_the_mode(drawing: Bench) -> None:
    asked: list[Drawn] = []
    drawing.view.box_drawn.connect(asked.append)
    drawing.view.set_tool("box")
    drawing.view.draw_mode = SUBTRACT
    drawing.drag(OVERLAP[0], OVERLAP[2], SHIFT)
    assert drawing.document[1].shape.area == pytest.approx(AREAS[SUBTRACT])
    assert asked == []
