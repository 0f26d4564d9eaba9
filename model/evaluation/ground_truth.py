"""The truth that a model is measured against: a COCO file whose records are checked, because pycocotools believes all.

A box that is no number, a photo that is listed twice or a mask of another size would give wrong figures, and a record
without an area a crash. What is wrong with the file as a whole is an error; single records are left out, and told.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from dataset import rle
from dataset.categories import from_coco
from dataset.coco_checks import usable_mask
from model.data.training_images import DataError, read_coco, sized

if TYPE_CHECKING:
    from pathlib import Path


def read_ground_truth(file: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the contents of a COCO file to measure with, and sentences for people on what had to be left out of it.

    Every annotation has a box, an area, `iscrowd`, and `segmentation`, which is None where there is no usable mask.

    Raises:
        DataError: The file cannot be read, is not COCO, or none of its annotations can be used.
    """
    data = read_coco(file)
    points: dict[int, int] = {}
    for record in data["categories"]:
        try:
            category = from_coco(record)
        except ValueError as error:
            raise DataError(f"{file}: {error}.") from None
        points[category.id] = len(category.keypoint_names)
    images: dict[int, dict[str, Any]] = {}
    told: Counter[str] = Counter()
    for record in data["images"]:
        image = sized(record, file)
        if image["id"] in images:
            told["a photo is listed more than once: it counts once"] += 1
        images.setdefault(image["id"], image)
    annotations = []
    for record in data["annotations"]:
        problem = _problem(record, images, points)
        if problem:
            told[f"an annotation {problem} and is left out"] += 1
            continue
        image = images[record["image_id"]]
        complete = _complete(record, image, points[record["category_id"]])
        if record.get("segmentation") and not complete["segmentation"]:
            told["an annotation has no usable mask: only its box counts"] += 1
        annotations.append(complete)
    sentences = [f"{file.name}: {text}{f' ({n} times)' if n > 1 else ''}." for text, n in told.items()]
    if data["annotations"] and not annotations:
        raise DataError(f"None of the annotations of {file} can be used. {sentences[-1]}")
    return {**data, "images": list(images.values()), "annotations": annotations}, sentences


def _problem(record: Any, images: dict[int, dict[str, Any]], points: dict[int, int]) -> str:  # noqa: ANN401 - as above
    """Say why an annotation cannot be measured with, or nothing."""
    if not isinstance(record, dict):
        return "is no record"
    try:
        if record.get("image_id") not in images:
            return "is of no photo of the file"
        if record.get("category_id") not in points:
            return "is of no category of the file"
        box = [float(v) for v in record["bbox"]]
    except (KeyError, TypeError, ValueError):
        return "has no photo, category or box"
    if len(box) != 4 or not all(map(math.isfinite, box)):
        return "has no box of four numbers"
    return ""


def _complete(record: dict[str, Any], image: dict[str, Any], points: int) -> dict[str, Any]:
    size = (image["height"], image["width"])
    shape = record.get("segmentation")
    shape = shape if usable_mask(shape, image["width"], image["height"]) else None
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
