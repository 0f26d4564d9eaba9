from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import main
from annotator.commands import progress


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 30), "white").save(tmp_path / "a.png")
    square = [5, 5, 15, 5, 15, 15, 5, 15]
    record: dict[str, Any] = {"image_id": 1, "category_id": 1, "segmentation": [square], "bbox": [5, 5, 10, 10]}
    body = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
        "annotations": [{**record, "id": 1, "area": 100, "mine": 1}, {**record, "id": 2, "area": 100}],
        "categories": [{"id": 1, "name": "cup"}],
    }
    body["annotations"][1] |= {"segmentation": [[20, 5, 30, 15, 30, 5, 20, 15]], "bbox": [20, 5, 10, 10]}
    path = tmp_path / "set.json"
    path.write_text(json.dumps(body))
    return path


def test_problems_are_listed_and_a_copy_is_repaired(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 0)
    before, out = file.read_bytes(), file.with_name("out.json")
    assert main.main(["check", str(file), "--fix", str(out)]) == 1
    said = capsys.readouterr()
    assert "set.json: 1 photo, 2 objects, 1 class." in said.out
    assert "Outlines that cross themselves (crossing): 1 – --fix repairs them" in said.out
    assert "  a.png, object 2: its outline crosses itself" in said.out
    assert "repaired in" in said.out
    assert "100% done" in said.err
    assert file.read_bytes() == before
    report = json.loads((file.with_name("out.json.report.json")).read_text())
    assert {(entry["kind"], entry["annotation"]) for entry in report["repaired"]} == {
        ("crossing", 2),
        ("area_wrong", 2),
    }
    assert report["left"] == []
    assert main.main(["check", str(out)]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out
    assert main.main(["check", str(file), "--fix", str(out)]) == 2
    assert "out.json is there already" in capsys.readouterr().err
    assert main.main(["check", str(file), "--fix", str(file), "--overwrite"]) == 2
    assert "is what is read" in capsys.readouterr().err


def test_a_repaired_copy_is_written_over_no_photo(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, private = file.with_name("a.png"), file.parent / ".annotator" / "out.json"
    before = photo.read_bytes()
    assert main.main(["check", str(file), "--fix", str(photo), "--overwrite"]) == 2
    assert capsys.readouterr().err == f"{photo} is a picture, and none is written over; choose another place.\n"
    assert photo.read_bytes() == before
    assert main.main(["check", str(file), "--fix", str(private)]) == 2
    assert "a project's private folder" in capsys.readouterr().err
    assert not private.parent.exists()


def test_the_report_for_machines_and_kinds_that_do_not_matter(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["check", str(file), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["counts"] == {"crossing": 1, "area_wrong": 1}
    assert report["problems"][0]["photo"] == "a.png"
    assert main.main(["check", str(file), "--ignore", "crossing,area_wrong"]) == 0
    assert main.main(["check", str(file), "--ignore", "colour"]) == 2
    assert "There is no kind colour" in capsys.readouterr().err
    for bad in (file.with_name("none.json"), file.with_name("a.png")):
        assert main.main(["check", str(bad)]) == 2
    (file.with_name("a.png")).unlink()
    assert main.main(["check", str(file), "--ignore", "crossing,area_wrong"]) == 0
    assert "None of the photos are in" in capsys.readouterr().err
    assert main.main(["check", str(file), "--images", str(file.parent / "nowhere")]) == 2
