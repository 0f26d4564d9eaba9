"""Checks of the records of a COCO file: which images and annotations are usable, and what is wrong with the others."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dataset.coco.values import MAX_COORDINATE, as_box, as_id, as_keypoints, as_whole
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from dataset.coco.values import OutlineProblem

MIN_BOX_SIDE = 1.0
"""A box with a side of this many pixels or fewer is not trained on."""

Kind = Literal[
    "record",  # an entry of a list that is no JSON object
    "category_twice",  # a category with the id of one before it
    "keypoint_names",  # keypoints of a category that are no list of names
    "skeleton",  # an edge between keypoints that the category does not have
    "skeleton_from_0",  # edges that count from 0
    "image_twice",  # an image that is listed before
    "image_unclear",  # an id of several photos, and an annotation with such an id
    "image_size",  # a width or height that no photo has
    "image_turned",  # width and height as they were before the photo was turned upright
    "other_size",  # another width or height than the photo has
    "image_name",  # a file_name that is none, or may mean several photos
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
    "fractions",  # a bbox and an outline in parts of the photo instead of pixels
    "outline",  # rings that are no polygons
    "far",  # rings far outside any photo
    "runs",  # a run-length encoded mask whose runs do not fill its size
    "mask_size",  # one of another size than its image
    "mask_large",  # one with more pixels than can be decoded
    "keypoints",  # keypoints that are not as the category has them
    "nothing",  # an annotation of which nothing can be shown
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a record of a COCO file."""

    kind: Kind
    where: str
    """The photo's file name, or else the record as people find it: its id or its place."""
    text: str
    """What is wrong, in the person's language; starts with what it is about and has no full stop."""


def check_reference(record: object, images: Container[object]) -> Problem | None:
    """Return why an annotation belongs to none of the images with these ids, or None."""
    if not isinstance(record, dict):
        return Problem("record", "", tr("an annotation is no record"))
    number, where = as_id(record.get("image_id")), short(record.get("id"))
    if number is not None and number in images:
        return None
    return Problem("image_id" if number is None else "image", where, tr("annotation {id} is of no photo", id=where))


def check_box(record: dict[str, Any], categories: Container[object], where: str = "") -> Problem | None:
    """Return why an annotation is no finite box of one of the categories with these ids, or None."""
    problem = check_class(record, where)
    if problem:
        return problem
    if as_id(record["category_id"]) not in categories:
        given = short(record["category_id"])
        text = tr("an annotation is of the class {category}, which the file does not name", category=given)
        return Problem("category", where, text)
    problem = check_corners(record, where)
    if problem is None and is_in_fractions(record):
        return fractions(where)
    return problem


def check_class(record: dict[str, Any], where: str = "") -> Problem | None:
    """Return why an annotation is of no class at all, or None."""
    value = record.get("category_id")
    if as_id(value) is not None:
        return None
    if value is None:
        return Problem("category_id", where, tr("an annotation is of no class"))
    text = tr("an annotation is of the class {category}, which is none", category=short(value))
    return Problem("category_id", where, text)


def check_corners(record: dict[str, Any], where: str = "") -> Problem | None:
    """Return why the bbox of an annotation is no finite box, or None."""
    value = record.get("bbox")
    if as_box(value) is not None:
        return None
    if not isinstance(value, list) or any(_is_no_number(v) for v in value):
        return Problem("box", where, tr("an annotation has no box"))
    if len(value) != 4:
        return Problem("box_length", where, tr("an annotation has no box"))
    return Problem("box_finite", where, tr("an annotation has a box that is not finite"))


def _is_no_number(value: object) -> bool:
    try:
        float(value)  # pyrefly: ignore[bad-argument-type]
    except (TypeError, ValueError, OverflowError):
        return True
    return False


def short(value: object) -> str:
    """Return a value of a file as text that fits into a sentence."""
    return value if isinstance(value, str) and len(value) <= 60 else reprlib.repr(value)


