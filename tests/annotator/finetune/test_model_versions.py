"""What is said of the project's models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from annotator.core.training_runs import TrainingRuns
from annotator.finetune.model_versions import fact_of, facts_of, result_of
from model.checkpoints.checkpoint import Checkpoint, write
from model.checkpoints.lineage import read
from model.checkpoints.weights import load
from tests.tiny_model import write_tiny_model

LINEAGE = {
    "name": "round-001",
    "created": "2026-03-04T05:06:07+00:00",
    "parent": "builtin",
    "annotations": {"a.jpg": "x", "b.jpg": "y"},
    "split": {"train": 1, "val": 1},
    "result": {
        "better": True, "before": 0.25, "after": 0.5, "low": -0.1, "high": 0.4, "sentence": "It is better.",
        "keypoint": {"after": 0.125}, "kept": "Persons: 90%.",
    },
}  # fmt: skip


def _write(path: Path, lineage: object) -> Path:
    """The tiny model with a header that tells of where it comes from."""
    made: Checkpoint = load(write_tiny_model(path))
    write(path, replace(made, metrics={"lineage": lineage}))
    return path


def test_figures_come_from_the_header(tmp_path: Path) -> None:
    record = read(_write(tmp_path / "round-001.safetensors", LINEAGE))
    assert record
    fact = fact_of("round-001", record)
    assert fact.made.startswith("2026-03-0")
    assert (fact.parent, fact.photos, fact.before, fact.after, fact.low, fact.high, fact.keypoints) == (
        "builtin", 2, 0.25, 0.5, -0.1, 0.4, 0.125,
    )  # fmt: skip
    assert fact.sentence == "It is better. Persons: 90%."
    assert result_of(record).better is True


def test_nonsense_in_a_header_is_no_figure(tmp_path: Path) -> None:
    nonsense = {"created": 7, "result": {"better": "yes", "after": "high", "before": True, "keypoint": [1]}}
    record = read(_write(tmp_path / "round-001.safetensors", nonsense))
    assert record
    fact = fact_of("round-001", record)
    assert (fact.made, fact.before, fact.after, fact.keypoints) == ("", None, None, None)
    assert result_of(record).better is False


def test_the_list_has_the_newest_first_names_what_is_broken_and_ends_with_the_builtin(tmp_path: Path) -> None:
    rounds = TrainingRuns(tmp_path)
    rounds.models.mkdir()
    write_tiny_model(rounds.file("round-002"))
    rounds.file("round-010").write_bytes(b"\x80\x04K\x01.")  # a pickle
    facts = facts_of(rounds)
    assert [fact.name for fact in facts] == ["round-010", "round-002", "builtin"]
    assert "damaged" in facts[0].problem
    assert not facts[1].problem
    assert [fact.removable for fact in facts] == [True, True, False]
