"""What the one reader gives for each need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from dataset.coco.reader import CocoData, Need, read_coco, read_image, with_numbers
from dataset.pictures.images import PhotoError

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = {"id": 1, "file_name": "a.png", "width": 96, "height": 72}
BOX = {"id": 3, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}


def read(folder: Path, need: Need, annotations: list[Any], images: list[Any]) -> CocoData:
    path = folder / "a.json"
    categories = [{"id": 1, "name": "cat"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return read_coco(path, need)


@pytest.mark.parametrize(
    ("record", "kind", "where"),
    [
        (5, "record", ""),
        ({**BOX, "image_id": 2}, "image", "3"),
        ({**BOX, "image_id": [1]}, "image_id", "3"),
        ({**BOX, "category_id": 2}, "category", "a.png"),
        ({**BOX, "category_id": {}}, "category_id", "a.png"),
        ({**BOX, "bbox": None}, "box", "a.png"),
        ({**BOX, "bbox": [10**400, 1, 2, 3]}, "box", "a.png"),
        ({**BOX, "bbox": [1, 2, 3]}, "box_length", "a.png"),
        ({**BOX, "bbox": [1, 2, 3, float("inf")]}, "box_finite", "a.png"),
    ],
)
@pytest.mark.parametrize("need", ["masks", "labels"])
def test_a_problem_has_its_kind_and_place(tmp_path: Path, need: Need, record: Any, kind: str, where: str) -> None:
    data = read(tmp_path, need, [BOX, record], [IMAGE])
    assert [(p.kind, p.where) for p in data.problems] == [(kind, where)]
    assert [a.problem for a in data.annotations] == [None, data.problems[0]]


@pytest.mark.parametrize(
    ("box", "kind"), [([1, 2, 1, 9], "box_side"), ([96, 2, 9, 9], "box_outside"), ([1, 2, 1e7, 9], "box_range")]
)
def test_only_what_is_trained_on_must_be_large_and_inside(tmp_path: Path, box: list[float], kind: str) -> None:
    assert [p.kind for p in read(tmp_path, "labels", [{**BOX, "bbox": box}], [IMAGE]).problems] == [kind]
    assert read(tmp_path, "masks", [{**BOX, "bbox": box}], [IMAGE]).problems == []
    assert read(tmp_path, "boxes", [{**BOX, "bbox": box}], [IMAGE]).problems == []


def test_numbers_as_text_become_numbers(tmp_path: Path) -> None:
    image = {**IMAGE, "width": "96", "height": 72.0}
    data = read(tmp_path, "labels", [{**BOX, "bbox": ["1", "2", "30", 40]}], [image])
    assert data.annotations[0].record["bbox"] == [1, 2, 30, 40]
    assert data.annotations[0].image == IMAGE
    assert read(tmp_path, "boxes", [{**BOX, "bbox": ["1", "2", "30", 40]}], [image]).annotations[0].problem is None


def test_an_id_of_two_photos_is_of_neither(tmp_path: Path) -> None:
    data = read(tmp_path, "masks", [BOX], [IMAGE, {**IMAGE, "file_name": "b.png"}])
    assert [(p.kind, p.where) for p in data.problems] == [("image_unclear", w) for w in ("a.png", "b.png", "3")]
    assert data.annotations[0].image is None


def test_an_id_of_two_photos_does_no_harm_without_annotations(tmp_path: Path) -> None:
    data = read(tmp_path, "masks", [], [IMAGE, {**IMAGE, "file_name": "b.png"}])
    assert data.problems == []
    assert [i.record["id"] for i in data.images] == [1, 2]


def test_a_photo_that_is_listed_twice_has_the_annotations_of_both(tmp_path: Path) -> None:
    data = read(tmp_path, "masks", [BOX, {**BOX, "image_id": 2}], [IMAGE, {**IMAGE, "id": 2}])
    assert [(p.kind, p.where) for p in data.problems] == [("image_twice", "a.png")]
    assert [a.image for a in data.annotations] == [IMAGE, IMAGE]


def test_an_image_without_a_size_is_a_problem_unless_its_photo_is_there(tmp_path: Path) -> None:
    data = read(tmp_path, "labels", [], [{**IMAGE, "width": 0}])
    assert [p.kind for p in data.problems] == ["image_size"]
    Image.new("RGB", (96, 72)).save(tmp_path / "a.png")
    data = read_coco(tmp_path / "a.json", "labels", tmp_path)
    assert data.problems == []
    assert data.images[0].record == IMAGE


@pytest.mark.parametrize("name", ["../secret.jpg", "a/../../secret.jpg", "/secret.jpg", ".."])
def test_no_photo_outside_of_the_folder_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 6)).save(tmp_path / "secret.jpg")
    wanted = str(tmp_path / name[1:]) if name.startswith("/") else name
    with pytest.raises(PhotoError, match="leads out of the folder"):
        read_image(tmp_path / "photos", {"file_name": wanted, "width": 8, "height": 6})


def test_photos_are_numbered_where_an_id_is_text() -> None:
    contents = {
        "images": [{"id": "a"}, {"id": 7}],
        "annotations": [{"id": 1, "image_id": 7}, {"id": 2, "image_id": "a"}],
    }
    numbered = with_numbers(contents)
    assert [image["id"] for image in numbered["images"]] == [1, 2]
    assert [(a["id"], a["image_id"]) for a in numbered["annotations"]] == [(1, 2), (2, 1)]
    assert contents["images"][0]["id"] == "a"
    numbers = {"images": [{"id": 7}], "annotations": []}
    assert with_numbers(numbers) is numbers
