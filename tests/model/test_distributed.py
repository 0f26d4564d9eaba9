"""Two processes on the CPU against one with the whole batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from model.checkpoints import weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")

STEPS = 3
TRAINING = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
torch.set_flush_denormal(True)
from dataclasses import replace
from model.distributed import ProcessGroup
from tests.model.inference.test_parity import lively
from tests.model.training.test_training import QUICK, tiny_trainer
from model.protocol import TrainStep
team = ProcessGroup.init("cpu")
run = tiny_trainer(Path(sys.argv[1]), Path(sys.argv[2]), replace(QUICK, epochs=1, batch=4), team=team)
records = []
run.run(lambda record: records.append(record.losses) if isinstance(record, TrainStep) else None)
weights = [float(p.detach().double().abs().sum()) for p in run.network.parameters() if p.requires_grad]
Path(f"{sys.argv[2]}.{team.rank}.json").write_text(json.dumps({"losses": records, "weights": weights}))
team.destroy()
"""


FINE_TUNING = """
import sys
import torch
torch.set_num_threads(1)
from pathlib import Path
from model.commands import train
from model.data import feature_cache
from model.evaluation import paired_bootstrap
from model.finetuning import fine_tuner
feature_cache.MAX_VARIANTS, fine_tuner.VALIDATIONS, paired_bootstrap.DRAWS = 1, 1, 20
annotations, weights, folder = sys.argv[1:]
options = ["--from", weights, "--output", folder + "/a.safetensors", "--device", "cpu", "--short-side", "64"]
sys.exit(train.main([annotations, *options, "--epochs", "1", "--freeze", "neck", "--split", folder + "/split.json"]))
"""


HEADLESS = """
import contextlib, io, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from model.commands import evaluate, fill_masks, suggest
from model.distributed import ProcessGroup
ProcessGroup.init("cpu")
ProcessGroup.destroy = lambda self: None  # the processes stay together for all three
annotations, weights, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
options = ["--weights", weights, "--device", "cpu"]
photos = str(Path(annotations).parent / "images")
assert suggest.main([photos, *options, "--score", "0.3", "--output", str(folder / "suggestions.json")]) == 0
assert fill_masks.main([annotations, *options, "--replace", "--output", str(folder / "masks.json")]) == 0
with contextlib.redirect_stdout(io.StringIO()) as text:
    assert evaluate.main([annotations, *options, "--json"]) == 0
if text.getvalue():
    (folder / "figures.json").write_text(text.getvalue())
"""


SUGGESTING = """
import sys
import torch
torch.set_num_threads(1)
from model.commands import suggest
photos, weights, output = sys.argv[1:]
options = ["--weights", weights, "--device", "cpu", "--score", "0.3", "--output", output]
sys.exit(suggest.main([photos, *options]))
"""


def launch(count: int, worker: str, *arguments: Path, status: int = 0) -> str:
    """Run the worker in so many processes that end with a status, and return what they said on standard error."""
    port = 20_000 + os.getpid() % 20_000
    processes = []
    for rank in range(count):
        variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_PORT": port}
        environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", **{k: str(v) for k, v in variables.items()}}
        command = [sys.executable, "-c", worker, *map(str, arguments)]
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    said = ""
    for process in processes:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == status, errors
        said += errors
    return said


def train(count: int, annotations: Path, output: Path) -> list[dict[str, Any]]:
    """Train with so many processes, and return what each reports."""
    launch(count, TRAINING, annotations, output)
    return [json.loads((output.parent / f"{output.name}.{rank}.json").read_text()) for rank in range(count)]


def test_two_processes_take_the_steps_of_one(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    annotations = coco_file(4 * STEPS)
    (alone,) = train(1, annotations, tmp_path / "one.safetensors")
    first, second = train(2, annotations, tmp_path / "two.safetensors")
    assert len(alone["losses"]) == STEPS
    assert first["weights"] == second["weights"]
    assert first["weights"] == pytest.approx(alone["weights"], rel=1e-3, abs=1e-4)
    for whole, one, other in zip(alone["losses"], first["losses"], second["losses"], strict=True):
        for name, value in whole.items():
            assert (one[name] + other[name]) / 2 == pytest.approx(value, rel=0.02, abs=1e-3), name
    written = sorted(p.name for p in tmp_path.glob("two.*"))
    assert written == ["two.resume", "two.safetensors", "two.safetensors.0.json", "two.safetensors.1.json"]


def test_a_last_batch_with_fewer_photos_than_processes_trains_too(
    coco_file: Callable[..., Path], tmp_path: Path
) -> None:
    annotations = coco_file(5)
    (alone,) = train(1, annotations, tmp_path / "one.safetensors")
    first, second = train(2, annotations, tmp_path / "two.safetensors")
    assert [len(run["losses"]) for run in (alone, first, second)] == [2, 2, 2]
    assert first["weights"] == second["weights"]
    assert first["weights"] == pytest.approx(alone["weights"], rel=1e-3, abs=1e-4)


def test_two_processes_fine_tune_as_one_does(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    annotations = coco_file(11)
    found = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        launch(count, FINE_TUNING, annotations, tiny_weights, folder)
        found.append(weights.load(folder / "a.safetensors"))
        assert sorted(p.name for p in folder.iterdir()) == ["a.safetensors", "split.json"]
    one, two = found
    assert one.metrics["lineage"]["split"] == two.metrics["lineage"]["split"]
    old = weights.load(tiny_weights).state
    for name, value in one.state.items():
        if value.is_floating_point():
            torch.testing.assert_close(two.state[name].float(), value.float(), rtol=0.02, atol=2e-3, msg=name)
    name = "rpn.head.cls_logits.weight"
    assert not torch.equal(one.state[name], old[name].half())


def test_two_processes_share_photos_and_write_what_one_does(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    annotations = coco_file(5)
    written = {}
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        launch(count, HEADLESS, annotations, tiny_weights, folder)
        written[count] = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(written[1]) == {"suggestions.json", "masks.json", "figures.json"}
    assert written[1] == written[2]


def test_two_processes_report_as_one(coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path) -> None:
    photos = coco_file(5).parent / "images"
    (photos / "photo 2.png").write_bytes(b"damaged")
    output = tmp_path / "out.json"
    (tmp_path / "out.json.partial2").write_text("{}")
    said = launch(2, SUGGESTING, photos, tiny_weights, output)
    assert "5 of 5 photos" in said
    assert "of 3" not in said
    assert said.count("Left out photo 2.png") == 1
    assert not list(tmp_path.glob("*.partial*"))
    assert len(json.loads(output.read_text())["images"]) == 4
    said = launch(2, SUGGESTING, photos, tmp_path / "none.safetensors", output, status=2)
    assert said.count("no weights") == 1, said
    assert said.count("\n") == 1, said
