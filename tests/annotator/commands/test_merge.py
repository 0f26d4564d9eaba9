from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import main


def write(path: Path, body: dict[str, Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(body))
    return path


def photo(number: int, name: str, **fields: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": 40, "height": 30, **fields}


def box(number: int, image: int, category: int, x: float = 5, **fields: Any) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": category, "bbox": [x, 5, 10, 10], "area": 100, **fields}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    person = {"name": "person", "keypoints": ["l", "r"], "skeleton": [[1, 2]]}
    a = {
        "info": {"year": 1},
        "images": [photo(1, "x/a.jpg"), photo(2, "b.jpg"), photo(3, "p/e.jpg")],
        "annotations": [box(1, 1, 1, mine=1.0), box(2, 2, 2)],
        "categories": [{"id": 1, "name": "Cup"}, {"id": 2, **person}],
    }
    b = {
        "info": {"year": 2},
        "more": [1],
        "images": [photo(2, "a.jpg", camera="k"), photo(1, "y/b.jpg"), photo(7, "c.jpg"), photo(8, "q/e.jpg")],
        "annotations": [
            box(1, 2, 5, mine=1.0),
            box(2, 2, 5, x=5.2),
            box(9, 7, 6, keypoints=[6, 6, 2], num_keypoints=1),
            box(4, 1234, 5),
            box(5, 8, 5, x=20),
        ],
        "categories": [{"id": 5, "name": "cup", "colour": "red"}, {"id": 6, **person, "keypoints": ["nose"]}],
    }
    return [write(tmp_path / "a.json", a), write(tmp_path / "b.json", b)]


def test_classes_photos_and_objects_of_two_files_become_one(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main.main(["merge", *map(str, files), "--output", str(out)]) == 0
    made = json.loads(out.read_text())
    assert [(c["id"], c["name"]) for c in made["categories"]] == [(1, "Cup"), (2, "person"), (6, "person (b)")]
    assert made["categories"][0]["colour"] == "red"
    names = {image["id"]: image["file_name"] for image in made["images"]}
    # What has one name in two folders stays apart; a path that is the other's end is the same photo.
    assert sorted(names.values()) == ["b.jpg", "c.jpg", "p/e.jpg", "q/e.jpg", "x/a.jpg"]
    assert made["images"][0]["camera"] == "k"
    assert made["info"] == {"year": 1}
    assert made["more"] == [1]
    assert len(made["annotations"]) == 7
    assert len({record["id"] for record in made["annotations"]}) == 7
    assert made["annotations"][0] == box(1, 1, 1, mine=1.0)
    stray = next(record for record in made["annotations"] if record["image_id"] not in names)
    assert stray["category_id"] == 1
    said = capsys.readouterr().out
    assert "Classes that differ by case or space are one: cup → Cup." in said
    assert "Classes with other keypoints stay apart: person → person (b)." in said
    assert "The first file's values are kept of: info." in said
    assert "1 object is of no photo or class; it is kept." in said
    report = json.loads((tmp_path / "out.json.report.json").read_text())
    assert {entry["kind"] for entry in report["duplicates"]} == {"object_copy", "object_near"}
    again = tmp_path / "again.json"
    assert main.main(["merge", *map(str, files), "--output", str(again), "--drop-duplicates"]) == 0
    assert len(json.loads(again.read_text())["annotations"]) == 7 - len(report["duplicates"])
    assert main.main(["merge", *map(str, files), "--output", str(files[0]), "--overwrite"]) == 2
    assert "is what is read" in capsys.readouterr().err


def test_an_object_that_has_more_than_the_earlier_one_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more: list[dict[str, Any]] = [
        {},
        {"attributes": {"text": "right"}},
        {"group_id": 4},
        {"keypoints": [6, 6, 2, 7, 7, 1], "num_keypoints": 2},
        {"segmentation": [[5, 5, 15, 5, 15, 15, 5, 15]]},
        {"keypoints": [9, 9, 2, 0, 0, 0], "num_keypoints": 1, "score": 0.5, "attributes": {"text": "left"}},
    ]
    ours = {"attributes": {"text": "left"}, "keypoints": [6, 6, 2, 0, 0, 0], "num_keypoints": 1}
    images = [photo(n, f"{n}.jpg") for n in range(1, 7)]
    classes = [{"id": 1, "name": "cup", "keypoints": ["l", "r"], "skeleton": []}]
    parts = ([box(n, n, 1, **ours) for n in range(1, 7)], [box(n, n, 1, **fields) for n, fields in enumerate(more, 1)])
    files = [
        write(tmp_path / f"{name}.json", {"images": images, "annotations": own, "categories": classes})
        for name, own in zip("ab", parts, strict=True)
    ]
    out = tmp_path / "out.json"
    assert main.main(["merge", *map(str, files), "--output", str(out), "--drop-duplicates"]) == 0
    kept = json.loads(out.read_text())["annotations"]
    assert [record["image_id"] for record in kept[6:]] == [2, 3, 4, 5]
    said = capsys.readouterr().out
    assert "2 objects are left out: an earlier file has them." in said
    assert "4 objects are in an earlier file, too, without all of their fields and keypoints: they are kept." in said
    report = json.loads((tmp_path / "out.json.report.json").read_text())
    assert [entry["has_more"] for entry in report["duplicates"]] == [False, True, True, True, True, False]


def test_no_photo_is_written_over(files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, private = tmp_path / "b.jpg", tmp_path / ".annotator" / "out.json"
    photo.write_bytes(b"photo")
    for target, why in ((photo, "is a picture"), (private, "a project's private folder")):
        assert main.main(["merge", *map(str, files), "--output", str(target), "--overwrite"]) == 2
        assert why in capsys.readouterr().err
    assert photo.read_bytes() == b"photo"
    assert not private.parent.exists()
