"""Reads labelme's files, and those of X-AnyLabeling, whose shapes have more kinds and fields."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dataset.coco.values import as_flag, as_number
from dataset.formats.base import (
    MAX_COORDINATE,
    NOTHING,
    ClassRecord,
    Dataset,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
    UnreadableFileError,
    no_progress,
    read_bytes,
    watched,
)
from dataset.formats.labelme.masks import mask_parts
from dataset.formats.stored_images import spooled
from dataset.geometry import ellipse, from_exteriors, from_parts, rectangle, to_parts
from dataset.i18n import plural, tr
from dataset.json_text import RecordDecoder, decode_list, decode_object
from dataset.messages import listing, os_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shapely import MultiPolygon

    from dataset.formats.base import OnProgress
    from dataset.geometry import Parts

MAX_BYTES = 128 << 20
"""Of one file; labelme may keep the image in it, as text."""
POLYGONS = ("polygon", "oriented_rectangle", "rotation", "quadrilateral")
"""Kinds that are rings of points; the last two are X-AnyLabeling's."""


class _Loss(Enum):
    """Why a shape of a file is left out."""

    KIND = "neither a polygon, a rectangle, a circle nor a mask"
    DAMAGED = "damaged"
    STRAY = "a point of no object"


class _Shape(msgspec.Struct):
    label: str
    points: list[tuple[float, float]]
    shape_type: str = "polygon"
    group_id: int | None = None
    flags: dict[str, bool] | None = None
    description: str | None = None
    attributes: Any = None
    difficult: Any = None
    score: Any = None
    direction: Any = None
    mask: Any = None


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
    outlines: list[tuple[str, Parts]] = field(default_factory=list)
    points: dict[str, Point] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    description: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    """X-AnyLabeling's, of the first shape."""
    score: float | None = None


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


def _sentences(counts: Counter[_Loss]) -> tuple[str, ...]:
    """Return a sentence for each kind of shapes that were left out."""
    kind, damaged, stray = (counts[loss] for loss in _Loss)
    said = (
        (kind, plural("{n:,} shape is neither a polygon, a rectangle, a circle nor a mask and is left out.",
                      "{n:,} shapes are neither polygons, rectangles, circles nor masks and are left out.", kind)),
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
            groups.append(group := _Group(label, shape.group_id, fields=_fields(shape), score=_score(shape)))
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
        is_occluded = (shape.flags or {}).get("occluded") or as_flag(shape.difficult)  # the latter is X-AnyLabeling's
        owner[0].points[shape.label] = Point(x, y, 1 if is_occluded else 2)
    return groups


def _checked(shape: _Shape) -> np.ndarray:
    points = np.array(shape.points, float).reshape(-1, 2)
    if not (np.abs(points) <= MAX_COORDINATE).all():
        raise ValueError("coordinates far outside any image")
    return points


def _outline(shape: _Shape) -> Parts | None:
    """Return a shape's outline; None for a kind that has no inside. Raises ValueError where it is damaged."""
    points = _checked(shape)
    if shape.shape_type == "mask":
        return mask_parts(shape.mask, points)
    ring = _ring(shape.shape_type, points)
    return None if ring is None else [[ring]]


def _ring(kind: str, points: np.ndarray) -> np.ndarray | None:
    """Return the ring (N, 2) of a shape of a kind without holes."""
    if kind in POLYGONS:
        if len(points) < 3:
            raise ValueError("a polygon of fewer than 3 points")
        return points
    if kind == "rectangle":
        if len(points) not in (2, 4):
            raise ValueError("neither two points nor four")
        return points if _is_turned(points) else to_parts(rectangle(*points.min(axis=0), *points.max(axis=0)))[0][0]
    if kind == "circle":
        if len(points) != 2:
            raise ValueError("not two points")
        radius = float(np.hypot(*(points[1] - points[0])))
        return ellipse(points[0], (radius, radius))
    return None


def _is_turned(points: np.ndarray) -> bool:
    """Return whether four points are no box along the axes."""
    return len(points) == 4 and not all(len(set(side)) == 2 for side in points.T.tolist())


def _fields(shape: _Shape) -> dict[str, Any]:
    """Return what X-AnyLabeling says of a shape, as `extra` has it."""
    attributes = (
        {str(key): value for key, value in shape.attributes.items()} if isinstance(shape.attributes, dict) else {}
    )
    if as_flag(shape.difficult):
        attributes["difficult"] = True
    direction = as_number(shape.direction) if shape.shape_type == "rotation" else None
    found: dict[str, Any] = {"attributes": attributes} if attributes else {}
    return found if direction is None else found | {"direction": direction}


def _score(shape: _Shape) -> float | None:
    score = as_number(shape.score)
    return score if score is not None and 0 <= score <= 1 else None


def _to_objects(groups: Sequence[_Group], classes: Mapping[str, ClassRecord]) -> tuple[ObjectRecord, ...]:
    parts = [[part for _, outline in group.outlines for part in outline] for group in groups]
    plain = from_exteriors([[ring for ring, *holes in own if not holes] for own in parts])
    shapes = [
        from_parts(own) if any(holes for _, *holes in own) else shape for own, shape in zip(parts, plain, strict=True)
    ]
    return tuple(_to_object(g, classes[g.label], shape) for g, shape in zip(groups, shapes, strict=True))


def _to_object(group: _Group, record: ClassRecord, shape: MultiPolygon) -> ObjectRecord:
    crowd = group.flags.pop("crowd", False)
    extra: dict[str, Any] = {
        "flags": group.flags,
        "description": group.description,
        # The id only joins shapes where there are several.
        "group_id": group.group_id if len(group.outlines) == 1 and not group.points else None,
    }
    extra = {key: value for key, value in extra.items() if value or value == 0} | group.fields
    points = tuple(group.points.get(name, Point(0, 0, 0)) for name in record.keypoint_names) if group.points else ()
    is_box = [kind for kind, _ in group.outlines] == ["rectangle"] and not _is_turned(group.outlines[0][1][0][0])
    return ObjectRecord(group.label, shape, points, is_box, crowd, group.score, extra=extra or NOTHING)
