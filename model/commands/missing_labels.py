"""Annotations of a COCO file without a mask, or without keypoints where the model has some for their category."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset.coco.categories import counterpart

if TYPE_CHECKING:
    from dataset.coco.categories import Category

MAX_COORDINATE = 1e6
"""Pixels: a box with a greater coordinate is a mistake, and would overflow in the network's arithmetic."""


@dataclass(frozen=True)
class MissingLabel:
    """An annotation without a mask, keypoints or both."""

    number: int
    """Index of the annotation in the file."""
    box: tuple[float, float, float, float]
    """xyxy in pixels, with an area."""
    category: int | None
    """Id of the model's category, None where it has none for it."""
    mask: bool
    keypoints: bool

    def overlaps(self, size: tuple[int, int]) -> bool:
        """Return whether a part of the box is in a photo of (height, width)."""
        height, width = size
        x1, y1, x2, y2 = self.box
        return x1 < width and y1 < height and x2 > 0 and y2 > 0


@dataclass
class MissingLabels:
    """Missing labels of a file, and what cannot be added."""

    of_image: dict[Any, list[MissingLabel]] = field(default_factory=dict)
    """By image id."""
    unknown: dict[str, None] = field(default_factory=dict)
    """Names of categories that the model lacks, in the order of the file."""
    other_points: dict[str, None] = field(default_factory=dict)
    """Names of categories that have other keypoints than the model's."""
    empty: int = 0
    """Number of boxes without an area, or with coordinates beyond MAX_COORDINATE."""
    orphans: int = 0
    """Number of boxes whose image the file does not list."""


def find_missing_labels(
    data: dict[str, Any], categories: tuple[Category, ...], *, replace: bool = False
) -> MissingLabels:
    """Return what the annotations lack; crowds are left out.

    Args:
        data: Records as `dataset.coco.reader` gives them for boxes; None stands for an annotation to leave as it is.
        categories: The model's.
        replace: Whether existing masks and keypoints count as missing, too.
    """
    missing = MissingLabels()
    category_of = {record["id"]: counterpart(record, categories) for record in data["categories"]}
    names = {record["id"]: record["name"] for record in data["categories"]}
    other = _with_other_keypoints(data, category_of)
    photos = {image["id"] for image in data["images"]}
    for number, record in enumerate(data["annotations"]):
        if record is None:
            continue
        category_id = record["category_id"]
        category = category_of.get(category_id)
        mask = replace or not record.get("segmentation")
        points = bool(category and category.keypoint_names) and (replace or not any(record.get("keypoints") or []))
        if record.get("iscrowd"):
            continue
        if points and category_id in other:
            missing.other_points[names[category_id]] = None
            points = False
        if not (mask or points):
            continue
        box = _box(record)
        if record["image_id"] not in photos:
            missing.orphans += 1
        elif box is None:
            missing.empty += 1
        else:
            if category is None:
                missing.unknown[names.get(category_id, f"category {category_id}")] = None
            label = MissingLabel(number, box, category.id if category else None, mask, points)
            missing.of_image.setdefault(record["image_id"], []).append(label)
    return missing


def _with_other_keypoints(data: dict[str, Any], category_of: dict[Any, Category | None]) -> set[Any]:
    """Return the ids of the categories whose keypoints in the file are not those of the model."""
    known = {
        category_id: category for category_id, category in category_of.items() if category and category.keypoint_names
    }
    other = set()
    for record in data["categories"]:
        if record["id"] in known and tuple(record.get("keypoints") or ()) not in (
            (),
            known[record["id"]].keypoint_names,
        ):
            other.add(record["id"])
    for record in data["annotations"]:
        if record is None:
            continue
        category, points = known.get(record["category_id"]), record.get("keypoints")
        if category and points and len(points) != 3 * len(category.keypoint_names):
            other.add(record["category_id"])
    return other


def _box(record: dict[str, Any]) -> tuple[float, float, float, float] | None:
    """Return an annotation's box as xyxy, or None where it is no box."""
    x, y, width, height = record.get("bbox") or (0, 0, 0, 0)
    if min(width, height) <= 0 or max(abs(x), abs(y), width, height) > MAX_COORDINATE:
        return None
    return float(x), float(y), float(x + width), float(y + height)
