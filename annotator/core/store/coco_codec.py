"""COCO's records and ours: one annotation or category as JSON, and back.

What we write for an annotation:
- parts without holes: `segmentation` is a list of rings, rounded to 2 decimals;
- with holes, or `iscrowd`: `segmentation` is compressed RLE, and our own field `annotator.parts` keeps the outline
  ([[exterior, hole, ...], ...], each ring [x, y, x, y, ...]), which is believed only while it still paints that RLE;
- a box without a mask: `segmentation` is empty;
- `area` is the number of pixels that COCO's rasteriser paints; a box's is width times height, that of keypoints alone
  is that of the box around them (COCO's keypoint score divides by it);
- `annotator.origin` says who made the outline.
Coordinates are pixels of the upright photo, the pixel (0, 0) covering [0, 1) x [0, 1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from shapely import MultiPolygon

from annotator.core.annotation import NOTHING, Annotation, Keypoint, Origin, Visibility
from annotator.core.categories import PALETTE
from dataset import masks, rle
from dataset.categories import Category, to_coco
from dataset.geometry import bounds, from_parts, rectangle, to_parts
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

NO_ID = -1
MAX_COORDINATE = 1e7  # pixels: coordinates beyond are damage, and would take the rasteriser's memory


class CocoError(UserError):
    """A file, or an annotation in it, that is not COCO. The message is one sentence for the person."""


class _Rle(msgspec.Struct):
    size: tuple[int, int]  # height, width
    counts: str | list[int]


class _Ours(msgspec.Struct):
    origin: Origin = Origin.DRAWN
    parts: list[list[list[float]]] | None = None


class _Body(msgspec.Struct):
    id: int | None = None
    image_id: int | None = None
    category_id: int | None = None
    segmentation: list[list[float]] | _Rle | None = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | bool | None = None
    num_keypoints: int | None = None
    keypoints: list[float] | None = None
    score: float | None = None
    annotator: _Ours | None = None


class _CategoryBody(msgspec.Struct):
    id: int | None = None
    name: str | None = None
    supercategory: str | None = None
    color: str | list[int] | None = None
    keypoints: list[str] | None = None
    skeleton: list[tuple[int, int]] | None = None


_body = msgspec.json.Decoder(_Body)
_category = msgspec.json.Decoder(_CategoryBody)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


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
        shape, is_box = _shape(body)
        extra = _extra(raw, _Body)
        keypoints = _keypoints(body.keypoints or [])
    except (msgspec.DecodeError, ValueError) as error:
        raise CocoError(f"Annotation {annotation_id} cannot be read: {_reason(error)}.") from None
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
    parts = [[np.round(ring, 2) for ring in part] for part in to_parts(annotation.shape)]
    shape = from_parts(parts)
    flat = [[ring.ravel().tolist() for ring in part] for part in parts]
    ours: dict[str, Any] = {"origin": annotation.origin}
    segmentation: object = []
    if shape.is_empty:
        x0, y0, x1, y1 = _around(annotation.keypoints)
        area: float = round((x1 - x0) * (y1 - y0), 2)
        ours["parts"] = []  # so that the box is not taken for a shape
    else:
        x0, y0, x1, y1 = bounds(shape)
        if annotation.is_box:
            area = round((x1 - x0) * (y1 - y0), 2)
        else:
            mask = masks.rasterize(parts, size)
            area = rle.area(mask)
            if annotation.is_crowd or any(len(part) > 1 for part in parts):
                segmentation, ours["parts"] = mask, flat
            else:
                segmentation = [part[0] for part in flat]
    record: dict[str, Any] = {
        "id": annotation.id,
        "image_id": image_id,
        "category_id": annotation.category_id,
        "segmentation": segmentation,
        "area": area,
        "bbox": [round(value, 2) for value in (x0, y0, x1 - x0, y1 - y0)],
        "iscrowd": int(annotation.is_crowd),
    }
    if annotation.keypoints:
        record["num_keypoints"] = sum(k.visibility > 0 for k in annotation.keypoints)
        record["keypoints"] = [value for k in annotation.keypoints for value in _flat(k)]
    if annotation.score is not None:
        record["score"] = annotation.score
    return _encode({**annotation.extra, **record, "annotator": ours})


def with_id(raw: bytes | msgspec.Raw, record_id: int) -> bytes:
    """The same JSON object with another id."""
    return _encode({**_fields.decode(raw), "id": record_id})


def _shape(body: _Body) -> tuple[MultiPolygon, bool]:
    """The shape and whether it is but a box. ValueError if it is not COCO."""
    segmentation = body.segmentation
    parts = body.annotator.parts if body.annotator else None
    if isinstance(segmentation, _Rle):
        if parts is not None:
            shape = from_parts([[_ring(ring) for ring in part] for part in parts if part])
            if _paints(shape, segmentation):
                return shape, False
        return from_parts(masks.trace_rle(segmentation.size, segmentation.counts)), False
    rings = [_ring(ring) for ring in segmentation or []]
    if any(len(ring) >= 3 for ring in rings):
        return from_parts([[ring] for ring in rings]), False
    if parts == [] or not body.bbox:
        return MultiPolygon(), False
    if len(body.bbox) != 4:
        raise ValueError("its bbox is not four numbers")
    x, y, width, height = _checked(np.array(body.bbox, float))
    if width < 0 or height < 0:
        raise ValueError("its bbox has a size below zero")
    if width == 0 and height == 0:
        return MultiPolygon(), False
    return rectangle(x, y, round(x + width, 6), round(y + height, 6)), True  # 0.35 + 1.01 is 1.36


def _paints(shape: MultiPolygon, mask: _Rle) -> bool:
    height, width = mask.size
    return masks.rasterize(to_parts(shape), (width, height))["counts"] == mask.counts


def _ring(numbers: list[float]) -> NDArray[np.float64]:
    if len(numbers) % 2:
        raise ValueError("its polygon has an odd number of coordinates")
    return _checked(np.array(numbers, float)).reshape(-1, 2)


def _checked(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    if numbers.size and np.abs(numbers).max() > MAX_COORDINATE:
        raise ValueError("its coordinates are far outside any photo")
    return numbers


def _keypoints(numbers: list[float]) -> tuple[Keypoint, ...]:
    if len(numbers) % 3:
        raise ValueError("its keypoints are not triples x, y, v")
    return tuple(
        Keypoint(x, y, Visibility(max(0, min(2, int(v)))))
        for x, y, v in _checked(np.array(numbers, float)).reshape(-1, 3).tolist()
    )


def _flat(keypoint: Keypoint) -> tuple[float, float, int]:
    x, y, visibility = keypoint
    return (round(x, 2), round(y, 2), int(visibility)) if visibility else (0, 0, 0)


def _around(keypoints: Sequence[Keypoint]) -> tuple[float, float, float, float]:
    xy = np.array([(k.x, k.y) for k in keypoints if k.visibility])
    if len(xy) == 0:
        return 0.0, 0.0, 0.0, 0.0
    (x0, y0), (x1, y1) = xy.min(axis=0).tolist(), xy.max(axis=0).tolist()
    return x0, y0, x1, y1


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
        raise CocoError(f"Category number {place + 1} cannot be read: {_reason(error)}.") from None
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
    return _encode(to_coco(category))


def _color(color: str | list[int] | None) -> str:
    if isinstance(color, list):
        color = "#" + "".join(f"{value:02x}" for value in color) if all(0 <= v <= 255 for v in color) else ""
    color = (color or "").lower()
    return color if re.fullmatch("#[0-9a-f]{6}", color) else ""


# What both need


def _extra(raw: bytes | msgspec.Raw, known: type[msgspec.Struct]) -> dict[str, Any]:
    fields = _fields.decode(raw)
    return {key: msgspec.json.decode(value) for key, value in fields.items() if key not in known.__struct_fields__}


def _reason(error: Exception) -> str:
    """Why, in words that go on a sentence: "its bbox: Expected `float`, got `str`"."""
    text = str(error)
    if not isinstance(error, msgspec.DecodeError):
        return text
    what, _, where = text.partition(" - at `$.")
    name = re.match(r"\w*", where)
    return (f"its {name[0]}: " if name and name[0] else "") + what[:1].lower() + what[1:]
