"""Checks of the records of a COCO file: which images and annotations are usable, and what is wrong with the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dataset import rle
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Container

MIN_BOX_SIDE = 1.0
"""A box with a side of this many pixels or fewer is not trained on."""
MAX_COORDINATE = 1e6
"""Coordinates beyond lie in no photo."""

Kind = Literal[
    "form",  # a record that is not as COCO has it
    "number",  # NaN or infinite, which JSON does not have
    "record",  # an annotation that is no JSON object
    "image_twice",  # an id that an image before it has
    "image_size",  # a width or height below 1
    "image_id",  # an image_id that cannot be one
    "image",  # an image_id that the file does not list
    "category_id",  # a category_id that cannot be one
    "category",  # a category_id that the file does not list
    "box",  # a bbox that is missing or not made of numbers
    "box_length",  # a bbox of more or fewer than four numbers
    "box_finite",  # NaN or infinity in a bbox
    "box_range",  # numbers in a bbox beyond `MAX_COORDINATE`
    "box_side",  # a side of `MIN_BOX_SIDE` or less
    "box_outside",  # a bbox without a pixel of its image
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a record of a COCO file."""

    kind: Kind
    where: str
    """The photo's file name, or else the record as people find it: its id or its place."""
    text: str
    """What is wrong, in the person's language; starts with what it is about and has no full stop."""


def check_image(image: dict[str, Any], seen: Container[object]) -> Problem | None:
    """Return what is wrong with an entry of `images` that has its fields, or None.

    Args:
        image: The entry, its width and height whole numbers.
        seen: Ids of the entries before it.
    """
    name = image["file_name"]
    if min(image["width"], image["height"]) < 1:
        return Problem("image_size", name, tr("{photo} has no size", photo=name))
    if image["id"] in seen:
        return Problem("image_twice", name, tr("{photo} has the id of another photo", photo=name))
    return None


def check_reference(record: object, images: Container[object]) -> Problem | None:
    """Return why an annotation belongs to none of the images with these ids, or None."""
    if not isinstance(record, dict):
        return Problem("record", "", tr("an annotation is no record"))
    number, where = record.get("image_id"), str(record.get("id"))
    if _is_hashable(number) and number in images:
        return None
    text = tr("annotation {id} is of no photo", id=where)
    return Problem("image" if _is_hashable(number) else "image_id", where, text)


def check_box(record: dict[str, Any], categories: Container[object], where: str = "") -> Problem | None:
    """Return why an annotation is no finite box of one of the categories with these ids, or None."""
    category = record.get("category_id")
    if not _is_hashable(category) or category not in categories:
        text = tr("an annotation is of the class {category!r}, which the file does not name", category=category)
        return Problem("category" if _is_hashable(category) else "category_id", where, text)
    try:
        box = [float(v) for v in record["bbox"]]
    except (KeyError, TypeError, ValueError, OverflowError):
        return Problem("box", where, tr("an annotation has no box"))
    if len(box) != 4:
        return Problem("box_length", where, tr("an annotation has no box"))
    if not all(map(math.isfinite, box)):
        return Problem("box_finite", where, tr("an annotation has a box that is not finite"))
    return None


def check_annotation(
    record: dict[str, Any], width: int, height: int, categories: Container[object], where: str = ""
) -> Problem | None:
    """Return why an annotation cannot be trained on, or None: it is of a known class and its box is in its image.

    Args:
        record: The annotation.
        width: Of its image, in pixels.
        height: As above.
        categories: Ids of the categories of the file.
        where: Becomes the problem's `where`.
    """
    problem = check_box(record, categories, where)
    if problem:
        return problem
    x, y, w, h = (float(v) for v in record["bbox"])
    if not all(abs(v) < MAX_COORDINATE for v in (x, y, w, h)):
        return Problem("box_range", where, tr("an annotation has a box that is not finite"))
    if w <= MIN_BOX_SIDE or h <= MIN_BOX_SIDE:
        return Problem("box_side", where, tr("an annotation has a box without an inside"))
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return Problem("box_outside", where, tr("an annotation lies outside the photo"))
    return None


def _is_hashable(value: object) -> bool:
    return not isinstance(value, list | dict)  # of what JSON has


def is_valid_segmentation(segmentation: object, width: int, height: int) -> bool:
    """Return whether a segmentation is polygons or an RLE as COCO has them, and an RLE of this size in pixels."""
    if isinstance(segmentation, list):
        return bool(segmentation) and all(_is_valid_ring(ring) for ring in segmentation)
    if not isinstance(segmentation, dict):
        return False
    try:
        counts = segmentation["counts"]
        lengths = rle.run_lengths(counts).tolist() if isinstance(counts, str) else [int(v) for v in counts]
        return list(segmentation["size"]) == [height, width] and min(lengths) >= 0 and sum(lengths) == width * height
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def _is_valid_ring(ring: object) -> bool:
    if not isinstance(ring, list) or len(ring) < 6:
        return False
    try:
        points = np.asarray(ring, np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return points.ndim == 1 and bool((np.abs(points) < MAX_COORDINATE).all())  # which NaN is not, either


def has_pixels(segmentation: Any, width: int, height: int) -> bool:  # noqa: ANN401 - whatever the file has
    """Return whether a segmentation is valid and covers a pixel of its image."""
    if not is_valid_segmentation(segmentation, width, height):
        return False
    return rle.area(rle.from_coco(segmentation, (height, width))) > 0


def valid_keypoints(record: dict[str, Any]) -> tuple[float, ...] | None:
    """Return an annotation's keypoints as x, y, visibility of each; empty where none is labelled, None if damaged."""
    try:
        points = tuple(float(v) for v in record.get("keypoints") or ())
    except (TypeError, ValueError, OverflowError):
        return None
    if len(points) % 3 or not all(abs(v) < MAX_COORDINATE for v in points):  # which NaN is not, either
        return None
    return points if any(v > 0 for v in points[2::3]) else ()
