"""Our networks against torchvision's with the same random weights on the same picture."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.roi_heads import heatmaps_to_keypoints

from model.checkpoints.torchvision_weights import OFFICIAL, V2
from model.config import ModelConfig
from model.inference.keypoint_decoding import locate
from model.network.build import meta_network

pytestmark = pytest.mark.usefixtures("repeatable")

SIZE = (96, 128)
MOST = 10
"""Detections: each costs the mask and the keypoint head of full size."""
KINDS = {
    "maskrcnn_resnet50_fpn": ModelConfig(classes=6),
    "maskrcnn_resnet50_fpn_v2": replace(V2, classes=6),
    "keypointrcnn_resnet50_fpn": ModelConfig(classes=1, mask_head="none", keypoints=5),
}


def lively(module: nn.Module) -> None:
    """Give random weights and statistics that lead to detections of all kinds."""
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        if hasattr(part, "running_var"):
            part.running_mean.normal_(0, 0.1)  # pyrefly: ignore
            part.running_var.uniform_(0.8, 1.2)  # pyrefly: ignore
            if name.endswith("bn3"):
                part.weight.data.fill_(0.3)  # pyrefly: ignore
        if name.endswith("bbox_pred"):
            part.weight.data.mul_(0.02)  # pyrefly: ignore
        if name.endswith("cls_score"):
            part.weight.data.mul_(0.2)  # pyrefly: ignore


def official(name: str, config: ModelConfig) -> Any:
    options: dict[str, Any] = {"num_keypoints": config.keypoints} if config.keypoints else {}
    network = detection.__dict__[name](
        weights=None,
        weights_backbone=None,
        num_classes=config.classes + 1,
        box_score_thresh=0.02,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_test=100,
        box_detections_per_img=MOST,
        **options,
    )
    lively(network)
    return network.eval()


@pytest.mark.parametrize(
    "name", ["maskrcnn_resnet50_fpn", *(pytest.param(n, marks=pytest.mark.slow) for n in list(KINDS)[1:])]
)
def test_the_same_weights_give_the_same_results(name: str) -> None:
    config = replace(KINDS[name], rpn_pre_nms=200, rpn_post_nms=100)
    theirs = official(name, config)
    ours = deepcopy(meta_network(config)).eval()
    known = ours.state_dict().keys()
    state = {k: v for k, v in theirs.state_dict().items() if k in known or not k.endswith("num_batches_tracked")}
    ours.load_state_dict(state, assign=True)
    picture = torch.randn(1, 3, *SIZE)
    with torch.inference_mode():
        features = theirs.backbone(picture)
        images = detection.image_list.ImageList(picture, [SIZE])
        proposals, _ = theirs.rpn(images, features)
        (expected,), _ = theirs.roi_heads(features, proposals, [SIZE])
        maps = ours.encode(picture)
        (found,) = ours.detect(maps, SIZE, [SIZE], score=0.02, most=MOST)
        assert len(found.boxes) == len(expected["boxes"]) > 5
        assert torch.equal(found.labels, expected["labels"])
        torch.testing.assert_close(found.boxes, expected["boxes"], rtol=0, atol=1e-4)
        torch.testing.assert_close(found.scores, expected["scores"], rtol=0, atol=1e-4)
        if config.mask_head != "none":
            logits = ours.roi_heads.masks(maps, [found.boxes])
            masks = logits.sigmoid()[torch.arange(len(found.labels)), found.labels]
            torch.testing.assert_close(masks, expected["masks"][:, 0], rtol=0, atol=1e-4)
        if config.keypoints:
            logits = ours.roi_heads.keypoints(maps, [found.boxes])
            points = torch.from_numpy(locate(logits.numpy(), found.boxes.numpy())[0])
            reference, _ = heatmaps_to_keypoints(logits, found.boxes)
            torch.testing.assert_close(points, reference[..., :2], rtol=0, atol=1e-4)
            torch.testing.assert_close(points, expected["keypoints"][..., :2], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", list(OFFICIAL))
def test_official_weights_fit_strictly(name: str) -> None:
    entry = OFFICIAL[name]
    builder = {
        "coco": "maskrcnn_resnet50_fpn",
        "coco-v2": "maskrcnn_resnet50_fpn_v2",
        "coco-keypoints": "keypointrcnn_resnet50_fpn",
    }[name]
    with torch.device("meta"):
        theirs = detection.__dict__[builder](weights=None, weights_backbone=None)
    ours = meta_network(entry.config)
    shapes = {k: v.shape for k, v in theirs.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert {k: v.shape for k, v in ours.state_dict().items() if not k.endswith("num_batches_tracked")} == shapes
    assert len(entry.categories) == entry.config.classes
    assert entry.weights().url.startswith(f"https://download.pytorch.org/models/{builder}")
