"""A class of objects, as COCO's `categories` describe it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dataset.coco.checks import Problem
from dataset.coco.values import as_id, as_text, as_whole
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_ID = 2**53
"""Ids from here on, and below zero, are not exact in every program: a class goes by another number while it is read."""
FIELDS = frozenset(("id", "name", "supercategory", "color", "keypoints", "skeleton"))
"""Of an entry of `categories`; others have no known meaning."""
MAX_KEYPOINTS = 1000
"""Of a class; a list of more is damage, for which no model has the memory."""


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
    """Return the category that an entry of a checkpoint's `categories` describes, as `to_coco` wrote it.

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


@dataclass(frozen=True)
class CategoryTable:
    """The entries of a file's `categories`, as far as they can be understood."""

    categories: tuple[Category, ...]
    """With ids that are unique; in the order of the file."""
    places: tuple[int, ...]
    """The place of each in the file's list."""
    ids: dict[int | str | None, int]
    """The id that a `category_id` means (`coco_values.as_id`): where two classes have it, that of the first."""
    problems: tuple[Problem, ...]


def read_categories(records: Sequence[object], used: Iterable[int | str | None] = ()) -> CategoryTable:
    """Return the classes of a file. One without a name gets one, one without an id of its own the next that is free.

    Args:
        records: The file's `categories`.
        used: Ids that annotations have (`coco_values.as_id`): none of them becomes the id of another class.
    """
    problems: list[Problem] = []
    found: list[tuple[int, int | str | None, Category]] = []
    for place, record in enumerate(records):
        if not isinstance(record, dict):
            problems.append(Problem("record", "", tr("entry {n} of its categories is no record", n=place + 1)))
            continue
        key = as_id(record.get("id"))
        name = as_text(record.get("name"))
        found.append((place, key, _read_fields(record, name, problems)))
    keys = [key for _, key, _ in found]
    taken = (key for key in (*keys, *used) if isinstance(key, int) and 0 <= key < MAX_ID)
    next_id = max(taken, default=0)
    ids: dict[int | str | None, int] = {}
    categories = []
    for _, key, category in found:
        number = key if isinstance(key, int) and 0 <= key < MAX_ID and key not in ids else next_id + 1
        next_id = max(next_id, number)
        named = replace(category, id=number, name=category.name or f"class {number}")
        if key is not None and key in ids:
            text = tr("two classes have the id {id}: {name} got the id {new}", id=key, name=named.name, new=number)
            problems.append(Problem("category_twice", named.name, text))
        elif key is not None:
            ids[key] = number
        categories.append(named)
    return CategoryTable(tuple(categories), tuple(place for place, _, _ in found), ids, tuple(problems))


def _read_fields(record: dict[str, Any], name: str, problems: list[Problem]) -> Category:
    """Return the class of an entry without its id."""
    given = record.get("keypoints") or []
    points = tuple(as_text(point) for point in given) if isinstance(given, list) else ()
    if not isinstance(given, list) or not all(points) or len(points) > MAX_KEYPOINTS:
        problems.append(Problem("keypoint_names", name, tr("the keypoints of {name} are no list of names", name=name)))
        points = ()
    skeleton = _read_skeleton(record.get("skeleton"), len(points), name, problems)
    return Category(0, name, as_text(record.get("supercategory")), points, skeleton)


def _read_skeleton(value: object, points: int, name: str, problems: list[Problem]) -> tuple[tuple[int, int], ...]:
    """Return the edges of a skeleton, which count from 1 as COCO has them, or from 0 where only that makes sense."""
    listed = value if isinstance(value, list) else []
    pairs = [[as_whole(end) for end in edge] for edge in listed if isinstance(edge, list) and len(edge) == 2]
    edges = [(a, b) for a, b in pairs if a is not None and b is not None]
    ends = [end for edge in edges for end in edge]
    first = 0 if ends and min(ends) == 0 and max(ends) < points else 1
    if ends and first == 0:
        text = tr("the skeleton of {name} counts from 0, COCO from 1: it is read so, and kept as it is", name=name)
        problems.append(Problem("skeleton_from_0", name, text))
    usable = tuple((a - first, b - first) for a, b in edges if first <= min(a, b) and max(a, b) < points + first)
    if len(usable) < len(listed) or (value and not isinstance(value, list)):
        text = tr("the skeleton of {name} names a keypoint that it does not have", name=name)
        problems.append(Problem("skeleton", name, text))
    return usable


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

    found = [index.get(partner(name), i) for i, name in enumerate(names)]
    return [j if found[j] == i else i for i, j in enumerate(found)]  # no two go to one place
