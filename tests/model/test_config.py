"""Settings that no network can have are refused; the width of a MobileNet is its channels'."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from model.config import FROM_SCRATCH, ModelConfig, TrainConfig
from model.config_values import changed
from model.network.build import build


def test_width_multiplies_the_channels_of_a_mobilenet() -> None:
    narrow, wide = (build(replace(FROM_SCRATCH, width=w)).backbone.body.state_dict() for w in (1.0, 1.5))
    assert wide["0.0.weight"].shape[0] == 1.5 * narrow["0.0.weight"].shape[0]
    assert wide["17.conv.2.weight"].shape[0] == 1.5 * narrow["17.conv.2.weight"].shape[0]


def test_width_is_no_setting_of_other_backbones() -> None:
    with pytest.raises(ValueError, match="width is"):
        ModelConfig(backbone="resnet18", width=1.5)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("anchor_sizes=[0]", "anchor_sizes"),
        ("anchor_sizes=[NaN]", "anchor_sizes"),
        ("anchor_sizes=[]", "anchor_sizes"),
        ("anchor_sizes=[true]", "anchor_sizes"),
        ("anchor_ratios=[-1]", "anchor_ratios"),
        ("rpn_nms=5", "rpn_nms"),
        ("roi_layer=pool", "roi_reduce"),
        ("res5_stride=3", "res5_stride"),
        ("box_nms=-1", "box_nms"),
        ("width=NaN", "width"),
        ("width=true", "width"),
        ("channels=0", "channels"),
        ("channels=1.5", "channels"),
        ("backbone=vgg", "backbone"),
        ("speed=3", "speed"),
        ("features", "features"),
    ],
)
def test_what_no_network_can_have_is_refused(change: str, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        changed(FROM_SCRATCH, [change])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"anchor_sizes": (16.0,) * 65, "anchor_ratios": (1.0,)}, "anchor_sizes times anchor_ratios is 65"),
        ({"anchor_ratios": (1.0,) * 33, "anchor_sizes": (16.0,) * 2}, "anchor_sizes times anchor_ratios is 66"),
        ({"classes": 100_000, "rpn_post_nms": 10_000}, "classes times rpn_post_nms"),
        ({"keypoints": 10_000, "detections": 1000}, "keypoints times detections"),
        ({"classes": 10_000, "detections": 1000, "mask_head": "mlp2"}, "classes times detections"),
        ({"classes": 10_000, "detections": 1000, "mask_loss": "softmax"}, "classes times detections"),
    ],
)
def test_a_small_file_cannot_ask_for_all_memory(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        replace(FROM_SCRATCH, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": 1203, "rpn_post_nms": 2000, "detections": 300, "mask_loss": "softmax"},
        {"classes": 21_841, "rpn_post_nms": 2000},
        {"anchor_sizes": tuple(range(32, 512, 32)), "anchor_ratios": (0.5, 1.0, 2.0)},  # RetinaNet's
        {"keypoints": 308, "detections": 1000},
    ],
)
def test_the_largest_of_todays_networks_are_allowed(changes: dict[str, Any]) -> None:
    replace(FROM_SCRATCH, **changes)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("schedule=linear", "schedule"),
        ("scales=[]", "scales"),
        ("scales=[0]", "scales"),
        ("jitter=[1]", "jitter"),
        ("jitter=[2, 1]", "jitter"),
        ("ema=1", "ema"),
        ("clip=NaN", "clip"),
        ("warmup=-1", "warmup"),
        ("rpn_batch=0", "rpn_batch"),
        ("flip=1", "flip"),
        ("speed=3", "speed"),
    ],
)
def test_what_no_training_can_have_is_refused(change: str, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        changed(TrainConfig(), [change])
