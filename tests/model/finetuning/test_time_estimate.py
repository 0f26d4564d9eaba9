"""How long a round will take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import torch

from model.commands.train import main
from model.distributed import ProcessGroup
from model.finetuning.finetune import fine_tune
from model.finetuning.prepare import FineTuneJob
from model.finetuning.time_estimate import estimate_seconds
from model.protocol import FineTuneOptions
from model.training.control import Control, Quit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("repeatable")


def _nothing(*_: object) -> None:
    pass


@pytest.mark.slow
@pytest.mark.parametrize(("freeze", "count"), [("none", 12), ("heads", 4)])
def test_about_as_long_as_it_takes(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, freeze: str, count: int
) -> None:
    path = coco_file(count)
    output = tmp_path / "out" / "model.safetensors"
    options = FineTuneOptions(epochs=3, freeze=freeze, short_side=96)  # type: ignore[arg-type]
    request = FineTuneJob(path, output, path.parent / "images", str(tiny_weights), options=options)
    told = estimate_seconds(request, CPU, _nothing)
    assert not output.parent.exists()
    begin = time.monotonic()
    fine_tune(request, CPU, ProcessGroup(), Control(_nothing), _nothing)
    took = time.monotonic() - begin
    assert took / 6 < told < took * 6  # on a busy machine, with times of a few seconds


def test_nothing_is_decided_yet(coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path) -> None:
    path, split = coco_file(12), tmp_path / "split.json"

    def estimate(options: FineTuneOptions) -> float:
        output, images = tmp_path / "m.safetensors", path.parent / "images"
        return estimate_seconds(
            FineTuneJob(path, output, images, str(tiny_weights), split=split, options=options), CPU, _nothing
        )

    assert estimate(FineTuneOptions(short_side=64)) > 0
    assert not split.exists()
    # The rest is looks at photos, on a busy machine.
    assert 3600 < estimate(FineTuneOptions(minutes=60.0, short_side=64)) < 2 * 3600


def test_it_can_be_given_up(coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path) -> None:
    path = coco_file(4)
    control = Control(_nothing)
    control.order("quit")
    request = FineTuneJob(path, tmp_path / "m.safetensors", path.parent / "images", str(tiny_weights))
    with pytest.raises(Quit):
        estimate_seconds(request, CPU, control.check)


def test_as_a_command(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco_file(4)
    arguments = [str(path), "--images", str(path.parent / "images"), "--from", str(tiny_weights), "--estimate"]
    arguments += ["--short-side", "64"]
    assert main([*arguments, "--output", str(tmp_path / "m.safetensors"), "--device", "cpu"]) == 0
    assert "It takes about" in capsys.readouterr().out
