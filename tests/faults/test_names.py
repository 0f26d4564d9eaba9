"""Photos whose names are bytes, or have backslashes, line breaks and the like: listed, saved, found again."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image

from annotator.core.annotation import Annotation
from annotator.core.categories import Categories
from annotator.core.exchange import read_dataset, to_annotations, to_dataset
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.packing import pack, unpack
from annotator.core.store.store import Store
from annotator.core.training_set import TrainingPhoto, encode_coco
from dataset.coco.categories import Category
from dataset.coco.reader import read_coco, read_image
from dataset.folder import list_images
from dataset.formats.base import formats
from dataset.formats.exporting import export
from dataset.geometry import rectangle
from dataset.i18n import tr

SIZE = (32, 24)
NAMES = [
    os.fsdecode(b"caf\xe9.png"),
    os.fsdecode(b"\xff\xfe/\x80.png"),
    "a\\b.png",
    "a/b.png",
    "a\\c/d\\e.png",
    "line\nbreak.png",
    "line\r\u2028\u0085break.png",
    "tab\t and  spaces .png",
    "percent%20 {brace} $HOME 'quote\".png",
    "\N{PILE OF POO}\u202e.png",
]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", SIZE).save(path)
        except OSError:
            pytest.skip("this system has no such names")
    return folder


def opened(photos: Path, file: Path | None = None) -> Store:
    return Store.open(photos, file, fallback=photos.parent / "fallback")


def box(number: int) -> Annotation:
    return Annotation(number, 1, rectangle(1, 1, 4 + number % 20, 9))


def in_file(file: Path) -> dict[str, list[int]]:
    """Ids of annotations by the photo's name, as any other program reads them."""
    data = json.loads(file.read_bytes())
    names = {image["id"]: image["file_name"] for image in data["images"]}
    found: dict[str, list[int]] = {name: [] for name in names.values()}
    for annotation in data["annotations"]:
        found[names[annotation["image_id"]]].append(annotation["id"])
    return found


def test_photos_of_any_name_are_listed(photos: Path) -> None:
    assert sorted(list_images(photos)) == sorted(NAMES)


def test_photos_of_any_name_are_saved_and_recovered(photos: Path, tmp_path: Path) -> None:
    store = opened(photos)
    store.categories.add("thing")
    for number, name in enumerate(NAMES, 1):
        store.put(name, PhotoState(SIZE, (box(number),), (box(-number),), mark=Mark.DONE))
        store.pools.put(name, "model", [box(-number)])
    deadline = time.monotonic() + 20
    while not (
        store.is_kept and store.pools._journal.pool_names("model") == set(NAMES)
    ):  # suggestions follow the edits
        assert time.monotonic() < deadline
        time.sleep(0.01)
    crashed = opened(shutil.copytree(photos, tmp_path / "crashed"))
    store.close()
    for again in (crashed, opened(photos)):
        try:
            for number, name in enumerate(NAMES, 1):
                assert again.load(name) == PhotoState(SIZE, (box(number),), (box(-number),), mark=Mark.DONE), ascii(
                    name
                )
                assert again.pools.get(name, "model") == (box(-number),)
            assert again.pools.names("model") == set(NAMES)
        finally:
            again.close()
        assert in_file(again.file) == {name: [number] for number, name in enumerate(NAMES, 1)}
    last = opened(photos)
    last.put(NAMES[0], PhotoState(SIZE, (box(1), box(99)), mark=Mark.DONE))
    last.close()
    assert last.warnings == []
    assert in_file(last.file)[NAMES[0]] == [1, 99], "no second entry for the same photo"


def test_ids_and_classes_of_any_kind_are_saved(photos: Path) -> None:
    records = [
        Annotation(n, n, rectangle(1, 1, 9, 9), extra={"half \ud83d": "\udc00", "number": 2**70})
        for n in (1, 2**64, 2**80)
    ]
    assert unpack(pack(records)) == tuple(records)
    store = opened(photos)
    store.categories.add("half \ud83d")
    store.put("a/b.png", PhotoState(SIZE, (records[0],), mark=Mark.DONE))
    store.close()
    again = opened(photos)
    again.close()
    assert again.load("a/b.png").annotations == (records[0],)
    assert [c.name for c in again.categories] == ["half \ud83d"]


def test_photos_of_any_name_are_exported_and_imported(photos: Path, tmp_path: Path) -> None:
    categories = Categories([Category(1, "thing", color="#ff0000")])
    known = [TrainingPhoto(name, PhotoState(SIZE, (box(number),))) for number, name in enumerate(NAMES, 1)]
    found = {file_format.name: file_format for file_format in formats()}
    data = to_dataset(photos, known, categories)
    export(found["coco"], data, tmp_path / "coco.json")
    assert set(in_file(tmp_path / "coco.json")) == set(NAMES)
    export(found["labelme"], data, tmp_path / "labelme")
    for name, source in (("coco", "coco.json"), ("labelme", "labelme")):
        read = read_dataset(found[name], tmp_path / source, photos, list_images(photos))
        assert read.problems == ()
        made = {image.name: to_annotations(image, read, categories, lambda: 1) for image in read.images}
        assert {name: a[0].shape for name, a in made.items()} == {p.name: p.state.annotations[0].shape for p in known}


def test_photos_of_any_name_are_trained_on(photos: Path, tmp_path: Path) -> None:
    known = [TrainingPhoto(name, PhotoState(SIZE, (box(number),))) for number, name in enumerate(NAMES, 1)]
    file = tmp_path / "annotations.json"
    file.write_bytes(encode_coco(known, []))
    data = read_coco(file, "labels", photos)
    assert [image.record["file_name"] for image in data.images] == NAMES
    for image in data.images:
        assert image.problem is None
        read_image(photos, image.record)


def test_what_a_person_reads_can_be_printed() -> None:
    assert tr("{photo} is gone.", photo=NAMES[0]) == "caf\N{REPLACEMENT CHARACTER}.png is gone."
