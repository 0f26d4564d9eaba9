from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.canvas.hit_testing import Index
from annotator.canvas.snapping import SNAP_REACH, Snap, snap
from annotator.core.annotation import Annotation
from dataset.geometry import from_parts
from tests.annotator.canvas.conftest import square

SIZE = (400, 300)
TWO = Index([square(1, 100, 100, 100), square(2, 300, 20, 40)])


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (103, 98, Snap(100, 100, is_vertex=True)),
        (150, 104, Snap(150, 100, is_vertex=False)),
        (150, 110, None),
        (250, 250, None),
        (396, 150, Snap(400, 150, is_vertex=False)),
        (-3, 296, Snap(0, 300, is_vertex=True)),
        (200, 306, Snap(200, 300, is_vertex=False)),
    ],
)
def test_vertices_before_edges_before_nothing(x: float, y: float, expected: Snap | None) -> None:
    assert snap(TWO, x, y, 1.0, SIZE) == expected


def test_the_reach_is_one_of_the_screen_and_smaller_at_a_small_object() -> None:
    assert snap(TWO, 103, 97, 4.0, SIZE) is None
    small = Index([square(1, 100, 100, 7)])
    assert snap(small, 99, 99, 1.0, SIZE) == Snap(100, 100, is_vertex=True)
    assert snap(small, 95, 95, 1.0, SIZE) is None


def test_an_object_does_not_snap_to_itself() -> None:
    assert snap(TWO, 103, 98, 1.0, SIZE, without=1) is None


@given(st.floats(-20, 420), st.floats(-20, 320), st.floats(0.25, 8))
def test_what_it_snaps_to_is_in_reach_and_in_the_photo(x: float, y: float, scale: float) -> None:
    found = snap(TWO, x, y, scale, SIZE)
    if found is not None:
        assert max(abs(found.x - x), abs(found.y - y)) * scale <= SNAP_REACH + 1e-6
        assert 0 <= found.x <= 400
        assert 0 <= found.y <= 300
    if found is not None and found.is_vertex:
        corners = [(0, 0), (400, 0), (400, 300), (0, 300)]
        squares = [tuple(v) for record in TWO for v in np.asarray(record.shape.geoms[0].exterior.coords).tolist()]
        assert (found.x, found.y) in [*corners, *squares], "exactly a vertex"


def test_among_five_thousand_it_takes_no_time() -> None:
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.stack((np.cos(turns), np.sin(turns)), axis=1) * 12
    places = [(30 * (i % 71), 30 * (i // 71)) for i in range(5000)]
    index = Index(Annotation(i + 1, 1, from_parts([[ring + place]])) for i, place in enumerate(places))
    points = np.random.default_rng(0).uniform(0, 2100, (200, 2)).tolist()
    started = time.thread_time()
    found = [snap(index, x, y, 1.0, (2130, 2130)) for x, y in points]
    assert (time.thread_time() - started) / len(points) < 0.005
    assert any(found)
