from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dataset.coco.reader import DataError
from model.commands import evaluate
from model.evaluation.evaluate import evaluate as measure
from model.evaluation.ground_truth import read_ground_truth
from model.inference.mask_keypoint_pair import load_predictor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path


def test_a_proper_file_is_taken_as_it_is(coco_file: Callable[..., Path]) -> None:
    path = coco_file(2)
    data, told = read_ground_truth(path)
    assert told == []
    assert data == json.loads(path.read_text())


def test_what_is_missing_is_completed(coco_file: Callable[..., Path]) -> None:
    def strip(data: dict[str, Any]) -> None:
        first, second = data["annotations"]
        del first["area"], first["iscrowd"], first["num_keypoints"]
        first["keypoints"] = None
        del second["area"], second["segmentation"]

    data, told = read_ground_truth(changed(coco_file(1), strip))
    first, second = data["annotations"]
    assert first["area"] == 30 * 40
    assert (first["iscrowd"], first["num_keypoints"], first["keypoints"]) == (0, 0, [0] * 9)
    assert (second["area"], second["segmentation"]) == (900, None)
    assert told == []  # COCO has boxes without masks, and persons without keypoints


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bbox": [float("nan"), 1, 5, 5]}, "has no box of four numbers"),
        ({"bbox": [1, 2, 3]}, "has no box of four numbers"),
        ({"bbox": None}, "has no photo, category or box"),
        ({"bbox": "abcd"}, "has no photo, category or box"),
        ({"image_id": 99}, "is of no photo"),
        ({"image_id": [1]}, "has no photo, category or box"),
        ({"category_id": 99}, "is of no category"),
    ],
)
def test_what_cannot_be_measured_with_is_left_out_and_told(
    change: dict[str, Any], says: str, coco_file: Callable[..., Path]
) -> None:
    data, told = read_ground_truth(changed(coco_file(2), lambda d: d["annotations"][0].update(change)))
    assert [a["id"] for a in data["annotations"]] == [2, 3, 4]
    assert len(told) == 1
    assert says in told[0]
    assert told[0].startswith("train.json: ")


def test_a_record_that_is_none_and_a_photo_that_is_there_twice(coco_file: Callable[..., Path]) -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["annotations"] += ["a word", "another"]
        data["images"].append(data["images"][0])

    data, told = read_ground_truth(changed(coco_file(2), spoil))
    assert (len(data["images"]), len(data["annotations"])) == (2, 4)
    assert any("2" in text and "no record" in text for text in told)
    assert any("more than once" in text for text in told)


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 2, 3, 4]],
        [],
        {"size": [10, 10], "counts": "0"},
        {"size": [72, 96], "counts": [5, 5, 7000]},
        [[1, 2, float("inf"), 3, 4, 5]],
    ],
)
def test_without_a_usable_mask_the_box_still_counts(segmentation: Any, coco_file: Callable[..., Path]) -> None:
    path = changed(coco_file(1), lambda d: d["annotations"][0].update(segmentation=segmentation))
    data, told = read_ground_truth(path)
    assert data["annotations"][0]["segmentation"] is None
    assert len(told) == bool(segmentation)


def test_a_file_of_which_nothing_can_be_used_is_an_error(coco_file: Callable[..., Path]) -> None:
    path = changed(coco_file(1), lambda d: [a.update(bbox=[1, 2]) for a in d["annotations"]])
    with pytest.raises(DataError, match=r"None of the annotations .* \(2 times\)"):
        read_ground_truth(path)


@pytest.mark.parametrize("field", ["id", "file_name", "width", "height"])
def test_a_photo_without_what_it_needs_is_told(field: str, coco_file: Callable[..., Path]) -> None:
    path = changed(coco_file(2), lambda d: d["images"][0].pop(field))
    data, told = read_ground_truth(path)
    assert {a["image_id"] for a in data["annotations"]} == {2}
    assert len(told) == 1
    assert "is left out" in told[0]
    if field in ("width", "height"):
        data, told = read_ground_truth(path, path.parent / "images")
        assert (len(data["annotations"]), told) == (4, [])


def test_ids_of_photos_may_be_numbers_and_text(coco_file: Callable[..., Path], tiny_weights: Path) -> None:
    def mixed(data: dict[str, Any]) -> None:
        data["images"][0]["id"] = "first"
        for record in data["annotations"]:
            record["image_id"] = "first" if record["image_id"] == 1 else record["image_id"]

    plain = coco_file(2)
    predictor = load_predictor(str(tiny_weights), "cpu")
    wanted = measure(predictor, plain)
    assert measure(predictor, changed(plain, mixed)).overall == wanted.overall


def test_the_command_measures_boxes_alone_and_other_keypoints(
    coco_file: Callable[..., Path], tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def boxes(data: dict[str, Any]) -> None:
        for record in data["annotations"]:
            record.pop("segmentation")
            record.pop("keypoints", None)
        data["categories"][0]["keypoints"] = ["head", "tail"]
        data["annotations"].append({**data["annotations"][0], "id": 9, "category_id": 55})
        data["categories"].append({"id": 55, "name": "sky"})

    path = changed(coco_file(1), boxes)
    assert evaluate.main([str(path), "--weights", str(tiny_weights), "--device", "cpu", "--json"]) == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)
    assert figures["mask"]["AP"] == -1.0
    assert figures["box"]["AP"] >= 0
    assert "keypoints" not in figures
    assert "1 objects" in err
    assert "does not know" in err
