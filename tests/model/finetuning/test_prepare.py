from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dataset.coco.categories import Category
from dataset.pictures.fingerprints import ImageFingerprint
from model.checkpoints import checkpoint, lineage, weights
from model.checkpoints.checkpoint import Checkpoint
from model.commands import train
from model.data.project_dataset import ProjectDataset, read_project
from model.finetuning.prepare import FineTuneJob, Split, begin_at, choose_split

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


class Rounds:
    """Rounds on the first photos of a series, each on top of the model before, as the photos are split in them."""

    def __init__(self, tiny_checkpoint: Checkpoint, folder: Path) -> None:
        random = np.random.default_rng(7)
        names = [f"{random.bytes(4).hex()}.jpg" for _ in range(40)]  # no numbers of a burst
        self.photos = [ImageFingerprint(name, random.bytes(32).hex(), random.random(256) < 0.5, None) for name in names]
        self.job = FineTuneJob(folder / "annotations.json", folder / "out.safetensors", split=folder / "split.json")
        self.model = replace(tiny_checkpoint, metrics={})

    def run(self, count: int) -> Split:
        data = {
            "images": [{"id": n, "file_name": photo.name} for n, photo in enumerate(self.photos[:count])],
            "annotations": [{"id": n, "image_id": n, "category_id": 1} for n in range(count)],
        }
        project = ProjectDataset(data, self.job.annotations.parent, (), self.photos[:count], [])
        split = choose_split(self.job, project, self.model, leads=True)
        learned = {lineage.photo_id(self.photos[i].digest) for i in split.train}
        known = lineage.trained_on(self.model.metrics)
        self.model = replace(self.model, metrics={"lineage": {"trained_on": sorted(learned | known)}})
        return split


@pytest.mark.parametrize("steps", [(8, 12), (8, 9, 14, 30), (5, 7, 9, 11, 13), (9, 11, 12, 20, 40), (12, 20, 21, 40)])
def test_no_model_is_measured_on_what_it_or_its_rival_has_learned_from(
    tiny_checkpoint: Checkpoint, tmp_path: Path, steps: tuple[int, ...]
) -> None:
    rounds = Rounds(tiny_checkpoint, tmp_path)
    before = 0
    for count in steps:
        learned = lineage.trained_on(rounds.model.metrics)
        split = rounds.run(count)
        seen = {i for i in split.measured if lineage.photo_id(rounds.photos[i].digest) in learned}
        assert split.is_fair == (not seen)
        assert split.measured
        if count - before > 1:
            assert split.is_fair
            assert set(range(before, count)) & set(split.train), "nothing is learned from the new photos"
        assert all(not set(split.train) >= set(split.val) for _ in split.val)
        before = count


def test_a_rival_that_has_learned_from_everything_is_said_to_have(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    rounds = Rounds(tiny_checkpoint, tmp_path)
    assert rounds.run(8).is_fair
    again = rounds.run(8)
    assert not again.is_fair
    assert sorted(again.measured) == list(range(8))
    one_more = rounds.run(9)  # one photo measures nothing
    assert not one_more.is_fair
    assert len(one_more.measured) == 9
    elsewhere = Rounds(tiny_checkpoint, tmp_path / "elsewhere")
    elsewhere.model = replace(
        tiny_checkpoint, metrics={"lineage": {"trained_on": [lineage.photo_id(p.digest) for p in rounds.photos]}}
    )
    split = elsewhere.run(20)
    assert len(split.val) == 4
    assert not split.is_fair


def test_of_few_new_photos_beside_many_half_are_learned_from(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    rounds = Rounds(tiny_checkpoint, tmp_path)
    known = [lineage.photo_id(photo.digest) for photo in rounds.photos[:30]]
    rounds.model = replace(tiny_checkpoint, metrics={"lineage": {"trained_on": known}})
    split = rounds.run(36)
    assert split.is_fair
    assert not split.folds  # every model would be trained on all of them
    assert len(split.val) == 3
    assert set(split.val) < set(range(30, 36))


def test_of_photos_kept_apart_those_measure_that_the_rival_does_not_know(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    rounds = Rounds(tiny_checkpoint, tmp_path)
    apart = rounds.run(20).val
    assert len(apart) == 4
    known = [lineage.photo_id(rounds.photos[i].digest) for i in apart[:2]]
    rounds.model = replace(tiny_checkpoint, metrics={"lineage": {"trained_on": known}})
    split = rounds.run(20)
    assert split.val == apart[2:]
    assert split.is_fair
    assert not set(split.train) & set(apart)  # they stay apart


def test_what_a_model_was_trained_on_may_be_unknown(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    for metrics in ({}, {"lineage": None}, {"lineage": {}}, {"lineage": {"trained_on": 3}}):
        assert lineage.trained_on(metrics) == set()
    assert lineage.trained_on({"lineage": {"trained_on": ["a", 5]}}) == {"a"}


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
    assert len(lineage.trained_on(second.metrics)) == starts[1]["photos"]
