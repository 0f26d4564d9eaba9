"""COCO's records and ours: one annotation or category as JSON, and back.

The geometry is that of `dataset.coco_codec`; `annotator.origin` is who made the outline.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from annotator.core.annotation import NOTHING, Annotation, Keypoint, Origin, Visibility
from annotator.core.categories import PALETTE
from dataset.categories import Category, to_coco
from dataset.coco_codec import RleBody, coordinates, decode_shape, encode_object
from dataset.geometry import to_parts
from dataset.i18n import tr
from dataset.json_text import RecordDecoder, decode, decode_object, encode
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping


NO_ID = -1


class CocoError(UserError):
    """A file, or an annotation in it, that is not COCO. The message is one sentence for the person."""


class _OurFields(msgspec.Struct):
    origin: Origin = Origin.DRAWN
    parts: list[list[list[float]]] | None = None


class _Body(msgspec.Struct):
    id: int | None = None
    image_id: int | None = None
    category_id: int | None = None
    segmentation: list[list[float]] | RleBody | None = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | bool | None = None
    num_keypoints: int | None = None
    keypoints: list[float] | None = None
    score: float | None = None
    annotator: _OurFields | None = None


class _CategoryBody(msgspec.Struct):
    id: int | None = None
    name: str | None = None
    supercategory: str | None = None
    color: str | list[int] | None = None
    keypoints: list[str] | None = None
    skeleton: list[tuple[int, int]] | None = None


_body = RecordDecoder(_Body)
_category = RecordDecoder(_CategoryBody)


# Annotations


def decode_annotation(raw: bytes | msgspec.Raw, annotation_id: int, keypoint_counts: Mapping[int, int]) -> Annotation:
    """Make the record of one annotation of a file.

    Args:
        raw: Its JSON.
        annotation_id: The id it goes by (the file's, or a new one where the file gives none).
        keypoint_counts: How many keypoints a category names, by its id. Keypoints of another number are kept as an
            unknown field.

    Raises:
        CocoError: it is not COCO; the sentence names the annotation.
    """
    try:
        body = _body.decode(raw)
        if body.category_id is None:
            raise ValueError("its category_id is missing")  # noqa: TRY301  joins the reasons below
        parts = body.annotator.parts if body.annotator else None
        shape, is_box = decode_shape(body.segmentation, parts, body.bbox)
        extra = _extra(raw, _Body)
        keypoints = _keypoints(body.keypoints or [])
    except (msgspec.DecodeError, ValueError) as error:
        raise CocoError(
            tr("Annotation {number} cannot be read: {reason}.", number=annotation_id, reason=_reason(error))
        ) from None
    if keypoints and len(keypoints) != keypoint_counts.get(body.category_id, 0):
        extra, keypoints = {**extra, "keypoints": body.keypoints, "num_keypoints": body.num_keypoints}, ()
    return Annotation(
        id=annotation_id,
        category_id=body.category_id,
        shape=shape,
        keypoints=keypoints,
        origin=body.annotator.origin if body.annotator else Origin.DRAWN,
        score=body.score,
        is_box=is_box,
        is_crowd=bool(body.iscrowd),
        extra=extra or NOTHING,
    )


def encode_annotation(annotation: Annotation, image_id: int, size: tuple[int, int]) -> bytes:
    """Make the JSON of an annotation in a photo of `size` (width, height).

    Raises:
        ValueError: a photo of that size cannot have a mask.
    """
    keypoints = [(k.x, k.y, int(k.visibility)) for k in annotation.keypoints]
    record = encode_object(
        to_parts(annotation.shape), keypoints, size, is_box=annotation.is_box, is_crowd=annotation.is_crowd
    )
    ours = {"origin": annotation.origin, **record.pop("annotator", {})}
    ids = {"id": annotation.id, "image_id": image_id, "category_id": annotation.category_id}
    record = {**annotation.extra, **ids, **record}
    if annotation.score is not None:
        record["score"] = annotation.score
    return encode({**record, "annotator": ours})


def with_id(raw: bytes | msgspec.Raw, record_id: int) -> bytes:
    """The same JSON object with another id."""
    return encode({**decode_object(raw), "id": record_id})


def _keypoints(numbers: list[float]) -> tuple[Keypoint, ...]:
    if len(numbers) % 3:
        raise ValueError("its keypoints are not triples x, y, v")
    return tuple(
        Keypoint(x, y, Visibility(max(0, min(2, int(v))))) for x, y, v in coordinates(numbers).reshape(-1, 3).tolist()
    )


# Categories


def decode_category(raw: bytes | msgspec.Raw, place: int) -> Category:
    """Make the record of one category; `place` counts from 0 and gives the colour where the file gives none.

    An id or a name that is missing is `NO_ID` or "": the caller gives one.

    Raises:
        CocoError: it is not COCO; the sentence names the category.
    """
    try:
        body = _category.decode(raw)
        names = tuple(body.keypoints or ())
        skeleton = tuple((a - 1, b - 1) for a, b in body.skeleton or () if min(a, b) >= 1 and max(a, b) <= len(names))
        extra = _extra(raw, _CategoryBody)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CocoError(
            tr("Category number {number} cannot be read: {reason}.", number=place + 1, reason=_reason(error))
        ) from None
    return Category(
        id=NO_ID if body.id is None else body.id,
        name=(body.name or "").strip(),
        color=_color(body.color) or PALETTE[place % len(PALETTE)],
        supercategory=body.supercategory or "",
        keypoint_names=names,
        skeleton=skeleton,
        extra=extra or NOTHING,
    )


def encode_category(category: Category) -> bytes:
    """Make the JSON of a category."""
    return encode(to_coco(category))


def _color(color: str | list[int] | None) -> str:
    if isinstance(color, list):
        color = "#" + "".join(f"{value:02x}" for value in color) if all(0 <= v <= 255 for v in color) else ""
    color = (color or "").lower()
    return color if re.fullmatch("#[0-9a-f]{6}", color) else ""


# What both need


def _extra(raw: bytes | msgspec.Raw, known: type[msgspec.Struct]) -> dict[str, Any]:
    fields = decode_object(raw)
    return {key: decode(value) for key, value in fields.items() if key not in known.__struct_fields__}


def _reason(error: Exception) -> str:
    """Why, in words that go on a sentence: "its bbox: Expected `float`, got `str`"."""
    text = str(error)
    if not isinstance(error, msgspec.DecodeError):
        return text
    what, _, where = text.partition(" - at `$.")
    name = re.match(r"\w*", where)
    what = what[:1].lower() + what[1:]
    return tr("its {field}: {reason}", field=name[0], reason=what) if name and name[0] else what
