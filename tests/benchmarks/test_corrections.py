"""The simulated person's actions, counted by hand on squares."""

from __future__ import annotations

import pytest
from shapely.affinity import translate
from shapely.geometry import Point, Polygon, box

from benchmarks.corrections import annotate, balanced, by_hand, correct, fewest_vertices, iou, vertices

SQUARE = box(0, 0, 100, 100)


def test_a_square_by_hand_is_four_corners_and_two() -> None:
    assert by_hand(SQUARE).actions == 6


def test_a_circle_needs_few_vertices_for_nine_tenths() -> None:
    circle = Point(50, 50).buffer(40, quad_segs=64)
    simple = fewest_vertices(circle, 0.9)
    assert iou(simple, circle) >= 0.9
    assert 6 <= vertices(simple) <= 10


def test_a_right_outline_needs_no_correction() -> None:
    assert correct(box(1, 1, 100, 100), SQUARE).actions == 0


def test_a_missing_quarter_costs_the_corners_of_it() -> None:
    # Without its right quarter the square is 0.75: the two corners on that side are set anew.
    fixed = correct(box(0, 0, 75, 100), SQUARE)
    assert fixed.actions == 2
    assert iou(fixed.outline, SQUARE) == pytest.approx(1)


def test_the_worst_stretch_goes_first_and_the_rest_stays() -> None:
    # 20 too many on the right, a sliver too many on the left: the first is enough.
    fixed = correct(box(-5, 0, 120, 100), SQUARE)
    assert fixed.actions == 2
    assert iou(fixed.outline, SQUARE) == pytest.approx(1 / 1.05)


def test_a_photo_is_the_sum_of_its_objects() -> None:
    objects = [SQUARE, translate(SQUARE, 200), translate(SQUARE, 400)]
    suggestions = [box(0, 0, 100, 99), box(200, 0, 275, 100), box(700, 0, 800, 100)]
    tally, outlines = annotate(suggestions, objects, lambda true: true if true is objects[2] else None)
    # Accepted: 1. Corrected: 1 and 2 vertices. Rejected: 1. Missed: a box, whose mask is right: 1.
    assert (tally.accepted, tally.corrected, tally.rejected, tally.missed) == (1, 1, 1, 1)
    assert tally.actions == 1 + 3 + 1 + 1
    assert tally.by_hand == 18
    assert all(iou(found, true) >= 0.9 for found, true in zip(outlines, objects, strict=True))


def test_a_box_of_ones_own_instead_of_a_bad_suggestion() -> None:
    tally, _ = annotate([box(0, 0, 75, 100)], [SQUARE], lambda true: true)
    assert tally.corrected == 1
    assert tally.actions == 2  # reject, box; mending it would have taken 3


def test_corners_are_set_so_that_round_things_come_out_as_large_as_they_are() -> None:
    disc = Point(0, 0).buffer(100, quad_segs=64)
    rough = fewest_vertices(disc, 0.9)
    outline = balanced(rough, disc)
    assert vertices(outline) == vertices(rough)
    assert outline.area == pytest.approx(disc.area, rel=0.01)
    assert iou(outline, disc) > iou(rough, disc)
    assert balanced(SQUARE, SQUARE).equals(SQUARE)


def test_without_a_model_all_is_by_hand() -> None:
    tally, _ = annotate([], [SQUARE], None)
    assert tally.actions == tally.by_hand == 6


def test_nobody_corrects_what_is_faster_drawn() -> None:
    star = Polygon([(0, 0), (60, 0), (60, 60), (0, 60)]).union(Point(30, 60).buffer(25, quad_segs=32))
    tally, _ = annotate([], [star], lambda _: box(0, 0, 300, 300))
    assert tally.actions <= tally.by_hand
