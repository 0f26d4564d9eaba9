"""Jobs that a single process does, and two that share a batch or a folder; run as a program, one of such processes.

The program reads names of jobs and their arguments, a JSON list a line, and answers each with what it returned.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from model.commands import evaluate, fill_masks, suggest
from model.commands import train as train_command
from model.data import feature_cache
from model.distributed import ProcessGroup
from model.evaluation import paired_bootstrap
from model.finetuning import fine_tuner
from model.protocol import TrainStep
from tests.model.training.test_training import QUICK, tiny_trainer


def train(annotations: str, output: str) -> dict[str, Any]:
    """Train for an epoch; return the losses of each step, and a sum for each weight."""
    settings = replace(QUICK, epochs=1, batch=4)
    run = tiny_trainer(Path(annotations), Path(output), settings, team=ProcessGroup.init("cpu"))
    losses: list[dict[str, float | None]] = []
    run.run(lambda record: losses.append(record.losses) if isinstance(record, TrainStep) else None)
    weights = [float(p.detach().double().abs().sum()) for p in run.network.parameters() if p.requires_grad]
    return {"losses": losses, "weights": weights}


def fine_tune(annotations: str, weights: str, folder: str) -> int:
    options = ["--from", weights, "--output", f"{folder}/a.safetensors", "--device", "cpu", "--short-side", "64"]
    return train_command.main(
        [annotations, *options, "--epochs", "1", "--freeze", "neck", "--split", f"{folder}/split.json"]
    )


def headless(annotations: str, weights: str, folder: str) -> list[int]:
    """Write what the commands without a window do; return their exit statuses."""
    options = ["--weights", weights, "--device", "cpu"]
    masks = [annotations, *options, "--replace", "--output", f"{folder}/masks.json"]
    statuses = [
        suggest_all(str(Path(annotations).parent / "images"), weights, f"{folder}/suggestions.json"),
        fill_masks.main(masks),
    ]
    with contextlib.redirect_stdout(io.StringIO()) as text:
        statuses.append(evaluate.main([annotations, *options, "--json"]))
    if text.getvalue():
        Path(folder, "figures.json").write_text(text.getvalue())
    return statuses


def suggest_all(photos: str, weights: str, output: str) -> int:
    return suggest.main([photos, "--weights", weights, "--device", "cpu", "--score", "0.3", "--output", output])


def qt_modules() -> list[str]:
    """Return what is imported of Qt where the commands without a window are."""
    return [name for name in sys.modules if name.startswith("PySide")]


JOBS = {job.__name__: job for job in (train, fine_tune, headless, suggest_all, qt_modules)}


def main() -> None:
    """Do jobs with the other processes, in one group, until there are no more."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    group = ProcessGroup.init("cpu")
    patch = pytest.MonkeyPatch()
    for module, name, value in ((feature_cache, "MAX_VARIANTS", 1), (fine_tuner, "VALIDATIONS", 1)):
        patch.setattr(module, name, value)
    patch.setattr(paired_bootstrap, "DRAWS", 20)
    patch.setattr(ProcessGroup, "destroy", lambda _: None)  # the commands would each end the group
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        with contextlib.redirect_stdout(io.StringIO()):
            answer = JOBS[name](*arguments)
        print(json.dumps(answer), flush=True)  # noqa: T201
    patch.undo()
    group.destroy()


if __name__ == "__main__":
    main()
