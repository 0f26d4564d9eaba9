from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from annotator.core.annotation import Origin
from tests.annotator.canvas.conftest import CTRL, LEFT, NO, Bench, corners


@pytest.fixture
def drawing(bench: Bench) -> Bench:
    bench.view.draw_category = 2
    bench.view.set_tool("polygon")
    return bench


def drawn(bench: Bench) -> list[tuple[float, float]]:
    return corners(bench.document.selected[-1])


TRIANGLE = [(220, 100), (280, 100), (280, 160)]


def clicks(bench: Bench, points: list[tuple[int, int]]) -> None:
    for point in points:
        bench.click(*point)


def test_clicks_and_enter_draw(drawing: Bench) -> None:
    clicks(drawing, TRIANGLE)
    assert drawing.made == []
    drawing.key(Qt.Key.Key_Return)
    record = drawing.document.selected[0]
    assert corners(record) == TRIANGLE
    assert (record.id, record.category_id, record.origin) == (1000, 2, Origin.DRAWN)
    assert len(drawing.made) == 1


def test_a_click_at_the_first_vertex_closes(drawing: Bench) -> None:
    clicks(drawing, [*TRIANGLE, (222, 102)])
    assert drawn(drawing) == TRIANGLE


def test_a_double_click_puts_the_last_vertex_and_closes(drawing: Bench) -> None:
    clicks(drawing, TRIANGLE[:2])
    drawing.double_click(280, 160)
    assert drawn(drawing) == TRIANGLE


def test_backspace_takes_back_escape_gives_up(drawing: Bench) -> None:
    clicks(drawing, [*TRIANGLE, (230, 290)])
    drawing.key(Qt.Key.Key_Backspace)
    drawing.key(Qt.Key.Key_Return)
    assert drawn(drawing) == TRIANGLE
    clicks(drawing, TRIANGLE)
    drawing.key(Qt.Key.Key_Escape)
    drawing.key(Qt.Key.Key_Return)
    assert len(drawing.made) == 1


def test_fewer_than_three_vertices_or_no_area_are_not_closed(drawing: Bench) -> None:
    clicks(drawing, TRIANGLE[:2])
    drawing.key(Qt.Key.Key_Return)
    drawing.click(250, 100)
    drawing.key(Qt.Key.Key_Return)
    assert drawing.made == []
    drawing.key(Qt.Key.Key_Backspace)
    drawing.click(280, 160)
    drawing.key(Qt.Key.Key_Enter)
    assert drawn(drawing) == TRIANGLE


def test_vertices_stay_in_the_photo(drawing: Bench) -> None:
    clicks(drawing, [(350, 250), (404, 250), (404, 304)])
    drawing.key(Qt.Key.Key_Return)
    assert drawn(drawing) == [(350, 250), (400, 250), (400, 300)]


def test_freehand_is_simplified_and_closed_where_it_comes_back(drawing: Bench) -> None:
    drawing.press(220, 100)
    for x in range(222, 281, 2):
        drawing.drag_to(x, 100)
    for y in range(100, 161, 2):
        drawing.drag_to(280, y)
    for step in range(31):
        drawing.drag_to(280 - 2 * step, 160 - 2 * step)
    drawing.release(220, 100)
    assert len(drawing.made) == 1
    points = drawn(drawing)
    assert len(points) <= 5
    for (x, y), (true_x, true_y) in zip(points, TRIANGLE, strict=False):
        assert abs(x - true_x) <= 4
        assert abs(y - true_y) <= 4


def test_clicks_that_slip_draw_nothing_freehand(drawing: Bench) -> None:
    for x, y in TRIANGLE:
        drawing.drag((x, y), (x + 2, y + 2))
    drawing.key(Qt.Key.Key_Return)
    assert drawn(drawing) == TRIANGLE


def test_freehand_and_clicks_mix(drawing: Bench) -> None:
    drawing.press(220, 100)
    for x in range(222, 281, 2):
        drawing.drag_to(x, 100)
    drawing.release(280, 100)
    drawing.click(280, 160)
    drawing.key(Qt.Key.Key_Return)
    points = drawn(drawing)
    assert points[0] == (220, 100)
    assert points[-1] == (280, 160)


def test_without_a_class_it_asks_for_one(drawing: Bench) -> None:
    drawing.view.draw_category = None
    asked = []
    drawing.view.category_needed.connect(lambda: asked.append(True))
    clicks(drawing, TRIANGLE)
    assert asked == [True] * 3
    assert drawing.hints[-1] == "Choose a class to draw with"
    drawing.key(Qt.Key.Key_Return)
    assert drawing.made == []


