from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from model import export, weights
from model.predict import Predictor

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")


def test_a_shipped_checkpoint_is_small_and_scores_as_wished(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, output = tmp_path / "figures.json", tmp_path / "out.safetensors"
    figures.write_text('{"AP": 0.5}')
    options = ["--metrics", str(figures), "--nms", "0.4", "--shift", "person=-2"]
    assert export.main([str(tiny_weights), str(output), *options]) == 0
    assert output.stat().st_size < 0.55 * tiny_weights.stat().st_size
    shipped = weights.load(output)
    assert shipped.metrics == json.loads(figures.read_text())
    assert shipped.config.box_nms == 0.4
    chances = []
    for path in (tiny_weights, output):
        predictor = Predictor(path, "cpu")
        predictor.set_image(np.full((96, 128, 3), 90, np.uint8))
        chances.append(predictor.classify_boxes(np.array([[10.0, 10, 90, 80]]))[0])
    before, after = (np.log(c / (1 - c))[0] for c in chances)
    assert after - before == pytest.approx(-2, abs=0.1)  # the odds of a person
    assert export.main([str(tiny_weights), str(output), "--shift", "unicorn=1"]) == 2
    assert export.main([str(tmp_path / "none"), str(output)]) == 2
    assert capsys.readouterr().err.count("\n") == 2
