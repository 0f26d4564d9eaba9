from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from annotator.canvas.tools.base import DraggedBox, Drawn
from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from dataset.geometry import from_parts, rectangle
from tests.annotator.canvas.conftest import CTRL, NO, SHIFT, Bench, corners


def _with(bench: Bench, record: Annotation) -> edits.Edit:
    return edits.substitute(bench.document, {record.id: record})


BOX = [(220.0, 100.0), (280.0, 100.0), (280.0, 160.0), (220.0, 160.0)]


@pytest.fixture
def drawing(bench: Bench) -> Bench:
    bench.view.draw_category = 2
    bench.view.set_tool("box")
    return bench


@pytest.fixture
def asked(drawing: Bench) -> list[int]:
    ids: list[int] = []
    drawing.view.box_drawn.connect(lambda drawn: ids.append(drawn.record_id))
    return ids


@pytest.mark.parametrize(
    ("start", "end"), [((220, 100), (280, 160)), ((280, 160), (220, 100)), ((220, 160), (280, 100))]
)
def test_a_box_is_on_record_before_anybody_is_asked(
    drawing: Bench, asked: list[int], start: tuple[float, float], end: tuple[float, float]
) -> None:
    drawing.drag(start, end)
    record = drawing.document.selected[0]
    assert sorted(corners(record)) == sorted(BOX)
    assert (record.category_id, record.origin, record.is_box) == (2, Origin.DRAWN, True)
    assert asked == [record.id]
    drawing.undo()
    assert record.id not in drawing.document


def test_the_photo_is_seen_through_a_box_that_is_dragged_beside_a_selected_object(drawing: Bench) -> None:
    drawing.drag((220, 100), (280, 160), SHIFT)  # its name is painted before the box
    drawing.press(300, 200)
    drawing.drag_to(360, 260)
    view = drawing.view
    inside = view.grab().toImage().pixelColor(view.viewport().mapTo(view, drawing.at(330, 230)))
    assert all(abs(value - 128) < 40 for value in (inside.red(), inside.green(), inside.blue())), inside.name()


def test_with_shift_it_stays_a_box(drawing: Bench, asked: list[int]) -> None:
    drawing.drag((220, 100), (280, 160), SHIFT)
    assert drawing.document.selected[0].is_box
    assert asked == []


def test_it_ends_at_the_edges_of_the_photo(drawing: Bench, asked: list[int]) -> None:
    drawing.drag((350, 250), (405, 310))
    assert sorted(corners(drawing.document.selected[0])) == [(350, 250), (350, 300), (400, 250), (400, 300)]
    assert asked


def test_a_click_is_no_box_and_escape_gives_up(drawing: Bench, asked: list[int]) -> None:
    drawing.click(220, 100)
    drawing.press(220, 100)
    drawing.drag_to(280, 160)
    assert drawing.hints[-1] == "Release for the model's outline  ·  Shift keeps the box  ·  Esc cancel"
    drawing.key(Qt.Key.Key_Escape)
    drawing.release(280, 160)
    assert drawing.made == []
    assert asked == []


def test_a_click_that_slips_is_no_box(drawing: Bench, asked: list[int]) -> None:
    drawing.drag((220, 100), (222, 102))  # 4 screen pixels each way
    assert drawing.made == []
    drawing.drag((220, 100), (222.5, 140))
    assert drawing.document.selected[0].is_box, "a thin one"


def test_another_tool_or_photo_keeps_what_was_begun(drawing: Bench, asked: list[int]) -> None:
    drawing.press(220, 100)
    drawing.drag_to(280, 160)
    drawing.view.set_tool("select")
    assert drawing.document.selected[0].is_box
    assert asked == [], "nobody is there any more to look at the answer"


def test_without_a_class_one_is_asked_for(drawing: Bench, asked: list[int]) -> None:
    needed: list[bool] = []
    drawing.view.category_needed.connect(lambda: needed.append(True))
    drawing.view.draw_category = None
    drawing.drag((220, 100), (280, 160))
    assert needed == [True]
    assert drawing.made == []
    assert asked == []


def test_the_box_is_seen_while_it_is_dragged(drawing: Bench) -> None:
    color = QColor(drawing.categories[2].color)
    plain = drawing.color(250, 100)
    drawing.press(220, 100)
    drawing.drag_to(280, 160)
    seen = drawing.color(250, 100)
    assert max(abs(a - b) for a, b in zip(seen, (color.red(), color.green(), color.blue()), strict=True)) < 60
    assert seen != plain == drawing.color(320, 200)
    drawing.key(Qt.Key.Key_Escape)
    assert drawing.color(250, 100) == plain


