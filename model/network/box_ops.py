"""Box arithmetic, always in float32.

Boxes are xyxy in continuous image coordinates: the pixel (0, 0) covers [0, 1) x [0, 1). Half-precision numbers are 2
pixels apart at 256 to 512, which collapses small boxes, so whatever the network computes in is made float32 here first.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.ops import box_iou

MAX_LOG_SCALE = math.log(1000 / 16)
"""Greatest log factor by which a box may grow in one step (Detectron), so that exp cannot overflow."""

MAX_PAIRS = 2**25
"""IoUs that are in memory at a time: a photo with 20,000 objects has 5 billion with its anchors."""

RPN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
HEAD_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""Scales that bring the four targets of the box head near unit variance (Fast R-CNN's code)."""


def encode(true: Tensor, base: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """Return the [N, 4] offsets (R-CNN, appendix C) that turn the boxes `base` into the boxes `true`, both [N, 4]."""
    true, base = true.float(), base.float()
    base_size = base[:, 2:] - base[:, :2]
    true_size = true[:, 2:] - true[:, :2]
    shift = ((true[:, :2] + true_size / 2) - (base[:, :2] + base_size / 2)) / base_size
    growth = torch.log(true_size / base_size)
    return torch.cat([shift, growth], 1) * shift.new_tensor(weights)


def decode(offsets: Tensor, base: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """Apply offsets [N, C * 4] to boxes [N, 4]; return boxes [N, C, 4]."""
    base = base.float()
    size = (base[:, 2:] - base[:, :2])[:, None]  # [N, 1, 2]
    centre = base[:, None, :2] + size / 2
    steps = offsets.float().reshape(-1, offsets.shape[1] // 4, 4) / base.new_tensor(weights)
    centre = centre + steps[..., :2] * size
    size = size * steps[..., 2:].clamp(max=MAX_LOG_SCALE).exp()
    return torch.cat([centre - size / 2, centre + size / 2], -1)


def clip(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return boxes [..., 4] clipped to a picture of (height, width)."""
    height, width = size
    limit = boxes.new_tensor([width, height, width, height])
    return torch.minimum(boxes.clamp(min=0), limit)


def inside_share(boxes: Tensor, regions: Tensor) -> Tensor:
    """Return for each of the boxes [N, 4] the greatest share of its area that lies in one of the regions [M, 4]."""
    if len(regions) * len(boxes) > MAX_PAIRS and len(regions) > 1:
        parts = regions.split(max(1, MAX_PAIRS // len(boxes)))
        return torch.stack([inside_share(boxes, part) for part in parts]).amax(0)
    if len(regions) == 0:
        return boxes.new_zeros(len(boxes))
    low = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    common = (high - low).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1).clamp(min=1e-6)
    return (common / area[:, None]).max(1).values


def match(boxes: Tensor, true: Tensor, low: float, high: float, *, keep_best: bool) -> Tensor:
    """Assign each of the boxes [N, 4] a true box [M, 4].

    Returns [N] int64: the index of the true box when the IoU is at least `high`, -1 (background) when it is below
    `low`, -2 (neither) between. With `keep_best` each true box also keeps the boxes that overlap it most,
    however little (Faster R-CNN, sec. 3.1.2).
    """
    if len(true) == 0:
        return torch.full((len(boxes),), -1, dtype=torch.int64, device=boxes.device)
    best = boxes.new_full((len(boxes),), -1, dtype=torch.float32)
    index = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
    keeps = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    rows = max(1, MAX_PAIRS // max(1, len(boxes)))
    for start in range(0, len(true), rows):
        overlap = box_iou(true[start : start + rows].float(), boxes.float())  # [M, N]
        part, found = overlap.max(0)
        index = torch.where(part > best, found + start, index)
        best = torch.maximum(best, part)
        if keep_best:
            best_of_true = overlap.max(1, keepdim=True).values
            keeps |= ((overlap == best_of_true) & (best_of_true > 0)).any(0)
    matched = torch.where(best >= high, index, torch.where(best < low, -1, -2))
    return torch.where(keeps, index, matched)


def sample(matched: Tensor, count: int, positive_share: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw at most `count` indices from `matched` (see `match`): (positives, negatives), each int64."""
    positives = torch.nonzero(matched >= 0).flatten()
    negatives = torch.nonzero(matched == -1).flatten()
    chosen_positives = min(len(positives), int(count * positive_share))
    chosen_negatives = min(len(negatives), count - chosen_positives)
    positives = positives[torch.randperm(len(positives), generator=random, device=matched.device)[:chosen_positives]]
    negatives = negatives[torch.randperm(len(negatives), generator=random, device=matched.device)[:chosen_negatives]]
    return positives, negatives
