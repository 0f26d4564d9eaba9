"""A class of objects, as COCO's `categories` describe it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Category:
    """One category of a COCO file, of a project or of a model."""

    id: int
    """As in the COCO file; any whole number, unique there."""
    name: str
    supercategory: str = ""
    keypoint_names: tuple[str, ...] = ()
    """Names of the keypoints, in order; empty where the category has none."""
    skeleton: tuple[tuple[int, int], ...] = ()
    """Edges between keypoints by their indices, which count from 0 here and from 1 in a COCO file."""
    color: str = ""
    """"#rrggbb" in a project, where each class has one; otherwise empty."""
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """COCO fields of no known meaning, as they came."""


def from_coco(record: dict[str, Any]) -> Category:
    """Return the category that an entry of a COCO file's `categories` describes.

    Raises:
        ValueError: The entry lacks a name or an id, or a part of it has the wrong type.
    """
    try:
        name, number = record["name"], record["id"]
        points = tuple(str(p) for p in record.get("keypoints") or ())
        skeleton = tuple((int(a), int(b)) for a, b in record.get("skeleton") or ())
        supercategory = str(record.get("supercategory") or "")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(tr("a category is not as COCO has it: {record!r}", record=record)) from error
    if not (isinstance(name, str) and type(number) is int):
        raise ValueError(tr("a category is not as COCO has it: {record!r}", record=record))
    if any(not 1 <= end <= len(points) for edge in skeleton for end in edge):
        raise ValueError(tr("the skeleton of {name!r} names a keypoint that it does not have", name=name))
    return Category(number, name, supercategory, points, tuple((a - 1, b - 1) for a, b in skeleton))


def to_coco(category: Category) -> dict[str, Any]:
    """Return the entry of a COCO file's `categories`; colour, keypoints and skeleton only where there are any."""
    record: dict[str, Any] = {"id": category.id, "name": category.name, "supercategory": category.supercategory}
    if category.color:
        record["color"] = category.color
    if category.keypoint_names:
        record["keypoints"] = list(category.keypoint_names)
        record["skeleton"] = [[a + 1, b + 1] for a, b in category.skeleton]
    return {**category.extra, **record}


def counterpart(record: dict[str, Any], categories: tuple[Category, ...]) -> Category | None:
    """Return the category that an entry of a COCO file means: of its name, or else named like its supercategory."""
    by_name = {c.name: c for c in categories}
    return by_name.get(record["name"]) or by_name.get(record.get("supercategory") or "")


def mirror(names: tuple[str, ...]) -> list[int]:
    """Return for each keypoint the one that takes its place when the picture is flipped: left and right change places.

    A keypoint is paired with the one of the same name but for `left` and `right`; without such a partner it stays.
    """
    swapped = {"left": "right", "right": "left"}
    index = {name: i for i, name in enumerate(names)}

    def partner(name: str) -> str:
        for side, other in swapped.items():
            if side in name:
                return name.replace(side, other)
        return name

    return [index.get(partner(name), i) for i, name in enumerate(names)]
