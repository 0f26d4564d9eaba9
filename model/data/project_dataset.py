"""A project's labels, checked: what can be learned from, and in clear sentences what cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torchvision.ops import box_iou

from dataset.coco.reader import (
    CheckedAnnotation,
    CocoData,
    DataError,
    Source,
    check_size,
    has_pixels,
    read_coco,
    unusable_photos,
    with_numbers,
)
from dataset.i18n import plural, tr
from dataset.photo_names import is_inside
from dataset.pictures.fingerprints import ImageFingerprint, fingerprint
from dataset.pictures.images import PhotoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from torch import Tensor

    from dataset.coco.categories import Category
    from dataset.coco.checks import Problem

SAME_BOX = 0.9
"""IoU from which two boxes lie around the same object."""
BOXES_AT_ONCE = 256
MAX_MESSAGES = 5
"""Sentences of one kind that are shown one by one."""
TOLD_ONCE = ("category_twice", "keypoint_names", "skeleton", "skeleton_from_0", "image_turned")


@dataclass
class ProjectDataset:
    """A COCO file of one project with what cannot be used left out."""

    data: dict[str, Any]
    """COCO: images that can be read, annotations that can be learned from, categories."""
    folder: Path
    categories: tuple[Category, ...]
    """With the ids of the file."""
    fingerprints: list[ImageFingerprint]
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
        self._shown: dict[str, list[str]] = {}
        self._counts: Counter[str] = Counter()

    def add(self, kind: str, text: str) -> None:
        self.extend(kind, [text], 1)

    def extend(self, kind: str, texts: Iterable[str], n: int) -> None:
        """Add `n` sentences, of which only those are made that are shown: there may be a million."""
        shown = self._shown.setdefault(kind, [])
        shown += islice(texts, MAX_MESSAGES - len(shown))
        self._counts[kind] += n

    def all(self) -> list[str]:
        found = []
        for kind, texts in self._shown.items():
            found += texts
            if self._counts[kind] > len(texts):
                found.append(tr("... and {n} more: {kind}.", n=self._counts[kind] - len(texts), kind=kind))
        return found


def read_project(annotations: Path, images: Path | None, check_cancelled: Callable[[], None]) -> ProjectDataset:
    """Read and check a project.

    Args:
        annotations: Its COCO file.
        images: Folder of the photos; None looks beside the file.
        check_cancelled: Called after every photo; what it raises ends the reading.

    Raises:
        DataError: There is nothing to learn from; the text says why and what to do.
    """
    folder = Source(annotations, images).folder()
    data = _without_unused_doubles(read_coco(annotations, "labels", folder))
    _check_categories(annotations, data.categories)
    sentences = _Sentences()
    kept, fingerprints, reasons = _images(data, folder, sentences, check_cancelled)
    if not kept:
        raise unusable_photos(annotations, folder, reasons)
    labels = _annotations(data, {image["id"] for image in kept}, sentences)
    objects = [a for a in labels if not a.get("iscrowd")]
    if not objects:
        text = plural(
            "None of the {n} photos shows an object: label some objects before training.",
            "None of the {n} photos shows an object: label some objects before training.",
            len(kept),
        )
        raise DataError(" ".join((text, *sentences.all()[:1])))
    _look_at_classes(objects, data.categories, sentences)
    _look_for_contradictions(kept, objects, {c.id: c.name for c in data.categories}, sentences)
    clean = {"images": kept, "annotations": labels, "categories": data.category_records()}
    return ProjectDataset(with_numbers(clean), folder, data.categories, fingerprints, sentences.all())


def _check_categories(path: Path, categories: tuple[Category, ...]) -> None:
    if not categories:
        text = tr("{file} names no classes: add one and label some objects before training.", file=path)
        raise DataError(text)
    if double := _first_double([c.name.lower() for c in categories]):
        text = tr("{file} has two classes with the name {name!r}: rename or remove one.", file=path, name=double[0])
        raise DataError(text)
    if len({c.keypoint_names for c in categories if c.keypoint_names}) > 1:
        text = tr(
            "{file} has classes with different keypoints: a model can learn one kind of skeleton only.", file=path
        )
        raise DataError(text)


def _without_unused_doubles(data: CocoData) -> CocoData:
    """Return the contents without classes that no annotation has and another class is called like.

    Roboflow lists the group of its classes as a class, which may have the name of one.
    """
    names = Counter(c.name.lower() for c in data.categories)
    used = {checked.record["category_id"] for checked in data.annotations if checked.problem is None}
    kept = [
        (category, place)
        for category, place in zip(data.categories, data.category_places, strict=True)
        if names[category.name.lower()] < 2 or category.id in used
    ]
    return replace(data, categories=tuple(c for c, _ in kept), category_places=tuple(p for _, p in kept))


def _first_double(values: Sequence[object]) -> list[object]:
    """Return the first value that stands there more than once, or nothing."""
    return [value for value, count in Counter(values).items() if count > 1][:1]


def _images(
    data: CocoData, folder: Path, sentences: _Sentences, check_cancelled: Callable[[], None]
) -> tuple[list[dict[str, Any]], list[ImageFingerprint], list[PhotoError]]:
    """Return the images that can be used, each once, their fingerprints, and why others cannot be read."""
    kept, fingerprints, reasons = [], [], []
    for problem in (p for p in data.problems if p.kind in TOLD_ONCE):
        sentences.add(tr("classes and sizes that are not as COCO has them"), tr("{problem}.", problem=problem.text))
    for checked in data.images:
        check_cancelled()
        image = checked.record
        name = image["file_name"]
        if checked.problem and checked.problem.kind not in ("image_size", "other_size"):
            text = tr("{photo} is left out: {problem}.", photo=name, problem=checked.problem.text)
            sentences.add(tr("photos that are listed twice or have no name"), text)
            reasons.append(PhotoError(tr("{problem}.", problem=checked.problem.text)))
            continue
        try:
            if not is_inside(name):
                raise PhotoError(tr("The file does not exist."))  # noqa: TRY301 - joins the reasons below
            found = fingerprint(folder / name, name)
            check_size(found.size, image)
        except PhotoError as error:
            text = tr("{photo} is left out: {reason}", photo=name, reason=error)
            sentences.add(tr("photos that cannot be read"), text)
            reasons.append(error)
            continue
        fingerprints.append(found)
        kept.append(image)
    return kept, fingerprints, reasons


def _annotations(data: CocoData, images: set[Any], sentences: _Sentences) -> list[dict[str, Any]]:
    """Return the annotations that can be learned from, of the images with these ids."""
    points = {c.id: len(c.keypoint_names) for c in data.categories}
    kept = []
    for checked in data.annotations:
        if checked.image is not None and checked.image["id"] not in images:
            continue  # its photo is left out already
        if checked.problem or checked.image is None:
            if checked.problem:
                _add_problem(checked.problem, sentences)
            continue
        record = _mended(checked, points[checked.record["category_id"]], sentences)
        kept.append({"iscrowd": 0, **record})
    return kept


def _add_problem(problem: Problem, sentences: _Sentences) -> None:
    if problem.kind == "record":
        sentences.add(tr("annotations that are no records"), tr("An annotation that is no record is left out."))
    elif problem.kind in ("image", "image_id"):
        text = tr("Annotation {id} is of no photo and is left out.", id=problem.where)
        sentences.add(tr("annotations of no photo"), text)
    else:
        text = tr("{photo}: {problem}; it is left out.", photo=problem.where, problem=problem.text)
        sentences.add(tr("annotations that cannot be used"), text)


def _mended(checked: CheckedAnnotation, points: int, sentences: _Sentences) -> dict[str, Any]:
    """Return an annotation of a class with so many keypoints without those of its parts that cannot be used."""
    record, image = checked.record, checked.image
    assert image is not None, "one that has a photo"
    name = image["file_name"]
    if not record.get("iscrowd") and not has_pixels(record.get("segmentation"), (image["width"], image["height"])):
        text = tr("{photo}: an annotation has no usable mask; only its box is learned.", photo=name)
        sentences.add(tr("annotations without a mask"), text)
        record = {**record, "segmentation": None}
    if not points:
        return {k: v for k, v in record.items() if k not in ("keypoints", "num_keypoints")}
    if any(problem.kind == "keypoints" for problem in checked.damage):
        text = tr("{photo}: an annotation has damaged keypoints; they are left out.", photo=name)
        sentences.add(tr("annotations with damaged keypoints"), text)
    return record


def _look_at_classes(objects: list[dict[str, Any]], categories: tuple[Category, ...], sentences: _Sentences) -> None:
    counts = Counter(a["category_id"] for a in objects)
    photos = Counter(category for _, category in {(a["image_id"], a["category_id"]) for a in objects})
    for category in categories:
        name = category.name
        if counts[category.id] == 0:
            text = tr("No photo shows a {name}: the class cannot be learned yet.", name=name)
            sentences.add(tr("classes without objects"), text)
        elif counts[category.id] == 1:
            text = tr(
                "There is a single {name}: that teaches little, and nothing measures what was learned.", name=name
            )
            sentences.add(tr("classes with a single object"), text)
        elif photos[category.id] == 1:
            text = tr("All {name} objects are in one photo: what is learned of them cannot be measured.", name=name)
            sentences.add(tr("classes in a single photo"), text)


def _look_for_contradictions(
    images: list[dict[str, Any]], objects: list[dict[str, Any]], names: dict[int, str], sentences: _Sentences
) -> None:
    by_image: dict[int, list[dict[str, Any]]] = {}
    for record in objects:
        by_image.setdefault(record["image_id"], []).append(record)
    total, double = 0, []
    for image in images:
        records = by_image.get(image["id"], [])
        if len({r["category_id"] for r in records}) < 2:
            continue
        boxes = torch.tensor([r["bbox"] for r in records], dtype=torch.float32)
        boxes[:, 2:] += boxes[:, :2]
        classes = torch.tensor([r["category_id"] for r in records])
        count, pairs = find_contradictions(boxes, classes)
        total += count
        double += [(image["file_name"], names[one], names[other]) for one, other in pairs]
    if double:
        texts = (
            tr("{photo}: the same object is labelled {one} and {other}: delete one of them.", photo=p, one=a, other=b)
            for p, a, b in double
        )
        sentences.extend(tr("objects with two classes"), texts, total)


def find_contradictions(boxes: Tensor, classes: Tensor) -> tuple[int, list[tuple[int, int]]]:
    """Return how many pairs of boxes [N, 4] of two classes lie around the same object, and the classes of the first.

    Without a matrix of all with all, as N may be 20,000: boxes that overlap by `SAME_BOX` have about the same area, so
    each is compared to those that are little larger; the same box with the same class counts as often as it is there.
    """
    alike = Counter(zip(map(tuple, boxes.tolist()), classes.tolist(), strict=True))
    boxes = torch.tensor([box for box, _ in alike])
    classes, times = torch.tensor([number for _, number in alike]), torch.tensor(list(alike.values()))
    areas, order = torch.sort((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), stable=True)
    boxes, classes, times = boxes[order], classes[order], times[order]
    ends = torch.searchsorted(areas, areas / SAME_BOX, right=True).tolist()
    count, first = 0, []
    for start in range(0, len(boxes), BOXES_AT_ONCE):
        stop = min(start + BOXES_AT_ONCE, len(boxes))
        others = slice(start, ends[stop - 1])
        if (classes[others] == classes[start]).all():
            continue
        same = torch.triu(box_iou(boxes[start:stop], boxes[others]) >= SAME_BOX, 1)
        same &= classes[start:stop, None] != classes[None, others]
        pairs = torch.nonzero(same)
        count += int((times[start + pairs[:, 0]] * times[start + pairs[:, 1]]).sum())
        for row, column in pairs[: MAX_MESSAGES - len(first)].tolist():
            i, j = sorted((start + row, start + column), key=lambda at: int(order[at]))
            first.append((int(classes[i]), int(classes[j])))
    return count, first
