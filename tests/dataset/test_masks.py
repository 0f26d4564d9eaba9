from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.geometry import from_parts, rectangle
from dataset.masks import rasterize
from dataset.rle import area
from tests.painting import from_mask, from_rle, to_mask, to_rle
from tests.strategies import coco, coco_decode, masks, shapes


def size_of(mask: np.ndarray) -> tuple[int, int]:
    return mask.shape[1], mask.shape[0]


@given(masks)
def test_a_mask_to_a_shape_and_back_is_the_same_mask(mask: np.ndarray) -> None:
    shape = from_mask(mask)
    assert shape.is_valid
    assert shape.area == mask.sum()
    assert np.array_equal(to_mask(shape, size_of(mask)), mask)


@given(masks)
def test_the_outline_turns_only_at_corners(mask: np.ndarray) -> None:
    for polygon in from_mask(mask).geoms:
        for ring in (polygon.exterior, *polygon.interiors):
            steps = np.diff(np.array(ring.coords), axis=0)
            horizontal = steps[:, 0] != 0
            assert not (horizontal & (steps[:, 1] != 0)).any()
            assert (horizontal[1:] != horizontal[:-1]).all()


@given(masks)
def test_runs_compressed_and_not_give_the_same_shape(mask: np.ndarray) -> None:
    coded = coco.encode(np.asfortranarray(mask, np.uint8))
    flat = mask.T.ravel()
    flips = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
    runs = np.diff([0, *flips, len(flat)]).tolist()
    shape = from_mask(mask)
    assert from_rle(coded["size"], coded["counts"].decode()) == shape
    assert from_rle(coded["size"], runs) == shape
    assert to_rle(shape, size_of(mask)) == {"size": coded["size"], "counts": coded["counts"].decode()}
    assert area(to_rle(shape, size_of(mask))) == mask.sum()


@given(masks, st.integers(0, 50), st.integers(0, 50))
def test_a_crop_gives_the_outline_where_the_crop_was(mask: np.ndarray, x: int, y: int) -> None:
    whole = np.zeros((mask.shape[0] + y, mask.shape[1] + x), bool)
    whole[y:, x:] = mask
    assert from_mask(mask, (x, y)) == from_mask(whole)


def test_a_hole_is_painted_as_fast_as_a_ring() -> None:
    """Without an array of the image: a hole on 12 megapixels took 244 ms that way, and takes 0.5 ms."""
    hollow = [[[(100, 100), (3900, 100), (3900, 2900), (100, 2900)], [(500, 500), (900, 500), (900, 900), (500, 900)]]]
    start = time.thread_time()
    for _ in range(10):
        found = rasterize(hollow, (4000, 3000))
    assert time.thread_time() - start < 0.5
    assert area(found) == 3800 * 2800 - 400 * 400


@given(shapes())
def test_one_ring_is_painted_as_coco_paints_it(shape: MultiPolygon) -> None:
    width, height = 64, 48
    expected = np.zeros((height, width), bool)
    for polygon in shape.geoms:
        rings = [[np.array(ring.coords)[:-1].ravel().tolist()] for ring in (polygon.exterior, *polygon.interiors)]
        painted = [coco_decode(coco.frPyObjects(ring, height, width)[0]) for ring in rings]
        part = painted[0]
        for hole in painted[1:]:
            part = part & ~hole
        expected |= part
    assert np.array_equal(to_mask(shape, (width, height)), expected)


def test_pixel_0_0_covers_0_to_1() -> None:
    assert from_mask(np.ones((1, 1), bool)).equals(rectangle(0, 0, 1, 1))


def test_any_type_of_mask_and_nothing() -> None:
    assert from_mask(np.array([[0, 3], [0, 0]], np.uint8)).equals(rectangle(1, 0, 2, 1))
    assert from_mask(np.zeros((5, 5))) == MultiPolygon()
    assert from_mask(np.zeros((0, 5))) == MultiPolygon()


def test_pixels_that_touch_at_a_corner_are_parts_of_their_own() -> None:
    assert len(from_mask(np.eye(4, dtype=bool)).geoms) == 4


def test_an_island_in_a_hole_is_a_part() -> None:
    mask = np.ones((7, 7), bool)
    mask[1:-1, 1:-1] = False
    mask[3, 3] = True
    shape = from_mask(mask)
    assert sorted((len(p.interiors), p.area) for p in shape.geoms) == [(0, 1.0), (1, 24.0)]


def test_a_hole_beyond_its_part_takes_nothing_and_adds_nothing() -> None:
    ring, hole = [(1, 1), (6, 1), (6, 6), (1, 6)], [(4, 4), (9, 4), (9, 9), (4, 9)]
    mask = to_mask(from_parts([[ring, hole]]), (10, 10))
    assert mask.sum() == 25 - 4
    assert not mask[6:, 6:].any()


def test_overlapping_parts_are_united() -> None:
    both = MultiPolygon([*rectangle(0, 0, 4, 4).geoms, *rectangle(2, 2, 6, 6).geoms])
    assert to_mask(both, (8, 8)).sum() == 16 + 16 - 4


def test_what_is_outside_the_photo_is_cut_off() -> None:
    assert to_mask(rectangle(-5, -5, 3, 2), (8, 8)).sum() == 6
    assert to_mask(rectangle(6, 6, 20, 20), (8, 8)).sum() == 4
    assert to_mask(rectangle(20, 20, 30, 30), (8, 8)).sum() == 0


def test_coordinates_far_outside_take_no_memory() -> None:
    assert to_mask(rectangle(-1e9, -1e9, 1e9, 1e9), (20, 10)).all()
    assert to_mask(rectangle(1e8, 1e8, 1e9, 1e9), (20, 10)).sum() == 0


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (70_000, 70_000)])
def test_sizes_that_no_mask_can_have(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot have a mask"):
        to_rle(rectangle(0, 0, 1, 1), size)


@pytest.mark.parametrize("counts", [[5, 9], [-1, 4], [2**40, 1], "zz", "\x01", "oooooooooooo1"])
def test_runs_that_are_none(counts: str | list[int]) -> None:
    with pytest.raises(ValueError, match="its mask"):
        from_rle([3, 3], counts)


def test_a_mask_larger_than_any_photo_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(ValueError, match="larger than any photo"):
        from_rle([40_000, 40_000], [0, 1_600_000_000])


@given(st.text(alphabet=[chr(c) for c in range(48, 112)], max_size=30))
def test_any_string_is_runs_or_refused(counts: str | list[int]) -> None:
    try:
        shape = from_rle([20, 20], counts)
    except ValueError:
        return
    assert 0 <= shape.area <= 400
