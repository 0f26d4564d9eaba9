from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from dataset.check.contents import read_contents
from dataset.coco.raw_file import batches, chunks, load_raw
from dataset.merge.merging import Merged, merge
from tests.dataset.check.files import CHANGES, Contents, changed, clean


def merged(folder: Path, *files: Contents) -> tuple[Merged, Contents]:
    read = []
    for n, contents in enumerate(files):
        (folder / f"{n}.json").write_text(json.dumps(contents))
        read.append((read_contents(load_raw(folder / f"{n}.json")), str(n)))
    made = merge(read)
    list(made.find_copies())
    lists = {key: batches(getattr(made.raw, key)) for key in ("images", "annotations", "categories")}
    return made, json.loads(b"".join(chunks(made.raw.fields, lists)))


def test_a_file_merged_with_itself_has_every_object_twice_and_without_copies_is_itself(tmp_path: Path) -> None:
    made, body = merged(tmp_path, clean(), clean())
    assert (body["images"], body["categories"], body["info"]) == (
        clean()["images"],
        clean()["categories"],
        clean()["info"],
    )
    assert made.photos.united == 3
    assert len(body["annotations"]) == 10
    kept = [json.loads(bytes(raw)) for raw in made.without_copies().annotations]
    assert kept == clean()["annotations"]


@settings(max_examples=20, deadline=None)
@given(one=CHANGES, two=CHANGES)
def test_whatever_the_files_no_object_is_lost_and_ids_are_unique(
    one: list[tuple[Any, ...]], two: list[tuple[Any, ...]], tmp_path_factory: Any
) -> None:
    first, second = changed(one), changed(two)
    made, body = merged(tmp_path_factory.mktemp("merged"), first, second)
    assert len(body["annotations"]) == 10
    ids = [record["id"] for record in body["annotations"]]
    assert len({json.dumps(i) for i in ids}) == 10
    classes = {json.dumps(record["id"]) for record in body["categories"]}
    assert len(classes) == len(body["categories"])
    assert len(made.without_copies().annotations) == 10 - len(made.copies) + len(made.fuller)
    names = {json.dumps(record.get("file_name")) for record in (*first["images"], *second["images"])}
    assert {json.dumps(record.get("file_name")) for record in body["images"]} <= names


def test_objects_of_no_photo_or_class_stay_of_none(tmp_path: Path) -> None:
    """Neither an id that two photos share, nor none, nor one that only another file knows, attaches an object."""
    first, second = clean(), clean()
    first["images"][1]["id"] = 1
    del first["images"][2]["id"]
    del first["annotations"][4]["image_id"]
    first["annotations"][2]["image_id"] = first["annotations"][3]["category_id"] = 7
    second["images"][0] |= {"id": 7, "file_name": "d.png"}
    second["categories"][0] |= {"id": 7, "name": "saucer"}
    for record in second["annotations"][:2]:
        record |= {"image_id": 7, "category_id": 7}
    second["annotations"][2]["category_id"] = 1
    made, body = merged(tmp_path, first, second)
    images = {record["id"]: record["file_name"] for record in body["images"]}
    classes = {record["id"]: record["name"] for record in body["categories"]}
    assert sorted(images.values()) == ["a.png", "b.png", "c.png", "d.png"]
    assert [images.get(record.get("image_id")) for record in body["annotations"]] == [
        None, None, None, None, None, "d.png", "d.png", "b.png", "b.png", "c.png"
    ]  # fmt: skip
    one, other = (record["image_id"] for record in body["annotations"][:2])
    assert one == other  # they were of one photo, whichever that was
    assert [classes.get(record["category_id"]) for record in body["annotations"]] == [
        "person", "cup", "person", None, "cup", "saucer", "saucer", None, "cup", "cup"
    ]  # fmt: skip
    assert made.strays == 6


def test_classes_of_other_keypoints_stay_apart_also_where_files_have_one_name(tmp_path: Path) -> None:
    read = []
    keypoints = (["l", "r"], ["a"], ["p", "q", "r"], ["a"])
    for n, names in enumerate(keypoints):
        body = clean()
        body["categories"][0] |= {"keypoints": names, "skeleton": []}
        (tmp_path / f"{n}.json").write_text(json.dumps(body))
        read.append((read_contents(load_raw(tmp_path / f"{n}.json")), "annotations"))
    made = merge(read)
    classes = {c["id"]: c for c in (json.loads(bytes(raw)) for raw in made.raw.categories)}
    assert [(c["name"], c.get("keypoints")) for c in classes.values()] == [
        ("person", keypoints[0]),
        ("cup", None),
        ("person (annotations)", keypoints[1]),
        ("person (annotations 2)", keypoints[2]),
    ]
    objects = [json.loads(bytes(raw)) for raw in made.raw.annotations[::5]]
    assert [classes[record["category_id"]]["keypoints"] for record in objects] == list(keypoints)


@pytest.mark.parametrize("sides", [{"width": None, "height": None}, {"width": 0, "height": None}])
def test_a_size_that_only_a_later_file_has_is_taken(tmp_path: Path, sides: Contents) -> None:
    first, second = clean(), clean()
    first["images"][0] |= {**sides, "licence": None}
    second["images"][1] |= {"width": None, "height": None}
    made, body = merged(tmp_path, first, second)
    assert body["images"] == clean()["images"]
    assert made.photos.other_fields == []
