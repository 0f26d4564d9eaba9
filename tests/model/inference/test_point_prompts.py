"""Clicks on shapes whose outlines are known, with a predictor that finds what it is told to."""

from __future__ import annotations

import numpy as np
import pytest
from shapely import MultiPolygon, Point

from dataset.geometry import iou, rectangle
from model.inference.likely_objects import LikelyObject
from model.inference.point_prompts import Click, outline_at
from tests.test_segmenter import MiddleSegmenter

Corners = tuple[float, float, float, float]


def likely(corners: Corners, score: float, category_id: int) -> LikelyObject:
    mask = np.zeros((28, 28), np.float32)
    mask[2:-2, 2:-2] = 1
    (x0, y0, x1, y1), margin = corners, 2 / 24
    wide, high = margin * (x1 - x0), margin * (y1 - y0)
    box = np.array((x0 - wide, y0 - high, x1 + wide, y1 + high), np.float32)
    return LikelyObject(category_id, score, box, mask)


class Told(MiddleSegmenter):
    """Knows some objects, and that what is in one of its areas is alike."""

    def __init__(self, *objects: LikelyObject, areas: tuple[Corners, ...] = ()) -> None:
        super().__init__()
        self.image_size = (200, 200)
        self.objects, self.areas = list(objects), areas

    def objects_at(self, x: float, y: float) -> list[LikelyObject]:
        return self.objects

    def likeness(self, x: float, y: float, box: np.ndarray, cells: int) -> np.ndarray:
        middles = box[:2] + (np.arange(cells)[:, None] + 0.5) * (box[2:] - box[:2]) / cells
        own = self._area(np.array([[x]]), np.array([[y]]))
        return np.where(self._area(middles[None, :, 0], middles[:, None, 1]) == own, 1.0, -1.0).astype(np.float32)

    def _area(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        found = np.zeros(np.broadcast(x, y).shape, int)
        for number, (x0, y0, x1, y1) in enumerate(self.areas, 1):
            found[(x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)] = number
        return found


LARGE_CORNERS, SMALL_CORNERS, PATCH = (20, 20, 180, 180), (40, 40, 80, 80), (80, 40, 110, 80)
ALIKE = (50, 50, 70, 70)
LARGE, SMALL = likely(LARGE_CORNERS, 0.6, 1), likely(SMALL_CORNERS, 0.6, 2)
TWICE = likely((41, 40, 80, 80), 0.2, 2)
CLICK = Click(60, 60)


def outlined(predictor: Told, *clicks: Click, turn: int = 0) -> MultiPolygon:
    found = outline_at(predictor, clicks, turn)
    assert found
    return found.shape


def test_the_smaller_of_two_equally_sure_is_first_and_none_comes_twice() -> None:
    found = outline_at(Told(LARGE, TWICE, SMALL), [CLICK])
    assert found
    assert iou(found.shape, rectangle(*SMALL_CORNERS)) > 0.9
    assert (found.category_id, found.alternatives) == (2, 3), "two objects, and what is like the click"


def test_a_click_off_the_middle_means_the_one_that_it_is_deep_in() -> None:
    assert iou(outlined(Told(LARGE, SMALL), Click(79, 79)), rectangle(*LARGE_CORNERS)) > 0.9


def test_turns_go_through_all_objects_and_begin_again() -> None:
    predictor = Told(LARGE, SMALL, areas=(ALIKE,))
    wanted = (SMALL_CORNERS, LARGE_CORNERS, ALIKE, SMALL_CORNERS)
    for turn, corners in enumerate(wanted):
        assert iou(outlined(predictor, CLICK, turn=turn), rectangle(*corners)) > 0.8
    found = outline_at(predictor, [CLICK], 2)
    assert found
    assert found.category_id is None, "no object of the model's"


def test_a_click_outside_means_the_object_that_has_all_clicks() -> None:
    wide = likely((40, 40, 110, 80), 0.5, 3)
    found = outline_at(Told(SMALL, wide), [CLICK, Click(95, 60)])
    assert found
    assert found.category_id == 3
    assert iou(found.shape, rectangle(40, 40, 110, 80)) > 0.9


@pytest.mark.parametrize("is_object", [True, False])
def test_what_is_like_a_click_goes_with_it(is_object: bool) -> None:
    whole = rectangle(40, 40, 110, 80)
    known = SMALL if is_object else likely((40, 40, 110, 80), 0.6, 2)
    shape = outlined(Told(known, areas=(PATCH,)), CLICK, Click(95, 60, is_object))
    assert shape.covers(Point(95, 60)) is is_object
    assert shape.covers(Point(CLICK.x, CLICK.y))
    assert iou(shape, whole if is_object else rectangle(*SMALL_CORNERS)) > 0.9


def test_clicks_that_are_so_already_change_nothing() -> None:
    predictor = Told(SMALL, areas=(SMALL_CORNERS,))
    shape = outlined(predictor, CLICK, Click(50, 50), Click(150, 150, is_object=False))
    assert iou(shape, outlined(predictor, CLICK)) > 0.95
