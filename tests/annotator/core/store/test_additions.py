from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from annotator.core.annotation import Annotation, Keypoint, Visibility
from annotator.core.photo_state import PhotoNotes, PhotoState
from annotator.core.store.store import Store, StoreError
from dataset.geometry import rectangle
from tests.annotator.core.conftest import FILE, Opener
from tests.strategies import SIZE


def _mine(store: Store, category_id: int) -> Annotation:
    return Annotation(store.new_id(), category_id, rectangle(1, 2, 8, 9))


def test_what_is_added_to_many_photos_is_there_at_once_and_in_the_file(open_store: Opener, photos: Path) -> None:
    path = photos / "annotations.json"
    path.write_text(json.dumps(FILE))
    before = [json.dumps(record) for record in FILE["annotations"]]
    store = open_store()
    known = {name: store.load(name).annotations for name in store.names}
    counts = store.class_counts.total()
    person = store.categories.add("person 2", keypoint_names=("nose",))
    posed = Annotation(0, person.id, rectangle(0, 0, 5, 5), (Keypoint(1, 2, Visibility.VISIBLE),))
    sizes = {name: store.size_in_file(name) or SIZE for name in store.names}
    new = {name: (_mine(store, person.id), replace(posed, id=store.new_id())) for name in store.names}
    assert all(store.takes_additions(name, sizes[name]) for name in store.names)
    additions = {name: store.addition(name, sizes[name], records) for name, records in new.items()}
    assert store.class_counts.total() == counts, "nothing is on record until it is added"
    store.add(additions)
    assert store.unsaved
    assert not store.is_kept, "the journal does not have them"
    store.save().result()
    assert not store.unsaved
    assert store.is_kept
    for reopened in (False, True):
        if reopened:
            store.close()
            store = open_store()
        for name in store.names:
            assert store.load(name).annotations == known[name] + new[name]
            assert store.count(name) == len(known[name]) + 2
            assert person.id in store.category_ids(name)
            assert store.load(name).size == (0, 0), "it was never worked on"
        assert store.class_counts.total() == counts + 2 * len(new)
    written = json.loads(path.read_text())["annotations"]
    assert [json.dumps(record) for record in written[: len(before)]] == before
    assert len({record["id"] for record in written}) == len(written)


def test_a_photo_that_was_added_to_is_edited_like_any_other(open_store: Opener, photos: Path) -> None:
    store = open_store()
    cup = store.categories.add("cup")
    first, second = _mine(store, cup.id), _mine(store, cup.id)
    store.add({"a.jpg": store.addition("a.jpg", SIZE, (first,))})
    store.add({"a.jpg": store.addition("a.jpg", SIZE, (second,))})
    assert store.load("a.jpg").annotations == (first, second)
    third = _mine(store, cup.id)
    store.put("a.jpg", PhotoState(SIZE, (second, third)))
    assert not store.takes_additions("a.jpg", SIZE), "what is on record now goes before what the file has"
    store.save().result()
    store.close()
    assert open_store().load("a.jpg").annotations == (second, third)
    contents = json.loads((photos / "annotations.json").read_text())
    assert [image["file_name"] for image in contents["images"]] == ["a.jpg"]
    assert [(image["width"], image["height"]) for image in contents["images"]] == [SIZE]


def test_the_entry_of_a_photo_that_was_worked_on_gets_fields(open_store: Opener, photos: Path) -> None:
    store = open_store()
    known, new = "a.jpg", "sub/b.jpg"
    box = _mine(store, store.categories.add("cup").id)
    store.put(known, PhotoState(SIZE, (box,), notes=PhotoNotes(note="own")))
    store.save().result()
    fields = {"license": 3, "tags": ["night"], "note": "other"}
    assert store.lacks(known, fields) == {"license": 3, "tags": ["night"]}
    store.add_fields(known, SIZE, fields)
    store.add_fields(new, SIZE, fields)
    assert store.annotated == [known], "fields are no annotations"
    store.put(new, PhotoState(SIZE, notes=PhotoNotes(("night",), "other")))
    for name in (known, new):
        assert "license" not in store.lacks(name, fields)
    store.save().result()
    assert store.is_kept
    store.close()
    written = {i["file_name"]: i for i in json.loads((photos / "annotations.json").read_text())["images"]}
    assert (written[known]["license"], written[known]["note"]) == (3, "own")
    assert "tags" not in written[known], "those are of its state"
    assert {key: written[new][key] for key in fields} == fields
    assert open_store().load(known).annotations == (box,)


def test_a_photo_whose_entry_may_be_of_another_gets_one_with_what_is_added(open_store: Opener, photos: Path) -> None:
    path = photos / "annotations.json"
    images = [{"id": 1, "file_name": name, "width": SIZE[0], "height": SIZE[1]} for name in ("a.jpg", "sub/b.jpg")]
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 3, 3], "segmentation": []}
    categories = [{"id": 1, "name": "cup"}]
    path.write_text(json.dumps({"images": images, "annotations": [box], "categories": categories}))
    store = open_store()
    store.add({"a.jpg": store.addition("a.jpg", SIZE, (_mine(store, 1),))})
    store.close()
    contents = json.loads(path.read_text())
    ids = [image["id"] for image in contents["images"] if image["file_name"] == "a.jpg"]
    assert contents["annotations"][-1]["image_id"] == ids[-1] != 1
    assert open_store().count("a.jpg") == 1


def test_what_cannot_be_written_is_not_said_to_be_kept(
    open_store: Opener, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    cup = store.categories.add("cup")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("annotator.core.store.project_file.replace_file", full)
        store.add({"a.jpg": store.addition("a.jpg", SIZE, (_mine(store, cup.id),))})
        with pytest.raises(StoreError, match="keep the window open"):
            store.save().result()
        assert not store.is_kept
    store.save().result()
    assert store.is_kept
    assert (photos / "annotations.json").exists()
