"""Suggestions that were imported: shown, accepted, kept over a restart, and beside those of the model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import main
from annotator.app import Application
from annotator.core.annotation import Origin
from annotator.core.document import Status
from resources import SAMPLES

LONG = 30_000


def result(image: object, category: object, **fields: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": [10, 10, 40, 30], "score": 0.9} | fields


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("1.jpg", "a.jpg"):
        shutil.copy(SAMPLES / "coffee.jpg", folder / name)
    body = {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 600, "height": 400}],
        "categories": [{"id": 3, "name": "cup", "keypoints": ["handle"]}, {"id": "s", "name": "spoon"}],
        "annotations": [],
    }
    (folder / "annotations.json").write_text(json.dumps(body))
    return folder


def imported(photos: Path, *records: dict[str, Any]) -> int:
    (photos.parent / "results.json").write_text(json.dumps(records))
    return main.main(["import", "coco", str(photos.parent / "results.json"), str(photos)])


def test_results_are_shown_accepted_and_still_there_after_a_restart(
    qtbot: QtBot, run_application: Callable[..., Application], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        result(7, 3),
        result(7, "s", bbox=[100, 100, 50, 50], score=0.8, segmentation=[[100, 100, 150, 100, 150, 150]]),
        result(7, 3, bbox=[200, 200, 20, 20], score=0.1),
        result(1, 3, score=None),  # the number in the photo's name
        result(99, 3),
        result(7, 44),
    ]
    assert imported(photos, *found) == 0
    said = capsys.readouterr()
    assert "4 suggestions added" in said.out
    assert "1 result is of no photo of the project" in said.err
    assert "category_id 44" in said.err

    application = run_application()
    session, window = application.session, application.window
    window.show()
    session.open(photos)
    qtbot.waitUntil(lambda: session.project is not None, timeout=LONG)
    session.go_to("a.jpg")
    qtbot.waitUntil(lambda: session.document is not None and len(session.document.suggestions) == 2, timeout=LONG)
    assert session.document
    assert not session.document.annotations
    assert [s.score for s in session.document.suggestions] == [0.9, 0.8]
    qtbot.waitUntil(lambda: [session.photos.suggestions(i) for i in range(2)] == [1, 2], timeout=LONG)
    assert session.photos.status(0) is Status.SUGGESTED
    session.document.select([session.document.suggestions[1].id])
    QTest.keyClick(window.canvas, Qt.Key.Key_Return)
    (spoon,) = session.document.annotations
    assert (session.categories[spoon.category_id].name, spoon.origin, spoon.score) == ("spoon", Origin.SUGGESTED, 0.8)
    session.set_threshold(0.05)
    assert [s.score for s in session.document.suggestions] == [0.9, 0.1], "the score filters them"

    again = photos.parent / "other.json"
    session.save_as(again)
    qtbot.waitUntil(lambda: again.exists() and not session.store.unsaved, timeout=LONG)  # type: ignore[union-attr]
    session.open(photos, again)
    qtbot.waitUntil(lambda: session.document is not None and session.file == again, timeout=LONG)
    session.go_to("a.jpg")
    qtbot.waitUntil(lambda: session.document is not None and len(session.document.suggestions) == 2, timeout=LONG)
    assert [s.score for s in session.document.suggestions] == [0.9, 0.1], "not the one that was accepted"


def test_a_class_may_have_the_number_0(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = json.loads((photos / "annotations.json").read_text())
    body["categories"][0]["id"] = 0
    (photos / "annotations.json").write_text(json.dumps(body))
    assert imported(photos, result(7, 0)) == 0
    assert "1 suggestion added" in capsys.readouterr().out


def test_importing_again_replaces_what_was_imported_and_says_so(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(photos, result(7, 3)) == 0
    capsys.readouterr()
    assert imported(photos, result("a.jpg", 3), result(7, 3, keypoints=[1, 2, 2], bbox=None)) == 0
    assert "imported before for 1 photo are replaced" in capsys.readouterr().err


def test_a_mask_of_another_size_is_no_suggestion_but_its_box_is(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = {"size": [30, 40], "counts": [0, 1200]}
    assert imported(photos, result(7, 3, segmentation=mask)) == 0
    assert "made for 40 x 30 pixels" in capsys.readouterr().err
    del mask["counts"]
    assert imported(photos, {"image_id": 7, "category_id": 3, "score": 1, "segmentation": mask}) == 2


def test_results_of_other_photos_are_refused_with_what_to_do(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(photos, result(70, 3)) == 2
    assert "open the COCO file that the model was given" in capsys.readouterr().err


def test_a_list_of_results_is_no_project(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = photos / "annotations.json"
    results.write_text(json.dumps([result(7, 3)]))
    before = results.read_bytes()
    for command in (["export", "coco", str(photos), str(photos / "x.json")], ["evaluate", str(results)]):
        assert main.main(command) == 2
        assert "is a list of what a model found" in capsys.readouterr().err
    assert results.read_bytes() == before
