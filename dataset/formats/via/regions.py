"""Regions of the VGG Image Annotator as outlines, and which attribute of theirs is the class."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.affine import rotation
from dataset.coco.values import as_flag, as_number
from dataset.formats.base import MAX_COORDINATE, NOTHING, ObjectRecord
from dataset.formats.joined_rings import join_rings, separate_rings
from dataset.formats.json_files import attributes_of
from dataset.geometry import bounds, ellipse, from_parts, rectangle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shapely import MultiPolygon

CLASS = "class"
CLASS_NAMES = (CLASS, "label", "name", "class_name", "category", "type", "object", "object_name")
"""Attributes that are taken for the class, the first one that a file has."""
UNNAMED = "object"
SCORE, CROWD = "score", "is_crowd"
OWN = frozenset((CLASS, SCORE, CROWD))
"""What is written as attributes beside an object's own."""
MAX_POINTS = 4_000_000


def numbers(values: object) -> np.ndarray:
    """Return finite coordinates (N,). Raises ValueError or TypeError."""
    if isinstance(values, list) and len(values) > MAX_POINTS:
        raise ValueError("too many points")
    found = np.array(values, float).ravel()
    if not (np.abs(found) <= MAX_COORDINATE).all():
        raise ValueError("coordinates far outside any image")
    return found


def outline(shape: Mapping[str, Any]) -> MultiPolygon | None:
    """Return the outline of VIA 2's `shape_attributes`; None for one without an inside.

    Raises:
        ValueError, TypeError, KeyError: It is damaged.
    """
    kind = shape["name"]
    if kind == "rect":
        x, y, width, height = numbers([shape[key] for key in ("x", "y", "width", "height")]).tolist()
        return rectangle(x, y, round(x + width, 6), round(y + height, 6))
    if kind in ("circle", "ellipse"):
        keys = ("r", "r") if kind == "circle" else ("rx", "ry")
        x, y, across, down = numbers([shape["cx"], shape["cy"], *(shape[key] for key in keys)]).tolist()
        made = from_parts([[ellipse((x, y), (across, down))]])
        turn = np.degrees(as_number(shape.get("theta")) or 0)
        return rotation(float(turn), (x, y)).shape(made) if turn else made
    if kind != "polygon":
        return None
    return polygon(np.column_stack((numbers(shape["all_points_x"]), numbers(shape["all_points_y"]))))


def polygon(points: np.ndarray) -> MultiPolygon:
    """Return the outline of a ring (N, 2). Raises ValueError."""
    if len(points) > 3 and (points[0] == points[-1]).all():
        points = points[:-1]  # VIA 1 closes it
    if len(points) < 3:
        raise ValueError("a polygon of fewer than 3 points")
    return separate_rings(points)


def shape_attributes(record: ObjectRecord) -> dict[str, Any]:
    """Return VIA 2's `shape_attributes` of an object with an outline."""
    if record.is_box:
        x0, y0, x1, y1 = bounds(record.shape)
        return {"name": "rect", "x": x0, "y": y0, "width": round(x1 - x0, 6), "height": round(y1 - y0, 6)}
    x, y = join_rings(record.shape).T.tolist()
    return {"name": "polygon", "all_points_x": x, "all_points_y": y}


def class_attribute(regions: Iterable[Mapping[str, Any]]) -> str:
    """Return which attribute of regions is their class: one that is called so, else the one that most have."""
    counts = Counter(
        name for region in regions for name, value in region.items() if plain_value(value) not in ("", None)
    )
    known = {name.casefold(): name for name in counts}
    return next((known[name] for name in CLASS_NAMES if name in known), next(iter(dict(counts.most_common(1))), ""))


def plain_value(value: object) -> str | int | float | bool | None:
    """Return a value of an attribute: of check boxes, an object of flags, the first that is set."""
    if isinstance(value, dict):
        return next((str(name) for name, is_set in value.items() if is_set is True), "")
    return value if isinstance(value, str | int | float) else None


def to_object(shape: MultiPolygon, given: Mapping[str, Any], class_name: str, *, is_box: bool) -> ObjectRecord:
    """Return an object for an outline and the attributes of its region, of which one is the class."""
    name = str(plain_value(given.get(class_name)) or "").strip() or UNNAMED
    others = {key: plain_value(value) for key, value in given.items() if key != class_name}
    score = as_number(others.get(SCORE))
    if score is None or not 0 <= score <= 1:
        score = None
    else:
        del others[SCORE]
    is_crowd = as_flag(others.pop(CROWD, False))
    attributes = {key: value for key, value in others.items() if value is not None and value != ""}
    extra = {"attributes": attributes} if attributes else NOTHING
    return ObjectRecord(name, shape, (), is_box, is_crowd, score, extra=extra)


def region_attributes(record: ObjectRecord) -> dict[str, Any]:
    """Return the attributes of an object's region."""
    found: dict[str, Any] = {CLASS: record.class_name}
    if record.score is not None:
        found[SCORE] = record.score
    if record.is_crowd:
        found[CROWD] = True
    return {key: value for key, value in attributes_of(record).items() if _is_kept(key, value)} | found


def _is_kept(key: str, value: object) -> bool:
    return key not in OWN and isinstance(value, str | int | float) and value != ""


def lost_fields(record: ObjectRecord) -> Iterator[str]:
    """Yield the fields of an object that no region has."""
    yield from (key for key, value in attributes_of(record).items() if not _is_kept(key, value))
    yield from set(record.extra) - {"attributes"}
