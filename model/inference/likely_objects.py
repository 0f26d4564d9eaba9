"""All objects that a network can imagine in a photo, however unsure, with masks that say how probable each cell is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.inference.box_arithmetic import batched_nms
from model.inference.engine import BoxDetections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SAME = 0.7
"""IoU of two boxes from which they are of one object, whatever their classes."""
MOST = 40
"""Objects at one place at most: on COCO a place has 20, and the best is hardly ever after the 20th."""


@dataclass(frozen=True)
class LikelyObject:
    """An object that may be there, in coordinates of the photo."""

    category_id: int
    """Id of one of the predictor's categories: its likeliest."""
    score: float
    """0..1 of that category."""
    box: NDArray[np.float32]
    """[4] xyxy."""
    mask: NDArray[np.float32]
    """[M, M] how probable it is that a cell of a grid laid over the box is object."""


def likely_boxes(
    probabilities: NDArray[np.float32], refined: NDArray[np.float32], unused: Sequence[int]
) -> BoxDetections:
    """Return a box for every proposal in its likeliest class, best first, none twice.

    Args:
        probabilities: [R, classes + 1] of proposals, the first background's.
        refined: [R, classes + 1, 4] the box of each class.
        unused: Outputs that stand for no class.
    """
    chances = probabilities.copy()
    chances[:, [0, *unused]] = -1
    labels = chances.argmax(1)
    rows = np.arange(len(labels))
    boxes, scores = refined[rows, labels], chances[rows, labels]
    kept = batched_nms(boxes, scores, np.zeros_like(labels), SAME, len(labels))
    return BoxDetections(boxes[kept], scores[kept], labels[kept].astype(np.int64))