class TestHandles:
    """Of the box of the square 2, (300, 20, 340, 60), that the model is asked with."""

    FOUND = from_parts([[[(300, 20), (340, 20), (310, 90)]]])

    @pytest.fixture
    def tried(self, drawing: Bench) -> list[DraggedBox]:
        tried: list[DraggedBox] = []
        drawing.view.box_dragged.connect(tried.append)
        drawing.document.select((2,))
        return tried

    @pytest.fixture
    def drawn(self, drawing: Bench) -> list[Drawn]:
        drawn: list[Drawn] = []
        drawing.view.box_drawn.connect(drawn.append)
        return drawn

    def test_what_the_model_finds_is_seen_and_on_record_at_the_end_in_one_step(
        self, drawing: Bench, tried: list[DraggedBox], drawn: list[Drawn]
    ) -> None:
        before, plain = drawing.document[2], drawing.color(310, 75)
        drawing.hover(320, 60)
        assert drawing.hints[-1] == "Drag a handle of the selected object's box: the model outlines it anew"
        drawing.press(320, 60)
        drawing.drag_to(320, 80)
        drawing.drag_to(320, 95)
        assert [dragged.box for dragged in tried] == [(300, 20, 340, 80), (300, 20, 340, 95)]
        assert drawing.color(310, 75) == plain
        drawing.view.show_outline(tried[0], self.FOUND)
        assert drawing.color(310, 75) != plain
        assert drawing.document[2] is before
        drawing.release(320, 95)
        assert (drawing.document[2].shape, drawing.document[2].is_box) == (self.FOUND, False)
        assert drawn == [Drawn(2, rectangle(300, 20, 340, 95), before.category_id, before)]
        drawing.undo()
        assert drawing.document[2] is before

    def test_without_an_answer_the_object_stays_until_there_is_one(
        self, drawing: Bench, tried: list[DraggedBox], drawn: list[Drawn]
    ) -> None:
        drawing.drag((320, 60), (320, 95))
        assert tried
        assert drawing.made == []
        assert [d.record_id for d in drawn] == [2]

    def test_escape_gives_up_and_a_late_answer_is_not_seen(self, drawing: Bench, tried: list[DraggedBox]) -> None:
        plain = drawing.color(310, 75)
        drawing.press(320, 60)
        drawing.drag_to(320, 95)
        drawing.key(Qt.Key.Key_Escape)
        drawing.view.show_outline(tried[0], self.FOUND)
        drawing.release(320, 95)
        assert drawing.made == []
        assert drawing.color(310, 75) == plain

    def test_they_stay_where_the_box_was_dragged_while_the_outline_is_in_it(
        self, drawing: Bench, tried: list[DraggedBox]
    ) -> None:
        drawing.press(320, 60)
        drawing.drag_to(320, 95)
        drawing.view.show_outline(tried[0], self.FOUND)
        drawing.release(320, 95)
        drawing.press(320, 95)
        drawing.drag_to(320, 110)
        assert tried[-1].box == (300, 20, 340, 110)
        drawing.view.show_outline(tried[-1], rectangle(305, 25, 330, 100))
        drawing.release(320, 110)
        drawing.undo()
        drawing.undo()
        drawing.drag((320, 60), (320, 75))  # as it was before, of which the box is another again
        assert tried[-1].box == (300, 20, 340, 75)

    @pytest.mark.parametrize("keys", [NO, SHIFT])
    def test_a_box_stays_one_until_the_model_has_answered_and_with_shift_for_ever(
        self, drawing: Bench, drawn: list[Drawn], keys: Qt.KeyboardModifier
    ) -> None:
        drawing.document.apply(_with(drawing, Annotation(2, 1, rectangle(300, 20, 340, 60), is_box=True)))
        drawing.document.select((2,))
        drawing.drag((340, 60), (350, 95), keys)
        assert drawing.document[2].is_box
        assert drawing.document[2].shape.bounds == (300, 20, 350, 95)
        assert len(drawn) == (keys == NO)

    def test_with_a_mode_or_its_key_a_new_outline_begins_there(self, drawing: Bench, drawn: list[Drawn]) -> None:
        drawing.document.select((2,))
        drawing.drag((340, 60), (370, 90), CTRL)
        assert drawing.document[2].shape.area == pytest.approx(40 * 40 + 30 * 30)
        assert drawn[0].mode is not None


def test_a_new_box_shows_the_models_outline_and_leaves_it_on_record(drawing: Bench) -> None:
    tried: list[DraggedBox] = []
    drawing.view.box_dragged.connect(tried.append)
    found = from_parts([[[(230, 110), (270, 110), (250, 150)]]])
    drawing.press(220, 100)
    drawing.drag_to(280, 160)
    empty = drawing.color(250, 120)
    drawing.view.show_outline(tried[-1], found)
    assert drawing.color(250, 120) != empty
    drawing.drag_to(280, 160, SHIFT)
    assert drawing.color(250, 120) == empty, "it would stay a box"
    drawing.drag_to(280, 160)
    drawing.release(280, 160)
    assert (drawing.document.selected[0].shape, drawing.document.selected[0].is_box) == (found, False)
