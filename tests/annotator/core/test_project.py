"""An open project."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotator.core.project import Project
from annotator.core.store.autosave import StoreError


def test_a_project_has_the_models_of_its_folder(tmp_path: Path, photos: Path) -> None:
    project = Project.open(photos, fallback=tmp_path / "fallback")
    project.runs.use("builtin")
    project.store.close()
    again = Project.open(photos, fallback=tmp_path / "fallback")
    assert again.folder == photos
    assert again.runs.in_use == "builtin"
    again.store.close()
    assert (photos / ".annotator" / "models" / "in_use").is_file()


def test_what_cannot_be_opened_leaves_the_folder_free(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError

    with monkeypatch.context() as patch:
        patch.setattr("annotator.core.training_runs.TrainingRuns.__init__", fail)
        with pytest.raises(RecursionError):
            Project.open(photos, fallback=tmp_path / "fallback")
    try:
        Project.open(photos, fallback=tmp_path / "fallback").store.close()
    except StoreError as error:
        pytest.fail(str(error))
