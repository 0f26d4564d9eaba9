"""X-AnyLabeling's annotations: labelme's, with the attributes and the score of a shape, and boxes that are turned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset.formats.base import Format
from dataset.formats.labelme import reading, writing
from dataset.i18n import plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataset.formats.base import Dataset, ObjectRecord

VERSION = "3.2.1"
"""Of X-AnyLabeling, whose form is written."""
DIFFICULT = "difficult"


def write(data: Dataset, target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file for each image, under the image's name in the target folder."""
    yield from writing.files(data, target, {"version": VERSION, "checked": False}, _shape)


def _shape(shape: dict[str, Any], record: ObjectRecord) -> dict[str, Any]:
    """Return a shape of labelme's as X-AnyLabeling has it: boxes have four corners, difficult points are occluded."""
    points, kind = shape["points"], shape["shape_type"]
    if kind == "rectangle":
        (x0, y0), (x1, y1) = points
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    is_turned = kind == "polygon" and len(points) == 4 and "direction" in record.extra
    attributes = _attributes(record)
    is_difficult = attributes.pop(DIFFICULT, False) is True
    made = {
        "label": shape["label"],
        "score": record.score,
        "points": points,
        "group_id": shape["group_id"],
        "description": shape["description"],
        DIFFICULT: shape["flags"].get("occluded", False) if kind == "point" else is_difficult,
        "shape_type": "rotation" if is_turned else kind,
        "flags": shape["flags"],
        "attributes": attributes if kind != "point" else {},
        "kie_linking": [],
    }
    return made | {"direction": record.extra["direction"]} if is_turned else made


def _attributes(record: ObjectRecord) -> dict[str, Any]:
    given = record.extra.get("attributes")
    return dict(given) if isinstance(given, dict) else {}


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the files cannot hold."""
    found = writing.losses(data, frozenset(("attributes", "direction")))
    odd = sum(_attributes(record).get(DIFFICULT, True) is not True for record in data.objects())
    text = plural(
        "The attribute “difficult” of {n:,} object would be left out: it is true or not there.",
        "The attribute “difficult” of {n:,} objects would be left out: it is true or not there.",
        odd,
    )
    return [*found, text] if odd else found


FORMAT = Format("x_anylabeling", "X-AnyLabeling JSON", "", reading.read, write, losses=losses)
