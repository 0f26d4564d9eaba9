"""A project's labels, checked: what can be learned from, and in clear sentences what cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torchvision.ops import box_iou

from dataset.categories import Category, from_coco
from dataset.coco_checks import problem, usable_mask
from dataset.images import PhotoError
from model.data.train_val_split import ImageFingerprint, fingerprint
from model.data.training_images import DataError, Source, check_size, keypoints_of, read_coco, sized

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAME_BOX = 0.9
"""IoU from which two boxes lie around the same object."""
MAX_MESSAGES = 5
"""Sentences of one kind that are told one by one."""


@dataclass
class Project:
    """A COCO file of one project with what cannot be used left out."""

    data: dict[str, Any]
    """COCO: images that can be read, annotations that can be learned from, categories."""
    folder: Path
    categories: tuple[Category, ...]
    """With the ids of the file."""
    looks: list[ImageFingerprint]
    """One for each image, in their order."""
    problems: list[str]
    """Sentences for people."""

    def labels(self) -> list[set[int]]:
        """Return the ids of the categories that each image shows."""
        by_image: dict[int, set[int]] = {image["id"]: set() for image in self.data["images"]}
        for annotation in self.data["annotations"]:
            if not annotation.get("iscrowd"):
                by_image[annotation["image_id"]].add(annotation["category_id"])
        return list(by_image.values())

    def counts(self) -> dict[str, int]:
        """Return the number of instances of each category, by name, in the order of the file."""
        numbers = Counter(a["category_id"] for a in self.data["annotations"] if not a.get("iscrowd"))
        return {c.name: numbers[c.id] for c in self.categories}

    def part(self, chosen: list[int]) -> dict[str, Any]:
        """Return the COCO contents of some of the images, by index."""
        images = [self.data["images"][i] for i in chosen]
        ids = {image["id"] for image in images}
        annotations = [a for a in self.data["annotations"] if a["image_id"] in ids]
        return {**self.data, "images": images, "annotations": annotations}


class _Sentences:
    """Collects sentences; of many of one kind the first few are kept, and how many more there are."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[str]] = {}

    def add(self, kind: str, text: str) -> None:
        self._kinds.setdefault(kind, []).append(text)

    def all(self) -> list[str]:
        found = []
        for kind, texts in self._kinds.items():
            found += texts[:MAX_MESSAGES]
            if len(texts) > MAX_MESSAGES:
                found.append(f"... and {len(texts) - MAX_MESSAGES} more: {kind}.")
        return found


def read_project(annotations: Path, images: Path | None, tick: Callable[[], None]) -> Project:
    """Read and check a project.

    Args:
        annotations: Its COCO file.
        images: Folder of the photos; None looks beside the file.
        tick: Called after every photo; what it raises ends the reading.

    Raises:
        DataError: There is nothing to learn from; the text says why and what to do.
    """
    data = read_coco(annotations)
    folder = Source(annotations, images).folder()
    categories = _categories(annotations, data)
    told = _Sentences()
    kept, looks = _images(annotations, data, folder, told, tick)
    if not kept:
        raise DataError(f"None of the photos of {annotations} can be read: is {folder} their folder?")
    labels = _annotations(data, kept, categories, told)
    objects = [a for a in labels if not a.get("iscrowd")]
    if not objects:
        raise DataError(f"None of the {len(kept)} photos shows an object: label some objects before training.")
    _look_at_classes(objects, categories, told)
    _look_for_contradictions(kept, objects, {c.id: c.name for c in categories}, told)
    clean = {"images": kept, "annotations": labels, "categories": data["categories"]}
    return Project(clean, folder, categories, looks, told.all())


def _categories(path: Path, data: dict[str, Any]) -> tuple[Category, ...]:
    try:
        found = tuple(from_coco(record) for record in data["categories"])
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from None
    if not found:
        raise DataError(f"{path} names no classes: add one and label some objects before training.")
    for what, values in (("id", [c.id for c in found]), ("name", [c.name.lower() for c in found])):
        double = [value for value, count in Counter(values).items() if count > 1]
        if double:
            raise DataError(f"{path} has two classes with the {what} {double[0]!r}: rename or remove one.")
    points = {c.keypoint_names for c in found if c.keypoint_names}
    if len(points) > 1:
        raise DataError(f"{path} has classes with different keypoints: a model can learn one kind of skeleton only.")
    return found


