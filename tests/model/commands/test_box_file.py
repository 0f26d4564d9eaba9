from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dataset.coco_reader import DataError
from model.commands.box_file import read_boxes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOX = {"id": 3, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}


def test_a_file_of_boxes_masks_and_crowds(coco_file: Callable[..., Path]) -> None:
    path = coco_file(1)
    data = json.loads(path.read_text())
    for number in range(2):
        del data["annotations"][number]["bbox"]
    data["annotations"][0].update(segmentation=[], iscrowd=1)
    data["annotations"].append(BOX)
    path.write_text(json.dumps(data))
    assert read_boxes(path) == data


@pytest.mark.parametrize(
    ("kind", "record", "name", "problem"),
    [
        ("annotations", "text", "entry 3 of its annotations", "is not a record"),
        ("annotations", {**BOX, "id": None}, "", ""),
        ("annotations", {"id": 3, "image_id": 1, "category_id": 1}, "the annotation with the id 3", "lacks its bbox"),
        ("annotations", {"category_id": 1, "bbox": [1, 2, 3, 4]}, "entry 3 of its annotations", "lacks its image_id"),
        ("annotations", {**BOX, "category_id": [1]}, "the annotation with the id 3", "lacks its category_id"),
        ("annotations", {**BOX, "bbox": [1, 2]}, "the annotation with the id 3", "not four numbers"),
        ("annotations", {**BOX, "bbox": ["1", "2", "3", "4"]}, "the annotation with the id 3", "not four numbers"),
        ("annotations", {**BOX, "bbox": None}, "the annotation with the id 3", "not four numbers"),
        ("annotations", {**BOX, "keypoints": 5}, "the annotation with the id 3", "not a list"),
        ("annotations", {**BOX, "score": float("nan")}, "the annotation with the id 3", "NaN or infinite"),
        ("images", 5, "entry 2 of its images", "is not a record"),
        ("images", {"id": 2}, "the image with the id 2", "lacks an id or a file_name"),
        ("images", {"id": 2, "file_name": "a", "width": 1}, "the image with the id 2", "without the other"),
        ("images", {"id": 1, "file_name": "other.png"}, "two photos have the id 1", ""),
        ("categories", {"id": 2}, "the category with the id 2", "lacks an id or a name"),
        ("categories", {"id": 2, "name": "a", "supercategory": []}, "", ""),
        ("categories", {"id": 2, "name": "a", "supercategory": [1]}, "the category with the id 2", "not text"),
        ("categories", {"id": 2, "name": "a", "keypoints": [1]}, "the category with the id 2", "list of names"),
    ],
)
def test_a_record_that_is_wrong_is_named(
    coco_file: Callable[..., Path], kind: str, record: Any, name: str, problem: str
) -> None:
    path = coco_file(1)
    data = json.loads(path.read_text())
    data[kind].append(record)
    path.write_text(json.dumps(data))
    if not name:
        read_boxes(path)
        return
    with pytest.raises(DataError) as caught:
        read_boxes(path)
    assert str(path) in str(caught.value)
    assert name in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
