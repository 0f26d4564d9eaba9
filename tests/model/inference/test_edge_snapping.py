from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.inference.edge_snapping import FINER, EdgeGuide, snap_to_edges

SIDE = 28
BOX = np.array([40.5, 30.25, 140.5, 150.25], np.float32)


def disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.hypot(x - centre[0], y - centre[1]) < radius


def in_cells(shape: np.ndarray, box: np.ndarray, cells: int) -> np.ndarray:
    """The share of each cell of a box that a shape covers, sampled at 8 x 8 places."""
    steps = (np.arange(cells * 8) + 0.5) / (cells * 8)
    x, y = box[0] + steps * (box[2] - box[0]), box[1] + steps * (box[3] - box[1])
    inside = shape[y.astype(int)][:, x.astype(int)]
    return inside.reshape(cells, 8, cells, 8).mean((1, 3)).astype(np.float32)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.fixture
def truth() -> np.ndarray:
    return disc((200, 220), (90, 90), 40)


@pytest.mark.parametrize(("inside", "outside"), [((200, 40, 40), (40, 60, 50)), ((60, 60, 60), (75, 75, 75))])
def test_an_outline_moves_to_the_edge(
    truth: np.ndarray, inside: tuple[int, int, int], outside: tuple[int, int, int]
) -> None:
    noise = np.random.default_rng(0).normal(0, 2, (*truth.shape, 3))
    photo = np.where(truth[..., None], inside, outside) + noise
    guide = EdgeGuide(np.clip(photo, 0, 255).astype(np.uint8))
    larger = in_cells(disc((200, 220), (90, 90), 46), BOX, SIDE)
    too_large = cv2.GaussianBlur(larger, (0, 0), 1.5).astype(np.float32)
    wanted = in_cells(truth, BOX, FINER * SIDE) > 0.5
    before = cv2.resize(too_large, (FINER * SIDE, FINER * SIDE), interpolation=cv2.INTER_LINEAR) > 0.5
    after = snap_to_edges(too_large, guide, BOX)
    assert after.shape == (FINER * SIDE, FINER * SIDE)
    assert after.dtype == np.float32
    assert overlap(before, wanted) < 0.80
    assert overlap(after > 0.5, wanted) > 0.88


def test_where_there_is_no_edge_it_is_only_smoothed(truth: np.ndarray) -> None:
    mask = in_cells(truth, BOX, SIDE)
    after = snap_to_edges(mask, EdgeGuide(np.full((*truth.shape, 3), 90, np.uint8)), BOX)
    wanted = in_cells(truth, BOX, FINER * SIDE) > 0.5
    assert overlap(after > 0.5, wanted) > 0.85
    assert abs(np.argwhere(after > 0.5).mean() - np.argwhere(wanted).mean()) < 0.5


def test_colours_are_looked_up_where_the_cells_are() -> None:
    photo = np.zeros((64, 96, 3), np.uint8)
    photo[:, 48:] = (200, 100, 50)
    found = EdgeGuide(photo).colours(np.array([16.0, 0.0, 80.0, 64.0], np.float32), 8)
    assert found.std() == pytest.approx(1, abs=0.01)
    assert not found[:, :3].any()
    np.testing.assert_allclose(found[:, 5:] / found[:, 5:, :1], np.broadcast_to([1, 0.5, 0.25], (8, 3, 3)), rtol=0.02)


def test_a_large_box_sees_means_not_single_pixels() -> None:
    chequered = np.indices((800, 800)).sum(0) % 2 * 255
    photo = np.repeat(chequered[..., None], 3, 2).astype(np.uint8)
    photo[:, 400:] //= 2
    found = EdgeGuide(photo).colours(np.array([0, 0, 800, 800], np.float32), 16)
    left, right = found[:, :7], found[:, 9:]
    assert left.std() < 0.1 * left.mean()
    assert left.mean() == pytest.approx(2 * right.mean(), rel=0.05)


@given(
    corners=st.tuples(*(st.floats(-20, 130, width=32) for _ in range(4))),
    seed=st.integers(0, 5),
    flat=st.booleans(),
)
def test_whatever_the_box_it_is_a_mask(corners: tuple[float, float, float, float], seed: int, flat: bool) -> None:
    random = np.random.default_rng(seed)
    photo = np.zeros((90, 120, 3), np.uint8) if flat else random.integers(0, 255, (90, 120, 3), np.uint8)
    x0, y0, x1, y1 = corners
    box = np.array([min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)], np.float32)
    found = snap_to_edges(random.random((14, 14)).astype(np.float32), EdgeGuide(photo), box)
    assert found.shape == (28, 28)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= 1).all()
