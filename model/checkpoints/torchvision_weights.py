"""torchvision's official detectors in terms of this family: which config, which weights, which categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchvision.models import detection

from dataset.coco.categories import Category
from model.config import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from torchvision.models import WeightsEnum

SUPERCATEGORIES = {
    "person": (1, 1),
    "vehicle": (2, 9),
    "outdoor": (10, 15),
    "animal": (16, 25),
    "accessory": (26, 33),
    "sports": (34, 43),
    "kitchen": (44, 51),
    "food": (52, 61),
    "furniture": (62, 71),
    "electronic": (72, 77),
    "appliance": (78, 83),
    "indoor": (84, 91),
}
"""COCO numbers its categories by supercategory: the first and the last id of each."""

PERSON_KEYPOINTS = (
    "nose",
    *(
        f"{side}_{part}"
        for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ),
)
PERSON_SKELETON = (
    *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12)),  # legs
    *((5, 11), (6, 12), (5, 6)),  # trunk
    *((5, 7), (6, 8), (7, 9), (8, 10)),  # arms
    *((1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),  # head
)  # fmt: skip
"""COCO's edges, by index from 0."""


@dataclass(frozen=True)
class Official:
    """One of torchvision's detectors."""

    config: ModelConfig
    weights: Callable[[], WeightsEnum]
    categories: tuple[Category, ...]
    """One a class. Classes that COCO does not have are called N/A and are never predicted."""


def _categories() -> tuple[Category, ...]:
    names = detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:]
    group = {i: name for name, (first, last) in SUPERCATEGORIES.items() for i in range(first, last + 1)}
    return tuple(Category(i, name, group[i]) for i, name in enumerate(names, 1))


V2 = ModelConfig(classes=90, box_head="conv", mask_norm=True, rpn_convs=2)
"""torchvision's second edition: four convolutions in the box head, norms in the heads, two convolutions in the RPN."""

OFFICIAL: dict[str, Official] = {
    "coco": Official(ModelConfig(classes=90), lambda: detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1, _categories()),
    "coco-v2": Official(V2, lambda: detection.MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1, _categories()),
    "coco-keypoints": Official(
        ModelConfig(classes=1, mask_head="none", keypoints=17, keypoint_half_pixel=False),
        lambda: detection.KeypointRCNN_ResNet50_FPN_Weights.COCO_V1,
        (Category(1, "person", "person", PERSON_KEYPOINTS, PERSON_SKELETON),),
    ),
}
"""By the name that `model.checkpoints.weights.load` takes."""
