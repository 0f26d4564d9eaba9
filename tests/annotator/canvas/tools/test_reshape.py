from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import Qt

from annotator.core.annotation import Origin
from tests.annotator.canvas.conftest import Bench, triple


@pytest.fixture
def reshaping(bench: Bench) -> Bench:
    """The tool in hand, object 1 selected: a square from (100, 100) to (200, 200)."""
    bench.document.select((1,))
    bench.view.set_tool("reshape")
    return bench


def drag_along(bench: Bench, points: list[tuple[float, float]]) -> None:
    bench.press(*points[0])
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        for step in range(1, 11):
            bench.drag_to(x0 + (x1 - x0) * step / 10, y0 + (y1 - y0) * step / 10)
    bench.release(*points[-1])


def test_a_dragged_line_replaces_the_stretch_in_one_step(reshaping: Bench) -> None:
    before = reshaping.document.state
    drag_along(reshaping, [(199, 120), (230, 120), (230, 180), (202, 180)])
    record = reshaping.document[1]
    assert record.shape.area == pytest.approx(10000 + 1800, rel=0.02)
    assert (record.category_id, record.keypoints, record.origin) == (1, triple(), Origin.DRAWN)
    assert len(reshaping.made) == 1
    reshaping.undo()
    assert reshaping.document.state == before


def test_clicks_and_enter_or_a_double_click(reshaping: Bench) -> None:
    reshaping.click(200, 120)
    reshaping.click(170, 150)
    reshaping.click(200, 180)
    reshaping.key(Qt.Key.Key_Return)
    assert reshaping.document[1].shape.area == pytest.approx(10000 - 900)
    reshaping.click(120, 100)
    reshaping.click(150, 70)
    reshaping.double_click(180, 100)
    assert reshaping.document[1].shape.area == pytest.approx(10000)


def test_a_line_that_does_not_come_back_is_given_up_and_said_so(reshaping: Bench) -> None:
    drag_along(reshaping, [(200, 120), (260, 120)])
    assert reshaping.made == []
    assert reshaping.hints[-1].startswith("Nothing changed")
    assert not reshaping.view.busy


def test_with_nothing_selected_it_is_the_object_under_the_mouse(reshaping: Bench) -> None:
    reshaping.document.select(())
    drag_along(reshaping, [(60, 30), (75, 40), (60, 50)])
    (accepted,) = reshaping.document.selected
    assert accepted.shape.area == pytest.approx(1600 + 150, rel=0.05)
    assert accepted.origin is Origin.EDITED, "a suggestion that is corrected is accepted"
