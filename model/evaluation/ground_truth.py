"""The ground truth that a model is measured against: a checked COCO file, because pycocotools checks nothing.

A box that is no number, a photo that is listed twice or a mask of another size would give wrong figures, and a record
without an area a crash. What is wrong with the file as a whole is an error; single records are left out, and reported.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from dataset import rle
from dataset.coco_checks import Kind, has_pixels
from dataset.coco_reader import DataError, read_coco, require_sizes
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from pathlib import Path

LeftOut = Literal["image_twice", "record", "image", "category", "fields", "numbers", "mask"]
"""What is reported together."""
SAME_SENTENCE: dict[Kind, LeftOut] = {
    "image_twice": "image_twice",
    "record": "record",
    "image": "image",
    "category": "category",
    "image_id": "fields",
    "category_id": "fields",
    "box": "fields",
    "box_length": "numbers",
    "box_finite": "numbers",
}


def read_ground_truth(file: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the contents of a COCO file to measure with, and sentences for people on what had to be left out of it.

    Every annotation has a box, an area, `iscrowd`, and `segmentation`, which is None where there is no usable mask.

    Raises:
        DataError: The file cannot be read, is not COCO, or none of its annotations can be used.
    """
    data = read_coco(file, "masks")
    require_sizes(file, data)
    points = {category.id: len(category.keypoint_names) for category in data.categories}
    left: Counter[LeftOut] = Counter(SAME_SENTENCE[image.problem.kind] for image in data.images if image.problem)
    annotations = []
    for checked in data.annotations:
        record = checked.record
        if checked.problem or checked.image is None:
            left[SAME_SENTENCE[checked.problem.kind] if checked.problem else "image"] += 1
            continue
        complete = _complete(record, checked.image, points[record["category_id"]])
        if record.get("segmentation") and not complete["segmentation"]:
            left["mask"] += 1
        annotations.append(complete)
    sentences = [_sentence(what, n, file.name) for what, n in left.items()]
    if data.annotations and not annotations:
        text = tr("None of the annotations of {file} can be used. {reason}", file=file, reason=sentences[-1])
        raise DataError(text)
    images = [image.record for image in data.images if image.problem is None]
    return {**data.contents, "images": images, "annotations": annotations}, sentences


def _sentence(what: LeftOut, n: int, file: str) -> str:
    """Return what is left out `n` times of a file, as a sentence for people."""
    return {
        "image_twice": plural(
            "{file}: a photo is listed more than once: it counts once.",
            "{file}: a photo is listed more than once: it counts once ({n} times).",
            n,
            file=file,
        ),
        "record": plural(
            "{file}: an annotation is no record and is left out.",
            "{file}: an annotation is no record and is left out ({n} times).",
            n,
            file=file,
        ),
        "image": plural(
            "{file}: an annotation is of no photo of the file and is left out.",
            "{file}: an annotation is of no photo of the file and is left out ({n} times).",
            n,
            file=file,
        ),
        "category": plural(
            "{file}: an annotation is of no category of the file and is left out.",
            "{file}: an annotation is of no category of the file and is left out ({n} times).",
            n,
            file=file,
        ),
        "fields": plural(
            "{file}: an annotation has no photo, category or box and is left out.",
            "{file}: an annotation has no photo, category or box and is left out ({n} times).",
            n,
            file=file,
        ),
        "numbers": plural(
            "{file}: an annotation has no box of four numbers and is left out.",
            "{file}: an annotation has no box of four numbers and is left out ({n} times).",
            n,
            file=file,
        ),
        "mask": plural(
            "{file}: an annotation has no usable mask: only its box counts.",
            "{file}: an annotation has no usable mask: only its box counts ({n} times).",
            n,
            file=file,
        ),
    }[what]


def _complete(record: dict[str, Any], image: dict[str, Any], points: int) -> dict[str, Any]:
    size = (image["height"], image["width"])
    shape = record.get("segmentation")
    shape = shape if has_pixels(shape, image["width"], image["height"]) else None
    area = record.get("area")
    if not isinstance(area, int | float) or not math.isfinite(area):
        area = rle.area(rle.from_coco(shape, size)) if shape else record["bbox"][2] * record["bbox"][3]
    new = {**record, "area": area, "iscrowd": int(bool(record.get("iscrowd"))), "segmentation": shape}
    if points:
        given = record.get("keypoints")
        numbers = isinstance(given, list) and all(isinstance(v, int | float) and math.isfinite(v) for v in given)
        new["keypoints"] = given if numbers and given and len(given) == 3 * points else [0] * (3 * points)
        new["num_keypoints"] = sum(v > 0 for v in new["keypoints"][2::3])
    return new
