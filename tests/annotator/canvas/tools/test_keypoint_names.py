"""Which keypoint is which: names under the mouse, left and right in their colours."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QColor

from annotator.canvas.style import SIDE_COLORS
from annotator.core.annotation import Annotation, Keypoint, Visibility
from annotator.core.edits import substitute
from dataset.geometry import from_parts
from tests.annotator.canvas.conftest import Bench, square

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

POINTS = tuple(Keypoint(x, 150.0, Visibility.VISIBLE) for x in (150.0, 120.0, 180.0))  # nose, left hand, right hand


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    """A square with keypoints."""
    return Bench(qtbot, [square(1, 50, 50, 200, keypoints=POINTS)])


def _hue(color: tuple[int, int, int]) -> float:
    return 360 * colorsys.rgb_to_hsv(*(part / 255 for part in color))[0]


def _is_like(bench: Bench, x: float, color: str) -> bool:
    return abs(_hue(bench.color(x, 150)) - QColor(color).hue()) < 12


def test_left_is_warm_and_right_is_cool_for_what_is_worked_on(bench: Bench) -> None:
    weak = bench.color(120, 150)
    bench.document.select((1,))
    assert _is_like(bench, 120, SIDE_COLORS["left"])
    assert _is_like(bench, 180, SIDE_COLORS["right"])
    assert _is_like(bench, 165, bench.categories[1].color), "a line between both sides has the colour of neither"
    assert _is_like(bench, 135, SIDE_COLORS["left"]), "and one of a side has it"
    bench.document.select(())
    assert bench.color(120, 150) == weak
    assert not _is_like(bench, 180, SIDE_COLORS["right"]), "at rest a crowd is of the class colours alone"


def test_the_sides_differ_in_lightness_too() -> None:
    left, right = (QColor(color) for color in SIDE_COLORS.values())
    assert _luminance(left) > 1.8 * _luminance(right)


def _luminance(color: QColor) -> float:
    return 0.2126 * color.redF() ** 2.2 + 0.7152 * color.greenF() ** 2.2 + 0.0722 * color.blueF() ** 2.2


def _label_is_there(bench: Bench, x: float) -> bool:
    """Whether a name's dark ground is beside the keypoint there."""
    at = bench.at(x, 150)
    image = bench.view.grab().toImage()
    return image.pixelColor(at.x() + 17, at.y() - 7).lightness() < 60


def test_a_name_is_shown_under_the_mouse_also_of_what_is_not_selected(bench: Bench) -> None:
    bench.hover(100, 100)
    assert not _label_is_there(bench, 180)
    bench.hover(180, 150)
    assert _label_is_there(bench, 180)
    bench.hover(100, 100)
    assert not _label_is_there(bench, 180)
    bench.document.select((1,))
    bench.hover(180, 150)
    assert _label_is_there(bench, 180)


def test_of_objects_on_one_another_only_the_one_under_the_mouse_names_its_own(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [square(1, 50, 50, 200, keypoints=POINTS), square(2, 160, 130, 40)])
    bench.hover(180, 150)
    assert bench.view._tool.hovered == 2
    assert not _label_is_there(bench, 180)


def test_a_keypoint_that_is_off_comes_back_to_its_place_after_the_mouse_was_elsewhere(bench: Bench) -> None:
    bench.document.select((1,))
    bench.hover(120, 150)
    bench.view.toggle_visibility()
    bench.view.toggle_visibility()
    assert bench.document[1].keypoints[1].visibility is Visibility.UNLABELLED
    bench.hover(80, 80)
    bench.view.toggle_visibility()
    assert bench.document[1].keypoints[1] == POINTS[1]
    assert bench.document[1].keypoints[::2] == POINTS[::2]


def test_keypoints_alone_have_names_too(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [Annotation(1, 1, from_parts([]), POINTS)])
    bench.hover(180, 150)
    assert _label_is_there(bench, 180)


def test_in_another_order_no_keypoint_comes_back_to_the_place_of_another(bench: Bench) -> None:
    bench.document.select((1,))
    bench.hover(120, 150)
    bench.view.toggle_visibility()
    bench.view.toggle_visibility()
    bench.hover(80, 80)
    record = bench.document[1]
    swapped = record.with_keypoints((record.keypoints[1], record.keypoints[0], record.keypoints[2]))
    bench.document.apply(substitute(bench.document, {1: swapped}))
    before = len(bench.made)
    bench.view.toggle_visibility()
    assert len(bench.made) == before
    assert bench.document[1] == swapped
