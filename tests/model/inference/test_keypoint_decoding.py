from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.models.detection.roi_heads import heatmaps_to_keypoints

from model.inference.keypoint_decoding import certainty, locate, locate_roughly, visibility

SIDES = torch.tensor([[30.2, 61.7], [200.0, 90.5], [0.4, 3.0], [56.0, 56.0]])


def boxes() -> torch.Tensor:
    corner = torch.tensor([[3.3, 8.1], [20.0, 5.5], [7.0, 7.0], [0.0, 0.0]])
    return torch.cat([corner, corner + SIDES], 1)


@pytest.mark.parametrize("smooth", [True, False])
def test_points_are_those_of_resizing_the_whole_mask(smooth: bool) -> None:
    torch.manual_seed(0)
    logits, regions = torch.randn(4, 5, 56, 56), boxes()
    if smooth:
        logits = torch.nn.functional.avg_pool2d(logits, 9, 1, 4) * 9
    else:  # noise has many best places, of which large regions may get another one
        regions[1, 2:] = regions[1, :2] + 100
    points, peaks = map(torch.from_numpy, locate(logits.numpy(), regions.numpy()))
    expected, scores = heatmaps_to_keypoints(logits, regions)
    torch.testing.assert_close(points, expected[..., :2], rtol=0, atol=1e-4)
    torch.testing.assert_close(peaks, scores, rtol=1e-4, atol=1e-4)


def test_a_peak_is_found_to_the_pixel() -> None:
    logits = np.zeros((1, 1, 56, 56), np.float32)
    logits[0, 0, 14, 28] = 10
    (x, y) = locate(logits, np.array([[100, 200, 212, 312]], np.float32))[0][0, 0]
    # Two pixels a cell: cell 28 is pixels 56 and 57 of the region, whose centres are at 156.5 and 157.5.
    assert x.item() in (156.5, 157.5)
    assert y.item() in (228.5, 229.5)


def test_no_boxes() -> None:
    points, peaks = locate(np.zeros((0, 5, 56, 56), np.float32), np.zeros((0, 4), np.float32))
    assert points.shape == (0, 5, 2)
    assert peaks.shape == (0, 5)


def test_certainty_and_visibility() -> None:
    logits = np.zeros((1, 3, 56, 56), np.float32)
    logits[0, 0, 10, 10] = 30  # all in one cell
    logits[0, 1, 10, 10] = logits[0, 1, 40, 40] = 30  # one of two places
    sure = certainty(logits)[0]
    assert sure.tolist() == pytest.approx([1.0, 0.5, 4 / 56**2], abs=1e-4)  # the last: a corner of nothing at all
    assert visibility(np.array([0.9, 0.2, 0.01], np.float32)).tolist() == [2, 1, 0]


def test_roughly_is_within_a_cell() -> None:
    # In smaller regions resizing passes over some cells altogether.
    logits = np.random.default_rng(3).normal(size=(5, 4, 56, 56)).astype(np.float32)
    for i in range(5):
        for k in range(4):
            logits[i, k, 10 * i + 3, 12 * k + 5] += 30
    boxes = np.array([[3, 4, 60, 90], [0, 0, 200, 100], [10, 10, 70, 66], [5, 5, 95, 90], [0, 0, 56, 56]], np.float32)
    exact, _ = locate(logits, boxes)
    cells = (boxes[:, 2:] - boxes[:, :2]) / 56
    assert (np.abs(locate_roughly(logits, boxes) - exact) <= cells[:, None] + 0.5).all()
