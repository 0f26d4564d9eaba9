"""labelme's annotations, one JSON file beside each image.

An object of several parts, or with keypoints, is several shapes with one `group_id`: polygons (or a rectangle) with
the class as their label, and points with the keypoint's name.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dataset.formats.base import (
    MAX_COORDINATE,
    NOTHING,
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
    UnreadableFileError,
    no_progress,
    read_bytes,
    watched,
)
from dataset.formats.stored_images import spooled
from dataset.geometry import bounds, from_exteriors, rectangle, to_parts
from dataset.i18n import plural, tr
from dataset.json_text import RecordDecoder, decode_list, decode_object, encode
from dataset.messages import listing, os_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shapely import MultiPolygon

    from dataset.formats.base import OnProgress

MAX_BYTES = 128 << 20
"""Of one file; labelme may keep the image in it, as text."""
VERSION = "5.5.0"
"""Of labelme, whose form is written."""
CIRCLE_SIDES = 64
RESERVED = "annotations.json"
"""The project's own file is never the name of an image's."""


class _Loss(Enum):
    """Why a shape of a file is left out."""

    KIND = "neither a polygon, a rectangle nor a circle"
    DAMAGED = "damaged"
    STRAY = "a point of no object"


class _Shape(msgspec.Struct):
    label: str
    points: list[tuple[float, float]]
    shape_type: str = "polygon"
    group_id: int | None = None
    flags: dict[str, bool] | None = None
    description: str | None = None


class _LabelmeFile(msgspec.Struct):
    imagePath: str  # noqa: N815 - labelme's name
    imageWidth: int | None = None  # noqa: N815
    imageHeight: int | None = None  # noqa: N815


_file_decoder = RecordDecoder(_LabelmeFile)
_shape_decoder = RecordDecoder(_Shape)


@dataclass(slots=True)
class _Group:
    """Shapes that are one object."""

    label: str
    group_id: int | None
    outlines: list[tuple[str, np.ndarray]] = field(default_factory=list)
    points: dict[str, Point] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    description: str = ""


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the annotations of a folder of labelme's files, or of one file.

    Other JSON files are passed over; those that are damaged or cannot be read are named in the dataset's problems.

    Raises:
        FormatError: The folder cannot be read, or has no file of labelme's.
    """
    counts: Counter[_Loss] = Counter()
    found: list[Path] = []
    names: dict[str, dict[str, None]] = {}  # of classes, and of their keypoints
    damaged: list[str] = []
    unread: list[str] = []
    for path in watched(_json_files(source), lambda done, total: on_progress(done, 2 * total)):
        try:
            decoded = _decode(path)
        except UnreadableFileError as error:
            unread.append(str(error))
            continue
        except FormatError:
            damaged.append(path.name)
            continue
        if decoded is None:
            continue
        found.append(path)
        for group in _groups(decoded[1], counts):
            names.setdefault(group.label, {}).update(dict.fromkeys(group.points))
    problems = (*unread, *_sentences(counts))
    if damaged:
        text = plural("{names} is damaged and left out.", "{names} are damaged and left out.", len(damaged),
                      names=listing(damaged))  # fmt: skip
        problems = (text, *problems)
    if not found:
        raise FormatError(" ".join((tr("{file} holds no annotations of labelme.", file=source), *problems)))
    classes = {label: ClassRecord(label, keypoint_names=tuple(points)) for label, points in names.items()}
    paths = watched(found, lambda done, total: on_progress(total + done, 2 * total))
    # Read again: what all of them hold may be more than fits into memory.
    records = spooled(image for path in paths if (image := _image(path, source, classes)))
    return Dataset(images, tuple(classes.values()), records, problems)


def _image(path: Path, source: Path, classes: Mapping[str, ClassRecord]) -> ImageRecord | None:
    """Return the image of a file; None where that is another one by now than it was."""
    try:
        decoded = _decode(path)
    except FormatError:
        return None
    if decoded is None:
        return None
    file, shapes = decoded
    groups = [group for group in _groups(shapes, Counter()) if group.label in classes]
    size = max(file.imageWidth or 0, 0), max(file.imageHeight or 0, 0)
    return ImageRecord(_image_name(path, source, file.imagePath), size, _to_objects(groups, classes))