def test_keys_are_taken_only_while_a_polygon_is_begun(drawing: Bench) -> None:
    def taken(key: Qt.Key) -> bool:
        event = QKeyEvent(QKeyEvent.Type.ShortcutOverride, key, NO)
        event.ignore()
        QApplication.sendEvent(drawing.view, event)
        return event.isAccepted()

    keys = [Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Backspace]
    assert not any(map(taken, keys))
    drawing.click(*TRIANGLE[0])
    assert all(map(taken, keys))
    assert not taken(Qt.Key.Key_D)


def test_another_tool_or_photo_closes_what_is_a_polygon_and_drops_what_is_none(drawing: Bench) -> None:
    clicks(drawing, TRIANGLE[:2])
    drawing.view.set_tool("select")
    assert drawing.made == []
    drawing.view.set_tool("polygon")
    clicks(drawing, TRIANGLE)
    drawing.view.set_tool("select")
    assert len(drawing.made) == 1
    drawing.view.set_tool("polygon")
    clicks(drawing, TRIANGLE)
    drawing.view.finish()
    assert len(drawing.made) == 2
    drawing.view.finish()
    assert len(drawing.made) == 2


def test_it_is_painted_while_it_is_drawn(drawing: Bench) -> None:
    before = drawing.color(250, 100)
    clicks(drawing, TRIANGLE[:2])
    assert drawing.color(250, 100) != before
    drawing.key(Qt.Key.Key_Escape)
    assert drawing.color(250, 100) == before


def nucleus(x: float, y: float, radius: float = 4.5) -> list[tuple[float, float]]:
    turns = [2 * math.pi * k / 8 for k in range(8)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]


def test_an_object_of_nine_pixels_is_drawn_selected_and_deleted_where_the_photo_is_small(drawing: Bench) -> None:
    drawing.view.resize(304, 234)
    drawing.view.fit()
    assert drawing.view.scale_factor < 0.75
    ring = nucleus(250, 200)
    for x, y in [*ring, ring[0]]:
        drawing.click(x, y)
    assert len(corners(drawing.document.selected[-1])) == 8
    drawing.document.select(())
    drawing.view.set_tool("select")
    drawing.click(250, 200)
    assert drawing.document.selection == (1000,)
    drawing.key(Qt.Key.Key_Delete)
    assert 1000 not in drawing.document


def test_quick_clicks_on_a_small_object_each_put_a_vertex(drawing: Bench) -> None:
    (ax, ay), (bx, by), (cx, cy) = [(250, 200), (252, 200), (252, 202)]
    drawing.click(ax, ay)
    drawing.send(QEvent.Type.MouseButtonDblClick, bx, by, LEFT, LEFT, NO)
    drawing.release(bx, by)
    drawing.click(cx, cy)
    drawing.key(Qt.Key.Key_Return)
    assert drawn(drawing) == [(250, 200), (252, 200), (252, 202)]


def test_the_first_vertex_of_a_large_polygon_is_easy_to_reach(drawing: Bench) -> None:
    clicks(drawing, [*TRIANGLE, (224, 104)])
    assert drawn(drawing) == TRIANGLE


def test_vertices_snap_to_other_objects_and_the_border_exactly(drawing: Bench) -> None:
    drawing.view.snaps = True
    clicks(drawing, [(198, 103), (298, 23), (302, 2), (250, 2)])
    drawing.key(Qt.Key.Key_Return)
    assert drawing.document.selected[-1].shape.geoms[0].exterior.coords[:-1] == [
        (200, 100), (300, 20), (302, 0), (250, 0),
    ]  # fmt: skip


def test_ctrl_snaps_for_the_moment_or_not(drawing: Bench) -> None:
    clicks(drawing, [(250, 50)])
    drawing.click(298, 23, CTRL)
    drawing.view.snaps = True
    drawing.click(298, 57, CTRL)
    drawing.key(Qt.Key.Key_Return)
    assert drawn(drawing) == [(250, 50), (300, 20), (298, 57)]


def test_a_double_click_closes_where_its_vertex_has_snapped(drawing: Bench) -> None:
    drawing.view.snaps = True
    clicks(drawing, [(250, 50), (250, 60)])
    drawing.double_click(298, 58)
    assert drawn(drawing) == [(250, 50), (250, 60), (300, 60)]


def test_it_is_marked_where_a_vertex_will_snap(drawing: Bench) -> None:
    before = drawing.color(295, 95)
    drawing.view.snaps = True
    drawing.hover(202, 98)
    marked = drawing.view.grab().toImage()
    drawing.hover(240, 240)
    assert drawing.color(295, 95) == before
    assert marked != drawing.view.grab().toImage()
