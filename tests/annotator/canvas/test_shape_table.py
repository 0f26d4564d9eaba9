from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.canvas.painter_paths import PathCache, path_of
from annotator.canvas.shape_table import ShapeTable
from annotator.core.annotation import Annotation
from dataset.geometry import from_parts, rectangle

RING = [(0, 0), (100, 0), (100, 100), (0, 100)]
HOLE = [(40, 40), (60, 40), (60, 60), (40, 60)]


def circle(x: float, y: float, radius: float, count: int = 400) -> shapely.MultiPolygon:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return from_parts([[np.column_stack((np.cos(angles), np.sin(angles))) * radius + (x, y)]])


def elements(path: object) -> list[tuple[bool, float, float]]:
    at = path.elementAt  # type: ignore[attr-defined]
    return [(at(i).isMoveTo(), at(i).x, at(i).y) for i in range(path.elementCount())]  # type: ignore[attr-defined]


SHAPES = [
    from_parts([[RING, HOLE], [[(200, 0), (210, 0), (210, 10)]]]),
    from_parts([]),
    circle(300, 300, 50),
    rectangle(10, 20, 30, 40),
]


@pytest.mark.parametrize("scale", [0.05, 0.4, 1.0, 3.0])
def test_a_row_alone_is_the_path_of_its_record(scale: float) -> None:
    table = ShapeTable(SHAPES)
    for row, shape in enumerate(SHAPES):
        assert elements(table.path([row], scale)) == elements(PathCache().get(Annotation(row, 1, shape), scale))


def test_several_rows_are_one_after_the_other() -> None:
    together = elements(ShapeTable(SHAPES).path([0, 3], 2.0))
    assert together == elements(path_of(SHAPES[0])) + elements(path_of(SHAPES[3]))


def test_bounds_and_tops_are_those_of_each_shape() -> None:
    table = ShapeTable(SHAPES)
    assert table.bounds[3].tolist() == [10, 20, 30, 40]
    assert np.isnan(table.bounds[1]).all()
    tops = table.tops()
    assert tops[0].tolist() == [0, 0]
    assert np.isnan(tops[1]).all()
    assert tops[2] == pytest.approx([300, 250], abs=0.05)
    assert tops[3].tolist() == [10, 20]


@pytest.mark.parametrize("shapes", [[], [from_parts([])], [from_parts([]), from_parts([])]])
def test_of_nothing_there_is_nothing(shapes: list[shapely.MultiPolygon]) -> None:
    table = ShapeTable(shapes)
    assert table.tops().shape == (len(shapes), 2)
    assert table.path(range(len(shapes)), 0.1).isEmpty()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 900), st.floats(0, 900), st.floats(0.01, 90), st.integers(3, 60)), max_size=6))
def test_thinned_together_as_alone(circles: list[tuple[float, float, float, int]]) -> None:
    shapes = [circle(*c) for c in circles]
    table = ShapeTable(shapes)
    for row, shape in enumerate(shapes):
        assert elements(table.path([row], 0.3)) == elements(PathCache().get(Annotation(1, 1, shape), 0.3))
