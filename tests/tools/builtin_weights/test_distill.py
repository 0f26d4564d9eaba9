"""Losses that keep what a network began with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from dataset.coco.categories import Category
from model.checkpoints import checkpoint, weights
from model.config import TrainConfig
from model.network.build import build
from model.network.rpn_head import BINS
from tools.builtin_weights.distill import main, parameter_groups, told_classes
from tools.builtin_weights.nanodet import CLASSES, OUTPUTS, SHIFT, START, start_heads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("repeatable")

PLAIN = replace(START, box_step=8, anchor_sizes=(40, 80, 160))
STRIDES = (4, 8, 16, 32, 8, 16, 32)


def test_a_region_is_of_the_class_that_its_cell_has_as_far_as_it_fits() -> None:
    network = build(PLAIN).eval()
    start_heads(network)
    maps = [torch.zeros(1, START.channels, 128 // stride, 128 // stride) for stride in STRIDES]
    cell = maps[5][0, :, 3, 3]
    cell[16] = SHIFT + 5
    cell[CLASSES:OUTPUTS].view(4, BINS)[:, 2] = 12
    box = [3.5 * 16 - 32, 3.5 * 16 - 32, 3.5 * 16 + 32, 3.5 * 16 + 32]
    regions = [torch.tensor([box, [box[0], box[1], box[2], box[1] + 32]])]
    told = told_classes(network, maps, regions, (128, 128))
    assert told.shape == (2, CLASSES + 1)
    torch.testing.assert_close(told.sum(1), torch.ones(2))
    assert told[0, 17] == pytest.approx(0.993, abs=0.01)
    assert told[1, 17] < 0.6


def test_the_command_trains_heads_and_leaves_the_rest_as_it_was(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    file = coco_file(4)
    data = json.loads(file.read_text())
    missing = CLASSES - len(data["categories"])
    data["categories"] += [{"id": 100 + i, "name": f"thing {i}", "supercategory": "thing"} for i in range(missing)]
    file.write_text(json.dumps(data))
    small = replace(PLAIN, width=0.35, keypoints=3, keypoint_width=16, keypoint_convs=1, box_width=OUTPUTS)
    small = replace(small, short_side=96, long_side=128)
    network = build(small)
    own = tuple(Category(i, f"thing {i}", "thing") for i in range(1, CLASSES + 1))
    begun, output = tmp_path / "begun.safetensors", tmp_path / "output.safetensors"
    checkpoint.write(begun, checkpoint.Checkpoint(small, own, network.state_dict()))
    arguments = ["--weights", str(begun), "--train", str(file), "--output", str(output)]
    options = ["--epochs", "1", "--set", "early_share=0", "--set", "scales=[64]", "--batch", "2"]
    assert main([*arguments, *options]) == 0
    made, before = weights.load(output).state, network.state_dict()
    kept = ("rpn.", "backbone.", "roi_heads.keypoint_")
    assert all(torch.equal(made[k], v) for k, v in before.items() if k.startswith(kept))
    for name in ("roi_heads.box_head.fc6.weight", "roi_heads.mask_head.0.0.weight"):
        assert not torch.equal(made[name], before[name])


def test_what_is_trained_is_in_one_group() -> None:
    network = build(replace(START, classes=3))
    groups = parameter_groups(network, TrainConfig())
    trained = [p for p in network.parameters() if p.requires_grad]
    assert sum(len(g["params"]) for g in groups) == len(trained)
    assert {g["share"] for g in groups} == {0.08, 0.3, 1.0}


def test_what_is_no_checkpoint_is_refused(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"no")
    start, output = str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors")
    assert main(["--weights", start, "--train", str(coco_file(2)), "--output", output]) == 2
    assert "a.safetensors" in capsys.readouterr().err
