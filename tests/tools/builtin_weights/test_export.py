from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from model.checkpoints import checkpoint, weights
from model.inference.predictor import Predictor
from tools.builtin_weights import export

if TYPE_CHECKING:
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")


def test_a_shipped_checkpoint_is_small_and_scores_as_wished(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, output = tmp_path / "figures.json", tmp_path / "out.safetensors"
    figures.write_text('{"AP": 0.5}')
    options = [
        "--metrics",
        str(figures),
        "--config",
        "box_nms=0.4",
        "--shift",
        "*=1",
        "--shift",
        "person=-2",
        "--shift-proposals",
        "1.5",
    ]
    options += ["--scale-classes", "2", "--scale-proposals", "3"]
    assert export.main([str(tiny_weights), str(output), *options]) == 0
    assert output.stat().st_size < 0.55 * tiny_weights.stat().st_size
    shipped = weights.load(output)
    assert shipped.metrics == json.loads(figures.read_text())
    assert shipped.config.box_nms == 0.4
    given = weights.load(tiny_weights).state
    for layer, shift in (("weight", 0), ("bias", 1.5)):
        name = f"rpn.head.cls_logits.{layer}"
        torch.testing.assert_close(shipped.state[name].float(), given[name] * 3 + shift, atol=1e-2, rtol=1e-2)
    chances = []
    for path in (tiny_weights, output):
        predictor = Predictor(path, "cpu")
        predictor.set_image(np.full((96, 128, 3), 90, np.uint8))
        chances.append(predictor.classify_boxes(np.array([[10.0, 10, 90, 80]]))[0])
    before, after = (np.log(c[0] / c[1]) for c in chances)
    assert after == pytest.approx(2 * before - 2, abs=0.1)  # the odds of a person against the other class
    assert export.main([str(tiny_weights), str(output), "--shift", "unicorn=1"]) == 2
    assert export.main([str(tiny_weights), str(output), "--config", "box_nms=7"]) == 2
    assert export.main([str(tmp_path / "none"), str(output)]) == 2
    assert capsys.readouterr().err.count("\n") == 3
    for odd in ("person", "person=nan", "person=x"):
        with pytest.raises(SystemExit):
            export.main([str(tiny_weights), str(output), "--shift", odd])
        assert odd in capsys.readouterr().err


def test_the_average_of_several_runs(
    tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "roi_heads.box_predictor.cls_score.weight"
    moved = replace(tiny_checkpoint, state={**tiny_checkpoint.state, name: tiny_checkpoint.state[name] + 0.3})
    files = [tmp_path / f"{i}.safetensors" for i in range(3)]
    checkpoint.write(files[0], tiny_checkpoint)
    checkpoint.write(files[1], moved)
    assert export.main([str(f) for f in (files[0], files[0], files[1], files[2])]) == 0
    mean = weights.load(files[2]).state
    torch.testing.assert_close(mean[name].float(), tiny_checkpoint.state[name] + 0.1, atol=1e-2, rtol=1e-2)
    for other in mean.keys() - {name}:
        torch.testing.assert_close(mean[other].float(), tiny_checkpoint.state[other].float(), atol=1e-2, rtol=1e-2)
    renamed = tuple(replace(c, name=f"{c.name}!") for c in tiny_checkpoint.categories)
    checkpoint.write(files[1], replace(moved, categories=renamed))
    assert export.main([str(f) for f in files]) == 2
    assert "average" in capsys.readouterr().err
