"""Tiny networks and photos, quick enough for every test to build its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from dataset.coco.categories import Category
from model.checkpoints import checkpoint
from model.checkpoints.checkpoint import Checkpoint
from model.config import FROM_SCRATCH, ModelConfig
from model.data import feature_cache as features
from model.evaluation import paired_bootstrap as compare
from model.finetuning import fine_tuner, pseudo_labels
from model.graphs.export import export
from model.network.build import build
from model.network.precision import fast_type
from resources import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from model.inference.graph_file import Graphs

POINTS = ("nose", "left_hand", "right_hand")
TINY = replace(
    FROM_SCRATCH,
    classes=2,
    backbone="mobilenet_v2",
    width=0.1,
    channels=16,
    box_width=32,
    keypoints=len(POINTS),
    keypoint_width=16,
    keypoint_convs=1,
    short_side=96,
    long_side=160,
    rpn_pre_nms=60,
    rpn_post_nms=12,
)
CATEGORIES = (
    Category(1, "person", "person", POINTS, ((0, 1), (0, 2))),
    Category(7, "box", "thing"),
)


@pytest.fixture(autouse=True)
def _own_number_type() -> Iterator[None]:
    """What a test has this machine compute in is not what the next one does."""
    fast_type.cache_clear()
    yield
    fast_type.cache_clear()


@pytest.fixture
def repeatable() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_flush_denormal(True)  # random networks with frozen norms are full of numbers too small for speed
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def tiny_checkpoint() -> Checkpoint:
    """A network with random weights whose outputs are not all alike."""
    torch.manual_seed(1)
    network = build(TINY)
    for module in network.backbone.body.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    network.roi_heads.box_predictor.cls_score.weight.data.mul_(0.5)  # sure of nothing
    return Checkpoint(TINY, CATEGORIES, network.state_dict(), {"note": 1})


@pytest.fixture(scope="session")
def tiny_graphs(tiny_checkpoint: Checkpoint) -> Graphs:
    """The same as an engine without torch runs it."""
    return export(tiny_checkpoint)


@pytest.fixture
def tiny_weights(tiny_checkpoint: Checkpoint, tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "weights" / "tiny.safetensors"
    checkpoint.write(path, tiny_checkpoint)
    return path


@pytest.fixture
def coco_file(tmp_path: Path) -> Callable[..., Path]:
    """Makes a COCO file with photos: bright rectangles on noise, each photo with a person and a box."""

    def make(count: int = 3, name: str = "train", *, size: tuple[int, int] = (72, 96), **extra: Any) -> Path:
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True)
        random = np.random.default_rng(0)
        images, annotations = [], []
        for i in range(count):
            height, width = size
            pixels = random.integers(0, 60, (height, width, 3), np.uint8)
            for category, (x, y, w, h) in ((1, (8 + 3 * i, 10, 30, 40)), (7, (55, 30 - 2 * i, 30, 30))):
                pixels[y : y + h, x : x + w] = (220, 180, 40) if category == 1 else (30, 200, 230)
                record: dict[str, Any] = {
                    "id": len(annotations) + 1,
                    "image_id": i + 1,
                    "category_id": category,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": 0,
                    "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
                }
                if category == 1:
                    record["keypoints"] = [x + 15, y + 5, 2, x + 25, y + 20, 2, x + 5, y + 20, 1]
                    record["num_keypoints"] = 3
                annotations.append(record)
            file_name = f"photo {i + 1}.png"
            Image.fromarray(pixels).save(folder / "images" / file_name)
            images.append({"id": i + 1, "file_name": file_name, "width": width, "height": height})
        categories = [
            {"id": 1, "name": "person", "supercategory": "person", "keypoints": list(POINTS), "skeleton": [[1, 2]]},
            {"id": 7, "name": "box", "supercategory": "thing"},
        ]
        path = folder / f"{name}.json"
        data = {"images": images, "annotations": annotations, "categories": categories, **extra}
        path.write_text(json.dumps(data))
        return path

    return make


def config(**changes: Any) -> ModelConfig:
    """The tiny network with some fields changed; a body that is no MobileNet has a width of its own."""
    if not changes.get("backbone", TINY.backbone).startswith("mobilenet"):
        changes = {"width": 1.0, **changes}
    return replace(TINY, **changes)


@pytest.fixture(scope="session")
def few_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small pictures in place of the large ones that ship with the program."""
    folder = tmp_path_factory.mktemp("samples")
    for name in ("cat.jpg", "dog.jpg"):
        with Image.open(SAMPLES / name) as photo:
            photo.resize((96, 72)).save(folder / name)
    return folder


@pytest.fixture
def short_rounds(monkeypatch: pytest.MonkeyPatch, few_samples: Path) -> None:
    """Few variants, validations, draws and images to rehearse with: what is tested is how they go together."""
    monkeypatch.setattr(pseudo_labels, "SAMPLES", few_samples)
    monkeypatch.setattr(features, "MAX_VARIANTS", 1)
    monkeypatch.setattr(fine_tuner, "VALIDATIONS", 2)
    monkeypatch.setattr(compare, "DRAWS", 20)


@pytest.fixture
def parent(tiny_checkpoint: Checkpoint, tmp_path: Path) -> Path:
    """The file of a network that sees few things, so that it is quick."""
    few = replace(tiny_checkpoint.config, detections=4, rpn_pre_nms=10, rpn_post_nms=8)
    path = tmp_path / "weights" / "parent.safetensors"
    checkpoint.write(path, Checkpoint(few, tiny_checkpoint.categories, tiny_checkpoint.state))
    return path