def _images(
    path: Path, data: dict[str, Any], folder: Path, told: _Sentences, tick: Callable[[], None]
) -> tuple[list[dict[str, Any]], list[ImageFingerprint]]:
    kept, looks, seen = [], [], set()
    for record in data["images"]:
        tick()
        image = sized(record, path)
        name = image["file_name"]
        if image["id"] in seen:
            told.add("photos that are listed twice", f"{name} has the id of another photo and is left out.")
            continue
        seen.add(image["id"])
        try:
            found = fingerprint(folder / name, name)
            check_size(found.size, image)
        except PhotoError as error:
            told.add("photos that cannot be read", f"{name} is left out: {error}")
            continue
        looks.append(found)
        kept.append(image)
    return kept, looks


def _annotations(
    data: dict[str, Any], images: list[dict[str, Any]], categories: tuple[Category, ...], told: _Sentences
) -> list[dict[str, Any]]:
    """Return the annotations that can be learned from."""
    by_id = {image["id"]: image for image in images}
    kinds = {c.id: len(c.keypoint_names) for c in categories}
    all_ids = {image["id"] for image in data["images"]}
    kept = []
    for record in data["annotations"]:
        if not isinstance(record, dict):
            told.add("annotations that are no records", "An annotation that is no record is left out.")
            continue
        number = record.get("image_id")
        number = number if isinstance(number, int | str) else None
        image = by_id.get(number)
        if image is None:
            if number not in all_ids:
                told.add("annotations of no photo", f"Annotation {record.get('id')} is of no photo and is left out.")
            continue  # its photo is left out already
        wrong = problem(record, image["width"], image["height"], kinds)
        if wrong:
            told.add("annotations that cannot be used", f"{image['file_name']}: an annotation {wrong}; it is left out.")
            continue
        record = _mended(record, image, kinds[record["category_id"]], told)  # noqa: PLW2901
        kept.append({"iscrowd": 0, **record})
    return kept


def _mended(record: dict[str, Any], image: dict[str, Any], points: int, told: _Sentences) -> dict[str, Any]:
    """Return an annotation of a class with so many keypoints without those of its parts that cannot be used."""
    if not record.get("iscrowd") and not usable_mask(record.get("segmentation"), image["width"], image["height"]):
        text = f"{image['file_name']}: an annotation has no usable mask; only its box is learned."
        told.add("annotations without a mask", text)
        record = {**record, "segmentation": None}
    if not points:
        return {k: v for k, v in record.items() if k not in ("keypoints", "num_keypoints")}
    given = keypoints_of(record)
    if given is None or len(given) not in (0, 3 * points):
        text = f"{image['file_name']}: an annotation has damaged keypoints; they are left out."
        told.add("annotations with damaged keypoints", text)
        record = {**record, "keypoints": []}
    return record


def _look_at_classes(objects: list[dict[str, Any]], categories: tuple[Category, ...], told: _Sentences) -> None:
    counts = Counter(a["category_id"] for a in objects)
    photos = Counter(category for _, category in {(a["image_id"], a["category_id"]) for a in objects})
    for category in categories:
        if counts[category.id] == 0:
            told.add("classes without objects", f"No photo shows a {category.name}: the class cannot be learned yet.")
        elif counts[category.id] == 1:
            text = f"There is a single {category.name}: that teaches little, and nothing measures what was learned."
            told.add("classes with a single object", text)
        elif photos[category.id] == 1:
            text = f"All {category.name} objects are in one photo: what is learned of them cannot be measured."
            told.add("classes in a single photo", text)


def _look_for_contradictions(
    images: list[dict[str, Any]], objects: list[dict[str, Any]], names: dict[int, str], told: _Sentences
) -> None:
    by_image: dict[int, list[dict[str, Any]]] = {}
    for record in objects:
        by_image.setdefault(record["image_id"], []).append(record)
    for image in images:
        records = by_image.get(image["id"], [])
        if len({r["category_id"] for r in records}) < 2:
            continue
        boxes = torch.tensor([r["bbox"] for r in records], dtype=torch.float32)
        boxes[:, 2:] += boxes[:, :2]
        for i, j in torch.nonzero(torch.triu(box_iou(boxes, boxes), 1) >= SAME_BOX).tolist():
            one, other = names[records[i]["category_id"]], names[records[j]["category_id"]]
            if one != other:
                text = f"{image['file_name']}: the same object is labelled {one} and {other}: delete one of them."
                told.add("objects with two classes", text)
