"""What there is to learn from, counted and as COCO."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from annotator.core.annotation import Annotation, Origin
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.coco_codec import decode_annotation, encode_annotation
from annotator.core.training_set import MODEL_CLASS, TrainingPhoto, encode_coco, labelled, summarize, with_model_names
from dataset.coco.categories import Category
from dataset.geometry import rectangle
from model.checkpoints import weights
from model.data.project_dataset import read_project
from model.finetuning.class_mapping import map_classes
from model.finetuning.pseudo_labels import project_images
from tests.tiny_model import write_tiny_model

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
    store.put("a.jpg", PhotoState((64, 48), (mine,), mark=Mark.DONE))
    store.put("b.jpg", PhotoState((32, 16), mark=Mark.DONE))
    found = list(labelled(store, ["a.jpg", "b.jpg"]))
    assert found == [
        TrainingPhoto("a.jpg", PhotoState((64, 48), (mine,), mark=Mark.DONE)),
        TrainingPhoto("b.jpg", PhotoState((32, 16), mark=Mark.DONE)),
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
        assert decode_annotation(json.dumps(record).encode(), annotation.id, {}) == (annotation, ())


def test_a_renamed_class_is_taught_under_the_models_name() -> None:
    renamed = Category(4, "mug", color="#ff0000", extra={MODEL_CLASS: "cup"})
    assert summarize([_photo("a.jpg", 4)], [renamed], ["cup"]).classes[0].is_new is False
    assert [c.name for c in with_model_names([CAT, renamed], ["cup", "cat"])] == ["Cat", "cup"]
    assert [c.name for c in with_model_names([renamed], ["dog"])] == ["mug"], "the model does not know it any more"
    assert [c.name for c in with_model_names([renamed, CUP], ["cup"])] == ["mug", "cup"], "the name is taken"


def _offered(annotation_id: int, category_id: int, x: float) -> Annotation:
    shape = rectangle(x, 20, x + 10, 30)
    return Annotation(annotation_id, category_id, shape, origin=Origin.SUGGESTED, score=0.9)


def test_suggestions_that_nobody_answered_are_neither_objects_nor_background(open_store: Opener) -> None:
    store = open_store()
    taken, rejected, left, unknown = (_offered(-1 - i, c, 12 * i) for i, c in enumerate((4, 4, 4, 9)))
    accepted = replace(taken, id=11)
    store.put("a.jpg", PhotoState((64, 48), (accepted,), (taken, rejected), mark=Mark.DONE))
    store.put("b.jpg", PhotoState((64, 48), mark=Mark.DONE))
    offered = {"a.jpg": (taken, rejected, left, unknown), "b.jpg": (left,)}
    photos = list(labelled(store, ["a.jpg", "b.jpg"], offered))
    assert [photo.unanswered for photo in photos] == [(left, unknown), (left,)]
    summary = summarize(photos, [CUP, UNUSED], [])
    assert (summary.photos, summary.empty, summary.unanswered) == (2, 0, ("a.jpg", "b.jpg"))
    assert [c.count for c in summary.classes] == [1], "they count as no objects"
    data = json.loads(encode_coco(photos, [CUP, UNUSED]))
    assert [c["name"] for c in data["categories"]] == ["cup"], "a class that only they have is not taught"
    records = [(a["id"], a["image_id"], a["category_id"], a["iscrowd"], a["bbox"]) for a in data["annotations"]]
    assert records == [
        (11, 1, 4, 0, [0, 20, 10, 10]), (12, 1, 4, 1, [24, 20, 10, 10]), (13, 2, 4, 1, [24, 20, 10, 10]),
    ]  # fmt: skip


def test_without_them_the_file_is_what_it_was() -> None:
    photos = [_photo("a.jpg", 4, 2), _photo("b.jpg")]
    annotations = [encode_annotation(a, 1, (64, 48)) for a in photos[0].state.annotations]
    assert json.loads(encode_coco(photos, [CAT, CUP]))["annotations"] == [json.loads(raw) for raw in annotations]


def test_they_are_regions_that_training_ignores(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    photo = TrainingPhoto("a.png", PhotoState((64, 48), (_offered(1, 4, 40),)), (_offered(-1, 4, 4),))
    file = tmp_path / "annotations.json"
    file.write_bytes(encode_coco([photo], [CUP]))
    project = read_project(file, tmp_path, lambda: None)
    parent = weights.load(write_tiny_model(tmp_path / "tiny.safetensors"))
    (image,) = project_images(project, map_classes(project.categories, parent, {}, kept=()))
    assert image.crowds == [(4, 20, 14, 30)]
    assert [i.box for i in image.instances] == [(40, 20, 50, 30)]
    assert project.counts() == {"cup": 1}
