from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from model.inference.contours import mask_polygons

SIDE = 28


def shape(polygons: list[list[np.ndarray]]) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in polygons])


def exact(values: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The definition: bilinear interpolation between the centres of the cells, sampled at the centre of each pixel."""
    rows, columns = values.shape
    padded = np.pad(values.astype(np.float64), 1)
    u = np.clip((np.arange(size[1]) + 0.5 - box[0]) / (box[2] - box[0]) * columns + 0.5, 0, columns + 1)
    v = np.clip((np.arange(size[0]) + 0.5 - box[1]) / (box[3] - box[1]) * rows + 0.5, 0, rows + 1)
    left, top = np.minimum(u.astype(int), columns), np.minimum(v.astype(int), rows)
    fx, fy = u - left, (v - top)[:, None]
    upper = padded[top][:, left] * (1 - fx) + padded[top][:, left + 1] * fx
    lower = padded[top + 1][:, left] * (1 - fx) + padded[top + 1][:, left + 1] * fx
    return upper * (1 - fy) + lower * fy >= 0.5


def painted(polygons: list[list[np.ndarray]], size: tuple[int, int]) -> np.ndarray:
    x, y = np.meshgrid(np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5)
    return shapely.contains_xy(shape(polygons), x.ravel(), y.ravel()).reshape(size)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / max(1, (one | other).sum())


def blob(seed: int) -> np.ndarray:
    """A smooth random mask that fills most of its box, as a mask head gives them."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(SIDE, SIDE)).astype(np.float32), (0, 0), 3)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    return (1 / (1 + np.exp(-8 * (0.85 - np.hypot(x, y)) - 12 * noise))).astype(np.float32)


def test_a_full_mask_is_its_box() -> None:
    box = np.array([10.3, 20.7, 50.1, 60.2], np.float32)
    polygons = mask_polygons(np.ones((SIDE, SIDE), np.float32), box, (100, 100))
    assert len(polygons) == 1
    # The corners of an outline through interpolated values are cut by less than a cell.
    assert shape(polygons).bounds == pytest.approx(box.tolist(), abs=1e-3)
    assert shape(polygons).area == pytest.approx(np.prod(box[2:] - box[:2]), rel=0.005)


def test_a_straight_edge_lies_where_the_values_pass_the_threshold() -> None:
    values = np.zeros((4, 4), np.float32)
    values[:, :2] = 0.9
    values[:, 2] = 0.3
    polygons = mask_polygons(values, np.array([0, 0, 40, 40], np.float32), (40, 40), tolerance=0)
    # Cells are 10 wide; from 0.9 at 15 to 0.3 at 25, one half is two thirds of the way.
    assert shape(polygons).bounds[2] == pytest.approx(15 + 10 * 2 / 3, abs=1e-3)


def test_holes_and_parts_are_kept_and_nested() -> None:
    values = np.zeros((SIDE, SIDE), np.float32)
    values[2:18, 2:18] = 1
    values[7:13, 7:13] = 0
    values[9:11, 9:11] = 0  # a hole
    values[21:26, 20:27] = 1  # a part by itself
    polygons = mask_polygons(values, np.array([0, 0, 280, 280], np.float32), (280, 280))
    assert [len(rings) for rings in polygons] == [2, 1]
    exterior, hole = (shapely.Polygon(ring) for ring in polygons[0])
    assert exterior.contains(hole)
    assert exterior.area > shapely.Polygon(polygons[1][0]).area


def test_an_island_in_a_hole_is_a_part() -> None:
    values = np.zeros((SIDE, SIDE), np.float32)
    values[1:27, 1:27] = 1
    values[6:22, 6:22] = 0
    values[10:18, 10:18] = 1
    polygons = mask_polygons(values, np.array([0, 0, 280, 280], np.float32), (280, 280))
    assert [len(rings) for rings in polygons] == [2, 1]


def test_specks_are_dropped() -> None:
    values = np.zeros((SIDE, SIDE), np.float32)
    values[2:20, 2:20] = 1
    values[24, 24] = 0.6
    assert len(mask_polygons(values, np.array([0, 0, 280, 280], np.float32), (280, 280))) == 1


def test_nothing_over_the_threshold_is_no_polygon() -> None:
    assert mask_polygons(np.full((SIDE, SIDE), 0.4, np.float32), np.array([0, 0, 9, 9], np.float32), (9, 9)) == []
    assert mask_polygons(np.ones((SIDE, SIDE), np.float32), np.array([5, 5, 5, 9], np.float32), (9, 9)) == []
    outside = np.array([20, 20, 30, 30], np.float32)
    assert mask_polygons(np.ones((SIDE, SIDE), np.float32), outside, (9, 9)) == []


def test_orientation_and_closing() -> None:
    values = np.zeros((SIDE, SIDE), np.float32)
    values[2:26, 2:26] = 1
    values[10:18, 10:18] = 0
    (rings,) = mask_polygons(values, np.array([0, 0, 280, 280], np.float32), (280, 280))
    assert shapely.LinearRing(rings[0]).is_ccw  # clockwise on a screen, where y points down
    assert not shapely.LinearRing(rings[1]).is_ccw
    for ring in rings:
        assert ring.dtype == np.float32
        assert not np.array_equal(ring[0], ring[-1])


def test_masks_agree_with_exact_sampling() -> None:
    random = np.random.default_rng(3)
    overlaps, counts = [], []
    for seed in range(60):
        side = random.uniform(34, 300, 2)
        box = np.array([20.3, 15.8, 20.3 + side[0], 15.8 + side[1]], np.float32)
        polygons = mask_polygons(blob(seed), box, (340, 340))
        overlaps.append(iou(exact(blob(seed), box, (340, 340)), painted(polygons, (340, 340))))
        counts.append(sum(len(ring) for part in polygons for ring in part))
    assert np.mean(overlaps) >= 0.99
    assert np.mean(counts) < 60  # few enough for a person to edit


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    corner=st.tuples(st.floats(-40, 70), st.floats(-40, 70)),
    side=st.tuples(st.floats(1, 120), st.floats(1, 120)),
    noise=st.booleans(),
)
def test_polygons_are_valid_and_inside_the_image(
    seed: int, corner: tuple[float, float], side: tuple[float, float], noise: bool
) -> None:
    values = np.random.default_rng(seed).random((SIDE, SIDE)).astype(np.float32) if noise else blob(seed)
    box = np.array([*corner, corner[0] + side[0], corner[1] + side[1]], np.float32)
    for part in mask_polygons(values, box, (60, 80)):
        polygon = shapely.Polygon(part[0], part[1:])
        assert polygon.is_valid, shapely.is_valid_reason(polygon)
        for ring in part:
            assert len(ring) >= 3
            assert (ring != np.roll(ring, 1, 0)).any(1).all()
            assert ring.min() >= 0
            assert (ring.max(0) <= (80, 60)).all()
