from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.geometry import from_parts, rectangle, to_parts
from dataset.redraw import redraw

SIZE = (100, 100)
BOX = rectangle(20, 20, 80, 80)
DONUT = from_parts([[[(20, 20), (80, 20), (80, 80), (20, 80)], [(40, 40), (40, 60), (60, 60), (60, 40)]]])


def area(shape: MultiPolygon | None) -> float:
    assert shape is not None
    assert shape.is_valid
    return shape.area


def test_a_line_outside_adds_and_one_inside_takes_away() -> None:
    assert area(redraw(BOX, [(30, 20), (30, 10), (70, 10), (70, 20)], 2, SIZE)) == pytest.approx(3600 + 400)
    assert area(redraw(BOX, [(30, 20), (30, 30), (70, 30), (70, 20)], 2, SIZE)) == pytest.approx(3600 - 400)


def test_it_does_not_matter_in_which_direction_it_is_drawn() -> None:
    line = [(20, 50), (10, 40), (20, 30)]
    there, back = redraw(BOX, line, 2, SIZE), redraw(BOX, line[::-1], 2, SIZE)
    assert there is not None
    assert back is not None
    assert shapely.normalize(there).equals_exact(shapely.normalize(back), 1e-9)


def test_ends_near_the_outline_are_put_on_it_and_what_sticks_out_is_left_out() -> None:
    near = redraw(BOX, [(30, 21), (30, 10), (70, 10), (70, 22)], 3, SIZE)
    assert area(near) == pytest.approx(4000)
    long = redraw(BOX, [(30, 5), (30, 40), (70, 40), (70, 5)], 3, SIZE)
    assert area(long) == pytest.approx(3600 - 800)


def test_other_vertices_stay_exactly_where_they_were() -> None:
    made = redraw(BOX, [(30, 20), (30, 10), (70, 10), (70, 20)], 2, SIZE)
    assert made is not None
    assert {(20, 20), (80, 20), (80, 80), (20, 80)} < {tuple(v) for v in to_parts(made)[0][0].tolist()}


def test_a_hole_is_redrawn_too() -> None:
    made = redraw(DONUT, [(40, 45), (30, 45), (30, 55), (40, 55)], 2, SIZE)
    assert area(made) == pytest.approx(DONUT.area - 100)


@pytest.mark.parametrize("line", [[(0, 0), (5, 5)], [(30, 20), (30, 20)], [(30, 20)], [(30, 20), (30, 10), (50, 5)]])
def test_a_line_that_does_not_come_back_changes_nothing(line: list[tuple[float, float]]) -> None:
    assert redraw(BOX, line, 2, SIZE) is None


def test_it_stays_in_the_photo() -> None:
    made = redraw(BOX, [(20, 30), (-10, 40), (20, 50)], 2, SIZE)
    assert made is not None
    assert made.bounds[0] == 0


@pytest.mark.parametrize("step", [0.0, 5e-324, 1e-9])
def test_a_step_of_no_length_is_none(step: float) -> None:
    line = [(20, 30), (10, 40), (10, 40 + step), (20, 50)]
    assert redraw(BOX, line, 2, SIZE) == redraw(BOX, [(20, 30), (10, 40), (20, 50)], 2, SIZE)
    assert redraw(BOX, [(20, 30), (20, 30 + step)], 2, SIZE) is None
    assert redraw(BOX, [(0, 0), (0, step)], 200, SIZE) is None


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=10),
    st.floats(0, 2 * math.pi),
    st.floats(0, 2 * math.pi),
)
def test_whatever_is_drawn_what_comes_out_is_valid(line: list[tuple[float, float]], a: float, b: float) -> None:
    ends = [(50 + 30 * math.cos(turn), 50 + 30 * math.sin(turn)) for turn in (a, b)]
    for shape in (BOX, DONUT):
        made = redraw(shape, [ends[0], *line, ends[1]], 15, SIZE)
        assert made is None or (made.is_valid and made.area > 0 and shapely.box(0, 0, 100, 100).covers(made))
