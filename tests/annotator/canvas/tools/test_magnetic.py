"""Outlines that follow the edges of the photo, drawn with clicks on the canvas."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from annotator.canvas.tools.polyline import Bend
from dataset.geometry import iou, to_parts
from tests.annotator.canvas.conftest import CTRL, SIZE, Bench

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
    bench.view.set_photo(QImage(pixels.data, *SIZE, QImage.Format.Format_RGB32).copy())


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


def click(qtbot: QtBot, bench: Bench, at: tuple[float, float], keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A click of a person, who sees where the line goes first."""
    bench.hover(*at)
    qtbot.waitUntil(lambda: not bench.view.magnet.is_seeking)
    bench.click(*at, keys)


def clicked(bench: Bench) -> list[tuple[float, float]]:
    return [point for point in bench.view._tool._points if not isinstance(point, Bend)]


@pytest.mark.parametrize("width", [824, 184])
def test_an_outline_around_a_disc_takes_a_few_unsteady_clicks(qtbot: QtBot, drawing: Bench, width: int) -> None:
    drawing.view.resize(width, 3 * width // 4)
    drawing.view.fit()
    assert drawing.view.scale_factor > 1 if width > 400 else drawing.view.scale_factor < 0.5
    for degrees, off in ((0, 2), (120, -2), (240, 1.5), (0, 2)):
        click(qtbot, drawing, on_disc(degrees, off))
    (record,) = drawing.document.selected
    assert iou(record.shape, DISC) > 0.97
    assert record.shape.is_valid
    assert len(to_parts(record.shape)[0][0]) < 90, "an outline to work on, not one of pixels"


def test_a_flat_picture_gives_straight_lines(qtbot: QtBot, drawing: Bench) -> None:
    for noise in (0, 20):
        show(drawing, 100, noise)
        for degrees in (0, 120, 240, 0):
            click(qtbot, drawing, on_disc(degrees))
        assert len(to_parts(drawing.document.selected[0].shape)[0][0]) == 3


def test_ctrl_and_the_key_make_single_lines_straight(qtbot: QtBot, drawing: Bench) -> None:
    click(qtbot, drawing, on_disc(0))
    click(qtbot, drawing, on_disc(90), CTRL)
    assert len(drawing.view._tool._points) == 2
    drawing.view.is_magnetic = False
    click(qtbot, drawing, on_disc(180))
    assert len(drawing.view._tool._points) == 3
    drawing.view.is_magnetic = True
    click(qtbot, drawing, on_disc(270))
    assert len(drawing.view._tool._points) > 8
    assert len(clicked(drawing)) == 4


def test_backspace_takes_back_a_click_with_its_line_and_steps_undo_it(qtbot: QtBot, drawing: Bench) -> None:
    steps = []
    drawing.view.step_made.connect(steps.append)
    for degrees in (0, 90, 180):
        click(qtbot, drawing, on_disc(degrees))
    drawn = drawing.view._tool._points
    drawing.key(Qt.Key.Key_Backspace)
    assert len(clicked(drawing)) == 2
    assert drawing.view._tool._points == drawn[: drawn.index(clicked(drawing)[-1]) + 1]
    drawing.key(Qt.Key.Key_Escape)
    assert not drawing.view.busy
    for step in reversed(steps[-2:]):
        step.restore(step.before)
    assert drawing.view._tool._points == drawn
    click(qtbot, drawing, on_disc(270))
    click(qtbot, drawing, on_disc(0))
    assert iou(drawing.document.selected[0].shape, DISC) > 0.97


def test_the_same_clicks_draw_the_same(qtbot: QtBot, drawing: Bench) -> None:
    for _ in range(2):
        for degrees in (0, 120, 240, 0):
            click(qtbot, drawing, on_disc(degrees))
        drawing.view.zoom_in()
        drawing.view.fit()
    first, second = (list(edit.annotations.values())[0][1] for edit in drawing.made)
    assert first.shape.equals_exact(second.shape)


def test_it_adds_to_the_selected_object(qtbot: QtBot, drawing: Bench) -> None:
    drawing.document.select((1,))
    before = drawing.document[1].shape
    for i, degrees in enumerate((0, 120, 240, 0)):
        click(qtbot, drawing, on_disc(degrees), CTRL if not i else Qt.KeyboardModifier.NoModifier)
    assert drawing.document[1].shape.area == pytest.approx(shapely.union(before, DISC).area, rel=0.02)


def test_it_redraws_part_of_an_outline(qtbot: QtBot, drawing: Bench) -> None:
    for degrees, off in ((0, 0), (90, 0), (180, 0), (270, -30), (0, 0)):
        click(qtbot, drawing, on_disc(degrees, off), CTRL if off else Qt.KeyboardModifier.NoModifier)
    before = iou(drawing.document.selected[0].shape, DISC)
    drawing.view.set_tool("reshape")
    for degrees in (180, 270, 359):
        click(qtbot, drawing, on_disc(degrees))
    drawing.key(Qt.Key.Key_Return)
    assert before < 0.95 < iou(drawing.document.selected[0].shape, DISC)
