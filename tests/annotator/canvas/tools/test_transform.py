from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from annotator.core.annotation import Annotation, Origin
from dataset.geometry import from_parts, rectangle
from tests.annotator.canvas.conftest import ALT, CTRL, SHIFT, Bench, corners, square, triple

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

KNOB = 13.0
"""Photo pixels above the box, at 2:1."""


@pytest.fixture
def at_hand(bench: Bench) -> Bench:
    """The tool in hand by its class, with the square of 100 at (100, 100) selected."""
    bench.view.set_tool("transform")
    bench.document.select((1,))
    return bench


def bounds(bench: Bench, annotation_id: int) -> tuple[float, ...]:
    return tuple(round(v, 3) for v in bench.document[annotation_id].shape.bounds)


@pytest.mark.parametrize(
    ("start", "end", "keys", "expected"),
    [
        ((200, 200), (250, 220), Qt.KeyboardModifier.NoModifier, (100, 100, 250, 220)),
        ((100, 150), (80, 190), Qt.KeyboardModifier.NoModifier, (80, 100, 200, 200)),
        ((200, 200), (240, 240), SHIFT, (100, 100, 240, 240)),
        ((200, 150), (220, 150), ALT, (80, 100, 220, 200)),
        ((200, 150), (220, 150), CTRL, (80, 100, 220, 200)),
        ((200, 200), (450, 120), Qt.KeyboardModifier.NoModifier, (100, 100, 400, 120)),
        ((200, 200), (20, 30), Qt.KeyboardModifier.NoModifier, (100, 100, 101, 101)),
    ],
)
def test_a_handle_scales_in_one_step_within_the_photo_and_never_over_the_other_side(
    at_hand: Bench,
    start: tuple[float, float],
    end: tuple[float, float],
    keys: Qt.KeyboardModifier,
    expected: tuple[float, ...],
) -> None:
    at_hand.drag(start, end, keys)
    assert bounds(at_hand, 1) == expected
    assert len(at_hand.made) == 1
    at_hand.undo()
    assert bounds(at_hand, 1) == (100, 100, 200, 200)


def test_holes_and_keypoints_are_scaled_along(qtbot: QtBot) -> None:
    holed = from_parts([[[(100, 100), (200, 100), (200, 200), (100, 200)], [(120, 120), (140, 120), (140, 140)]]])
    bench = Bench(qtbot, [Annotation(1, 1, holed, triple())])
    bench.view.set_tool("transform")
    bench.document.select((1,))
    bench.drag((200, 200), (250, 250))
    record = bench.document[1]
    assert list(record.shape.geoms[0].interiors[0].coords)[:3] == [(130, 130), (160, 130), (160, 160)]
    assert [(round(p.x), round(p.y)) for p in record.keypoints] == [(145, 145), (205, 205), (0, 0)]


def test_the_knob_turns_about_the_middle_and_shift_by_steps(at_hand: Bench) -> None:
    at_hand.drag((150, 100 - KNOB), (220, 148), SHIFT)
    assert bounds(at_hand, 1) == (100, 100, 200, 200), "by a right angle"
    assert [(round(p.x), round(p.y)) for p in at_hand.document[1].keypoints[:2]] == [(170, 130), (130, 170)]
    at_hand.undo()
    at_hand.press(208, 208)
    at_hand.drag_to(150, 232)
    assert at_hand.hints[-1] == "Release to finish  ·  Shift in steps of 15°  ·  Esc cancel"
    at_hand.release(150, 232)
    assert at_hand.document[1].shape.area == pytest.approx(100**2)
    assert bounds(at_hand, 1) == pytest.approx((79.3, 79.3, 220.7, 220.7), abs=0.3), "beside a corner, by 45 degrees"


def test_several_are_transformed_together_and_suggestions_thereby_accepted(at_hand: Bench) -> None:
    at_hand.document.select((2, -1))  # in the box (20, 20, 340, 60)
    at_hand.drag((180, 60), (180, 100))
    assert len(at_hand.made) == 1
    assert bounds(at_hand, 2) == (300, 20, 340, 100)
    (accepted,) = (a for a in at_hand.document.annotations if a.id > 2)
    assert (accepted.origin, accepted.shape.bounds) == (Origin.EDITED, (20, 20, 60, 100))
    assert set(at_hand.document.selection) == {2, accepted.id}


def test_a_drag_from_inside_the_box_moves_and_arrows_nudge(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [Annotation(1, 1, from_parts([[[(100, 100), (200, 100), (100, 200)]]]))])
    bench.view.set_tool("transform")
    bench.document.select((1,))
    bench.drag((180, 180), (190, 185))  # beside the triangle
    assert bounds(bench, 1) == (110, 105, 210, 205)
    bench.click(190, 190)
    assert bench.document.selection == (1,)
    bench.key(Qt.Key.Key_Left)
    assert bounds(bench, 1) == (109, 105, 209, 205)
    bench.click(300, 250)
    assert bench.document.selection == ()
    assert bench.hints[-1] == "Click an object to scale, rotate or move it"


def test_escape_gives_up_and_the_screen_shows_the_drag(at_hand: Bench) -> None:
    before = at_hand.color(230, 230)
    at_hand.press(200, 200)
    at_hand.drag_to(260, 260)
    assert at_hand.color(230, 230) != before
    at_hand.key(Qt.Key.Key_Escape)
    at_hand.release(260, 260)
    assert at_hand.made == []
    assert at_hand.color(230, 230) == before


def test_a_tiny_object_still_has_handles_apart(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [square(1, 200, 150, 2)])
    bench.view.set_tool("transform")
    bench.document.select((1,))
    bench.drag((201, 151), (211, 151))
    assert bounds(bench, 1) == (210, 150, 212, 152), "moved"
    bench.drag((218.5, 158.5), (222.5, 162.5))  # the frame is 15 photo pixels wide
    assert bounds(bench, 1) == (210, 150, 216, 156), "scaled"


class TestBoxesWithTheSelectTool:
    @pytest.fixture
    def boxed(self, qtbot: QtBot) -> Bench:
        bench = Bench(qtbot, [Annotation(1, 1, rectangle(100, 100, 200, 180), is_box=True)])
        bench.document.select((1,))
        return bench

    def test_corners_and_sides_resize_it_and_it_stays_a_box(self, boxed: Bench) -> None:
        boxed.drag((200, 180), (220, 160))
        boxed.drag((100, 120), (90, 150))
        assert sorted(corners(boxed.document[1])) == [(90, 100), (90, 160), (220, 100), (220, 160)]
        assert boxed.document[1].is_box
        assert len(boxed.made) == 2

    def test_it_cannot_be_turned_inside_out_nor_lose_a_corner(self, boxed: Bench) -> None:
        boxed.drag((200, 180), (50, 60))
        assert boxed.document[1].shape.bounds == (100, 100, 101, 101)
        boxed.undo()
        boxed.hover(200, 180)
        assert boxed.hints[-1].startswith("Drag resize")
        boxed.key(Qt.Key.Key_Delete)
        assert 1 not in boxed.document, "the object, not the corner under the mouse"

    def test_a_corner_snaps(self, boxed: Bench) -> None:
        boxed.view.snaps = True
        boxed.drag((200, 180), (398.5, 298.5))
        assert boxed.document[1].shape.bounds == pytest.approx((100, 100, 400, 300))
