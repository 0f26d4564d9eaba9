"""COCO's records and ours: one annotation or category as JSON, and back.

The geometry is that of `dataset.coco.codec`; `annotator.origin` is who made the outline.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from annotator.core.annotation import NOTHING, Annotation, Keypoint, Origin, Visibility
from annotator.core.categories import PALETTE
from dataset.coco.categories import FIELDS, read_categories, to_coco
from dataset.coco.checks import Problem
from dataset.coco.codec import encode_object, read_object
from dataset.coco.values import as_color, as_id
from dataset.geometry import to_parts
from dataset.i18n import tr
from dataset.json_text import decode, decode_object, encode
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dataset.coco.categories import Category, CategoryTable
    from dataset.json_text import Raw


class CocoError(UserError):
    """A file, or an annotation in it, that is not COCO. The message is one sentence for the person."""


class UnreadableError(CocoError):
    """A file that is too large, or that the system does not hand over: nothing in it is to be repaired."""


_KNOWN = frozenset(
    (
        *("id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd"),
        *("num_keypoints", "keypoints", "score", "annotator"),
    )
)


# Annotations


def decode_annotation(
    raw: Raw,
    annotation_id: int,
    keypoint_counts: Mapping[int, int],
    *,
    class_ids: Mapping[int | str | None, int] | None = None,
    size: tuple[int, int] | None = None,
    where: str = "",
) -> tuple[Annotation | None, tuple[Problem, ...]]:
    """Return an annotation of a file, None where nothing of it can be shown, and what of it cannot be used.

    Args:
        raw: Its JSON.
        annotation_id: The id it goes by (the file's, or a new one where the file gives none).
        keypoint_counts: How many keypoints a category names, by its id. Keypoints of another number are kept as an
            unknown field.
        class_ids: The category that a `category_id` means; None where they are one.
        size: (width, height) that the file gives for its photo.
        where: Of the problems.
    """
    record = decode_json(raw)
    if not isinstance(record, dict):
        return None, (Problem("record", where, tr("an annotation is no record")),)
    key = as_id(record.get("category_id"))
    category = key if class_ids is None else class_ids.get(key)
    if not isinstance(category, int):
        return None, (Problem("category_id", where, tr("an annotation is of no class")),)
    points = keypoint_counts.get(category, 0)
    fields = read_object(record, size, points, where)
    extra = {name: value for name, value in record.items() if name not in _KNOWN}
    if record.get("keypoints") and not fields.keypoints:
        extra |= {name: record.get(name) for name in ("keypoints", "num_keypoints")}
    if fields.problems and fields.shape.is_empty and not fields.keypoints:
        return None, fields.problems
    triples = zip(fields.keypoints[::3], fields.keypoints[1::3], fields.keypoints[2::3], strict=True)
    return Annotation(
        id=annotation_id,
        category_id=category,
        shape=fields.shape,
        keypoints=tuple(Keypoint(float(x), float(y), Visibility(int(v))) for x, y, v in triples),
        origin=_origin(record.get("annotator")),
        score=fields.score,
        is_box=fields.is_box,
        is_crowd=fields.is_crowd,
        extra=extra or NOTHING,
    ), fields.problems


def _origin(own: object) -> Origin:
    value = own.get("origin") if isinstance(own, dict) else None
    return Origin(value) if value in list(Origin) else Origin.DRAWN


def encode_annotation(
    annotation: Annotation,
    image_id: int | str,
    size: tuple[int, int],
    class_ids: Mapping[int, Any] = MappingProxyType({}),
    *,
    mark: tuple[int, int] | None = None,
) -> bytes:
    """Make the JSON of an annotation in a photo of `size` (width, height).

    Args:
        annotation: The annotation.
        image_id: Of the photo, as the file has it.
        size: Of the photo.
        class_ids: What the `category_id` of a class is in the file, where that is not the class's id.
        mark: (width, height) to note in it, where the photo's entry gives another.

    Raises:
        ValueError: a photo of that size cannot have a mask.
    """
    return encode(_record(annotation, image_id, size, class_ids, mark))


def encode_change(
    raw: Raw,
    before: Annotation,
    after: Annotation,
    size: tuple[int, int],
    class_ids: Mapping[int, Any],
    *,
    size_before: tuple[int, int] | None = None,
    mark: tuple[int, int] | None = None,
) -> bytes:
    """Make the JSON of an annotation that was changed: the fields that the change is about are new, no others.

    With another outline, `bbox` and `area` are new, too.

    Args:
        raw: What the file has.
        before: What that was read as.
        after: What it is to be, with the same id.
        size: (width, height) of its photo.
        class_ids: As for `encode_annotation`.
        size_before: What `before` was made for, where that is another size.
        mark: As for `encode_annotation`.

    Raises:
        ValueError: a photo of that size cannot have a mask.
    """
    known, new = _record(before, 0, size_before or size, class_ids), _record(after, 0, size, class_ids, mark)
    if known["segmentation"] != new["segmentation"] or known["bbox"] != new["bbox"]:
        del known["bbox"], known["area"]  # what the file says of them may be of something else
    return change_fields(raw, known, new)


def _record(
    annotation: Annotation,
    image_id: int | str,
    size: tuple[int, int],
    class_ids: Mapping[int, Any],
    mark: tuple[int, int] | None = None,
) -> dict[str, Any]:
    keypoints = [(k.x, k.y, int(k.visibility)) for k in annotation.keypoints]
    record = encode_object(
        to_parts(annotation.shape), keypoints, size, is_box=annotation.is_box, is_crowd=annotation.is_crowd
    )
    ours = {"origin": annotation.origin, **record.pop("annotator", {}), **({"size": [*mark]} if mark else {})}
    category = class_ids.get(annotation.category_id, annotation.category_id)
    ids = {"id": annotation.id, "image_id": image_id, "category_id": category}
    record = {**annotation.extra, **ids, **record}
    if annotation.score is not None:
        record["score"] = annotation.score
    return {**record, "annotator": ours}


# Categories


def decode_categories(
    raws: Sequence[Raw], used: Iterable[int | str | None] = ()
) -> tuple[CategoryTable, list[Category]]:
    """Return the classes of a file as they are read everywhere, and once more with a colour and their unknown fields.

    One without a colour gets that of its place. `used` as for `read_categories`.
    """
    records = [decode_json(raw) for raw in raws]
    table = read_categories(records, used)
    classes = [
        replace(
            category,
            color=as_color(records[place].get("color")) or PALETTE[place % len(PALETTE)],
            extra={key: value for key, value in records[place].items() if key not in FIELDS} or NOTHING,
        )
        for category, place in zip(table.categories, table.places, strict=True)
    ]
    return table, classes


def encode_category(category: Category) -> bytes:
    """Make the JSON of a category."""
    return encode(to_coco(category))


def encode_category_change(raw: Raw, before: Category, after: Category) -> bytes:
    """Make the JSON of a category that was changed: the fields that the change is about are new, no others."""
    return change_fields(raw, to_coco(before), to_coco(after))


# JSON


def decode_json(raw: Raw) -> Any:  # noqa: ANN401 - whatever the file has
    """Return the value of a record, None where it cannot be decoded."""
    try:
        return decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def with_id(raw: Raw, record_id: int) -> bytes:
    """The same JSON object with another id."""
    return encode({**decode_object(raw), "id": record_id})


def change_fields(raw: Raw, before: dict[str, Any], after: dict[str, Any]) -> bytes:
    """Return a JSON object with those fields changed in which two readings of it differ; the others byte for byte."""
    if before == after:
        return bytes(raw)
    fields: dict[str, object] = dict(decode_object(raw))
    for key, value in after.items():
        if key in before and _is_same(before[key], value):
            continue
        own = before.get(key)
        given = fields.get(key)
        if isinstance(value, dict) and isinstance(own, dict) and isinstance(given, msgspec.Raw) and _is_object(given):
            fields[key] = msgspec.Raw(change_fields(given, own, value))
        else:
            fields[key] = value
    for key in before.keys() - after.keys():
        fields.pop(key, None)
    return encode(fields)


def _is_same(before: object, after: object) -> bool:
    """Return whether two values are the same to JSON: NaN and infinity, which it lacks, are null in the journal."""
    if before == after:
        return True
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_is_same(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_same, before, after))
    return _is_no_json(before) and _is_no_json(after)


def _is_no_json(value: object) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _is_object(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"{"
