from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.geometry import (
    RingRef,
    VertexRef,
    bounds,
    delete_vertices,
    from_exteriors,
    from_parts,
    insert_vertex,
    iou,
    move_vertex,
    rectangle,
    rings,
    rounded,
    to_parts,
    translate,
    valid,
)
from tests.painting import to_mask
from tests.strategies import shapes

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
HOLE = [(2, 2), (2, 5), (5, 5)]
TWO = from_parts([[SQUARE, HOLE], [[(20, 0), (30, 0), (30, 10)]]])


@given(shapes())
def test_parts_there_and_back(shape: MultiPolygon) -> None:
    assert from_parts(to_parts(shape)) == shape


POINTS = st.sampled_from([0.0, 0.004, 1.0, 5.0, -0.0])


@given(st.lists(st.lists(st.lists(st.tuples(POINTS, POINTS), min_size=3, max_size=6), max_size=3), max_size=4))
def test_many_shapes_at_once_are_those_made_one_by_one(shapes: list[list[list[tuple[float, float]]]]) -> None:
    found = from_exteriors([[np.array(ring) for ring in shape] for shape in shapes])
    assert found == [from_parts([[ring] for ring in shape]) for shape in shapes]


@given(st.lists(st.lists(st.lists(st.tuples(POINTS, POINTS), max_size=6), min_size=1, max_size=3), max_size=3))
def test_rounded_parts_are_those_of_the_shape(parts: list[list[list[tuple[float, float]]]]) -> None:
    shape = from_parts([[np.round(np.reshape(ring, (-1, 2)), 2) for ring in part] for part in parts])
    expected = [[ring.tolist() for ring in part] for part in to_parts(shape)]
    assert [[ring.tolist() for ring in part] for part in rounded(parts, 2)] == expected


def test_parts_are_not_closed_and_free_to_change() -> None:
    parts = to_parts(TWO)
    assert [[len(ring) for ring in part] for part in parts] == [[4, 3], [3]]
    parts[0][0][0] = 99
    assert to_parts(TWO)[0][0][0].tolist() == [0, 0]


def test_rings_of_fewer_than_three_vertices_are_left_out() -> None:
    line = [(0, 0), (1, 1)]
    assert from_parts([[line]]).is_empty
    assert from_parts([[line, HOLE]]).is_empty
    assert from_parts([[SQUARE, line]]) == from_parts([[SQUARE]])
    assert from_parts([]).is_empty


