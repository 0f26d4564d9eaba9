"""The brush and the eraser on the canvas, by real events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
import shapely
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from annotator.core.annotation import Origin
from annotator.core.document import ObjectMarks, ShownRecords
from dataset.geometry import to_parts
from dataset.masks import rasterize
from dataset.rle import merge
from tests.annotator.canvas.conftest import NO, SHIFT, SIZE, Bench, square, triple
from tests.strategies import coco_decode


def mask(record_shapes: Iterable[shapely.MultiPolygon]) -> np.ndarray:
    return coco_decode({**merge([rasterize(to_parts(shape), SIZE) for shape in record_shapes])})


def stamped(start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    """The pixels whose centre is within 10 of a line."""
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    along = np.array(end) - start
    share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along), 0, 1)
    return np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1]) <= 10


@pytest.fixture
def brush(bench: Bench) -> Bench:
    bench.view.draw_category = 2
    bench.view.brush_size = 20
    bench.view.set_tool("brush")
    return bench


@pytest.fixture
def eraser(brush: Bench) -> Bench:
    brush.view.set_tool("eraser")
    return brush


def wheel(bench: Bench, notches: int, keys: Qt.KeyboardModifier) -> None:
    at = QPointF(bench.at(50, 50))
    event = QWheelEvent(
        at, at, QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(bench.view.viewport(), event)


def test_with_nothing_selected_a_stroke_is_a_new_object_and_the_next_one_adds_to_it(brush: Bench) -> None:
    brush.drag((230, 150), (280, 150))
    record = brush.document.selected[0]
    assert (record.category_id, record.origin, record.is_box) == (2, Origin.DRAWN, False)
    assert (mask([record.shape]) == stamped((230, 150), (280, 150))).all()
    brush.drag((280, 150), (280, 200))
    assert brush.document.selection == (record.id,)
    both = stamped((230, 150), (280, 150)) | stamped((280, 150), (280, 200))
    assert (mask([brush.document[record.id].shape]) == both).all()
    brush.undo()
    assert brush.document[record.id] is record
    brush.undo()
    assert record.id not in brush.document


def test_the_brush_adds_to_the_selected_object_and_nothing_else_of_it_changes(brush: Bench) -> None:
    brush.document.select((1,))
    before = brush.document[1]
    brush.drag((190, 150), (230, 150))
    after = brush.document[1]
    assert replace(after, shape=before.shape) == before
    assert after.keypoints == triple()
    assert (mask([after.shape]) == mask([before.shape]) | stamped((190, 150), (230, 150))).all()
    corners = {(100, 100), (200, 100), (200, 200), (100, 200)}
    assert corners <= set(map(tuple, shapely.get_coordinates(after.shape).tolist())), "where no stroke came"
    brush.undo()
    assert brush.document[1] is before


def test_the_eraser_cuts_from_the_selected_object_only(eraser: Bench) -> None:
    eraser.document.select((1,))
    before, other = eraser.document[1], eraser.document[2]
    eraser.drag((150, 150), (320, 40))
    assert eraser.document[2] is other
    assert (mask([eraser.document[1].shape]) == mask([before.shape]) & ~stamped((150, 150), (320, 40))).all()
    eraser.undo()
    assert eraser.document[1] is before


def test_a_dab_inside_makes_a_hole(eraser: Bench) -> None:
    eraser.document.select((1,))
    eraser.click(150, 150)
    assert len(eraser.document[1].shape.geoms[0].interiors) == 1


def test_with_nothing_selected_all_shown_objects_under_the_eraser_are_cut(eraser: Bench) -> None:
    assert "every object" in eraser.view._tool.hint()
    eraser.drag((150, 150), (40, 40))
    assert eraser.document[1].shape.area < 10000
    assert eraser.document[2].shape.area == 1600
    assert [a.origin for a in eraser.document.annotations] == [Origin.DRAWN, Origin.DRAWN, Origin.EDITED]
    assert not eraser.document.suggestions
    assert len(eraser.made) == 1


def test_hidden_objects_are_untouched(eraser: Bench) -> None:
    eraser.document.shown = ShownRecords(annotations=False)
    before = eraser.document.annotations
    eraser.drag((150, 150), (320, 40))
    assert eraser.document.annotations == before
    assert eraser.made == []
    assert eraser.hints[-1] == "Nothing erased: the stroke met no object"


@pytest.mark.parametrize("marks", [ObjectMarks(locked=frozenset({1})), ObjectMarks(hidden=frozenset({1}))])
def test_one_that_is_locked_or_hidden_is_left_alone(eraser: Bench, marks: ObjectMarks) -> None:
    eraser.document.marks = marks
    before = eraser.document[1]
    eraser.drag((150, 150), (320, 40))
    assert eraser.document[1] is before
    assert eraser.document[2].shape.area < 1600


def test_what_is_erased_entirely_is_deleted_and_undo_brings_it_back(eraser: Bench) -> None:
    eraser.view.brush_size = 200
    before = eraser.document.state
    eraser.document.select((2,))
    eraser.click(320, 40)
    assert 2 not in eraser.document
    assert eraser.document.selection == ()
    eraser.undo()
    assert eraser.document.state == before
    eraser.document.select((-1,))
    eraser.click(40, 40)
    assert [s.id for s in eraser.document.reviewed] == [-1]
    assert eraser.document.annotations == before.annotations


def test_a_suggestion_that_is_painted_is_accepted_and_stays_selected(brush: Bench) -> None:
    brush.document.select((-1,))
    brush.drag((55, 40), (90, 40))
    record = brush.document.selected[0]
    assert (record.id > 0, record.origin, record.score) == (True, Origin.EDITED, 0.9)
    assert not brush.document.suggestions


def test_a_box_becomes_a_shape_and_a_crowd_stays_one(brush: Bench, qtbot: object) -> None:
    for fields in ({"is_box": True}, {"is_crowd": True}):
        bench = Bench(qtbot, [square(1, 100, 100, 100, **fields)])  # type: ignore[arg-type]
        bench.view.set_tool("brush")
        bench.document.select((1,))
        bench.drag((200, 150), (230, 150))
        assert not bench.document[1].is_box
        assert bench.document[1].is_crowd == fields.get("is_crowd", False)


@pytest.mark.parametrize("key", ["escape", "undo"])
def test_escape_and_undo_give_up_the_running_stroke(brush: Bench, key: str) -> None:
    brush.press(230, 150)
    brush.drag_to(280, 150)
    if key == "escape":
        brush.key(Qt.Key.Key_Escape)
    else:
        brush.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    brush.release(280, 150)
    assert brush.made == []
    brush.drag((230, 150), (280, 150))
    assert len(brush.made) == 1


def test_escape_lets_go_of_the_object_so_that_a_new_one_begins(brush: Bench) -> None:
    brush.document.select((1,))
    brush.key(Qt.Key.Key_Escape)
    brush.click(150, 150)
    assert brush.document[1].shape.area == 10000
    assert len(brush.document.annotations) == 3


def test_a_stroke_ends_at_the_edges_of_the_photo_and_one_outside_is_nothing(brush: Bench) -> None:
    brush.drag((390, 290), (405, 305))
    assert brush.document.selected[0].shape.bounds[2:] == SIZE
    brush.document.select(())
    brush.view.brush_size = 4
    brush.click(405, 150)
    assert len(brush.made) == 1


def test_another_tool_keeps_what_was_begun(brush: Bench) -> None:
    brush.press(230, 150)
    brush.drag_to(280, 150)
    brush.view.set_tool("select")
    assert brush.document.selected[0].category_id == 2


def test_without_a_class_one_is_asked_for(brush: Bench) -> None:
    needed: list[bool] = []
    brush.view.category_needed.connect(lambda: needed.append(True))
    brush.view.draw_category = None
    brush.drag((230, 150), (280, 150))
    assert (needed, brush.made) == ([True], [])


def test_the_wheel_with_shift_changes_the_size_and_without_scrolls_or_zooms(brush: Bench) -> None:
    scale = brush.view.scale_factor
    wheel(brush, 1, SHIFT)
    assert (brush.view.brush_size, brush.view.scale_factor) == (22, scale)
    wheel(brush, -2, SHIFT)
    assert brush.view.brush_size == 18
    wheel(brush, 1, Qt.KeyboardModifier.ControlModifier)
    assert brush.view.brush_size == 18
    assert brush.view.scale_factor > scale
    brush.view.set_tool("select")
    wheel(brush, 1, SHIFT)
    assert brush.view.brush_size == 18


def test_the_stroke_and_a_circle_of_the_true_size_are_seen(brush: Bench) -> None:
    plain = brush.color(250, 150)
    brush.hover(250, 150)
    scale = brush.view.scale_factor
    image = brush.view.grab().toImage()
    at = brush.at(250, 150)
    ring = [image.pixelColor(round(at.x() + 10 * scale + d), at.y()).lightness() for d in range(-2, 3)]
    assert max(ring) > 160
    assert min(ring) < 70
    assert brush.color(250, 150) == plain
    brush.press(250, 150)
    brush.drag_to(290, 150)
    assert brush.color(260, 150) != plain
    brush.key(Qt.Key.Key_Escape, NO)
    assert brush.color(260, 150) == plain
