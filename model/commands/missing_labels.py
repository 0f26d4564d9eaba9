"""What the annotations of a COCO file lack: masks, and keypoints where the model has some for their category."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset.categories import counterpart

if TYPE_CHECKING:
    from dataset.categories import Category

MAX_COORDINATE = 1e6
"""Pixels: a box with a greater number is a mistake, and would overflow in the network's arithmetic."""


@dataclass(frozen=True)
class MissingLabel:
    """What one annotation lacks."""

    number: int
    """Its place in the file."""
    box: tuple[float, float, float, float]
    """xyxy, with an area."""
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
    """What a file lacks, and what of it cannot be had."""

    of_image: dict[Any, list[MissingLabel]] = field(default_factory=dict)
    """By the photo's id."""
    unknown: dict[str, None] = field(default_factory=dict)
    """Names of categories that the model does not know, in the order of the file."""
    other_points: dict[str, None] = field(default_factory=dict)
    """Names of categories that have other keypoints than the model's."""
    empty: int = 0
    """Boxes without an area, or with numbers that cannot be."""
    homeless: int = 0
    """Boxes on photos that the file does not list."""


def find_missing_labels(
    data: dict[str, Any], categories: tuple[Category, ...], *, replace: bool = False
) -> MissingLabels:
    """Return what the annotations lack, crowds apart.

    Args:
        data: What `model.commands.box_file.read_boxes` returned.
        categories: The model's.
        replace: Whether what is there counts as lacking, too.
    """
    wanted = MissingLabels()
    means = {record["id"]: counterpart(record, categories) for record in data["categories"]}
    names = {record["id"]: record["name"] for record in data["categories"]}
    other = _with_other_keypoints(data, means)
    photos = {image["id"] for image in data["images"]}
    for number, record in enumerate(data["annotations"]):
        kind = record["category_id"]
        category = means.get(kind)
        mask = replace or not record.get("segmentation")
        points = bool(category and category.keypoint_names) and (replace or not any(record.get("keypoints") or []))
        if record.get("iscrowd"):
            continue
        if points and kind in other:
            wanted.other_points[names[kind]] = None
            points = False
        if not (mask or points):
            continue
        box = _box(record)
        if record["image_id"] not in photos:
            wanted.homeless += 1
        elif box is None:
            wanted.empty += 1
        else:
            if category is None:
                wanted.unknown[names.get(kind, f"category {kind}")] = None
            want = MissingLabel(number, box, category.id if category else None, mask, points)
            wanted.of_image.setdefault(record["image_id"], []).append(want)
    return wanted


def _with_other_keypoints(data: dict[str, Any], means: dict[Any, Category | None]) -> set[Any]:
    """Return the ids of the categories whose keypoints in the file are not those of the model."""
    known = {kind: category for kind, category in means.items() if category and category.keypoint_names}
    other = set()
    for record in data["categories"]:
        if record["id"] in known and tuple(record.get("keypoints") or ()) not in (
            (),
            known[record["id"]].keypoint_names,
        ):
            other.add(record["id"])
    for record in data["annotations"]:
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
