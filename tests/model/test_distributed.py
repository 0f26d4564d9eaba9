"""Two processes on the CPU against one with the whole batch."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from model.checkpoints import weights
from model.finetuning import fine_tuner
from tests.model import distributed_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable", "short_rounds")

STEPS = 3


class Pair:
    """Two processes of one group, which do jobs of `distributed_jobs` together."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
        self._errors = [folder / f"{rank}.txt" for rank in range(2)]
        self._starts = [0, 0]
        self.processes = []
        for rank, errors in enumerate(self._errors):
            environment = {**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            command = [sys.executable, "-m", "tests.model.distributed_jobs"]
            with errors.open("w") as file:
                self.processes.append(
                    subprocess.Popen(
                        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True
                    )
                )

    def run(self, job: str, *arguments: Path) -> list[Any]:
        """Return what each process returned for a job."""
        for process in self.processes:
            assert process.stdin
            process.stdin.write(json.dumps([job, *map(str, arguments)]) + "\n")
            process.stdin.flush()
        answers = [process.stdout.readline() for process in self.processes if process.stdout]
        assert all(answers), self.said()
        return [json.loads(answer) for answer in answers]

    def said(self) -> str:
        """Return what both wrote on standard error since this was last asked."""
        texts = [file.read_text() for file in self._errors]
        new = "".join(text[start:] for text, start in zip(texts, self._starts, strict=True))
        self._starts = [len(text) for text in texts]
        return new


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The processes, which take seconds to start, for all tests; both end well."""
    both = Pair(tmp_path_factory.mktemp("pair"))
    yield both
    for process in both.processes:
        process.communicate(timeout=30)
        assert process.returncode == 0, both.said()


def test_two_processes_take_the_steps_of_one(coco_file: Callable[..., Path], pair: Pair, tmp_path: Path) -> None:
    annotations = coco_file(4 * STEPS)
    alone = distributed_jobs.train(str(annotations), str(tmp_path / "one.safetensors"))
    first, second = pair.run("train", annotations, tmp_path / "two.safetensors")
    assert len(alone["losses"]) == STEPS
    assert first["weights"] == second["weights"]
    assert first["weights"] == pytest.approx(alone["weights"], rel=1e-3, abs=3e-4)  # sums of small numbers
    for whole, one, other in zip(alone["losses"], first["losses"], second["losses"], strict=True):
        for name, value in whole.items():
            assert (one[name] + other[name]) / 2 == pytest.approx(value, rel=0.02, abs=1e-3), name
    assert sorted(p.name for p in tmp_path.glob("two.*")) == ["two.safetensors"]


def test_a_last_batch_with_fewer_photos_than_processes_trains_too(
    coco_file: Callable[..., Path], pair: Pair, tmp_path: Path
) -> None:
    annotations = coco_file(5)
    alone = distributed_jobs.train(str(annotations), str(tmp_path / "one.safetensors"))
    first, second = pair.run("train", annotations, tmp_path / "two.safetensors")
    assert [len(run["losses"]) for run in (alone, first, second)] == [2, 2, 2]
    assert first["weights"] == second["weights"]
    assert first["weights"] == pytest.approx(alone["weights"], rel=1e-3, abs=1e-4)


def test_two_processes_fine_tune_as_one_does(
    coco_file: Callable[..., Path], tiny_weights: Path, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuner, "VALIDATIONS", 1)
    annotations = coco_file(11)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    assert distributed_jobs.fine_tune(str(annotations), str(tiny_weights), str(folders[0])) == 0
    assert pair.run("fine_tune", annotations, tiny_weights, folders[1]) == [0, 0]
    for folder in folders:
        assert sorted(p.name for p in folder.iterdir()) == ["a.safetensors", "split.json"]
    one, two = (weights.load(folder / "a.safetensors") for folder in folders)
    assert one.metrics["lineage"]["split"] == two.metrics["lineage"]["split"]
    old = weights.load(tiny_weights).state
    for name, value in one.state.items():
        if value.is_floating_point():
            torch.testing.assert_close(two.state[name].float(), value.float(), rtol=0.02, atol=2e-3, msg=name)
    name = "rpn.head.cls_logits.weight"
    assert not torch.equal(one.state[name], old[name].half())


def test_two_processes_share_photos_and_write_what_one_does(
    coco_file: Callable[..., Path], tiny_weights: Path, pair: Pair, tmp_path: Path
) -> None:
    annotations = coco_file(5)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    assert distributed_jobs.headless(str(annotations), str(tiny_weights), str(folders[0])) == [0, 0, 0]
    assert pair.run("headless", annotations, tiny_weights, folders[1]) == [[0, 0, 0], [0, 0, 0]]
    one, two = ({path.name: path.read_text() for path in folder.iterdir()} for folder in folders)
    assert set(one) == {"suggestions.json", "masks.json", "figures.json"}
    assert one == two


def test_two_processes_report_as_one(
    coco_file: Callable[..., Path], tiny_weights: Path, pair: Pair, tmp_path: Path
) -> None:
    photos = coco_file(5).parent / "images"
    (photos / "photo 2.png").write_bytes(b"damaged")
    output = tmp_path / "out.json"
    (tmp_path / "out.json.partial2").write_text("{}")
    pair.said()
    assert pair.run("suggest_all", photos, tiny_weights, output) == [0, 0]
    said = pair.said()
    assert "5 of 5 photos" in said
    assert "of 3" not in said
    assert said.count("Left out photo 2.png") == 1
    assert not list(tmp_path.glob("*.partial*"))
    assert len(json.loads(output.read_text())["images"]) == 4
    assert pair.run("suggest_all", photos, tmp_path / "none.safetensors", output) == [2, 2]
    said = pair.said()
    assert said.count("no weights") == 1, said
    assert said.count("\n") == 1, said


def test_commands_without_a_window_import_no_qt(pair: Pair) -> None:
    assert pair.run("qt_modules") == [[], []]
