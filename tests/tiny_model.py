"""A real network, far too small to be any good, for tests of what goes on around it."""

from __future__ import annotations

from pathlib import Path

import torch

from dataset.coco.categories import Category
from model.checkpoints.checkpoint import Checkpoint, write
from model.config import ModelConfig
from model.network.build import build

CATEGORIES = (
    Category(1, "person", "person", ("nose", "tail"), ((0, 1),)),
    Category(2, "Cup", "kitchen", (), ()),
)


def write_tiny_model(path: Path, seed: int = 0) -> Path:
    """Write the checkpoint of a network with random weights, another one for another seed."""
    torch.manual_seed(seed)
    config = ModelConfig(
        classes=2, backbone="mobilenet_v2", width=0.1, channels=8, box_width=16,
        keypoints=2, keypoint_width=8, keypoint_convs=1,
        short_side=64, long_side=96, rpn_pre_nms=50, rpn_post_nms=10,
    )  # fmt: skip
    write(path, Checkpoint(config, CATEGORIES, build(config).state_dict()))
    return path
