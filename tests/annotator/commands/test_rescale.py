from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pycocotools.coco import COCO

import main


def photo(folder: Path, entry: tuple[int, int], size: tuple[int, int], *records: dict[str, Any]) -> Path:
    """A COCO file that gives a photo of this size another one."""
    Image.new("RGB", size).save(folder / "a.png")
    body = {
        "info": {"year": 2026},
        "images": [{"id": 1, "file_name": "a.png", "width": entry[0], "height": entry[1], "license": 3}],
        "categories": [{"id": 1, "name": "cat", "keypoints": ["nose", "tail"], "skeleton": []}],
        "annotations": [{"id": i, "image_id": 1, "category_id": 1, **r} for i, r in enumerate(records, 1)],
    }
    path = folder / "coco.json"
    path.write_text(json.dumps(body))
    return path


RING = {
    "segmentation": [[20, 20, 80, 20, 80, 70, 20, 70]],
    "bbox": [20, 20, 60, 50],
    "area": 3000,
    "iscrowd": 0,
    "num_keypoints": 1,
    "keypoints": [30, 40, 2, 0, 0, 0],
    "own": {"text": "ä"},
}
BOX = {"segmentation": [], "bbox": [10, 10, 20, 10], "area": 200, "iscrowd": 0}
CROWD = {
    "segmentation": {"size": [120, 160], "counts": [0, 120, 19080]},
    "bbox": [0, 0, 1, 120],
    "area": 120,
    "iscrowd": 1,
}


def rescale(path: Path, *options: str) -> int:
    return main.main(["rescale", str(path), "--output", str(path.with_name("out.json")), *options])


def test_annotations_are_brought_to_the_size_of_the_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photo(tmp_path, (160, 120), (320, 240), RING, BOX, CROWD)
    assert rescale(path) == 0
    assert "3 objects of 1 photo scaled" in capsys.readouterr().out
    before, after = json.loads(path.read_text()), json.loads((tmp_path / "out.json").read_text())
    assert after["info"] == before["info"]
    assert after["images"] == [{**before["images"][0], "width": 320, "height": 240}]
    ring, box, crowd = after["annotations"]
    changed = {"segmentation": [[40, 40, 160, 40, 160, 140, 40, 140]], "bbox": [40, 40, 120, 100], "area": 12000}
    assert ring == {**before["annotations"][0], **changed, "keypoints": [60, 80, 2, 0, 0, 0]}
    assert box == {**before["annotations"][1], "bbox": [20, 20, 40, 20], "area": 800}
    coco = COCO(str(tmp_path / "out.json"))
    assert [int(coco.annToMask(a).sum()) for a in (ring, crowd)] == [ring["area"], crowd["area"]] == [12000, 480]


@pytest.mark.parametrize("size", [(80, 60), (53, 40), (161, 120), (480, 361)])
def test_rounding_to_whole_pixels_is_no_other_aspect(tmp_path: Path, size: tuple[int, int]) -> None:
    assert rescale(photo(tmp_path, (160, 120), size, RING)) == 0
    assert json.loads((tmp_path / "out.json").read_text())["images"][0]["width"] == size[0]


def test_other_proportions_are_refused_unless_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photo(tmp_path, (160, 120), (160, 240), RING)
    assert rescale(path) == 2
    assert "a.png has other proportions" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
    assert rescale(path, "--skip") == 0
    assert "nothing was written" in capsys.readouterr().out
    assert rescale(path, "--stretch") == 0
    (record,) = json.loads((tmp_path / "out.json").read_text())["annotations"]
    assert record["bbox"] == [20, 40, 60, 100]


def test_sizes_that_were_put_right_alone_need_a_factor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photo(tmp_path, (40, 30), (40, 30), RING)
    assert rescale(path) == 0
    assert "Objects of a.png lie far outside" in capsys.readouterr().err
    assert rescale(path, "--scale", "0.25") == 0
    (record,) = json.loads((tmp_path / "out.json").read_text())["annotations"]
    assert record["bbox"] == [5, 5, 15, 12.5]


def test_parts_of_the_photo_become_pixels(tmp_path: Path) -> None:
    parts = {"segmentation": [[0.1, 0.1, 0.5, 0.1, 0.5, 0.6]], "bbox": [0.1, 0.1, 0.4, 0.5], "area": 0.2}
    assert rescale(photo(tmp_path, (160, 120), (160, 120), parts, BOX)) == 0
    ring, box = json.loads((tmp_path / "out.json").read_text())["annotations"]
    assert (ring["segmentation"], ring["bbox"]) == ([[16, 12, 80, 12, 80, 72]], [16, 12, 64, 60])
    assert box["bbox"] == BOX["bbox"]


@pytest.mark.parametrize("options", [["--scale", "0"], ["--scale", "nan"], ["--images", "nowhere"]])
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert rescale(photo(tmp_path, (160, 120), (80, 60), RING), *options) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_without_the_photos_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photo(tmp_path, (160, 120), (80, 60), RING)
    (tmp_path / "empty").mkdir()
    assert rescale(path, "--images", str(tmp_path / "empty")) == 2
    assert "has none of the photos" in capsys.readouterr().err
