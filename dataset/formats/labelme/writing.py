"""Writes labelme's files."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from dataset.formats import losses as losses_of
from dataset.geometry import bounds, to_parts
from dataset.i18n import plural
from dataset.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from shapely import MultiPolygon

    from dataset.formats.base import Dataset, ObjectRecord

VERSION = "5.5.0"
"""Of labelme, whose form is written."""
RESERVED = "annotations.json"
"""The project's own file is never the name of an image's."""


def write(data: Dataset, target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file for each image, under the image's name in the target folder."""
    yield from files(data, target, {"version": VERSION})


def files(
    data: Dataset,
    target: Path,
    head: Mapping[str, Any],
    dialect: Callable[[dict[str, Any], ObjectRecord], dict[str, Any]] = lambda shape, _record: shape,
) -> Iterator[tuple[str, bytes]]:
    """Yield a file for each image.

    Args:
        data: The dataset.
        target: The folder for the files.
        head: What each begins with.
        dialect: Returns a shape as a relative of labelme has it, for labelme's and the object that it is of.
    """
    taken: set[str] = {RESERVED}
    names = {c.name: c.keypoint_names for c in data.classes}
    for image in data.images:
        name = str(PurePosixPath(image.name).with_suffix(".json"))
        if name.casefold() in taken:
            name = f"{image.name}.json"
        taken.add(name.casefold())
        photo = data.folder.resolve() / image.name
        try:
            where = os.path.relpath(photo, (target / name).resolve().parent)
        except ValueError:  # another drive
            where = str(photo)
        body = {
            **head,
            "flags": {},
            "shapes": [dialect(shape, record) for record, shape in _shapes(image.objects, names)],
            "imagePath": where.replace(os.sep, "/"),
            "imageData": None,
            "imageHeight": image.size[1],
            "imageWidth": image.size[0],
        }
        yield name, _indented(encode(body))


def _indented(data: bytes) -> bytes:
    try:
        return msgspec.json.format(data, indent=2)
    except msgspec.DecodeError:  # of a name that is not UTF-8
        return json.dumps(json.loads(data), indent=2).encode()


def losses(data: Dataset, kept: frozenset[str] = frozenset()) -> list[str]:
    """Return sentences about what labelme's files cannot hold, or a relative's with further fields of objects."""
    holes = bare = unknown = 0
    for record in data.objects():
        holes += sum(len(part) - 1 for part in to_parts(record.shape))
        bare += record.shape.is_empty
        unknown += bool(set(record.extra) - {"flags", "description", "group_id"} - kept)
    said = (
        (holes, plural("{n:,} hole would be filled.", "{n:,} holes would be filled.", holes)),
        (bare, losses_of.without_outline(bare)),
        (unknown, losses_of.extra_fields(unknown)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


def _shapes(
    objects: Iterable[ObjectRecord], names: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[ObjectRecord, dict[str, Any]]]:
    """Yield the shapes of an image's objects, each with the object.

    An object's own `group_id` stays where no other would join it.
    """
    objects = list(objects)
    own: Counter[tuple[str, Any]] = Counter(
        (r.class_name, r.extra["group_id"]) for r in objects if isinstance(r.extra.get("group_id"), int)
    )
    first = max((number for _, number in own), default=0) + 1
    for number, record in enumerate(objects, first):
        group_id = record.extra.get("group_id")
        kept = group_id if own[record.class_name, group_id] == 1 else None
        for shape in _from_object(record, number, kept, names[record.class_name]):
            yield record, shape


def _from_object(
    record: ObjectRecord, number: int, kept: int | None, names: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    shapes = _outlines(record.shape, is_box=record.is_box)
    labelled = [(name, p) for name, p in zip(names, record.keypoints, strict=False) if p.visibility]
    group_id = number if len(shapes) > 1 or labelled else kept
    flags = _flags(record.extra) | ({"crowd": True} if record.is_crowd else {})
    description = str(record.extra.get("description", ""))
    for kind, points in shapes:
        yield _shape(record.class_name, points, kind, group_id, flags, description=description)
    for name, point in labelled if shapes else ():
        yield _shape(name, [(point.x, point.y)], "point", group_id, {"occluded": True} if point.visibility == 1 else {})


def _outlines(shape: MultiPolygon, *, is_box: bool) -> list[tuple[str, list[Any]]]:
    if is_box and not shape.is_empty:
        x0, y0, x1, y1 = bounds(shape)
        return [("rectangle", [(x0, y0), (x1, y1)])]
    return [("polygon", part[0].tolist()) for part in to_parts(shape)]


def _flags(extra: Mapping[str, Any]) -> dict[str, bool]:
    flags = extra.get("flags")
    return {str(k): v for k, v in flags.items() if isinstance(v, bool)} if isinstance(flags, dict) else {}


def _shape(
    label: str, points: list[Any], kind: str, group_id: int | None, flags: dict[str, bool], *, description: str = ""
) -> dict[str, Any]:
    return {
        "label": label,
        "points": points,
        "group_id": group_id,
        "description": description,
        "shape_type": kind,
        "flags": flags,
        "mask": None,
    }
