"""Masks and keypoints of one network in another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from dataset.coco.categories import Category
from model.checkpoints import checkpoint, weights
from model.network.build import build
from tools.builtin_weights.inherit_heads import main

if TYPE_CHECKING:
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")


def test_masks_and_keypoints_are_the_trained_ones(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    trained, start, output = (tmp_path / f"{name}.safetensors" for name in ("trained", "start", "output"))
    checkpoint.write(trained, tiny_checkpoint)
    network = build(replace(tiny_checkpoint.config, classes=3, box_body="cspnet"))
    mine = (Category(1, "kite", "thing"), Category(2, "box", "thing"), Category(3, "child", "person"))
    checkpoint.write(start, checkpoint.Checkpoint(network.config, mine, network.state_dict()))
    assert main([str(start), str(trained), "--output", str(output)]) == 0
    made = weights.load(output)
    assert [c.name for c in made.categories] == ["kite", "box", "child"]
    old, new = tiny_checkpoint.state, made.state
    masks = "roi_heads.mask_predictor.mask_fcn_logits.bias"
    assert np.allclose(new[masks], old[masks][[0, 0, 2, 1]], atol=1e-6)  # none, "box" by name, "person" by its group
    own = network.state_dict()
    for name in ("roi_heads.box_predictor.cls_score.weight", "backbone.body.boxes.stage1.exit.0.weight"):
        assert torch.equal(new[name], own[name])
    rows = [0, 0, 2, 1]
    points, picture = [torch.tensor([[8.0, 8, 80, 70]])], torch.randn(1, 3, 96, 128)
    with torch.no_grad():
        before, after = (weights.network_of(c).eval() for c in (tiny_checkpoint, made))
        expected, found = (n.roi_heads.masks(n.encode(picture), points) for n in (before, after))
        torch.testing.assert_close(found, expected[:, rows])
        expected, found = (n.roi_heads.keypoints(n.encode(picture), points) for n in (before, after))
        torch.testing.assert_close(found, expected)


def test_what_is_no_checkpoint_or_does_not_fit_is_refused(
    tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"no")
    assert main([str(tmp_path / "a.safetensors"), "builtin", "--output", str(tmp_path / "b")]) == 2
    assert "a.safetensors" in capsys.readouterr().err
    checkpoint.write(tmp_path / "c.safetensors", tiny_checkpoint)
    assert main([str(tmp_path / "c.safetensors"), "builtin", "--output", str(tmp_path / "b")]) == 2
    assert not (tmp_path / "b").exists()
