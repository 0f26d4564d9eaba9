"""What there is to learn from, counted and as COCO."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotator.core.annotation import Annotation
from annotator.core.photo_state import PhotoState
from annotator.core.store.coco_codec import decode_annotation
from annotator.core.training_set import MODEL_CLASS, TrainingPhoto, encode_coco, labelled, summarize, with_model_names
from dataset.categories import Category
from dataset.geometry import rectangle

from .conftest import FILE, Opener, box

CUP, CAT = Category(4, "cup", color="#ff0000"), Category(2, "Cat", color="#00ff00")
UNUSED = Category(9, "unused", color="#0000ff")


def _photo(name: str, *categories: int) -> TrainingPhoto:
    shapes = (Annotation(i, c, rectangle(i, i, i + 9, i + 9)) for i, c in enumerate(categories, 1))
    return TrainingPhoto(name, PhotoState((64, 48), tuple(shapes)))


def test_the_photos_that_are_done_as_they_are_now(open_store: Opener) -> None:
    store = open_store()
    store.categories.add("person")
    mine = box(store)
    store.put("a.jpg", PhotoState((64, 48), (mine,), done=True))
    store.put("b.jpg", PhotoState((32, 16), done=True))
    found = list(labelled(store, ["a.jpg", "b.jpg"]))
    assert found == [
        TrainingPhoto("a.jpg", PhotoState((64, 48), (mine,), done=True)),
        TrainingPhoto("b.jpg", PhotoState((32, 16), done=True)),
    ]


def test_a_photo_that_the_file_alone_knows_and_one_that_is_damaged_there(open_store: Opener, file: Path) -> None:
    images = [*FILE["images"], {"id": 1, "file_name": "b.jpg", "width": 9, "height": 9}]
    damaged = {"id": 8, "image_id": 1, "category_id": 1, "segmentation": [[1, 2, 3]]}
    file.write_text(json.dumps({**FILE, "images": images, "annotations": [*FILE["annotations"], damaged]}))
    found = list(labelled(open_store(), ["a.jpg", "b.jpg"]))
    assert [(photo.name, photo.state.size, len(photo.state.annotations)) for photo in found] == [("a.jpg", (64, 48), 2)]


def test_a_summary_counts_classes_and_says_what_is_weak() -> None:
    photos = [_photo("a.jpg", 4, 4, 2), _photo("b.jpg", 4), _photo("c.jpg")]
    summary = summarize(photos, [CAT, CUP, UNUSED], ["CAT", "dog"])
    assert (summary.photos, summary.empty, summary.ready) == (3, 1, True)
    assert [(c.name, c.count, c.is_new) for c in summary.classes] == [("cup", 3, True), ("Cat", 1, False)]
    assert len(summary.problems) == 1
    assert "“Cat” has a single object" in summary.problems[0]
    assert summary.kept_apart == 0


@pytest.mark.parametrize("photos", [[], [_photo("a.jpg", 4)], [_photo("a.jpg", 4), _photo("b.jpg")]])
def test_too_little_is_said_and_not_ready(photos: list[TrainingPhoto]) -> None:
    summary = summarize(photos, [CUP], [])
    assert not summary.ready
    assert "at least 2 are needed" in summary.problems[0]


def test_boxes_alone_are_named() -> None:
    only_box = Annotation(1, 4, rectangle(1, 1, 5, 5), is_box=True)
    photos = [TrainingPhoto("a.jpg", PhotoState((9, 9), (only_box, only_box))), _photo("b.jpg", 4)]
    assert "2 objects without an outline" in summarize(photos, [CUP], []).problems[-1]


def test_with_ten_photos_some_are_kept_apart() -> None:
    assert summarize([_photo(f"{i}.jpg", 4) for i in range(10)], [CUP], []).kept_apart == 2
    assert summarize([_photo(f"{i}.jpg", 4) for i in range(40)], [CUP], []).kept_apart == 8


def test_the_snapshot_is_coco_with_the_classes_that_are_used() -> None:
    photos = [_photo("sub/ä.jpg", 4, 2), _photo("empty.jpg")]
    data = json.loads(encode_coco(photos, [CAT, CUP, UNUSED]))
    assert [c["name"] for c in data["categories"]] == ["Cat", "cup"]
    assert [(i["file_name"], i["width"], i["height"]) for i in data["images"]] == [
        ("sub/ä.jpg", 64, 48), ("empty.jpg", 64, 48),
    ]  # fmt: skip
    assert {a["image_id"] for a in data["annotations"]} == {data["images"][0]["id"]}
    for record, annotation in zip(data["annotations"], photos[0].state.annotations, strict=True):
        assert decode_annotation(json.dumps(record).encode(), annotation.id, {}) == annotation


def test_a_renamed_class_is_taught_under_the_models_name() -> None:
    renamed = Category(4, "mug", color="#ff0000", extra={MODEL_CLASS: "cup"})
    assert summarize([_photo("a.jpg", 4)], [renamed], ["cup"]).classes[0].is_new is False
    assert [c.name for c in with_model_names([CAT, renamed], ["cup", "cat"])] == ["Cat", "cup"]
    assert [c.name for c in with_model_names([renamed], ["dog"])] == ["mug"], "the model does not know it any more"
    assert [c.name for c in with_model_names([renamed, CUP], ["cup"])] == ["mug", "cup"], "the name is taken"
