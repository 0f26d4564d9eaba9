"""Training photos from COCO files, several of them together, each with what it labels and what it leaves out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from dataset import rle
from dataset.coco.categories import Category, read_categories
from dataset.coco.reader import CheckedAnnotation, CocoData, DataError, Source, opens, read_coco, unusable_photos
from dataset.i18n import plural, tr
from dataset.photo_names import file_in
from model.console import print_message
from model.network.targets import MASK_GRID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from dataset.coco.checks import Kind


LeftOut = Literal["size", "other_size", "twice", "unclear", "name", "file", "photo", "annotation", "mask", "keypoints"]
"""What is left out of a file, and counted."""
_LEFT_OUT: dict[Kind, LeftOut] = {
    "image_size": "size",
    "other_size": "other_size",
    "image_twice": "twice",
    "image_unclear": "unclear",
    "image_name": "name",
    "record": "annotation",
}


@dataclass(frozen=True)
class ObjectLabel:
    """One labelled object. Coordinates are pixels of the upright photo."""

    label: int
    """Class of the model, 1 to classes."""
    box: tuple[float, float, float, float]
    """xyxy."""
    segmentation: Any
    """COCO's polygons or RLE, or None."""
    keypoints: tuple[float, ...]
    """x, y, visibility of each; empty where none are labelled."""


