"""Heads of one network on the features of another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from dataset.coco.categories import Category
from model.checkpoints import checkpoint, weights
from model.network.build import build
from tools.builtin_weights.inherit_heads import MapRegression, main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")


def test_the_regression_finds_what_made_the_values() -> None:
    cells, weight, bias = torch.randn(400, 12), torch.randn(3, 12), torch.randn(3)
    regression = MapRegression(12, 3)
    for part in cells.split(100):
        regression.add(part, part @ weight.T + bias)
    found, shift = regression.solve()
    torch.testing.assert_close(found, weight, atol=0.02, rtol=0)
    torch.testing.assert_close(shift, bias, atol=0.02, rtol=0)


def test_heads_are_taken_over_and_get_the_maps_that_they_know(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    trained, start, output = (tmp_path / f"{name}.safetensors" for name in ("trained", "start", "output"))
    checkpoint.write(trained, tiny_checkpoint)
    torch.manual_seed(1)
    network = build(replace(tiny_checkpoint.config, classes=3, features="pan"))
    mine = (Category(1, "kite", "thing"), Category(2, "box", "thing"), Category(3, "child", "person"))
    checkpoint.write(start, checkpoint.Checkpoint(network.config, mine, network.state_dict()))
    assert main([str(start), str(trained), str(coco_file(6)), "--count", "6", "--output", str(output)]) == 0
    made = weights.load(output)
    assert [c.name for c in made.categories] == ["kite", "box", "child"]
    old, new = tiny_checkpoint.state, made.state
    masks = "roi_heads.mask_predictor.mask_fcn_logits.bias"
    assert np.allclose(new[masks], old[masks][[0, 0, 2, 1]], atol=1e-6)  # none, "box" by name, "person" by its group
    for name in ("roi_heads.mask_head.0.0.weight", "roi_heads.keypoint_predictor.kps_score_lowres.weight"):
        assert torch.equal(new[name], old[name])
    scores = "roi_heads.box_predictor.cls_score.weight"
    assert torch.equal(new[scores], network.state_dict()[scores])
    pictures = torch.randn(1, 3, 96, 128)
    with torch.no_grad():
        wanted, before, after = (
            n.eval().encode(pictures)[0]
            for n in (weights.network_of(tiny_checkpoint), network, weights.network_of(made))
        )
    assert float((after - wanted).std()) < 0.9 * float(wanted.std()) < float((before - wanted).std())


def test_what_is_no_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"no")
    photos = str(tmp_path / "no.json")
    assert main([str(tmp_path / "a.safetensors"), "builtin", photos, "--output", str(tmp_path / "b")]) == 2
    assert "a.safetensors" in capsys.readouterr().err
