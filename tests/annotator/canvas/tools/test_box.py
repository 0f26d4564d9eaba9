from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from annotator.core.annotation import Origin
from tests.annotator.canvas.conftest import SHIFT, Bench, corners

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
