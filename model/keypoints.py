"""From keypoint masks to points (paper, sec. 5: each is a one-hot mask of its region)."""

from __future__ import annotations

import torch
from torch import Tensor

SURE, LIKELY = 0.3, 0.1
"""Scores from which a keypoint counts as visible (2) and as there (1); below, it is not labelled (0)."""


def locate(logits: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return where keypoints are and how sure that is.

    The greatest cell is refined by the parabola through it and its neighbours along each axis.

    Args:
        logits: [N, K, S, S] float32 over the positions of each region.
        boxes: [N, 4] xyxy.

    Returns:
        [N, K, 2] float32 x, y as COCO counts them (the index of a pixel, whose centre lies half a pixel further), and
        [N, K] float32: the probability, 0..1, that the keypoint is within a cell of the point.
    """
    count, kinds, size, _ = logits.shape
    flat = logits.flatten(2)
    best = flat.argmax(2)  # [N, K]
    y, x = best // size, best % size

    def value(dx: int, dy: int) -> Tensor:
        index = (y + dy).clamp(0, size - 1) * size + (x + dx).clamp(0, size - 1)
        return flat.gather(2, index[..., None])[..., 0]

    here = value(0, 0)
    step = [_peak(value(-1, 0), here, value(1, 0)), _peak(value(0, -1), here, value(0, 1))]
    cell = (boxes[:, 2:] - boxes[:, :2])[:, None] / size  # [N, 1, 2]
    place = torch.stack([x + step[0], y + step[1]], -1) + 0.5
    points = boxes[:, None, :2] + place * cell
    probability = flat.softmax(2).view(count, kinds, size, size)
    near = torch.nn.functional.avg_pool2d(probability, 3, 1, 1) * 9
    scores = near.flatten(2).gather(2, best[..., None])[..., 0].clamp(0, 1)
    return points - 0.5, scores


def _peak(before: Tensor, here: Tensor, after: Tensor) -> Tensor:
    """Return where, from -0.5 to 0.5, the parabola through three values a step apart is greatest."""
    bend = (before - 2 * here + after).clamp(max=-1e-6)
    return (0.5 * (before - after) / bend).clamp(-0.5, 0.5)


def visibility(scores: Tensor) -> Tensor:
    """Return COCO's 2, 1 or 0 for each score."""
    return (scores >= LIKELY).to(scores.dtype) + (scores >= SURE).to(scores.dtype)
