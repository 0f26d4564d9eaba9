"""Ids and what refers to them: photos, objects and classes that share an id, have none, or that nothing leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.check.findings import Finding
from dataset.coco.checks import short
from dataset.coco.raw_file import decode_record
from dataset.coco.values import as_id, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataset.check.contents import Contents, Key

_KEYPOINTS = ("keypoint_names", "skeleton", "skeleton_from_0")


def check_references(contents: Contents) -> Iterator[Finding]:
    """Yield what is wrong with the ids of a file."""
    yield from _images(contents)
    yield from _classes(contents)
    yield from _objects(contents)


def _images(contents: Contents) -> Iterator[Finding]:
    for place in contents.no_images:
        yield Finding("record", values={"n": place + 1, "list": "images"}, place=place)
    keys: dict[Key, str] = {}
    photos: set[str] = set()
    used = set(contents.ids.image_ids)
    for image in contents.images:
        if not image.name or image.name in contents.ambiguous:
            yield Finding("photo_name", image.photo, values={"name": short(image.name)}, place=image.place)
        elif image.photo in photos:
            yield Finding("image_twice", image.photo, place=image.place)
        photos.add(image.photo)
        if image.key is None:
            yield Finding("image_id", image.photo, place=image.place)
        elif keys.setdefault(image.key, image.photo) != image.photo:
            kind = "image_id_unclear" if image.key in used else "image_id_twice"
            yield Finding(kind, image.photo, values={"id": short(image.key)}, place=image.place)


def _classes(contents: Contents) -> Iterator[Finding]:
    keys: set[Key] = set()
    plain: dict[str, str] = {}
    for place, record in enumerate(contents.categories):
        if record is None:
            yield Finding("record", values={"n": place + 1, "list": "categories"}, place=place)
            continue
        key, name = as_id(record.get("id")), as_text(record.get("name"))
        if key is None or key in keys:
            yield Finding("class_id", values={"name": short(name)}, place=place)
        keys.add(key)
        if not name:
            yield Finding("class_name", values={"id": short(key)}, place=place)
            continue
        own, alike = str(record.get("name")), "".join(name.casefold().split())
        if alike in plain:
            values = {"name": repr(short(own)), "other": repr(short(plain[alike]))}
            yield Finding("class_alike", values=values, place=place)
        plain.setdefault(alike, own)
    for problem in contents.table.problems:
        if problem.kind in _KEYPOINTS:
            yield Finding("skeleton", values={"problem": problem.text})


def _objects(contents: Contents) -> Iterator[Finding]:
    ids, photos = contents.ids, {image.key: image.photo for image in contents.images}
    no_records: set[int] = set()
    for place in contents.orphans:
        if ids.image_ids[place] is None and decode_record(contents.raw.annotations[place]) is None:
            no_records.add(place)
            yield Finding("record", values={"n": place + 1, "list": "annotations"}, place=place)
        else:
            yield Finding("image_reference", "", ids.ids[place], {"id": short(ids.image_ids[place])}, place)
    seen: set[Key] = set()
    for place, (key, category) in enumerate(zip(ids.ids, ids.category_ids, strict=True)):
        if place in no_records:
            continue
        if key is None or key in seen:
            yield Finding("id" if key is None else "id_twice", photos.get(ids.image_ids[place], ""), key, place=place)
        seen.add(key)
        if category is None or category not in contents.table.ids:
            photo = photos.get(ids.image_ids[place], "")
            yield Finding("class_reference", photo, key, {"id": short(category)}, place)
