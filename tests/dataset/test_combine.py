"""Boolean operations on shapes, against the same on points and areas."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from dataset.geometry import (
    CombineMode,
    clip,
    combine,
    from_parts,
    rectangle,
    separate_parts,
    split,
    to_parts,
    valid,
    without_holes,
)
from tests.strategies import SIZE, shapes

ADD, SUBTRACT, INTERSECT = CombineMode
X, Y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
PHOTO = rectangle(0, 0, *SIZE)
BOW_TIE = from_parts([[[(5, 5), (25, 25), (25, 5), (5, 25)]]])  # crosses itself
RING = from_parts([[[(10, 10), (40, 10), (40, 40), (10, 40)], [(20, 20), (20, 30), (30, 30), (30, 20)]]])

lines = st.lists(
    st.tuples(st.integers(-10, 750), st.integers(-10, 550)).map(lambda p: (p[0] / 10 + 0.017, p[1] / 10 + 0.013)),
    min_size=2,
    max_size=6,
    unique=True,
)


def inside(shape: BaseGeometry) -> NDArray[np.bool_]:
    """Which pixel centres are in it."""
    return shapely.contains_xy(shape, X, Y)


def clear(*shapes: MultiPolygon) -> NDArray[np.bool_]:
    """Which pixel centres lie on no outline, where floats decide."""
    centres = shapely.points(X, Y)
    return np.logical_and.reduce([shapely.distance(valid(s).boundary, centres) > 1e-6 for s in shapes])


@settings(max_examples=25)
@given(shapes(), shapes())
def test_areas_add_up(a: MultiPolygon, b: MultiPolygon) -> None:
    union, rest, shared = (combine(a, b, mode, SIZE) for mode in CombineMode)
    ours, theirs = clip(valid(a), SIZE).area, clip(valid(b), SIZE).area
    assert union.area == pytest.approx(ours + theirs - shared.area, abs=1e-4)
    assert rest.area == pytest.approx(ours - shared.area, abs=1e-4)
    assert all(made.is_valid for made in (union, rest, shared))
    assert all(PHOTO.buffer(1e-6).covers(made) or made.is_empty for made in (union, rest, shared))


@settings(max_examples=25)
@given(shapes(), shapes())
def test_pixel_centres_are_those_of_the_masks(a: MultiPolygon, b: MultiPolygon) -> None:
    ours, theirs, sure = inside(valid(a)), inside(valid(b)), clear(a, b)
    expected = {ADD: ours | theirs, SUBTRACT: ours & ~theirs, INTERSECT: ours & theirs}
    for mode, mask in expected.items():
        assert np.array_equal(inside(combine(a, b, mode, SIZE))[sure], mask[sure]), mode


@settings(max_examples=20)
@given(shapes())
def test_with_itself(a: MultiPolygon) -> None:
    assert combine(a, a, SUBTRACT, SIZE).is_empty
    assert combine(a, a, ADD, SIZE).area == pytest.approx(combine(a, a, INTERSECT, SIZE).area)


def test_a_shape_inside_another_makes_a_hole() -> None:
    made = combine(rectangle(10, 10, 40, 40), rectangle(20, 20, 30, 30), SUBTRACT, SIZE)
    assert made.equals(RING)
    assert [len(part) for part in to_parts(made)] == [2]


def test_what_only_touches_shares_nothing() -> None:
    left, right, corner = rectangle(0, 0, 10, 10), rectangle(10, 0, 20, 10), rectangle(10, 10, 20, 20)
    assert combine(left, right, INTERSECT, SIZE).is_empty
    assert combine(left, corner, INTERSECT, SIZE).is_empty
    assert combine(left, right, ADD, SIZE).equals(rectangle(0, 0, 20, 10))
    assert len(combine(left, corner, ADD, SIZE).geoms) == 2


def test_what_crosses_itself_counts_as_painted() -> None:
    made = combine(BOW_TIE, rectangle(40, 30, 50, 40), ADD, SIZE)
    assert made.is_valid
    assert made.area == pytest.approx(valid(BOW_TIE).area + 100)


def test_empty_shapes_are_nothing() -> None:
    square, nothing = rectangle(0, 0, 10, 10), MultiPolygon()
    assert combine(square, nothing, ADD, SIZE).equals(square)
    assert combine(nothing, square, ADD, SIZE).equals(square)
    assert combine(square, nothing, SUBTRACT, SIZE).equals(square)
    assert combine(square, nothing, INTERSECT, SIZE).is_empty


def test_what_sticks_out_of_the_photo_is_cut_off() -> None:
    made = combine(rectangle(-10, -10, 10, 10), rectangle(60, 40, 99, 99), ADD, SIZE)
    assert made.equals(combine(rectangle(0, 0, 10, 10), rectangle(60, 40, *SIZE), ADD, SIZE))


def test_rounding_errors_are_no_parts_and_no_holes() -> None:
    left, right = rectangle(0, 0, 10, 10), rectangle(10 + 1e-9, 0, 20, 10)
    speck = rectangle(30, 30, 30 + 1e-4, 30 + 1e-4)
    assert combine(speck, speck, ADD, SIZE).is_empty
    frame = combine(combine(left, right, ADD, SIZE), rectangle(5, 5, 5.0001, 5.0001), SUBTRACT, SIZE)
    assert all(len(part) == 1 for part in to_parts(frame))


@settings(max_examples=20)
@given(shapes())
def test_filled_holes_are_inside(shape: MultiPolygon) -> None:
    filled = without_holes(shape)
    assert filled.is_valid
    assert all(len(part) == 1 for part in to_parts(filled))
    assert filled.buffer(1e-6).covers(valid(shape))


def test_a_part_in_a_hole_is_one_with_what_is_around_it() -> None:
    island = combine(RING, rectangle(23, 23, 27, 27), ADD, SIZE)
    assert len(island.geoms) == 2
    assert without_holes(island).equals(rectangle(10, 10, 40, 40))


@settings(max_examples=20)
@given(shapes())
def test_parts_are_the_shape(shape: MultiPolygon) -> None:
    parts = separate_parts(shape)
    assert all(len(part.geoms) == 1 and part.is_valid for part in parts)
    assert sum(part.area for part in parts) == pytest.approx(valid(shape).area)
    assert [part.area for part in parts] == sorted((part.area for part in parts), reverse=True)


@settings(max_examples=25)
@given(shapes(), lines)
def test_pieces_are_the_shape(shape: MultiPolygon, line: list[tuple[float, float]]) -> None:
    pieces = split(shape, line)
    whole = valid(shape)
    if len(pieces) == 1:
        assert pieces == [shape], "not even repaired"
        return
    assert sum(piece.area for piece in pieces) == pytest.approx(whole.area, abs=1e-4)
    assert all(piece.is_valid for piece in pieces)
    counted = np.sum([inside(piece) for piece in pieces], axis=0)
    sure = clear(shape) & (shapely.distance(shapely.LineString(line), shapely.points(X, Y)) > 1e-6)
    assert np.array_equal(counted[sure], inside(whole)[sure].astype(int))


def test_a_line_across_makes_two_pieces_that_share_its_ends() -> None:
    large, small = split(rectangle(10, 10, 40, 40), [(30, 0), (30, 47)])
    assert large.equals(rectangle(10, 10, 30, 40))
    assert small.equals(rectangle(30, 10, 40, 40))
    shared = {tuple(p) for p in to_parts(large)[0][0]} & {tuple(p) for p in to_parts(small)[0][0]}
    assert shared == {(30.0, 10.0), (30.0, 40.0)}


def test_a_line_through_a_hole_makes_two_pieces_without_it() -> None:
    pieces = split(RING, [(25, 0), (25, 47)])
    assert [to_parts(piece) and len(to_parts(piece)[0]) for piece in pieces] == [1, 1]


@pytest.mark.parametrize("line", [[(0, 25), (25, 25)], [(20, 20), (35, 35)], [(0, 0), (60, 0)], [(10, 10), (10, 40)]])
def test_a_line_that_does_not_cross_cuts_nothing(line: list[tuple[float, float]]) -> None:
    square = rectangle(10, 10, 40, 40)
    assert split(square, line) == [square]


def test_a_line_that_turns_round_cuts_a_piece_out() -> None:
    rest, piece = split(rectangle(10, 10, 40, 40), [(20, 20), (30, 20), (30, 30), (20, 30), (20, 19)])
    assert piece.equals(rectangle(20, 20, 30, 30))
    assert rest.equals(RING)


def test_parts_that_are_not_cut_stay_with_the_largest_piece() -> None:
    two = combine(rectangle(0, 0, 10, 10), rectangle(20, 0, 40, 10), ADD, SIZE)
    pieces = split(two, [(25, -5), (25, 20)])
    assert [piece.area for piece in pieces] == [250, 50]
    assert len(pieces[0].geoms) == 2
