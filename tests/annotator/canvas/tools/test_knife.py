from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from tests.annotator.canvas.conftest import Bench, triple


@pytest.fixture
def cutting(bench: Bench) -> Bench:
    """The knife in hand, object 1 selected."""
    bench.document.select((1,))
    bench.view.set_tool("knife")
    return bench


def areas(bench: Bench) -> dict[int, float]:
    return {a.id: a.shape.area for a in bench.document.annotations}


def test_a_drag_across_an_object_cuts_it_in_two(cutting: Bench) -> None:
    before = cutting.document.state
    cutting.drag((130, 90), (130, 210))
    assert areas(cutting) == pytest.approx({1: 7000, 2: 1600, 1000: 3000}, rel=0.02)
    large, small = cutting.document[1], cutting.document[1000]
    assert (large.keypoints, small.keypoints) == (triple(), ())
    assert small.category_id == large.category_id
    assert cutting.document.selection == (1, 1000)
    assert len(cutting.made) == 1
    cutting.undo()
    assert cutting.document.state == before


def test_clicks_and_enter_or_a_double_click_cut(cutting: Bench) -> None:
    cutting.click(130, 90)
    cutting.click(130, 150)
    cutting.click(90, 150)
    assert cutting.made == []
    cutting.key(Qt.Key.Key_Return)
    assert areas(cutting)[1000] == pytest.approx(1500, rel=0.02)
    cutting.click(90, 180)
    cutting.double_click(210, 180)
    assert len(areas(cutting)) == 4


def test_all_selected_objects_are_cut(cutting: Bench) -> None:
    cutting.document.select((1, -1))
    cutting.drag((10, 45), (90, 45))
    assert not cutting.document.suggestions, "a suggestion that is cut is accepted"
    assert len(areas(cutting)) == 4


def test_without_a_selection_the_smallest_under_the_line_is_cut(cutting: Bench) -> None:
    cutting.document.select(())
    cutting.drag((90, 110), (350, 30))
    assert set(areas(cutting)) == {1, 2, 1000}
    assert areas(cutting)[1] == 10000, "the larger one is left alone"


def test_other_objects_than_the_selected_are_not_cut(cutting: Bench) -> None:
    cutting.drag((290, 40), (350, 40))
    assert cutting.made == []


def test_a_line_that_does_not_cross_says_so_and_can_be_had_back(cutting: Bench) -> None:
    steps = []
    cutting.view.step_made.connect(steps.append)
    cutting.drag((130, 90), (130, 150))
    assert cutting.made == []
    assert cutting.hints[-1] == "Nothing cut: begin and end the line outside of the object"
    assert steps[-1].ends
    steps[-1].restore(steps[-1].before)
    cutting.hover(130, 210)
    cutting.click(130, 210)
    cutting.key(Qt.Key.Key_Return)
    assert len(cutting.made) == 1


def test_escape_and_a_single_point_cut_nothing(cutting: Bench) -> None:
    cutting.click(130, 90)
    cutting.key(Qt.Key.Key_Return)
    cutting.click(130, 90)
    cutting.click(130, 210)
    cutting.key(Qt.Key.Key_Escape)
    assert cutting.made == []
    assert not cutting.view.busy
    cutting.hover(150, 250)
    assert cutting.view.viewport().cursor().shape() is Qt.CursorShape.CrossCursor
