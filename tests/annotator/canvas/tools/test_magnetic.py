"""Outlines that follow the edges of the photo, drawn with clicks on the canvas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from PySide6.QtCore import Qt

from annotator.canvas.image_pyramid import ImagePyramid
from annotator.canvas.tools.polyline import PolylineTool
from dataset.geometry import iou, to_parts
from tests.annotator.canvas.conftest import CTRL, NO, SIZE, Bench

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CENTRE, RADIUS = (240, 160), 90
DISC = shapely.MultiPolygon([shapely.Point(CENTRE).buffer(RADIUS, quad_segs=64)])


def show(bench: Bench, inside: int, noise: float) -> None:
    """A disc on a grey ground, with noise in every channel."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    disc = np.where(np.hypot(x - CENTRE[0], y - CENTRE[1]) < RADIUS, inside, 100)
    noisy = disc[..., None] + np.random.default_rng(0).normal(0, noise, (*disc.shape, 4))
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    bench.view.set_photo(ImagePyramid(np.ascontiguousarray(pixels[..., 2::-1])))


@pytest.fixture
def drawing(bench: Bench) -> Bench:
    show(bench, 160, 20)
    bench.document.select(())
    bench.view.draw_category = 2
    bench.view.set_tool("polygon")
    bench.view.is_magnetic = True
    return bench


def on_disc(degrees: float, off: float = 0.0) -> tuple[float, float]:
    angle = math.radians(degrees)
    return CENTRE[0] + (RADIUS + off) * math.cos(angle), CENTRE[1] + (RADIUS + off) * math.sin(angle)


def known(qtbot: QtBot, bench: Bench) -> int:
    """How many vertices the line has when all edges are known."""
    qtbot.waitUntil(lambda: not bench.view.magnet.is_seeking)
    tool = bench.view._tool
    assert isinstance(tool, PolylineTool)
    return len(tool.outline())


def draw(qtbot: QtBot, bench: Bench, *places: float) -> None:
    """Click around the disc, faster than edges are found, and at the first place again."""
    count = len(bench.made)
    for degrees in places:
        bench.click(*on_disc(degrees))
    qtbot.waitUntil(lambda: len(bench.made) > count)


@pytest.mark.parametrize("width", [824, 184])
def test_an_outline_around_a_disc_takes_a_few_unsteady_clicks(qtbot: QtBot, drawing: Bench, width: int) -> None:
    drawing.view.resize(width, 3 * width // 4)
    drawing.view.fit()
    assert drawing.view.scale_factor > 1 if width > 400 else drawing.view.scale_factor < 0.5
    for degrees, off in ((0, 2), (120, -2), (240, 1.5), (0, 2)):
        drawing.click(*on_disc(degrees, off))
    assert drawing.view.busy, "no click waits for the edges"
    qtbot.waitUntil(lambda: not drawing.view.busy)
    (record,) = drawing.document.selected
    assert iou(record.shape, DISC) > 0.97
    assert record.shape.is_valid
    assert len(to_parts(record.shape)[0][0]) < 90, "an outline to work on, not one of pixels"


def test_a_flat_picture_gives_straight_lines(qtbot: QtBot, drawing: Bench) -> None:
    for noise in (0, 20):
        show(drawing, 100, noise)
        draw(qtbot, drawing, 0, 120, 240, 0)
        assert len(to_parts(drawing.document.selected[0].shape)[0][0]) == 3


def test_ctrl_and_the_key_make_single_lines_straight(qtbot: QtBot, drawing: Bench) -> None:
    drawing.click(*on_disc(0))
    drawing.click(*on_disc(90), CTRL)
    assert known(qtbot, drawing) == 2
    drawing.view.is_magnetic = False
    drawing.click(*on_disc(180))
    assert known(qtbot, drawing) == 3
    drawing.view.is_magnetic = True
    drawing.click(*on_disc(270))
    assert known(qtbot, drawing) > 8


def test_steps_and_a_line_that_was_given_up_come_back_with_their_edges(qtbot: QtBot, drawing: Bench) -> None:
    steps = []
    drawing.view.step_made.connect(steps.append)
    for degrees in (0, 90, 180):
        drawing.click(*on_disc(degrees))
    count = known(qtbot, drawing)
    drawing.key(Qt.Key.Key_Backspace)
    assert 2 < known(qtbot, drawing) < count
    drawing.key(Qt.Key.Key_Escape)
    assert not drawing.view.busy
    drawing.click(10, 10)  # another line, whose edges are others
    drawing.key(Qt.Key.Key_Escape)
    for step in reversed(steps[-4:]):
        step.restore(step.before)
    qtbot.waitUntil(lambda: known(qtbot, drawing) == count)
    draw(qtbot, drawing, 270, 0)
    assert iou(drawing.document.selected[0].shape, DISC) > 0.97, "it went on where it was left"


def test_esc_while_edges_are_sought_gives_up(qtbot: QtBot, drawing: Bench) -> None:
    for degrees in (0, 120, 240, 0):
        drawing.click(*on_disc(degrees))
    drawing.key(Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not drawing.view.magnet.is_seeking)
    assert (drawing.made, drawing.view.busy) == ([], False)


def test_clicks_while_edges_are_sought_begin_the_next_outline(qtbot: QtBot, drawing: Bench) -> None:
    for degrees in (0, 120, 240, 0, 0, 120, 240, 0):
        drawing.click(*on_disc(degrees))
    qtbot.waitUntil(lambda: len(drawing.made) == 2)
    first, second = (record for edit in drawing.made for _, record in edit.annotations.values())
    assert first is not None
    assert second is not None
    assert first.shape.equals_exact(second.shape), "the same clicks draw the same"


def test_leaving_the_photo_keeps_what_is_drawn(drawing: Bench) -> None:
    for degrees in (0, 120, 240):
        drawing.click(*on_disc(degrees))
    drawing.view.finish()
    assert len(drawing.made) == 1


def test_it_adds_to_the_selected_object(qtbot: QtBot, drawing: Bench) -> None:
    drawing.document.select((1,))
    before = drawing.document[1].shape
    drawing.click(*on_disc(0), CTRL)
    draw(qtbot, drawing, 120, 240, 0)
    assert drawing.document[1].shape.area == pytest.approx(shapely.union(before, DISC).area, rel=0.02)


def test_it_redraws_part_of_an_outline(qtbot: QtBot, drawing: Bench) -> None:
    for degrees, off in ((0, 0), (90, 0), (180, 0), (270, -30), (0, 0)):
        drawing.click(*on_disc(degrees, off), CTRL if off else NO)
    qtbot.waitUntil(lambda: not drawing.view.busy)
    before = iou(drawing.document.selected[0].shape, DISC)
    drawing.view.set_tool("reshape")
    for degrees in (180, 270, 359):
        drawing.click(*on_disc(degrees))
    drawing.key(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not drawing.view.busy)
    assert before < 0.95 < iou(drawing.document.selected[0].shape, DISC)
