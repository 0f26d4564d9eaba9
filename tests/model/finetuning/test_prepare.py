from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dataset.coco.categories import Category
from model.checkpoints import checkpoint, lineage, weights
from model.checkpoints.checkpoint import Checkpoint
from model.commands import train
from model.data.project_dataset import read_project
from model.finetuning.prepare import begin_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")


@pytest.fixture(autouse=True)
def _tiny_builtin(tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A builtin model that is quick."""
    path = tmp_path / "shipped" / "builtin.safetensors"
    checkpoint.write(path, tiny_checkpoint)
    monkeypatch.setattr(weights, "BUILTIN_FILE", path)


def tuned(tiny_checkpoint: Checkpoint, categories: tuple[Category, ...] = (), **changes: Any) -> Checkpoint:
    own = {"parent": "builtin", "annotations": {"train-0.png": "1", "train-1.png": "2"}, **changes}
    return replace(tiny_checkpoint, categories=categories or tiny_checkpoint.categories, metrics={"lineage": own})


def test_a_round_begins_at_the_builtin_model_again(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    project = read_project(coco_file(), None, lambda: None)
    names = [image["file_name"] for image in project.data["images"]]
    learned = {names[0]: "1", names[1]: "2"}
    builtin = weights.load("builtin").digest()
    parcel = (tiny_checkpoint.categories[0], Category(9, "parcel"))
    assert begin_at(tuned(tiny_checkpoint, annotations=learned), project).digest() == builtin
    for other in (
        tuned(tiny_checkpoint, annotations={**learned, "gone.png": "3"}),  # what it learned there would be lost
        tuned(tiny_checkpoint, annotations=learned, parent="coco"),
        tuned(tiny_checkpoint, annotations="damaged"),
        tuned(tiny_checkpoint, parcel, annotations=learned),  # a class that neither the labels nor the builtin know
        replace(tiny_checkpoint, metrics={"lineage": None}),
        tiny_checkpoint,
    ):
        assert begin_at(other, project) is other


@pytest.mark.slow
def test_rounds_do_not_stand_on_each_other(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = coco_file()
    data = json.loads(file.read_text())
    data["categories"][1]["name"] = "parcel"
    file.write_text(json.dumps(data))
    baseline, starts = "builtin", []
    for name in ("first", "second"):
        output = tmp_path / f"{name}.safetensors"
        options = [
            "--from",
            baseline,
            "--output",
            str(output),
            "--device",
            "cpu",
            "--short-side",
            "64",
            "--epochs",
            "1",
        ]
        assert train.main([str(file), *options, "--json"]) == 0
        starts.append(json.loads(capsys.readouterr().out.splitlines()[0]))
        baseline = str(output)
    assert [start["new_classes"] for start in starts] == [["parcel"], []]
    assert starts[1]["kept_classes"] == starts[0]["kept_classes"] == ["box"]
    second = weights.load(baseline)
    assert second.metrics["lineage"]["parent"] == "builtin"
    assert second.metrics["lineage"]["rival"] == "first"
    record = lineage.read(tmp_path / "second.safetensors")
    assert record is not None
    assert record.parent_name == "builtin"