def check_mask(segmentation: object, kind: OutlineProblem, where: str) -> Problem:
    """Return what `coco_values.as_segmentation` found wrong with a segmentation, as a problem."""
    if kind == "mask_size":
        mask: Any = segmentation[0] if isinstance(segmentation, list) else segmentation
        height, width = (as_whole(side) for side in mask["size"])
        text = tr(
            "the mask of an annotation was made for {width} x {height} pixels, not for the size of its photo",
            width=width,
            height=height,
        )
        return Problem(kind, where, text)
    text = {
        "outline": tr("the outline of an annotation has rings that are no polygons"),
        "far": tr("the outline of an annotation is far outside any photo"),
        "runs": tr("the mask of an annotation does not fill the size that it gives"),
        "mask_large": tr("the mask of an annotation is too large"),
    }[kind]
    return Problem(kind, where, text)


def check_keypoints(record: dict[str, Any], points: int, where: str = "") -> Problem | None:
    """Return why the keypoints of an annotation are not those of a class with so many, or None."""
    given = as_keypoints(record.get("keypoints"))
    if given is not None and (not points or len(given) in (0, 3 * points)):
        return None
    return Problem("keypoints", where, tr("an annotation has other keypoints than its class, or damaged ones"))


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
    box = as_box(record.get("bbox"))
    if problem or box is None:
        return problem
    x, y, w, h = box
    if not all(abs(v) < MAX_COORDINATE for v in box):
        return Problem("box_range", where, tr("an annotation has a box that is not finite"))
    if w <= MIN_BOX_SIDE or h <= MIN_BOX_SIDE:
        return Problem("box_side", where, tr("an annotation has a box without an inside"))
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return Problem("box_outside", where, tr("an annotation lies outside the photo"))
    return None


def fractions(where: str) -> Problem:
    """Return the problem of an annotation in parts of the photo."""
    return Problem("fractions", where, tr("an annotation is in fractions of the photo, not in pixels"))


def is_in_fractions(record: dict[str, Any]) -> bool:
    """Return whether an annotation's box and outline are in parts of the photo, 0 to 1, instead of pixels.

    What we have written is in pixels, however small.
    """
    box = as_box(record.get("bbox"))
    if box is None or min(box) < 0 or max(box) > 1 or all(v.is_integer() for v in box) or "annotator" in record:
        return False
    rings = record.get("segmentation")
    if not isinstance(rings, list):
        return not rings
    return all(isinstance(v, int | float) and 0 <= v <= 1 for ring in rings for v in _items(ring))


def is_results(contents: object) -> bool:
    """Return whether the contents of a file are a list of what a model found: no COCO file, but COCO's results."""
    if not isinstance(contents, list):
        return False
    first = next((record for record in contents if isinstance(record, dict)), {})
    shapes = ("bbox", "segmentation", "keypoints")
    return ("image_id" in first or "file_name" in first) and any(key in first for key in shapes)


def results_refused(file: object) -> str:
    """Return why a list of results is not opened, and what to do with it."""
    return tr(
        "{file} is a list of what a model found (COCO results), not a COCO file: open the COCO file that the model was "
        "given, and import the results as suggestions (File > Import > COCO JSON).",
        file=file,
    )


def _items(ring: object) -> list[Any]:
    return ring if isinstance(ring, list) else [ring]


def sentences(problems: Iterable[Problem], file: str) -> list[str]:
    """Return one sentence for each kind of problem with a file, the first of a kind standing for all."""
    by_kind: dict[Kind, list[Problem]] = {}
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem)
    return [_sentence(found, file) for found in by_kind.values()]


def _sentence(problems: list[Problem], file: str) -> str:
    first, more = problems[0], len(problems) - 1
    where = tr(" ({photo})", photo=first.where) if first.where and first.where not in first.text else ""
    if not more:
        return tr("{file}: {problem}{where}.", file=file, problem=first.text, where=where)
    return plural(
        "{file}: {problem}{where}; and {n:,} more of this kind.",
        "{file}: {problem}{where}; and {n:,} more of this kind.",
        more,
        file=file,
        problem=first.text,
        where=where,
    )
