from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for n in range(10):
        small = np.random.default_rng(n // 2).integers(0, 256, (6, 8, 3), np.uint8)  # two by two they look alike
        photo = Image.fromarray(small).resize((32, 24), Image.Resampling.BICUBIC)
        photo.save(tmp_path / "images" / f"{'abcdefghij'[n]}.png")
    body = {
        "info": 1,
        "images": [
            {"id": 10 * n, "file_name": f"{letter}.png", "width": 32, "height": 24}
            for n, letter in enumerate("abcdefghij")
        ],
        "annotations": [
            {"id": 7 * n + 1, "image_id": 10 * n, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "mine": 1.0}
            for n in range(10)
        ] + [{"id": 999, "image_id": 12345, "category_id": 1}],
        "categories": [{"id": 1, "name": "cup", "color": "#123456"}],
    }  # fmt: skip
    path = tmp_path / "set.json"
    path.write_text(json.dumps(body))
    return path


def test_a_part_of_another_split_is_not_left_beside(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["split", str(file), "--output", str(tmp_path / "out"), "--by-photo", "--val", "0.2"]
    assert main.main([*given, "--test", "0.2"]) == 0
    assert main.main([*given, "--overwrite"]) == 2
    assert f"{tmp_path / 'out' / 'test.json'} would stay" in capsys.readouterr().err
    (tmp_path / "out" / "test.json").unlink()
    assert main.main([*given, "--overwrite"]) == 0


def test_too_few_photos_for_a_share_are_said_to_be(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["split", str(file), "--output", str(tmp_path / "out"), "--val", "0.01"]
    assert main.main([*given, "--by-photo"]) == 2
    assert "larger share" in capsys.readouterr().err


def test_a_side_without_a_photo_is_told(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["split", str(file), "--output", str(tmp_path / "out"), "--by-photo", "--val", "0.2"]
    assert main.main([*given, "--test", "0.03"]) == 0
    assert not (tmp_path / "out" / "test.json").exists()
    assert "Of so few photos none is left for test: give --test a larger share.\n" in capsys.readouterr().err
    assert main.main([*given, "--overwrite"]) == 0
    assert "none is left" not in capsys.readouterr().err


def test_a_file_is_split_with_ids_unchanged_and_pairs_together(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["split", str(file), "--val", "0.2", "--test", "0.2", "--output", str(out)]
    assert main.main(command) == 0
    said = capsys.readouterr()
    assert "val.json: 2 photos, 2 objects" in said.out
    assert "cup" in said.out
    assert "1 object belongs to no photo; it is in train.json." in said.err
    whole = json.loads(file.read_text())
    parts = {side: json.loads((out / f"{side}.json").read_text()) for side in ("train", "val", "test")}
    for key in ("images", "annotations"):
        rows = [json.dumps(row) for part in parts.values() for row in part[key]]
        assert sorted(rows) == sorted(json.dumps(row) for row in whole[key])
    for part in parts.values():
        assert part["categories"] == whole["categories"]
        assert part["info"] == 1
        letters = {image["file_name"][0] for image in part["images"]}
        assert all(set(pair) <= letters for pair in ("ab", "cd", "ef", "gh", "ij") if set(pair) & letters)
    first = {side: (out / f"{side}.json").read_bytes() for side in parts}
    assert main.main(command) == 2
    assert "is there already" in capsys.readouterr().err
    assert main.main([*command, "--overwrite"]) == 0
    assert {side: (out / f"{side}.json").read_bytes() for side in parts} == first
    assert main.main(["split", str(file), "--val", "0.9", "--test", "0.2", "--output", str(out)]) == 2


def test_an_export_is_split_where_the_format_has_splits(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "images"
    (folder / "annotations.json").write_bytes(file.read_bytes())
    assert main.main(["export", "yolo", str(folder), str(tmp_path / "yolo"), "--all", "--val", "0.2"]) == 0
    assert len(list((tmp_path / "yolo" / "images" / "val").iterdir())) == 2
    assert len(list((tmp_path / "yolo" / "images" / "train").iterdir())) == 8
    assert main.main(["export", "labelme", str(folder), str(tmp_path / "x"), "--val", "0.2"]) == 2
    assert "labelme JSON has no splits" in capsys.readouterr().err


def test_photos_that_share_an_id_train_with_the_objects_of_that_id(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.loads(file.read_text())
    for image in body["images"][3:5]:  # not c and f, which look like them
        image["id"] = 30
    del body["images"][0]["id"], body["annotations"][0]["image_id"]
    file.write_text(json.dumps(body))
    for n, more in enumerate(([], ["--by-photo"])):
        out = tmp_path / f"out{n}"
        assert main.main(["split", str(file), "--val", "0.5", "--output", str(out), *more]) == 0
        parts = {side: json.loads((out / f"{side}.json").read_text()) for side in ("train", "val")}
        train = {image["file_name"][0] for image in parts["train"]["images"]}
        assert train >= set("de" if more else "cdef")
        ids = [image["id"] for image in parts["val"]["images"] if "id" in image]
        assert {record["image_id"] for record in parts["val"]["annotations"]} == set(ids)
        assert "belong to no photo; they are in train.json." in capsys.readouterr().err
    body["images"] = body["images"][3:5]
    file.write_text(json.dumps(body))
    assert main.main(["split", str(file), "--val", "0.5", "--output", str(tmp_path / "none"), "--by-photo"]) == 2
    assert "give each photo an id of its own" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--by-photo"]])
def test_a_photo_that_is_listed_twice_is_one(file: Path, tmp_path: Path, more: list[str]) -> None:
    body, out = json.loads(file.read_text()), tmp_path / "out"
    body["images"] += body["images"]
    file.write_text(json.dumps(body))
    assert main.main(["split", str(file), "--val", "0.4", "--output", str(out), *more]) == 0
    parts = [json.loads((out / f"{side}.json").read_text()) for side in ("train", "val")]
    names = [sorted(image["file_name"] for image in part["images"]) for part in parts]
    assert not set(names[0]) & set(names[1])
    for part, own in zip(parts, names, strict=True):
        assert own[::2] == own[1::2]
        ids = {image["id"] for image in part["images"]}
        assert {record["image_id"] for record in part["annotations"]} - {12345} == ids


def test_no_file_outside_the_folder_of_photos_is_opened(file: Path, tmp_path: Path) -> None:
    body, folder = json.loads(file.read_text()), tmp_path / "images"
    for n, name in enumerate(("../secret.png", str(tmp_path / "secret.png"))):
        body["images"][n]["file_name"] = name
    file.write_text(json.dumps(body))
    (folder / "a.png").rename(tmp_path / "secret.png")
    opened: list[str] = []

    def note(event: str, given: tuple[object, ...]) -> None:
        if event == "open" and is_noting:
            opened.append(str(given[0]))

    is_noting = True
    sys.addaudithook(note)  # which stays
    assert main.main(["split", str(file), "--val", "0.2", "--output", str(tmp_path / "out")]) == 0
    is_noting = False
    assert any("c.png" in name for name in opened)
    assert not any("secret" in name for name in opened)