def write(data: Dataset, target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file for each image, under the image's name in the target folder."""
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
            "version": VERSION,
            "flags": {},
            "shapes": list(_shapes(image.objects, names)),
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


def losses(data: Dataset) -> list[str]:
    """Return sentences about what labelme's files cannot hold."""
    holes = bare = unknown = 0
    for record in data.objects():
        holes += sum(len(part) - 1 for part in to_parts(record.shape))
        bare += record.shape.is_empty
        unknown += bool(set(record.extra) - {"flags", "description", "group_id"})
    said = (
        (holes, plural("{n:,} hole would be filled.", "{n:,} holes would be filled.", holes)),
        (bare, plural("{n:,} object without an outline would be left out.",
                      "{n:,} objects without an outline would be left out.", bare)),
        (unknown, plural("{n:,} object has fields that would be left out.",
                         "{n:,} objects have fields that would be left out.", unknown)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


def _sentences(counts: Counter[_Loss]) -> tuple[str, ...]:
    """Return a sentence for each kind of shapes that were left out."""
    kind, damaged, stray = (counts[loss] for loss in _Loss)
    said = (
        (kind, plural("{n:,} shape is neither a polygon, a rectangle nor a circle and is left out.",
                      "{n:,} shapes are neither polygons, rectangles nor circles and are left out.", kind)),
        (damaged, plural("{n:,} shape cannot be read and is left out.",
                         "{n:,} shapes cannot be read and are left out.", damaged)),
        (stray, plural("{n:,} point belongs to no object and is left out.",
                       "{n:,} points belong to no object and are left out.", stray)),
    )  # fmt: skip
    return tuple(sentence for count, sentence in said if count)


def _json_files(source: Path) -> list[Path]:
    try:
        if not source.is_dir():
            if source.exists():
                return [source]
            raise FormatError(tr("{file} does not exist.", file=source))
        found = (
            Path(folder, name)
            for folder, folders, names in os.walk(source)
            for name in names
            if name.lower().endswith(".json") and not name.startswith(".")
            if not folders.sort() and not any(p.startswith(".") for p in Path(folder).relative_to(source).parts)
        )
        return sorted(found)
    except OSError as error:
        raise FormatError(tr("{file} cannot be read: {reason}.", file=source, reason=os_reason(error))) from None


def _decode(path: Path) -> tuple[_LabelmeFile, list[msgspec.Raw]] | None:
    """Return a file of labelme's and its shapes, None for other JSON. Raises FormatError where it is damaged."""
    data = read_bytes(path, MAX_BYTES)
    try:
        try:
            shapes = decode_object(data).get("shapes")
        except msgspec.ValidationError:
            return None
        return None if shapes is None else (_file_decoder.decode(data), decode_list(shapes))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(tr("{file} is damaged: {reason}.", file=path, reason=error)) from None


def _image_name(path: Path, source: Path, image_path: str) -> str:
    """Return the image's path relative to the folder of the files; its last part where it lies elsewhere."""
    if not _is_file(path.parent / image_path):  # as Windows has it, unless the name of a photo has a backslash
        image_path = image_path.replace("\\", "/")
    last = PurePosixPath(image_path).name
    folder = path.parent.relative_to(source) if source.is_dir() else Path()
    return (folder / last).as_posix()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _groups(raws: Iterable[msgspec.Raw], counts: Counter[_Loss]) -> list[_Group]:
    groups: list[_Group] = []
    shared: dict[tuple[str, int], _Group] = {}
    points: list[_Shape] = []
    for raw in raws:
        try:
            shape = _shape_decoder.decode(raw)
            if shape.shape_type == "point" and len(shape.points) == 1:
                _checked(shape)
                points.append(shape)
                continue
            outline = _outline(shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
            counts[_Loss.DAMAGED] += 1
            continue
        if outline is None:
            counts[_Loss.KIND] += 1
            continue
        label = shape.label.strip() or "object"
        group = shared.get((label, shape.group_id)) if shape.group_id is not None else None
        if group is None:
            groups.append(group := _Group(label, shape.group_id))
            if shape.group_id is not None:
                shared[label, shape.group_id] = group
        group.outlines.append((shape.shape_type, outline))
        group.flags |= shape.flags or {}
        group.description = group.description or shape.description or ""
    owners: dict[int, list[_Group]] = {}
    for group in shared.values():
        owners.setdefault(group.group_id or 0, []).append(group)
    for shape in points:
        owner = owners.get(shape.group_id, []) if shape.group_id is not None else []
        if len(owner) != 1 or shape.label in owner[0].points:
            counts[_Loss.STRAY] += 1
            continue
        x, y = shape.points[0]
        owner[0].points[shape.label] = Point(x, y, 1 if (shape.flags or {}).get("occluded") else 2)
    return groups


def _checked(shape: _Shape) -> np.ndarray:
    points = np.array(shape.points, float).reshape(-1, 2)
    if not (np.abs(points) <= MAX_COORDINATE).all():
        raise ValueError("coordinates far outside any image")
    return points


def _outline(shape: _Shape) -> np.ndarray | None:
    """Return a shape's ring, (N, 2); None for a kind that has no inside. Raises ValueError where it is damaged."""
    points = _checked(shape)
    if shape.shape_type == "polygon":
        if len(points) < 3:
            raise ValueError("a polygon of fewer than 3 points")
        return points
    if shape.shape_type in ("rectangle", "circle") and len(points) != 2:
        raise ValueError("not two points")
    if shape.shape_type == "rectangle":
        (x0, y0), (x1, y1) = points.tolist()
        return to_parts(rectangle(x0, y0, x1, y1))[0][0]
    if shape.shape_type == "circle":
        radius = float(np.hypot(*(points[1] - points[0])))
        angles = np.linspace(0, 2 * np.pi, CIRCLE_SIDES, endpoint=False)
        return points[0] + radius * np.column_stack((np.cos(angles), np.sin(angles)))
    return None


def _to_objects(groups: Sequence[_Group], classes: Mapping[str, ClassRecord]) -> tuple[ObjectRecord, ...]:
    shapes = from_exteriors([[ring for _, ring in group.outlines] for group in groups])
    return tuple(_to_object(g, classes[g.label], shape) for g, shape in zip(groups, shapes, strict=True))


def _to_object(group: _Group, record: ClassRecord, shape: MultiPolygon) -> ObjectRecord:
    crowd = group.flags.pop("crowd", False)
    extra: dict[str, Any] = {
        "flags": group.flags,
        "description": group.description,
        # The id only joins shapes where there are several.
        "group_id": group.group_id if len(group.outlines) == 1 and not group.points else None,
    }
    extra = {key: value for key, value in extra.items() if value or value == 0}
    points = tuple(group.points.get(name, Point(0, 0, 0)) for name in record.keypoint_names) if group.points else ()
    is_box = [kind for kind, _ in group.outlines] == ["rectangle"]
    return ObjectRecord(group.label, shape, points, is_box, crowd, extra=extra or NOTHING)


def _shapes(objects: Iterable[ObjectRecord], names: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    """Yield the shapes of an image's objects. An object's own `group_id` stays where no other would join it."""
    objects = list(objects)
    own: Counter[tuple[str, Any]] = Counter(
        (r.class_name, r.extra["group_id"]) for r in objects if isinstance(r.extra.get("group_id"), int)
    )
    first = max((number for _, number in own), default=0) + 1
    for number, record in enumerate(objects, first):
        group_id = record.extra.get("group_id")
        kept = group_id if own[record.class_name, group_id] == 1 else None
        yield from _from_object(record, number, kept, names[record.class_name])


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


FORMAT = Format("labelme", "labelme JSON", "", read, write, losses=losses)
