from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.canvas.hit_testing import extent
from annotator.canvas.tools.drags import (
    InsertVertex,
    MoveKeypoint,
    MoveObjects,
    MoveVertices,
    clamp,
    moved,
    same_structure,
)
from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from dataset.geometry import VertexRef, from_parts, rectangle
from tests.annotator.canvas.conftest import SIZE, corners, square, triple

if TYPE_CHECKING:
    from annotator.canvas.tools.drags import Drag

FAR = st.floats(-1000, 1000)


@given(FAR, FAR)
def test_what_is_inside_stays_inside_and_keeps_its_form(dx: float, dy: float) -> None:
    records = (square(1, 100, 100, 50, keypoints=triple()), square(2, 300, 20, 40))
    after = moved(records, dx, dy, SIZE)
    for record in records:
        now = after.get(record.id, record)
        x0, y0, x1, y1 = extent(now)
        assert x0 >= -1e-9
        assert y0 >= -1e-9
        assert x1 <= SIZE[0] + 1e-9
        assert y1 <= SIZE[1] + 1e-9
        assert now.shape.area == pytest.approx(record.shape.area)


def test_what_sticks_out_gets_no_farther_out_but_back_in() -> None:
    out = square(1, -30, 100, 50)
    assert moved((out,), -5, 0, SIZE) == {}
    assert moved((out,), 10, 0, SIZE)[1].shape.bounds[0] == -20


def test_a_moved_box_is_a_box_a_reshaped_one_is_not() -> None:
    box = Annotation(1, 1, rectangle(10, 10, 50, 50), is_box=True)
    assert moved((box,), 5, 5, SIZE)[1].is_box
    assert not MoveVertices(box, frozenset((VertexRef(0, 0, 0),)), SIZE, VertexRef(0, 0, 0)).at(1, 1)[1].is_box


def test_a_keypoint_outside_the_outline_stays_in_the_photo_too() -> None:
    record = square(1, 100, 100, 20, keypoints=(Keypoint(5.0, 110.0, Visibility.VISIBLE),))
    assert moved((record,), -50, 0, SIZE)[1].keypoints[0].x == 0


def test_no_way_is_no_change() -> None:
    record = square(1, 100, 100, 20, keypoints=triple())
    drags: list[Drag] = [
        MoveObjects((record,), SIZE),
        MoveVertices(record, frozenset((VertexRef(0, 0, 0),)), SIZE, VertexRef(0, 0, 0)),
        MoveKeypoint(record, 0, SIZE),
    ]
    assert [drag.at(0, 0) for drag in drags] == [{}, {}, {}]


def test_a_vertex_goes_in_after_its_edge_starts_also_on_the_closing_edge() -> None:
    drag = InsertVertex(square(1, 100, 100, 20), VertexRef(0, 0, 3), 100, 110, SIZE)
    after = drag.at(-10, 0)[1]
    assert corners(after)[drag.ref.index] == (90, 110)
    assert len(corners(after)) == 5


def test_who_made_it_is_kept_right() -> None:
    drawn, accepted = square(1, 10, 10, 20), square(2, 10, 10, 20, origin=Origin.SUGGESTED)
    after = moved((drawn, accepted), 5, 0, SIZE)
    assert (after[1].origin, after[2].origin) == (Origin.DRAWN, Origin.EDITED)


def test_texts_say_how_many() -> None:
    record, other = square(1, 100, 100, 20), square(2, 10, 10, 20)
    drag = MoveObjects((record, other), SIZE)
    assert drag.text(drag.at(1, 1)) == "move 2 objects"
    two = frozenset((VertexRef(0, 0, 0), VertexRef(0, 0, 1)))
    assert MoveVertices(record, two, SIZE, VertexRef(0, 0, 0)).text({}) == "move 2 vertices"


def test_structure_is_about_vertices_and_keypoints_not_where_they_are() -> None:
    record = square(1, 100, 100, 20)
    assert same_structure(record, square(5, 0, 0, 3))
    assert not same_structure(record, square(1, 100, 100, 20, keypoints=triple()))
    assert not same_structure(record, Annotation(1, 1, from_parts([[[(0, 0), (1, 0), (1, 1)]]])))
    assert not same_structure(record, None)


def test_clamp() -> None:
    assert clamp(-1, 301, SIZE) == (0, 300)
    assert clamp(400, 0, SIZE) == (400, 0)
