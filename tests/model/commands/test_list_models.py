from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import main
from model.checkpoints import checkpoint
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.lineage import lineage, read

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

RESULT = {"before": 0.0, "after": 0.412, "low": 0.2, "high": 0.6, "photos": 4, "keypoint": None, "sentence": "Better."}


def written(path: Path, base: Checkpoint, **own: Any) -> Path:
    made = {"name": path.stem, "parent": "builtin", "created": "2025-01-02T03:04:05+00:00", "split": {"train": 16}}
    metrics = {"lineage": {**made, "result": RESULT, "settings": {}, "annotations": {"a.jpg": "0f"}, **own}}
    checkpoint.write(path, Checkpoint(base.config, base.categories, base.state, metrics))
    return path


def test_models_are_listed_with_their_figures(
    tiny_checkpoint: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos" / ".annotator" / "models"
    written(folder / "round-002.safetensors", tiny_checkpoint, created="2025-02-01T00:00:00+00:00", parent="0123")
    points = {"before": 0.1, "after": 0.2}
    written(folder / "round-001.safetensors", tiny_checkpoint, result={**RESULT, "keypoint": points})
    (folder / "broken.safetensors").write_bytes(b"no checkpoint")
    (folder / "in_use").write_text("round-002\n")
    assert [r.name for r in lineage(folder)] == ["round-001", "round-002"]
    assert main.main(["models", str(tmp_path / "photos")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].split() == [
        "round-001", "2025-01-02", "03:04", "builtin", "16", "0.000", "->", "0.412", "+0.200", "to", "+0.600",
        "0.100", "->", "0.200",
    ]  # fmt: skip
    assert lines[2].startswith("*  round-002")
    assert main.main(["models", str(folder), "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["in_use"] for r in records] == [False, True]
    assert records[0]["annotations"] == {"a.jpg": "0f"}


def test_a_folder_without_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["models", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path} has no models of its own yet; in use: builtin.\n"
    assert main.main(["models", str(tmp_path), "--json"]) == 0
    assert capsys.readouterr().out == ""
    assert main.main(["models", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_a_header_of_another_kind_is_read_with_care(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for metrics in ({}, {"lineage": 5}, {"lineage": {"split": 3, "result": [], "settings": None, "annotations": 1}}):
        checkpoint.write(path, Checkpoint(tiny_checkpoint.config, tiny_checkpoint.categories, {}, metrics))
        record = read(path)
        assert record is not None
        assert (record.photos, record.result, record.annotations) == (0, {}, {})
    assert read(tmp_path / "none.safetensors") is None
