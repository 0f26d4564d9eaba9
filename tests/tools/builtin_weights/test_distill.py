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
from tools.builtin_weights.distill import main, near, parameter_groups, told_classes
from tools.builtin_weights.nanodet import CLASSES, OUTPUTS, SHIFT, START, start_heads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")

STRIDES = (4, 8, 16, 32, 8, 16, 32)


def maps_with_a_dog() -> list[torch.Tensor]:
    maps = [torch.zeros(1, START.channels, 128 // stride, 128 // stride) for stride in STRIDES]
    cell = maps[5][0, :, 3, 3]
    cell[16] = SHIFT + 5
    cell[CLASSES:OUTPUTS].view(4, BINS)[:, 2] = 12
    return maps


def test_the_same_maps_are_near_and_others_are_far() -> None:
    dog = maps_with_a_dog()[4:]
    none = [m.clone() for m in dog]
    none[1][0, 16] = 0
    moved = [m.clone() for m in dog]
    moved[1][0, CLASSES : CLASSES + BINS, 3, 3] = 0
    assert float(near(dog, dog)) == pytest.approx(0, abs=0.02)
    assert float(near(none, dog)) > 0.5
    assert float(near(moved, dog)) > 0.1
    assert float(near([m + 1 if m is dog[1] else m for m in dog], dog)) > 0


def test_a_region_is_of_the_class_that_its_cell_has_as_far_as_it_fits() -> None:
    network = build(START).eval()
    start_heads(network)
    box = [3.5 * 16 - 32, 3.5 * 16 - 32, 3.5 * 16 + 32, 3.5 * 16 + 32]
    regions = [torch.tensor([box, [box[0], box[1], box[2], box[1] + 32]])]
    told = told_classes(network, maps_with_a_dog(), regions, (128, 128))
    assert told.shape == (2, CLASSES + 1)
    torch.testing.assert_close(told.sum(1), torch.ones(2))
    assert told[0, 17] == pytest.approx(0.993, abs=0.01)
    assert told[1, 17] < 0.6


def test_the_command_trains_and_leaves_proposals_as_they_were(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    file = coco_file(4)
    data = json.loads(file.read_text())
    missing = CLASSES - len(data["categories"])
    data["categories"] += [{"id": 100 + i, "name": f"thing {i}", "supercategory": "thing"} for i in range(missing)]
    file.write_text(json.dumps(data))
    small = replace(START, keypoints=3, keypoint_width=16, keypoint_convs=1, box_width=OUTPUTS)
    small = replace(small, short_side=96, long_side=128)
    network = build(small)
    own = tuple(Category(i, f"thing {i}", "thing") for i in range(1, CLASSES + 1))
    start, trained, output = (tmp_path / f"{name}.safetensors" for name in ("start", "trained", "output"))
    checkpoint.write(start, checkpoint.Checkpoint(small, own, network.state_dict()))
    wide = build(replace(tiny_checkpoint.config, channels=START.channels))
    known = checkpoint.Checkpoint(wide.config, tiny_checkpoint.categories, wide.state_dict())
    checkpoint.write(trained, known)
    arguments = ["--start", str(start), "--trained", str(trained), "--weights", str(start), "--train", str(file)]
    options = ["--epochs", "1", "--set", "early_share=0", "--set", "scales=[64]", "--batch", "2"]
    assert main([*arguments, *options, "--output", str(output)]) == 0
    made = weights.load(output).state
    before = network.state_dict()
    assert all(torch.equal(made[k], v) for k, v in before.items() if k.startswith("rpn."))
    assert not torch.equal(made["backbone.fpn.mask_blocks.0.weight"], before["backbone.fpn.mask_blocks.0.weight"])


def test_every_weight_is_in_one_group() -> None:
    network = build(replace(START, classes=3))
    groups = parameter_groups(network, TrainConfig())
    assert sum(len(g["params"]) for g in groups) == len(list(network.parameters()))
    assert {g["share"] for g in groups} == {0.0, 0.3, 0.5, 1.0}


def test_what_is_no_checkpoint_is_refused(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"no")
    start = str(tmp_path / "a.safetensors")
    output = str(tmp_path / "b.safetensors")
    assert main(["--start", start, "--trained", "builtin", "--train", str(coco_file(2)), "--output", output]) == 2
    assert "a.safetensors" in capsys.readouterr().err
