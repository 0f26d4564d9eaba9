from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from annotator.canvas.painter_paths import PathCache, path_of
from annotator.core.annotation import Annotation
from dataset.geometry import from_parts
from tests.annotator.canvas.conftest import square

RING = [(0, 0), (100, 0), (100, 100), (0, 100)]
HOLE = [(40, 40), (60, 40), (60, 60), (40, 60)]


def circle(count: int) -> Annotation:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return Annotation(1, 1, from_parts([[np.column_stack((np.cos(angles), np.sin(angles))) * 50 + 100]]))


def test_a_path_has_the_shapes_rings_parts_and_holes() -> None:
    path = path_of(from_parts([[RING, HOLE], [[(200, 0), (210, 0), (210, 10)]]]))
    elements = [(path.elementAt(i).x, path.elementAt(i).y) for i in range(path.elementCount())]
    assert elements[:5] == [*RING, RING[0]]
    assert [path.elementAt(i).isMoveTo() for i in range(path.elementCount())].count(True) == 3
    assert path.contains(QPointF(20, 20))
    assert not path.contains(QPointF(50, 50))
    assert path.contains(QPointF(208, 3))


def test_an_empty_shape_is_an_empty_path() -> None:
    assert path_of(from_parts([])).isEmpty()


@pytest.mark.parametrize("scale", [0.01, 0.1, 0.5, 0.9])
def test_zoomed_out_there_are_fewer_vertices_in_the_same_place(scale: float) -> None:
    record = circle(3000)
    cache = PathCache()
    path, full = cache.get(record, scale), path_of(record.shape)
    assert path.elementCount() < full.elementCount() / 2
    assert path.elementAt(0).x == path.elementAt(path.elementCount() - 1).x
    seen, true = path.boundingRect(), full.boundingRect()
    for side in ("left", "right", "top", "bottom"):
        assert abs(getattr(seen, side)() - getattr(true, side)()) * scale < 1.0


def test_zoomed_in_nothing_is_left_out() -> None:
    assert PathCache().get(circle(3000), 1.0).elementCount() == 3001


def test_the_same_record_keeps_its_path_another_one_does_not() -> None:
    cache = PathCache()
    first, again = square(1, 0, 0, 10), square(1, 5, 0, 10)
    path = cache.get(first, 2.0)
    assert cache.get(first, 3.0) is path
    other = cache.get(again, 2.0)
    assert other.elementAt(0).x == 5
    cache.keep({1})
    assert cache.get(again, 2.0) is other
    cache.keep({2})
    assert cache.get(again, 2.0) is not other
