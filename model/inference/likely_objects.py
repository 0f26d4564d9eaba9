"""All objects that a network can imagine in a photo, however unsure, with masks that say how probable each cell is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchvision.ops import nms

from model.network import box_ops as geometry
from model.network.mask_rcnn import Detections

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from model.network.mask_rcnn import MaskRCNN

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
    network: MaskRCNN,
    features: list[Tensor],
    maps: list[Tensor],
    *,
    size: tuple[int, int],
    inner: tuple[int, int],
    unused: list[int],
) -> Detections:
    """Return a box for every proposal of the RPN in its likeliest class, best first, none twice.

    Args:
        network: Which has encoded the photo.
        features: What `encode` returned.
        maps: The same in the precision that regions are pooled in.
        size: (height, width) of its input, padding included.
        inner: The same without padding.
        unused: Outputs that stand for no class.
    """
    config = network.config
    scored = network.rpn.score(features, size)
    (regions,) = network.rpn.propose(scored, [inner], pre_nms=config.rpn_pre_nms, post_nms=config.rpn_post_nms)
    logits, offsets = network.roi_heads.classify(maps, [regions])
    chances = logits.softmax(1)
    chances[:, [0, *unused]] = -1
    scores, labels = chances.max(1)
    decoded = geometry.clip(geometry.decode(offsets, regions, geometry.HEAD_WEIGHTS), inner)
    boxes = decoded.gather(1, labels[:, None, None].expand(-1, 1, 4))[:, 0]
    kept = nms(boxes, scores, SAME)
    return Detections(boxes[kept], scores[kept], labels[kept])
