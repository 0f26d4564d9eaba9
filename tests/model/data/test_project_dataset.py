from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dataset.coco.reader import DataError
from model.data.project_dataset import MAX_MESSAGES, ProjectDataset, read_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read(path: Path, change: Callable[[dict[str, Any]], None] | None = None) -> ProjectDataset:
    if change:
        data = json.loads(path.read_text())
        change(data)
        path.write_text(json.dumps(data))
    return read_project(path, None, lambda: None)


def test_a_project_without_problems(coco_file: Callable[..., Path]) -> None:
    project = read(coco_file(3))
    assert project.problems == []
    assert project.counts() == {"person": 3, "box": 3}
    assert project.labels() == [{1, 7}] * 3
    part = project.part([2])
    assert [i["id"] for i in part["images"]] == [3]
    assert {a["image_id"] for a in part["annotations"]} == {3}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"segmentation": []}, "no usable mask"),
        ({"segmentation": [[1, 2, 3, 4]]}, "no usable mask"),
        ({"segmentation": [[1, 2, 3, float("nan"), 5, 6]]}, "no usable mask"),
        ({"segmentation": {"size": [5, 5], "counts": "abc"}}, "no usable mask"),
        ({"bbox": [1, 2, float("nan"), 4]}, "not finite"),
        ({"bbox": [1, 2, 0, 4]}, "without an inside"),
        ({"bbox": [500, 2, 10, 4]}, "outside the photo"),
        ({"bbox": "no"}, "has no box"),
        ({"category_id": 55}, "does not name"),
        ({"image_id": 55}, "is of no photo"),
        ({"image_id": [1]}, "is of no photo"),
        ({"keypoints": "abc"}, "damaged keypoints"),
        ({"keypoints": [1, 2]}, "damaged keypoints"),
        ({"keypoints": [1, 2, 2]}, "damaged keypoints"),
        ({"keypoints": [float("nan")] * 9}, "damaged keypoints"),
    ],
)
def test_a_bad_annotation_is_named(coco_file: Callable[..., Path], change: dict[str, Any], sentence: str) -> None:
    project = read(coco_file(3), lambda data: data["annotations"][0].update(change))
    assert len(project.problems) == 1
    assert sentence in project.problems[0]
    lost = 0 if "mask" in sentence or "keypoints" in sentence else 1
    assert len(project.data["annotations"]) == 6 - lost
    if change.get("image_id") is None:
        assert "photo 1.png" in project.problems[0]


def test_a_photo_that_is_gone_is_left_out(coco_file: Callable[..., Path]) -> None:
    path = coco_file(3)
    (path.parent / "images" / "photo 2.png").unlink()
    (path.parent / "images" / "photo 3.png").write_bytes(b"no photo")
    project = read(path)
    assert [i["file_name"] for i in project.data["images"]] == ["photo 1.png"]
    assert any("photo 2.png is left out: The file does not exist." in p for p in project.problems)
    assert any("photo 3.png is left out" in p for p in project.problems)
    assert any("single person" in p for p in project.problems)
    (path.parent / "images" / "photo 1.png").unlink()
    with pytest.raises(DataError, match="None of the photos"):
        read(path)


@pytest.mark.parametrize("change", [{"width": 0}, {"height": "tall"}, {"width": 1e999}, {"height": None}])
def test_a_photo_without_a_size_has_that_of_its_file(coco_file: Callable[..., Path], change: dict[str, Any]) -> None:
    project = read(coco_file(2), lambda data: data["images"][1].update(change))
    assert [(i["width"], i["height"]) for i in project.data["images"]] == [(96, 72)] * 2
    assert project.problems == []


@pytest.mark.parametrize("change", [{"file_name": 3}, {"file_name": None}, {"id": [1]}])
def test_a_photo_without_name_or_id_is_told_and_hurts_no_other(
    coco_file: Callable[..., Path], change: dict[str, Any]
) -> None:
    project = read(coco_file(3), lambda data: data["images"][1].update(change))
    used = {a["image_id"] for a in project.data["annotations"]}
    assert [i["file_name"] for i in project.data["images"] if i["id"] in used] == ["photo 1.png", "photo 3.png"]
    assert any("is of no photo" in p or "may mean several photos, or none" in p for p in project.problems)


def test_a_photo_of_another_size_and_one_of_the_same_id_are_left_out(coco_file: Callable[..., Path]) -> None:
    def change(data: dict[str, Any]) -> None:
        data["images"][1].update(width=10**9, height=10**9)
        data["images"][2].update(id=1)

    project = read(coco_file(4), change)
    assert [i["file_name"] for i in project.data["images"]] == ["photo 4.png"]
    assert "photo 2.png is left out: It has 96 x 72 pixels, but 1000000000 x" in project.problems[2]
    assert "photo 1.png has the id of another photo" in project.problems[0]
    assert "photo 3.png has the id of another photo" in project.problems[1]


def test_lists_in_lists_thousands_deep_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match="is not JSON"):
        read_project(path, None, lambda: None)


def test_many_problems_of_one_kind_are_summed_up(coco_file: Callable[..., Path]) -> None:
    def unmask(data: dict[str, Any]) -> None:
        for annotation in data["annotations"]:
            annotation["segmentation"] = None

    project = read(coco_file(8), unmask)
    assert len(project.problems) == MAX_MESSAGES + 1
    assert "11 more" in project.problems[-1]


def test_contradictions_are_named(coco_file: Callable[..., Path]) -> None:
    def contradict(data: dict[str, Any]) -> None:
        data["annotations"].append({**data["annotations"][2], "id": 99, "category_id": 7})

    project = read(coco_file(2), contradict)
    assert project.problems == ["photo 2.png: the same object is labelled person and box: delete one of them."]


def test_nothing_to_learn_from(coco_file: Callable[..., Path]) -> None:
    path = coco_file(2)
    with pytest.raises(DataError, match=r"None of the 2 photos shows an object"):
        read(path, lambda data: data["annotations"].clear())
    with pytest.raises(DataError, match="names no classes"):
        read(path, lambda data: data["categories"].clear())


def test_classes_that_cannot_be_told_apart_are_refused(coco_file: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="two classes with the name 'person'"):
        read(coco_file(1), lambda data: data["categories"][1].update(name="Person"))
    with pytest.raises(DataError, match="different keypoints"):
        read(coco_file(1, "b"), lambda data: data["categories"][1].update(keypoints=["a"]))


def test_classes_without_objects_are_named(coco_file: Callable[..., Path]) -> None:
    project = read(coco_file(2), lambda data: data["categories"].append({"id": 9, "name": "kite"}))
    assert project.problems == ["No photo shows a kite: the class cannot be learned yet."]
