from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.affine import GRIPS, MIN_SIDE, Affine, Box, Grip, resized, rotation, scaling, turned
from dataset.geometry import from_parts, rectangle, to_parts

SIZE = (400, 300)
HOLED = from_parts([
    [[(100, 100), (180, 90), (200, 160), (120, 200)], [(130, 130), (150, 130), (140, 150)]],
    [[(20, 20), (60, 25), (30, 70)]],
])  # fmt: skip
MOVE = st.floats(-2000, 2000)
ANGLE = st.floats(-400, 400)
GRIP = st.sampled_from(GRIPS)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Some inside the photo, some that stick out, some with a side of next to nothing."""
    x, y = draw(st.floats(-50, 390)), draw(st.floats(-50, 290))
    side = st.one_of(st.floats(2, 450), st.sampled_from([0.0, 0.25, 1.0]))
    return x, y, x + draw(side), y + draw(side)


def vertices(shape: MultiPolygon) -> np.ndarray:
    return np.concatenate([ring for part in to_parts(shape) for ring in part])


@given(ANGLE, st.tuples(MOVE, MOVE))
def test_a_turn_and_the_turn_back_are_none(angle: float, centre: tuple[float, float]) -> None:
    there = rotation(angle, centre).shape(HOLED)
    assert there.area == pytest.approx(HOLED.area)
    assert np.abs(vertices(rotation(-angle, centre).shape(there)) - vertices(HOLED)).max() < 1e-6


def test_right_angles_are_exact_and_keep_boxes() -> None:
    once = rotation(90, (50, 50))
    assert once.points([(60, 50)]).tolist() == [[50, 60]], "clockwise, with y downwards"
    assert [rotation(angle, (7.3, 1.1)).keeps_boxes for angle in (-90, 0, 180, 270, 450, 45)] == [True] * 5 + [False]


@given(GRIP, st.tuples(MOVE, MOVE), st.booleans(), st.booleans())
def test_scaling_has_an_inverse_and_areas_scale_with_it(
    grip: Grip, move: tuple[float, float], keep_aspect: bool, from_centre: bool
) -> None:
    old = HOLED.bounds
    new = resized(old, grip, move, SIZE, keep_aspect=keep_aspect, from_centre=from_centre)
    there = scaling(old, new).shape(HOLED)
    assert there.bounds == pytest.approx(new)
    factor = (new[2] - new[0]) * (new[3] - new[1]) / ((old[2] - old[0]) * (old[3] - old[1]))
    assert there.area == pytest.approx(factor * HOLED.area)
    assert np.abs(vertices(scaling(new, old).shape(there)) - vertices(HOLED)).max() < 1e-6


@given(boxes(), GRIP, st.tuples(MOVE, MOVE), st.booleans(), st.booleans())
def test_a_box_is_never_turned_inside_out_nor_lost_nor_farther_out_of_the_photo(
    box: Box, grip: Grip, move: tuple[float, float], keep_aspect: bool, from_centre: bool
) -> None:
    new = resized(box, grip, move, SIZE, keep_aspect=keep_aspect, from_centre=from_centre)
    for low, high, size in ((0, 2, SIZE[0]), (1, 3, SIZE[1])):
        side = box[high] - box[low]
        assert new[high] - new[low] >= min(MIN_SIDE, side) - 1e-9
        assert new[low] >= min(0, box[low]) - 1e-9
        assert new[high] <= max(size, box[high]) + 1e-9
        if from_centre:
            assert sum(new[low::2]) == pytest.approx(sum(box[low::2]), abs=1e-6)
    if not from_centre:
        opposite = Grip(-grip.x, -grip.y)
        for value, was, hand in zip(opposite.place(new), opposite.place(box), grip, strict=True):
            assert not hand or value == pytest.approx(was, abs=1e-6), "what is opposite stays"
    if keep_aspect:
        assert (new[2] - new[0]) * (box[3] - box[1]) == pytest.approx((new[3] - new[1]) * (box[2] - box[0]), abs=1e-4)


def test_a_handle_is_where_it_is_dragged() -> None:
    box = (100.0, 100.0, 200.0, 150.0)
    assert resized(box, Grip(1, 1), (20, -10), SIZE) == (100, 100, 220, 140)
    assert resized(box, Grip(-1, 0), (20, 99), SIZE) == (120, 100, 200, 150)
    assert resized(box, Grip(1, 0), (50, 0), SIZE, from_centre=True) == (50, 100, 250, 150)
    assert resized(box, Grip(1, 1), (100, 50), SIZE, keep_aspect=True) == (100, 100, 300, 200)
    assert resized(box, Grip(0, 1), (0, 50), SIZE, keep_aspect=True) == (50, 100, 250, 200), "about its middle"


@given(ANGLE, boxes())
def test_what_is_turned_stays_in_the_photo(angle: float, box: Box) -> None:
    corners = vertices(rectangle(*box)) if box[2] > box[0] and box[3] > box[1] else np.array([box[:2], box[2:]])
    turn = turned(corners, angle, SIZE)
    there = turn.points(corners)
    for axis in (0, 1):
        assert there[:, axis].min() >= min(0, box[axis]) - 1e-6
        assert there[:, axis].max() <= max(SIZE[axis], box[axis + 2]) + 1e-6
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    assert np.linalg.norm(np.diff(there, axis=0), axis=1) == pytest.approx(lengths, abs=1e-6), "nothing is squeezed"


def test_a_turn_without_room_ends_where_there_is_some() -> None:
    bar = vertices(rectangle(10, 140, 390, 160))
    assert turned(bar, 180, SIZE).points(bar)[:, 1].max() == pytest.approx(160)
    steep = turned(bar, 80, SIZE)
    assert steep != Affine()
    assert np.ptp(steep.points(bar)[:, 1]) <= 300
