"""The losses of the heads: L = L_cls + L_box + L_mask (+ L_keypoint) (paper, sec. 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from model.config import MaskLoss

SMOOTH = 1 / 9
"""Where the smooth L1 loss turns from square to straight (Faster R-CNN's code)."""
KEYPOINT_SIZE = 56
"""Cells along each side of a keypoint mask (paper, sec. 5)."""


def class_loss(logits: Tensor, labels: Tensor, complete: Tensor, divisor: float) -> Tensor:
    """Return the class loss, averaged over the regions.

    A region of background in a photo where some classes are not labelled may be an object of one of those: its target
    is background or any of them, so -log(p_background + sum of p over the unlabelled classes).

    Args:
        logits: [R, classes + 1] float32.
        labels: [R] int64, 0 for background.
        complete: [R, classes + 1] bool: the classes that are labelled in the region's photo.
        divisor: How many regions there are, R unless several processes share them.
    """
    log_p = functional.log_softmax(logits, 1)
    allowed = torch.zeros_like(complete)
    allowed[:, 0] = True
    allowed |= ~complete
    background = torch.logsumexp(log_p.masked_fill(~allowed, float("-inf")), 1)
    object_ = log_p.gather(1, labels[:, None])[:, 0]
    return -torch.where(labels == 0, background, object_).sum() / divisor


def box_loss(offsets: Tensor, wanted: Tensor, labels: Tensor, divisor: float) -> Tensor:
    """Return the smooth L1 loss of the offsets of the true class.

    Args:
        offsets: [P, (classes + 1) * 4] of the positive regions.
        wanted: [P, 4].
        labels: [P] int64.
        divisor: How many regions were classified, negatives included (Fast R-CNN's code).
    """
    own = offsets.reshape(len(offsets), offsets.shape[1] // 4, 4)[
        torch.arange(len(labels), device=labels.device), labels
    ]
    return functional.smooth_l1_loss(own, wanted, reduction="sum", beta=SMOOTH) / divisor


def mask_loss(logits: Tensor, targets: Tensor, labels: Tensor, kind: MaskLoss, divisor: float) -> Tensor:
    """Return the mask loss, averaged over the cells of a mask and over the masks.

    sigmoid: binary cross-entropy on the mask of the true class only, so that classes do not compete (paper, sec. 3).
    softmax: each cell is of one class or background (Table 2b).

    Args:
        logits: [P, classes + 1, M, M].
        targets: [P, M, M] float32, 0 or 1.
        labels: [P] int64.
        kind: Which of the two.
        divisor: How many masks there are, P unless several processes share them.
    """
    share = 1 / (divisor * logits.shape[-1] * logits.shape[-2])
    if kind == "softmax":
        wanted = targets.long() * labels[:, None, None]
        return functional.cross_entropy(logits, wanted, reduction="sum") * share
    own = logits[torch.arange(len(labels), device=labels.device), labels]
    return functional.binary_cross_entropy_with_logits(own, targets, reduction="sum") * share


def mask_targets(grids: Tensor, grid_boxes: Tensor, regions: Tensor, size: int) -> Tensor:
    """Cut the masks of instances out at regions.

    Args:
        grids: [P, G, G] uint8, the share of each cell that is object, times 255.
        grid_boxes: [P, 4] xyxy: where each grid lies.
        regions: [P, 4] xyxy: what to cut out.
        size: Cells M along each side of the result.

    Returns:
        [P, M, M] float32, 0 or 1: whether the centre of the cell is object. Outside the grid nothing is.
    """
    steps = (torch.arange(size, device=regions.device) + 0.5) / size  # [M]
    grid_size = (grid_boxes[:, 2:] - grid_boxes[:, :2]).clamp(min=1e-6)
    points = regions[:, None, :2] + steps[None, :, None] * (regions[:, 2:] - regions[:, :2])[:, None]  # [P, M, 2]
    points = (points - grid_boxes[:, None, :2]) / grid_size[:, None] * 2 - 1
    x = points[:, None, :, 0].expand(-1, size, -1)
    y = points[:, :, None, 1].expand(-1, -1, size)
    where = torch.stack([x, y], -1)  # [P, M, M, 2]
    cut = functional.grid_sample(grids[:, None].float(), where, align_corners=False, padding_mode="zeros")
    return (cut[:, 0] >= 127.5).float()


def keypoint_targets(keypoints: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
    """Return for keypoints [P, K, 3] the cell [P, K] of the region's 56x56 mask they lie in, and whether they count.

    A keypoint counts when it is labelled and inside the region.
    """
    size = (regions[:, 2:] - regions[:, :2]).clamp(min=1e-6)
    cell = ((keypoints[..., :2] - regions[:, None, :2]) / size[:, None] * KEYPOINT_SIZE).floor()
    inside = ((cell >= 0) & (cell < KEYPOINT_SIZE)).all(-1) & (keypoints[..., 2] > 0)
    cell = cell.clamp(0, KEYPOINT_SIZE - 1).long()
    return cell[..., 1] * KEYPOINT_SIZE + cell[..., 0], inside


def keypoint_loss(logits: Tensor, cells: Tensor, counts: Tensor, divisor: float) -> Tensor:
    """Return the cross-entropy of a softmax over positions (paper, sec. 5), averaged over the keypoints that count.

    Args:
        logits: [P, K, 56, 56].
        cells: [P, K] int64, see `keypoint_targets`.
        counts: [P, K] bool.
        divisor: How many keypoints count, unless several processes share them.
    """
    flat = logits.flatten(2)[counts]
    return functional.cross_entropy(flat, cells[counts], reduction="sum") / divisor
