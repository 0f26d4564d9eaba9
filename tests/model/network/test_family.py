"""Every kind of member of the family is built, trained, predicted with and evaluated, at tiny sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from dataset.coco.reader import Source, load_coco
from model.checkpoints.checkpoint import Checkpoint
from model.config import TrainConfig
from model.data.augmentation import MaskCache, normalise
from model.data.batching import plan_batches, samples_of
from model.data.training_dataset import TrainingDataset
from model.data.training_images import classes_of, read_photos
from model.evaluation.evaluate import evaluate
from model.inference.predictor import Predictor
from model.network.build import build, meta_network
from tests.model.conftest import config
from tests.model.inference.test_parity import lively

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")

SMALL: dict[str, Any] = {"keypoints": 0}
FAMILY: dict[str, dict[str, Any]] = {
    "R18-FPN": {"backbone": "resnet18"},
    "MobileNetV2-FPN": {},
    "MobileNetV3-FPN": {"backbone": "mobilenet_v3_large"},
    "CSPNet-FPN with keypoints": {"backbone": "cspnet", "box_canonical": 56.0, "box_agnostic": True},
    "a body for boxes": {
        "box_body": "cspnet",
        "box_step": 11,
        "box_agnostic": True,
        "rpn_box": "distances",
        "rpn_score": True,
        "rpn_kinds": 3,
        "anchor_sizes": (55, 110, 220),
        "anchor_ratios": (1.0,),
    },
    "CSPNet-FPN": {"backbone": "cspnet", "keypoints": 0},
    "CSPNet-C4": {"backbone": "cspnet", "features": "c4", "keypoints": 0},
    "R18-C4 with keypoints": {"backbone": "resnet18", "features": "c4"},
    "R18-C5": {**SMALL, "backbone": "resnet18", "features": "c5"},
    "R18-C4 as in Fig. 4": {"backbone": "resnet18", "features": "c4", "keypoints": 0, "res5_stride": 1},
    "MobileNetV2-C4 with keypoints": {"features": "c4"},
    "MobileNetV3-C5": {"backbone": "mobilenet_v3_large", "features": "c5"},
    "boxes alike for all classes, C4": {**SMALL, "features": "c4", "box_agnostic": True},
    "RoIAlign, max": {**SMALL, "roi_reduce": "max"},
    "RoIWarp, average": {**SMALL, "features": "c4", "roi_layer": "warp"},
    "RoIWarp, max": {**SMALL, "roi_layer": "warp", "roi_reduce": "max"},
    "RoIPool": {**SMALL, "roi_layer": "pool", "roi_reduce": "max"},
    "RoIPool, C5": {**SMALL, "features": "c5", "roi_layer": "pool", "roi_reduce": "max"},
    "MLP of two": {**SMALL, "mask_head": "mlp2"},
    "MLP of three": {**SMALL, "mask_head": "mlp3"},
    "MLP, C4": {**SMALL, "mask_head": "mlp2", "features": "c4"},
    "Faster R-CNN": {**SMALL, "mask_head": "none"},
    "keypoints only": {"mask_head": "none"},
    "softmax masks": {**SMALL, "mask_loss": "softmax"},
    "softmax masks, C4": {**SMALL, "mask_loss": "softmax", "features": "c4"},
    "trained batch norm": {**SMALL, "batch_norm": "trained"},
    "second edition": {**SMALL, "box_head": "conv", "mask_norm": True, "rpn_convs": 2},
}
SELDOM = {
    "CSPNet-FPN",
    "CSPNet-C4",
    "R18-C5",
    "R18-C4 with keypoints",
    "RoIAlign, max",
    "RoIPool, C5",
    "MLP, C4",
}
SELDOM |= {"MLP of three", "softmax masks", "boxes alike for all classes, C4", "RoIWarp, max"}
"""Of which each part is in another one of the family: `make stress` tries them."""
LARGE = ("resnet34", "resnet101", "resnext101_32x8d", "resnext101_64x4d")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SELDOM else n for n in FAMILY])
def test_it_learns_predicts_and_is_measured(name: str, coco_file: Callable[..., Path]) -> None:
    chosen = config(rpn_post_nms=5, **FAMILY[name])
    annotations = coco_file(1)
    categories = classes_of([(annotations, load_coco(annotations))], by_supercategory=False)
    photos = read_photos([Source(annotations)], categories, by_supercategory=False)
    sampling = TrainConfig(
        batch=1, scales=(64,), jitter=(1.0, 1.0), flip=False, colour=0, rpn_post_nms=6, box_batch=8, mask_batch=2
    )
    mirror = list(range(chosen.keypoints))
    samples = samples_of(photos)
    batch = TrainingDataset(samples, plan_batches(samples, sampling, 0), sampling, MaskCache(), mirror=mirror)[0]
    assert isinstance(batch.images, torch.Tensor)
    images = normalise(batch.images)
    network = build(chosen).train()
    lively(network)
    names = {"rpn_objectness", "rpn_box", "class", "box"}
    names |= ({"mask"} if chosen.mask_head != "none" else set()) | ({"keypoint"} if chosen.keypoints else set())
    optimiser = torch.optim.SGD(network.parameters(), 1e-3)
    totals: list[float] = []
    for _ in range(3):
        losses = network(images, batch.targets, sampling)
        assert set(losses) == names
        total = torch.stack(list(losses.values())).sum()
        totals.append(float(total.detach()))
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
    assert min(totals[1:]) < totals[0], totals
    plain = tuple(c if chosen.keypoints else type(c)(c.id, c.name, c.supercategory) for c in categories)
    predictor = Predictor(Checkpoint(chosen, plain, network.state_dict()), "cpu")
    figures = evaluate(predictor, annotations, score=0.0)
    kinds = ["box", *(["mask"] if "mask" in names else []), *(["keypoints"] if chosen.keypoints else [])]
    assert list(figures.overall) == kinds
    assert all(0 <= figures.overall[kind]["AP"] <= 1 for kind in kinds)


@pytest.mark.parametrize(
    "backbone", [LARGE[1], *(pytest.param(n, marks=pytest.mark.slow) for n in LARGE if n != LARGE[1])]
)
def test_large_bodies_have_the_strides_and_widths_that_what_follows_takes(backbone: str) -> None:
    """Without numbers, which would take seconds each; ResNet-50's are torchvision's in `test_parity.py`."""
    size = (128, 192)
    picture = torch.empty(2, 3, *size, device="meta")
    for features in ("fpn", "c4"):
        network = meta_network(config(backbone=backbone, features=features, keypoints=0))
        maps = network.backbone(picture)
        wanted = [(2, network.backbone.channels, size[0] // s, size[1] // s) for s in network.config.strides]
        assert [tuple(found.shape) for found in maps] == wanted
        regions = torch.empty(3, network.backbone.channels, 14, 14, device="meta")
        if network.roi_heads.res5 is not None:
            scores, _ = network.roi_heads.box_predictor(network.roi_heads.box_head(network.roi_heads.res5(regions)))
            assert scores.shape == (3, network.config.classes + 1)
