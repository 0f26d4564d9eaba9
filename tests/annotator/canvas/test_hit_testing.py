from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from annotator.canvas.hit_testing import Hit, HitKind, Index, Outline, extent, handle_at
from annotator.core.annotation import Annotation, Keypoint, Visibility
from dataset.geometry import VertexRef, from_parts
from tests.annotator.canvas.conftest import square, triple

DONUT = Annotation(
    1,
    1,
    from_parts([[[(0, 0), (100, 0), (100, 100), (0, 100)], [(40, 40), (60, 40), (60, 60), (40, 60)]]]),
)
TWO_PARTS = Annotation(1, 1, from_parts([[[(0, 0), (10, 0), (10, 10)]], [[(50, 50), (60, 50), (60, 60)]]]))


def at(record: Annotation, x: float, y: float, scale: float = 1.0) -> Hit | None:
    return handle_at(record, Outline.of(record), x, y, scale)


@pytest.mark.parametrize(
    ("x", "y", "inside"),
    [(50, 20, True), (50, 50, False), (-1, 50, False), (101, 50, False), (50, -1, False), (5, 5, True), (41, 39, True)],
)
def test_even_odd_containment(x: float, y: float, inside: bool) -> None:
    assert Outline.of(DONUT).contains(x, y) is inside


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=3, max_size=12, unique=True),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_containment_agrees_with_shapely(points: list[tuple[int, int]], x: int, y: int) -> None:
    shape = from_parts([[points]])
    point = shapely.Point(x + 0.37, y + 0.41)  # on no edge between whole numbers that matters
    if not shape.is_valid or shape.boundary.distance(point) < 1e-9:
        return
    assert Outline.of(Annotation(1, 1, shape)).contains(point.x, point.y) == shape.contains(point)


def test_nearest_edge_is_the_closing_one_too() -> None:
    row, distance, foot = Outline.of(square(1, 0, 0, 10)).nearest_edge(-2, 5)
    assert (row, distance, foot) == (3, 2.0, (0.0, 5.0))


def test_an_edge_of_no_length_is_a_point() -> None:
    record = Annotation(1, 1, from_parts([[[(0, 0), (0, 0), (10, 0), (10, 10)]]]))
    row, distance, foot = Outline.of(record).nearest_edge(0, -3)
    assert (distance, foot) == (3.0, (0.0, 0.0))
    assert row in (0, 1)


def test_an_empty_shape_has_nothing_near() -> None:
    outline = Outline.of(Annotation(1, 1))
    assert outline.nearest_vertex(0, 0) == (-1, np.inf)
    assert outline.nearest_edge(1, 2) == (-1, np.inf, (1, 2))
    assert not outline.contains(0, 0)
    assert at(Annotation(1, 1), 0, 0) is None


def test_vertex_then_edge_then_nothing() -> None:
    record = square(1, 100, 100, 100)
    assert at(record, 103, 103) == Hit(HitKind.VERTEX, 1, 100.0, 100.0, vertex=VertexRef(0, 0, 0))
    assert at(record, 150, 103) == Hit(HitKind.EDGE, 1, 150.0, 100.0, vertex=VertexRef(0, 0, 0))
    assert at(record, 97, 150) == Hit(HitKind.EDGE, 1, 100.0, 150.0, vertex=VertexRef(0, 0, 3))
    assert at(record, 150, 150) is None
    assert at(record, 150, 90) is None


def test_reach_is_in_screen_pixels() -> None:
    record = square(1, 100, 100, 100)
    assert at(record, 104, 104, scale=4.0) is None
    found = at(record, 85, 85, scale=0.3)
    assert found is not None
    assert found.kind is HitKind.VERTEX


def test_vertices_of_holes_and_parts_have_their_address() -> None:
    hole = at(DONUT, 60, 58)
    assert hole is not None
    assert hole.vertex is not None
    assert (hole.kind, hole.vertex[:2]) == (HitKind.VERTEX, (0, 1))
    part = at(TWO_PARTS, 60, 62)
    assert part is not None
    assert part.vertex == VertexRef(1, 0, 2)