@dataclass
class TrainingImage:
    """One photo with its labels."""

    path: Path
    width: int
    height: int
    instances: list[ObjectLabel] = field(default_factory=list)
    crowds: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Boxes, xyxy, of crowds, whose single objects are not labelled."""
    complete: tuple[bool, ...] = ()
    """[classes + 1]: the classes of which every instance is labelled; index 0 is background."""


def classes_of(files: Iterable[tuple[Path, dict[str, Any]]], *, by_supercategory: bool) -> list[Category]:
    """Return the classes that COCO files label, in the order in which they first appear, numbered from 1.

    Files are joined by name. With `by_supercategory` every supercategory is one class.
    """
    found: dict[str, Category] = {}
    for _, data in files:
        for category in read_categories(data["categories"]).categories:
            name = (category.supercategory or category.name) if by_supercategory else category.name
            # Keypoints belong to a name: a class of several categories has none unless it has the name of one.
            points, skeleton = (category.keypoint_names, category.skeleton) if category.name == name else ((), ())
            old = found.get(name)
            if old is None:
                found[name] = Category(len(found) + 1, name, category.supercategory, points, skeleton)
            elif points and not old.keypoint_names:
                found[name] = Category(old.id, name, old.supercategory, points, skeleton)
    return list(found.values())


def read_photos(
    sources: list[Source],
    classes: list[Category],
    *,
    by_supercategory: bool,
    on_message: Callable[[str], None] = print_message,
) -> list[TrainingImage]:
    """Return all photos of the sources with labels that count in `classes`; what cannot be used is left out.

    Which classes a photo labels completely follows from its file: a class is complete when all the categories that make
    it up in any of the files stand in this one, and the file is not `partial`.

    Args:
        sources: The files.
        classes: What is learned, in the order of the model's classes.
        by_supercategory: As in `classes_of`.
        on_message: Called with one sentence for each file of which something is left out.

    Raises:
        DataError: A file cannot be read, is not a COCO file, or nothing of it can be used.
    """
    files = [(source, read_coco(source.annotations, "labels", source.folder())) for source in sources]
    label_of_class = {c.name: i for i, c in enumerate(classes, 1)}
    members: dict[int, set[str]] = {}
    for _, data in files:
        for category in data.categories:
            label = label_of_class.get(_class_name(category, by_supercategory=by_supercategory))
            if label is not None:
                members.setdefault(label, set()).add(category.name)
    photos: list[TrainingImage] = []
    for source, data in files:
        names = {category.name for category in data.categories}
        complete = tuple(
            label == 0 or (not source.partial and label in members and members[label] <= names)
            for label in range(len(classes) + 1)
        )
        labels = {
            category.id: label_of_class.get(_class_name(category, by_supercategory=by_supercategory))
            for category in data.categories
        }
        found, left = _photos_of(source, data, labels, complete)
        if left.total():
            parts = ", ".join(_counted(what, n) for what, n in left.items() if n)
            on_message(tr("{file}: left out {parts}.", file=source.annotations, parts=parts))
        photos += found
    return photos


def _class_name(category: Category, *, by_supercategory: bool) -> str:
    return (category.supercategory or category.name) if by_supercategory else category.name


def _photos_of(
    source: Source, data: CocoData, labels: dict[int, int | None], complete: tuple[bool, ...]
) -> tuple[list[TrainingImage], Counter[LeftOut]]:
    """Return the photos of a file that can be used, and how many of what are left out."""
    left: Counter[LeftOut] = Counter()
    photos: dict[Any, TrainingImage] = {}
    reasons: list[str | Exception] = []
    for checked in data.images:
        image = checked.record
        path = file_in(source.folder(), image["file_name"])
        if checked.problem:
            left[_LEFT_OUT.get(checked.problem.kind, "twice")] += 1
            reasons.append(tr("{problem}.", problem=checked.problem.text))
        elif path is None:
            left["file"] += 1
        else:
            photos[image["id"]] = TrainingImage(path, image["width"], image["height"], complete=complete)
    if data.images and not any(opens(photo.path) for photo in photos.values()):
        raise unusable_photos(source.annotations, source.folder(), reasons if not photos else [])
    for checked in data.annotations:
        if checked.image is None:
            left[_LEFT_OUT.get(checked.problem.kind, "photo") if checked.problem else "photo"] += 1
        elif photo := photos.get(checked.image["id"]):
            _add_label(photo, checked, labels, left)
    used = list(photos.values())
    if data.annotations and left.total() and not any(photo.instances or photo.crowds for photo in used):
        problems = [checked.problem.text for checked in data.annotations if checked.problem]
        first = problems[0] if problems else tr("their boxes, classes or photos are wrong")
        text = tr("None of the annotations of {file} can be used: {problem}.", file=source.annotations, problem=first)
        raise DataError(text)
    return used, left


def _counted(what: LeftOut, n: int) -> str:
    """Return how many of what are left out, for people."""
    return {
        "size": plural("{n} photo without a size", "{n} photos without a size", n),
        "other_size": plural(
            "{n} photo of another size than the file says", "{n} photos of another size than the file says", n
        ),
        "twice": plural("{n} photo that is listed twice", "{n} photos that are listed twice", n),
        "unclear": plural("{n} record with an id of several photos", "{n} records with an id of several photos", n),
        "name": plural("{n} photo with an unclear name", "{n} photos with unclear names", n),
        "file": plural("{n} photo without a file", "{n} photos without a file", n),
        "photo": plural("{n} annotation of no photo", "{n} annotations of no photo", n),
        "annotation": plural(
            "{n} annotation without a usable box or class", "{n} annotations without a usable box or class", n
        ),
        "mask": plural("{n} damaged mask", "{n} damaged masks", n),
        "keypoints": plural("{n} damaged list of keypoints", "{n} damaged lists of keypoints", n),
    }[what]


def _add_label(
    photo: TrainingImage, checked: CheckedAnnotation, labels: dict[int, int | None], left: Counter[LeftOut]
) -> None:
    """Add an annotation to its photo, if it can be used and is of a class that counts."""
    if checked.problem:
        left["annotation"] += 1
        return
    record = checked.record
    label = labels[record["category_id"]]
    if label is None:
        return
    x, y, w, h = record["bbox"]
    box = (x, y, x + w, y + h)
    if record.get("iscrowd", 0):
        photo.crowds.append(box)
        return
    damaged = {problem.kind for problem in checked.damage}
    if damaged - {"keypoints"}:
        left["mask"] += 1
    if "keypoints" in damaged:
        left["keypoints"] += 1
    points = tuple(record.get("keypoints") or ())
    is_labelled = any(v > 0 for v in points[2::3])
    photo.instances.append(ObjectLabel(label, box, record.get("segmentation"), points if is_labelled else ()))


def instance_mask(
    instance: ObjectLabel, width: int, height: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
    """Return an instance's mask as a grid over its own extent, or None where it has no mask.

    Returns:
        [MASK_GRID, MASK_GRID] uint8, the share of each cell that is object, times 255; and where the grid lies: xyxy,
        float32.
    """
    segmentation = instance.segmentation
    if not segmentation:
        return None
    mask = rle.decode(rle.from_coco(segmentation, (height, width)))
    rows, columns = np.flatnonzero(mask.max(1)), np.flatnonzero(mask.max(0))
    if len(rows) == 0:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    crop = np.ascontiguousarray(mask[top:bottom, left:right]) * np.uint8(255)
    # Area averaging when shrinking; when enlarging, linear interpolation keeps the outline between the pixels.
    shrinks = max(crop.shape) > MASK_GRID
    grid = cv2.resize(crop, (MASK_GRID, MASK_GRID), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return grid.astype(np.uint8), np.array([left, top, right, bottom], np.float32)
