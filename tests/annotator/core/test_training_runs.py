"""The project's models and its round, on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotator.core.annotation import Annotation
from annotator.core.photo_state import PhotoState
from annotator.core.training_runs import TrainingRun, TrainingRuns
from annotator.core.training_set import TrainingPhoto
from dataset.coco.categories import Category
from dataset.geometry import rectangle
from model.protocol import FineTuneOptions

CATEGORY = Category(4, "cup", color="#ff0000")
PHOTO = TrainingPhoto("a.jpg", PhotoState((64, 48), (Annotation(1, 4, rectangle(2, 2, 20, 20)),)))


def _model(runs: TrainingRuns, name: str) -> Path:
    runs.models.mkdir(parents=True, exist_ok=True)
    runs.file(name).write_bytes(b"weights")
    return runs.file(name)


def test_a_project_without_models_of_its_own(tmp_path: Path) -> None:
    runs = TrainingRuns(tmp_path / "private")
    assert (runs.in_use, runs.weights, runs.run) == ("", "", None)
    assert runs.names() == []
    assert runs.next_name() == "round-001"
    assert not (tmp_path / "private").exists(), "asking leaves no trace"


def test_a_rounds_model_is_in_use_wherever_the_folder_goes(tmp_path: Path) -> None:
    runs = TrainingRuns(tmp_path / "here")
    runs.use(str(_model(runs, "round-001")))
    assert (runs.models / "in_use").read_text() == "round-001"
    (tmp_path / "here").rename(tmp_path / "there")
    moved = TrainingRuns(tmp_path / "there")
    assert moved.weights == str(tmp_path / "there" / "models" / "round-001.safetensors")
    for weights in ("builtin", "/elsewhere/round-001.safetensors"):
        moved.use(weights)
        assert TrainingRuns(tmp_path / "there").weights == weights


def test_names_go_on_counting(tmp_path: Path) -> None:
    runs = TrainingRuns(tmp_path)
    for name in ("round-002", "round-010", "another"):
        _model(runs, name)
    assert runs.names() == ["round-002", "round-010"]
    assert runs.next_name() == "round-011"
    runs.begin(TrainingRun("round-011", []), [PHOTO], [CATEGORY])
    assert runs.next_name() == "round-012"


def test_a_round_is_known_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    runs = TrainingRuns(tmp_path)
    run = TrainingRun("round-001", ["--json"], photos=1)
    runs.begin(run, [PHOTO], [CATEGORY])
    assert json.loads(runs.snapshot.read_text())["images"][0]["file_name"] == "a.jpg"
    runs.save(TrainingRun("round-001", ["--json"], photos=1, process=77))
    left = TrainingRuns(tmp_path)
    assert left.run == TrainingRun("round-001", ["--json"], photos=1, process=77)
    (left.training / "split.json").write_text("{}")
    (left.training / "cache").mkdir()
    left.end()
    assert TrainingRuns(tmp_path).run is None
    assert [path.name for path in left.training.iterdir()] == ["split.json"], "the split is for the project's life"


def test_a_round_thrown_away_leaves_nothing_and_touches_no_other(tmp_path: Path) -> None:
    runs = TrainingRuns(tmp_path)
    _model(runs, "round-001")
    runs.begin(TrainingRun("round-002", []), [PHOTO], [CATEGORY])
    _model(runs, "round-002").with_suffix(".resume").write_bytes(b"state")
    runs.end(discard=True)
    assert sorted(path.name for path in runs.models.iterdir()) == ["round-001.safetensors"]


@pytest.mark.parametrize("name", ["builtin", "../in_use", "round-1/../../x", ""])
def test_only_rounds_can_be_removed(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a round"):
        TrainingRuns(tmp_path).remove(name)


@pytest.mark.parametrize("content", [b"", b"{", b'{"name": 3}', b'{"name": "../x", "arguments": []}', b"\xff"])
def test_a_damaged_run_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "run.json").write_bytes(content)
    assert TrainingRuns(tmp_path).run is None


def test_only_what_was_chosen_is_told_to_the_training(tmp_path: Path) -> None:
    assert FineTuneOptions().arguments() == ["--device", "auto"]
    chosen = FineTuneOptions(3, 0.01, "neck", 320, "light", forget=True, device="cpu").arguments()
    assert " ".join(chosen) == (
        "--epochs 3 --learning-rate 0.01 --freeze neck --short-side 320 --augment light --forget --device cpu"
    )
    runs = TrainingRuns(tmp_path)
    arguments = runs.arguments("round-001", tmp_path / "photos", "builtin", [])
    assert arguments[arguments.index("--output") + 1] == str(runs.file("round-001"))
    assert arguments[arguments.index("--from") + 1] == "builtin"


def test_looking_at_the_runs_leaves_the_file_alone_that_another_process_is_writing(tmp_path: Path) -> None:
    runs = TrainingRuns(tmp_path)
    runs.models.mkdir()
    half = runs.models / ".in_use.0123456789abcdef.tmp"
    half.touch()
    TrainingRuns(tmp_path)
    assert half.exists()
    runs.remove_leftovers()
    assert not half.exists()