def test_keypoints_lie_over_vertices() -> None:
    record = square(1, 100, 100, 100, keypoints=(Keypoint(102.0, 100.0, Visibility.VISIBLE),))
    assert at(record, 100, 100, scale=4.0) == Hit(HitKind.KEYPOINT, 1, 102.0, 100.0, keypoint=0)


def test_unlabelled_keypoints_are_not_there() -> None:
    record = square(1, -50, -50, 100, keypoints=(Keypoint(0.0, 0.0, Visibility.UNLABELLED),))
    assert at(record, 0, 0) is None


def test_occluded_keypoints_keep_their_index() -> None:
    found = at(square(1, 100, 100, 100, keypoints=triple()), 169, 170, scale=2.0)
    assert found is not None
    assert found.keypoint == 1


def test_a_tiny_shape_can_still_be_grabbed_inside() -> None:
    assert at(square(1, 100, 100, 9), 104.5, 104.5) is None


class TestIndex:
    def test_smallest_first_then_topmost(self) -> None:
        index = Index([square(1, 0, 0, 100), square(2, 20, 20, 20), square(3, 20, 20, 20)])
        assert index.at(30, 30, 1.0) == [3, 2, 1]
        assert index.at(80, 80, 1.0) == [1]
        assert index.at(180, 80, 1.0) == []

    def test_an_outline_is_reached_from_just_outside(self) -> None:
        index = Index([square(1, 0, 0, 100)])
        assert index.at(103, 50, 1.0) == [1]
        assert index.at(103, 50, 2.0) == []

    def test_a_hole_is_not_the_shape(self) -> None:
        assert Index([DONUT]).at(50, 50, 1.0) == []

    def test_keypoints_alone_can_be_hit(self) -> None:
        alone = Annotation(7, 1, keypoints=triple())
        index = Index([alone, square(1, 100, 100, 100)])
        assert index.at(131, 131, 1.0) == [7, 1]
        assert index.at(150, 150, 1.0) == [1]

    def test_rectangles(self) -> None:
        index = Index([square(1, 0, 0, 10), square(2, 20, 0, 10)])
        assert index.inside(-1, -1, 15, 15) == [1]
        assert [index[row].id for row in index.crossing(5, 5, 25, 6)] == [1, 2]
        assert [index[row].id for row in index.crossing(11, 0, 19, 9)] == []

    def test_nothing_is_in_an_empty_one(self) -> None:
        assert Index().at(0, 0, 1.0) == []
        assert Index().inside(0, 0, 9, 9) == []
        assert len(Index()) == 0

    def test_outlines_are_taken_over_only_for_the_same_record(self) -> None:
        same, old, new = square(1, 0, 0, 10), square(2, 0, 0, 10), square(2, 50, 0, 10)
        before = Index([same, old])
        kept, dropped = before.outline(same), before.outline(old)
        after = Index([same, new], before)
        assert after.outline(same) is kept
        assert after.outline(new) is not dropped
        assert after.outline(new).starts[0].tolist() == [50, 0]


def test_extent_covers_shape_and_keypoints() -> None:
    far = square(
        1, 10, 10, 5, keypoints=(Keypoint(90.0, 2.0, Visibility.OCCLUDED), Keypoint(0, 0, Visibility.UNLABELLED))
    )
    assert extent(far) == (10, 2, 90, 15)
    assert extent(Annotation(1, 1)) == (0, 0, 0, 0)


def test_rows_of_vertices_by_their_addresses() -> None:
    hole = [(2, 2), (4, 2), (4, 4)]
    record = Annotation(1, 1, from_parts([[[(0, 0), (9, 0), (9, 9), (0, 9)], hole], [[(20, 0), (30, 0), (30, 9)]]]))
    outline = Outline.of(record)
    assert [outline.rows([outline.ref(row)]).tolist() for row in range(len(outline.refs))] == [
        [row] for row in range(len(outline.refs))
    ]
    assert outline.rows([outline.ref(8), outline.ref(0)]).tolist() == [0, 8]
    assert outline.rows([]).tolist() == []
    assert outline.rows([VertexRef(0, 0, 99)]).tolist() == []
