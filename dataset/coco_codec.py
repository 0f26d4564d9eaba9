"""The outline, box and keypoints of one object as fields of a COCO annotation, and back.

What is written:
- parts without holes: `segmentation` is a list of rings, rounded to 2 decimals;
- with holes, or `iscrowd`: `segmentation` is compressed RLE, and the field `annotator.parts` keeps the outline
  ([[exterior, hole, ...], ...], each ring [x, y, x, y, ...]), which is read only while it still paints that RLE;
- a box without a mask: `segmentation` is empty;
- `area` is the number of pixels that COCO's rasteriser paints; a box's is width times height, that of keypoints alone
  is that of the box around them (COCO's keypoint score divides by it).
Coordinates are pixels of the upright image, the pixel (0, 0) covering [0, 1) x [0, 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from shapely import MultiPolygon

from dataset import masks, rle
from dataset.geometry import from_parts, rectangle, to_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

MAX_COORDINATE = 1e7
"""Pixels; coordinates beyond are damage, and would take the rasteriser's memory."""


class RleBody(msgspec.Struct):
    """A run-length encoded `segmentation`, compressed or not."""

    size: tuple[int, int]
    """(height, width)."""
    counts: str | list[int]


def encode_object(
    parts: Iterable[Sequence[ArrayLike]],
    keypoints: Sequence[tuple[float, float, int]],
    size: tuple[int, int],
    *,
    is_box: bool = False,
    is_crowd: bool = False,
) -> dict[str, Any]:
    """Return `segmentation`, `area`, `bbox`, `iscrowd`, the keypoints if any, and `annotator` where it is needed.

    Args:
        parts: The outline, each part [exterior, hole, ...], each ring (N, 2); empty for keypoints alone.
        keypoints: x, y and visibility (0, 1 or 2) of each; those of visibility 0 are written as 0, 0, 0.
        size: (width, height) of the upright image.
        is_box: Whether the outline is but a box, without a mask.
        is_crowd: Whether it covers several objects.

    Raises:
        ValueError: An image of that size cannot have a mask.
    """
    rounded = [[np.round(np.asarray(ring, float), 2) for ring in part] for part in parts]
    rounded = to_parts(from_parts(rounded))
    flat = [[ring.ravel().tolist() for ring in part] for part in rounded]
    labelled = [(x, y) for x, y, visibility in keypoints if visibility]
    points = np.concatenate([part[0] for part in rounded]) if rounded else np.array(labelled or [(0.0, 0.0)])
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    record: dict[str, Any] = {
        "segmentation": [],
        "area": round((x1 - x0) * (y1 - y0), 2),
        "bbox": [round(value, 2) for value in (x0, y0, x1 - x0, y1 - y0)],
        "iscrowd": int(is_crowd),
    }
    if keypoints:
        record["num_keypoints"] = len(labelled)
        record["keypoints"] = [value for point in keypoints for value in _flat(*point)]
    if not rounded:
        record["annotator"] = {"parts": []}  # so that the box is not taken for a shape
    elif not is_box:
        mask = masks.rasterize(rounded, size)
        record["area"] = rle.area(mask)
        if is_crowd or any(len(part) > 1 for part in rounded):
            record |= {"segmentation": dict(mask), "annotator": {"parts": flat}}
        else:
            record["segmentation"] = [part[0] for part in flat]
    return record


def decode_shape(
    segmentation: list[list[float]] | RleBody | None, parts: list[list[list[float]]] | None, bbox: list[float] | None
) -> tuple[MultiPolygon, bool]:
    """Return an annotation's shape, and whether it is but a box.

    Args:
        segmentation: As in the file.
        parts: Its `annotator.parts`.
        bbox: As in the file.

    Raises:
        ValueError: It is not as COCO has it; the text goes on a sentence about the annotation.
    """
    if isinstance(segmentation, RleBody):
        if parts is not None:
            shape = from_parts([[_ring(ring) for ring in part] for part in parts if part])
            if _paints(shape, segmentation):
                return shape, False
        return from_parts(masks.trace_rle(segmentation.size, segmentation.counts)), False
    rings = [_ring(ring) for ring in segmentation or []]
    if any(len(ring) >= 3 for ring in rings):
        return from_parts([[ring] for ring in rings]), False
    if parts == [] or not bbox:
        return MultiPolygon(), False
    if len(bbox) != 4:
        raise ValueError("its bbox is not four numbers")
    x, y, width, height = coordinates(bbox)
    if width < 0 or height < 0:
        raise ValueError("its bbox has a size below zero")
    if width == 0 and height == 0:
        return MultiPolygon(), False
    return rectangle(x, y, round(x + width, 6), round(y + height, 6)), True  # 0.35 + 1.01 is 1.36


def coordinates(numbers: list[float]) -> NDArray[np.float64]:
    """Return numbers of a file as an array.

    Raises:
        ValueError: One of them is farther out than `MAX_COORDINATE`.
    """
    found = np.array(numbers, float)
    if found.size and np.abs(found).max() > MAX_COORDINATE:
        raise ValueError("its coordinates are far outside any photo")
    return found


def _paints(shape: MultiPolygon, mask: RleBody) -> bool:
    height, width = mask.size
    return masks.rasterize(to_parts(shape), (width, height))["counts"] == mask.counts


def _ring(numbers: list[float]) -> NDArray[np.float64]:
    if len(numbers) % 2:
        raise ValueError("its polygon has an odd number of coordinates")
    return coordinates(numbers).reshape(-1, 2)


def _flat(x: float, y: float, visibility: int) -> tuple[float, float, int]:
    return (round(x, 2), round(y, 2), int(visibility)) if visibility > 0 else (0, 0, 0)
