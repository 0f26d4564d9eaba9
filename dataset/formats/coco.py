"""COCO's instance and keypoint annotations, one JSON file for all images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dataset.coco_codec import RleBody, decode_shape, encode_object
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
    read_bytes,
)
from dataset.geometry import to_parts
from dataset.i18n import plural, tr
from dataset.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


class _Image(msgspec.Struct):
    id: int
    file_name: str
    width: int = 0
    height: int = 0


class _Category(msgspec.Struct):
    id: int
    name: str
    supercategory: str | None = ""
    color: str | list[int] | None = ""
    keypoints: list[str] | None = None
    skeleton: list[tuple[int, int]] | None = None


class _OwnFields(msgspec.Struct):
    origin: str = ""
    parts: list[list[list[float]]] | None = None


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    id: int | None = None
    segmentation: list[list[float]] | RleBody | None = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | bool | None = None
    num_keypoints: int | None = None
    keypoints: list[float] | None = None
    score: float | None = None
    annotator: _OwnFields | None = None


class _CocoFile(msgspec.Struct):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[msgspec.Raw]


_annotation = msgspec.json.Decoder(_Annotation)


def read(source: Path, images: Path) -> Dataset:
    """Return the annotations of a COCO file; those that are not COCO are left out and counted.

    Raises:
        FormatError: The file cannot be read, or is not COCO.
    """
    data = read_bytes(source)
    try:
        file = msgspec.json.decode(data, type=_CocoFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(tr("{file} is not a COCO file: {reason}.", file=source, reason=error)) from None
    names = _class_names(file.categories)
    points = {c.id: len(c.keypoints or ()) for c in file.categories}
    objects: dict[int, list[ObjectRecord]] = {image.id: [] for image in file.images}
    broken = 0
    for raw in file.annotations:
        try:
            record = _annotation.decode(raw)
            found = _to_object(record, names[record.category_id], points[record.category_id], raw)
            objects[record.image_id].append(found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, KeyError):
            broken += 1
    text = plural(
        "{n:,} annotation cannot be read and is left out.", "{n:,} annotations cannot be read and are left out.", broken
    )
    return Dataset(
        images,
        tuple(_to_class(c, names[c.id]) for c in {c.id: c for c in reversed(file.categories)}.values())[::-1],
        tuple(
            ImageRecord(i.file_name, (max(i.width, 0), max(i.height, 0)), tuple(objects.pop(i.id, ())))
            for i in file.images
        ),
        (text,) if broken else (),
    )


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the one file of a dataset."""
    ids = {c.name: i for i, c in enumerate(data.classes, 1)}
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(data.images, 1):
        for record in image.objects:
            head = {"id": len(annotations) + 1, "image_id": image_id, "category_id": ids[record.class_name]}
            annotations.append({**record.extra, **head, **_from_object(record, image.size)})
    body = {
        "images": [
            {"id": i, "file_name": image.name, "width": image.size[0], "height": image.size[1]}
            for i, image in enumerate(data.images, 1)
        ],
        "annotations": annotations,
        "categories": [_from_class(c, ids[c.name]) for c in data.classes],
    }
    yield "", encode(body)


def _class_names(categories: list[_Category]) -> dict[int, str]:
    names: dict[int, str] = {}
    for category in categories:
        name = category.name.strip() or f"class {category.id}"
        while category.id not in names and name.casefold() in {known.casefold() for known in names.values()}:
            name += "'"
        names.setdefault(category.id, name)
    return names


def _to_class(category: _Category, name: str) -> ClassRecord:
    keypoints = tuple(category.keypoints or ())
    skeleton = tuple(
        (a - 1, b - 1) for a, b in category.skeleton or () if 1 <= min(a, b) <= max(a, b) <= len(keypoints)
    )
    color = category.color if isinstance(category.color, str) else ""
    color = color.lower() if re.fullmatch("#[0-9a-fA-F]{6}", color) else ""
    return ClassRecord(name, color, category.supercategory or "", keypoints, skeleton)


def _from_class(record: ClassRecord, category_id: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": category_id,
        "name": record.name,
        "supercategory": record.supercategory,
        "color": record.color,
    }
    if record.keypoint_names:
        body["keypoints"] = record.keypoint_names
        body["skeleton"] = [(a + 1, b + 1) for a, b in record.skeleton]
    return body


def _to_object(record: _Annotation, name: str, keypoint_count: int, raw: msgspec.Raw) -> ObjectRecord:
    """Return an annotation as a record. Raises ValueError where it is not COCO."""
    parts = record.annotator.parts if record.annotator else None
    shape, is_box = decode_shape(record.segmentation, parts, record.bbox)
    numbers = _finite(record.keypoints or [])
    if len(numbers) not in (0, 3 * keypoint_count):
        raise ValueError("keypoints of another number than the class has")
    points = tuple(Point(x, y, max(0, min(2, int(v)))) for x, y, v in numbers.reshape(-1, 3).tolist())
    fields: dict[str, Any] = msgspec.json.decode(raw)
    extra = {key: value for key, value in fields.items() if key not in _Annotation.__struct_fields__}
    origin = record.annotator.origin if record.annotator else ""
    return ObjectRecord(name, shape, points, is_box, bool(record.iscrowd), record.score, origin, extra or NOTHING)


def _finite(numbers: list[float]) -> NDArray[np.float64]:
    values = np.array(numbers, float)
    if not (np.abs(values) <= MAX_COORDINATE).all():
        raise ValueError("coordinates far outside any image")
    return values


def _from_object(record: ObjectRecord, size: tuple[int, int]) -> dict[str, Any]:
    body = encode_object(to_parts(record.shape), record.keypoints, size, is_box=record.is_box, is_crowd=record.is_crowd)
    if record.keypoints:  # one that is not labelled keeps its place
        body["keypoints"] = [v for p in record.keypoints for v in (round(p.x, 2), round(p.y, 2), p.visibility)]
    if record.score is not None:
        body["score"] = record.score
    if record.origin:
        body["annotator"] = {"origin": record.origin, **body.get("annotator", {})}
    return body


FORMAT = Format("coco", "COCO JSON", ".json", read, write)
