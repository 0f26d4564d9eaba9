"""Boxes in NumPy do what torchvision does with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms as stock_nms
from torchvision.ops import box_iou as stock_iou

from model.inference.box_arithmetic import batched_nms, box_iou


@pytest.mark.parametrize("most", [0, 1, 7, 400])
def test_the_best_of_the_boxes_are_kept(most: int) -> None:
    random = np.random.default_rng(most)
    corners = random.uniform(0, 80, (400, 2))
    boxes = np.concatenate([corners, corners + random.uniform(4, 40, (400, 2))], 1).astype(np.float32)
    scores, labels = random.random(400).astype(np.float32), random.integers(0, 3, 400)
    expected = stock_nms(torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(labels), 0.5).tolist()
    assert batched_nms(boxes, scores, labels, 0.5, most).tolist() == expected[:most]
    tensor = torch.from_numpy(boxes)
    np.testing.assert_allclose(box_iou(boxes, boxes[:9]), stock_iou(tensor, tensor[:9]), atol=1e-6)
