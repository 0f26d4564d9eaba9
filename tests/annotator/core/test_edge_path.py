from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.edge_path import EdgeMap, nearest_edge

HALVES = np.zeros((60, 80, 3), np.uint8)
HALVES[30:] = 200


def test_a_path_runs_along_the_edge_between_its_ends() -> None:
    path = EdgeMap(HALVES, (5.0, 10.0)).path((75.0, 10.0))
    assert np.abs(path[2:-2, 1] - 30).max() <= 1
    assert (np.diff(path[:, 0]) >= 0).all()


def test_outside_it_goes_straight_on_from_where_the_picture_ends() -> None:
    edges = EdgeMap(HALVES, (5.0, 30.0))
    assert edges.path((120.0, 30.0))[-1].tolist() == [79.5, 30.5]


def test_nothing_is_nearest_where_there_is_no_edge() -> None:
    found = nearest_edge(HALVES, (40.0, 33.0), 5.0)
    assert found is not None
    assert abs(found[1] - 30) <= 1
    assert nearest_edge(HALVES, (40.0, 45.0), 5.0) is None


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(-5, 20), st.floats(-5, 20))
def test_any_picture_and_any_point_will_do(width: int, height: int, seed: int, x: float, y: float) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    edges = EdgeMap(picture, (width / 2, height / 2))
    path = edges.path((x, y))
    assert np.array_equal(path, edges.path((x, y)))
    assert np.isfinite(path).all()
    assert (path >= 0).all()
    assert (path <= (width, height)).all()
    nearest_edge(picture, (x, y), 3.0)
