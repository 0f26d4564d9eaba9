"""Boxes, xyxy, in NumPy: what a prediction needs of them without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def box_iou(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the IoU [N, M] of boxes [N, 4] with boxes [M, 4]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.maximum(high - low, 0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - common
    return (common / np.maximum(union, np.finfo(np.float32).tiny)).astype(np.float32)


def batched_nms(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], labels: NDArray[np.int64], iou: float, most: int
) -> NDArray[np.int64]:
    """Return which of the boxes [N, 4] are kept, best first: no better one of their label overlaps them by over `iou`.

    Non-maximum suppression, as the first `most` of `torchvision.ops.batched_nms`.
    """
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(left) and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        overlap = box_iou(boxes[best][None], boxes[left])[0]
        left = left[(overlap <= iou) | (labels[left] != labels[best])]
    return np.array(kept, np.int64)
