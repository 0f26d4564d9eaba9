from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage, QPainter

from annotator.canvas.look import pixels_of
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
        assert elements(table.paths([[row]], scale)[0]) == elements(PathCache().get(Annotation(row, 1, shape), scale))


def test_several_rows_are_one_after_the_other() -> None:
    together, alone, none = map(elements, ShapeTable(SHAPES).paths([[0, 3], [2], [1]], 2.0))
    assert together == elements(path_of(SHAPES[0])) + elements(path_of(SHAPES[3]))
    assert alone == elements(path_of(SHAPES[2]))
    assert none == []


@pytest.mark.usefixtures("qapp")
@given(
    shapes=st.lists(st.tuples(st.floats(0, 200), st.floats(0, 160), st.floats(1, 90), st.integers(3, 60)), max_size=5),
    left=st.integers(0, 180),
    top=st.integers(0, 140),
    holes=st.booleans(),
)
def test_of_a_part_of_the_photo_all_is_painted_that_is_seen_there(
    shapes: list[tuple[float, float, float, int]], left: int, top: int, holes: bool
) -> None:
    table = ShapeTable([*(circle(*c) for c in shapes), SHAPES[0 if holes else 3]])
    groups = [list(range(len(shapes))), [len(shapes)]]
    box = (left - 5.0, top - 5.0, left + 25.0, top + 25.0)
    images = []
    for part in (None, box):
        image = QImage(400, 400, QImage.Format.Format_RGB32)  # at its edges, lines would be clipped, too
        image.fill(0)
        painter = QPainter(image)
        painter.setPen(QColor("white"))
        painter.translate(100, 100)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for path in table.paths(groups, 1.0, part):
            painter.drawPath(path)
        painter.end()
        images.append(pixels_of(image)[top + 100 : top + 120, left + 100 : left + 120].copy())
    assert np.array_equal(images[0], images[1])


def test_of_a_part_of_the_photo_what_is_elsewhere_is_left_out() -> None:
    table = ShapeTable(SHAPES)
    (path,) = table.paths([[0, 2]], 1.0, (95, 45, 105, 55))
    assert elements(path) == [(True, 0, 0), (False, 100, 0), (False, 100, 100), (False, 0, 100)]


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
    assert all(path.isEmpty() for path in table.paths([range(len(shapes)), []], 0.1, (0, 0, 9, 9)))
    assert table.paths([], 0.1) == []


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 900), st.floats(0, 900), st.floats(0.01, 90), st.integers(3, 60)), max_size=6))
@example([(0.0, 0.0, 1.0, 4)])  # so few vertices that none is left out
def test_thinned_together_as_alone(circles: list[tuple[float, float, float, int]]) -> None:
    shapes = [circle(*c) for c in circles]
    table = ShapeTable(shapes)
    for row, shape in enumerate(shapes):
        assert elements(table.paths([[row]], 0.3)[0]) == elements(PathCache().get(Annotation(1, 1, shape), 0.3))