@given(st.tuples(*[st.integers(-50, 50)] * 4))
def test_a_rectangle_from_any_two_corners(corners: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = corners
    box = rectangle(x0, y0, x1, y1)
    assert bounds(box) == (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    assert box.area == abs((x1 - x0) * (y1 - y0))
    assert box == rectangle(x1, y1, x0, y0) == rectangle(x0, y1, x1, y0)


def test_bounds_of_nothing() -> None:
    assert bounds(MultiPolygon()) == (0, 0, 0, 0)


def test_rings_have_addresses() -> None:
    assert [ref for ref, _ in rings(TWO)] == [RingRef(0, 0), RingRef(0, 1), RingRef(1, 0)]


@given(shapes(), st.data(), st.floats(-9, 99), st.floats(-9, 99))
def test_one_vertex_moves_and_no_other(shape: MultiPolygon, data: st.DataObject, x: float, y: float) -> None:
    ref = data.draw(st.sampled_from(every_vertex(shape)))
    before, after = to_parts(shape), to_parts(move_vertex(shape, ref, x, y))
    before[ref.part][ref.ring][ref.index] = x, y
    assert same(before, after)


@given(shapes(), st.data(), st.floats(-9, 99), st.floats(-9, 99))
def test_a_vertex_is_inserted_after_its_edges_start_and_taken_out_again(
    shape: MultiPolygon, data: st.DataObject, x: float, y: float
) -> None:
    ref = data.draw(st.sampled_from(every_vertex(shape)))
    longer = insert_vertex(shape, ref, x, y)
    ring = to_parts(longer)[ref.part][ref.ring]
    assert ring[ref.index + 1].tolist() == [x, y]
    assert ring[ref.index].tolist() == to_parts(shape)[ref.part][ref.ring][ref.index].tolist()
    assert delete_vertices(longer, [ref._replace(index=ref.index + 1)]) == shape


@given(shapes(), st.data())
def test_deleted_vertices_go_and_the_others_stay(shape: MultiPolygon, data: st.DataObject) -> None:
    doomed = data.draw(st.lists(st.sampled_from(every_vertex(shape)), unique=True))
    expected = []
    for p, part in enumerate(to_parts(shape)):
        left = [
            np.array([xy for i, xy in enumerate(ring) if VertexRef(p, r, i) not in doomed]).reshape(-1, 2)
            for r, ring in enumerate(part)
        ]
        if len(left[0]) >= 3:
            expected.append([ring for ring in left if len(ring) >= 3])
    assert same(expected, to_parts(delete_vertices(shape, doomed)))


@given(shapes(), st.integers(-50, 50), st.integers(-50, 50))
def test_a_shape_moves_as_a_whole(shape: MultiPolygon, dx: int, dy: int) -> None:
    moved = translate(shape, dx, dy)
    assert np.allclose(np.array(bounds(moved)) - bounds(shape), (dx, dy, dx, dy))
    assert math.isclose(moved.area, shape.area)
    assert len(moved.geoms) == len(shape.geoms)


RECTANGLES = st.tuples(*[st.integers(0, 12)] * 4).filter(lambda c: c[0] != c[2] and c[1] != c[3])


@given(st.lists(st.tuples(RECTANGLES, st.lists(RECTANGLES, max_size=2)), min_size=1, max_size=3))
def test_what_measures_agrees_with_the_mask(drawn: list[tuple[tuple, list[tuple]]]) -> None:
    """Parts that overlap are united, holes that stick out of their part add nothing, however they were drawn."""
    parts = [
        [to_parts(rectangle(*exterior))[0][0], *(to_parts(rectangle(*hole))[0][0] for hole in holes)]
        for exterior, holes in drawn
    ]
    shape = from_parts(parts)
    mask = to_mask(shape, (12, 12))
    assert valid(shape).area == mask.sum()
    whole = rectangle(0, 0, 12, 12)
    assert iou(shape, whole) == pytest.approx(mask.mean())


@given(shapes(), shapes())
def test_overlap_is_a_share_and_the_same_both_ways(a: MultiPolygon, b: MultiPolygon) -> None:
    assert 0 <= iou(a, b) <= 1 + 1e-9
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert iou(a, a) == pytest.approx(1)


def test_overlap_of_nothing_and_of_what_only_touches() -> None:
    nothing = MultiPolygon()
    assert iou(nothing, nothing) == iou(nothing, TWO) == iou(TWO, nothing) == 0
    assert iou(rectangle(0, 0, 4, 4), rectangle(4, 0, 8, 4)) == 0
    assert iou(rectangle(0, 0, 4, 4), rectangle(9, 9, 10, 10)) == 0
    assert iou(rectangle(0, 0, 0, 4), rectangle(0, 0, 0, 4)) == 0


def test_a_crossed_outline_covers_what_is_painted() -> None:
    bow_tie = from_parts([[[(0, 0), (10, 10), (10, 0), (0, 10)]]])
    assert valid(bow_tie).area == 50
    assert iou(bow_tie, bow_tie) == pytest.approx(1)


def every_vertex(shape: MultiPolygon) -> list[VertexRef]:
    return [VertexRef(*ref, i) for ref, ring in rings(shape) for i in range(len(ring))]


def same(a: list, b: list) -> bool:
    return [[ring.tolist() for ring in part] for part in a] == [[ring.tolist() for ring in part] for part in b]
