"""Clicks on shapes whose outlines are known, with a predictor that finds what it is told to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from shapely import Point

from dataset.geometry import bounds, from_parts, iou, rectangle
from model.inference.color_region import Click
from model.inference.instance import Instance
from model.inference.point_prompts import Candidate, Means, outline_at, ranked
from tests.test_segmenter import MiddleSegmenter


class Blind(MiddleSegmenter):
    """Finds nothing in any box."""

    def masks_for_boxes(
        self, boxes: np.ndarray, categories: Sequence[int | None] | None = None, *, quick: bool = False
    ) -> list[Instance]:
        return [Instance(1, 0.1, box, []) for box in np.asarray(boxes, np.float32)]


LARGE = Candidate(rectangle(20, 20, 180, 180), 0.6, 1)
SMALL = Candidate(rectangle(40, 40, 80, 80), 0.6, 2)
TWICE = Candidate(rectangle(41, 40, 80, 80), 0.2, 2)
CLICK = Click(60, 60)


@pytest.fixture
def photo() -> np.ndarray:
    """A green square, 100 to 140 across, on noise."""
    pixels = np.random.default_rng(0).integers(100, 130, (200, 200, 3)).astype(np.uint8)
    pixels[100:140, 100:140] = (20, 200, 20)
    return pixels


def corners(start: int, end: int) -> list[tuple[int, int]]:
    return [(start, start), (end, start), (end, end), (start, end)]


def test_the_smaller_of_two_equally_sure_is_first_and_none_comes_twice() -> None:
    assert ranked([LARGE, TWICE, SMALL], CLICK.x, CLICK.y) == [SMALL, LARGE]


def test_a_click_off_the_middle_means_the_one_that_it_is_deep_in() -> None:
    assert ranked([LARGE, SMALL], 79, 79)[0] == LARGE


def test_turns_go_through_all_objects_and_begin_again(photo: np.ndarray) -> None:
    predictor = MiddleSegmenter()
    found = [outline_at(predictor, photo, [LARGE, SMALL], [CLICK], turn) for turn in range(5)]
    shapes = [answer.shape for answer in found if answer]
    assert len(shapes) == 5
    assert (shapes[0], shapes[1], shapes[4]) == (SMALL.shape, LARGE.shape, SMALL.shape)
    assert bounds(shapes[2]) == (40, 40, 80, 80), "the box of what is like the click"
    assert [answer.means for answer in found if answer][2:4] == [Means.BOX, Means.COLORS]
    assert all(answer.alternatives == 4 for answer in found if answer)


def test_without_candidates_and_boxes_colours_decide(photo: np.ndarray) -> None:
    found = outline_at(Blind(), photo, [], [Click(120, 120)])
    assert found
    assert (found.means, found.category_id) == (Means.COLORS, None)
    assert iou(found.shape, rectangle(100, 100, 140, 140)) > 0.9


def test_a_click_outside_takes_the_candidate_that_has_all_clicks(photo: np.ndarray) -> None:
    found = outline_at(Blind(), photo, [SMALL, Candidate(rectangle(40, 40, 100, 80), 0.1, 3)], [CLICK, Click(90, 60)])
    assert found
    assert (bounds(found.shape), found.category_id, found.means) == ((40, 40, 100, 80), 3, Means.CANDIDATE)


def test_a_click_beside_takes_what_has_its_colours_away(photo: np.ndarray) -> None:
    clicks = [CLICK, Click(120, 120, is_object=False)]
    found = outline_at(Blind(), photo, [Candidate(rectangle(40, 40, 160, 160), 0.6, 1)], clicks)
    assert found
    assert found.means is Means.COLORS
    assert not found.shape.covers(Point(120, 120))
    with_hole = from_parts([[corners(40, 160), corners(100, 140)]])
    assert iou(found.shape, with_hole) > 0.9


def test_a_click_on_more_of_the_object_adds_what_has_its_colours(photo: np.ndarray) -> None:
    found = outline_at(Blind(), photo, [SMALL], [CLICK, Click(120, 120)])
    assert found
    assert found.shape.covers(Point(120, 120))
    assert found.shape.covers(Point(60, 60))
    assert found.category_id == 2


def test_clicks_that_are_so_already_change_nothing(photo: np.ndarray) -> None:
    clicks = [CLICK, Click(50, 50), Click(150, 150, is_object=False)]
    found = outline_at(Blind(), photo, [SMALL], clicks)
    assert found
    assert found.shape == SMALL.shape
