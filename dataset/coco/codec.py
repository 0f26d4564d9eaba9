"""The outline, box and keypoints of one object as fields of a COCO annotation, and back.

What is written:
- parts without holes: `segmentation` is a list of rings, rounded to 2 decimals;
- with holes, or `iscrowd`: `segmentation` is compressed RLE, and the field `annotator.parts` keeps the outline
  ([[exterior, hole, ...], ...], each ring [x, y, x, y, ...]), which is read only while it still paints that RLE;
- a box without a mask: `segmentation` is empty;
- `annotator.size`, [width, height], where the photo's entry gives another size, which others of its annotations were
  made for (the window notes it until these are scaled);
- `area` is the number of pixels that COCO's rasteriser paints; a box's is width times height, that of keypoints alone
  is that of the box around them (COCO's keypoint score divides by it).
Coordinates are pixels of the upright image, the pixel (0, 0) covering [0, 1) x [0, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import MultiPolygon

from dataset import masks, rle
from dataset.coco.checks import Problem, check_keypoints, check_mask, fractions, is_in_fractions
from dataset.coco.values import (
    MAX_COORDINATE,
    as_box,
    as_flag,
    as_keypoints,
    as_number,
    as_numbers,
    as_segmentation,
    stands_for_box,
)
from dataset.geometry import from_parts, rectangle, rounded, to_parts
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from dataset.geometry import Parts


NOTHING = MultiPolygon()


@dataclass(frozen=True, slots=True)
class ObjectFields:
    """What can be understood of an annotation."""

    shape: MultiPolygon
    """Its outline, else its box; empty where it has none."""
    is_box: bool
    """Whether that is but a box."""
    keypoints: list[float]
    """x, y, visibility of each; empty where there are none, or not as many as the category has."""
    is_crowd: bool
    score: float | None
    problems: tuple[Problem, ...]
    """What of it cannot be used."""


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
    outline = rounded(parts, 2)
    flat = [[ring.ravel().tolist() for ring in part] for part in outline]
    labelled = [(x, y) for x, y, visibility in keypoints if visibility]
    points = np.concatenate([part[0] for part in outline]) if outline else np.array(labelled or [(0.0, 0.0)])
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
    if not outline:
        record["annotator"] = {"parts": []}  # so that the box is not taken for a shape
    elif not is_box:
        mask = masks.rasterize(outline, size)
        record["area"] = rle.area(mask)
        if is_crowd or any(len(part) > 1 for part in outline):
            record |= {"segmentation": dict(mask), "annotator": {"parts": flat}}
        else:
            record["segmentation"] = [part[0] for part in flat]
    return record


def read_object(record: dict[str, Any], size: tuple[int, int] | None, points: int, where: str = "") -> ObjectFields:
    """Return what can be understood of an annotation.

    Args:
        record: As in the file.
        size: (width, height) that the file gives for its photo, None where it gives none.
        points: How many keypoints its category has.
        where: Of the problems.
    """
    given = record.get("segmentation")
    segmentation, wrong = as_segmentation(given, size, fits=False)
    parts = _own_parts(record)
    shape = NOTHING
    if isinstance(segmentation, dict):
        if parts and _paints(parts, segmentation):
            shape = from_parts(parts)
        elif size is not None and segmentation["size"] != [size[1], size[0]]:
            wrong = "mask_size"
        else:
            try:
                shape = from_parts(masks.trace_rle(segmentation["size"], segmentation["counts"]))
            except ValueError:
                wrong = "mask_large"
    elif segmentation:
        shape = from_parts([[np.reshape(ring, (-1, 2))] for ring in segmentation])
    box = as_box(record.get("bbox"))
    is_empty = shape is NOTHING or shape.is_empty
    is_box = not isinstance(segmentation, dict) or wrong is not None
    is_box = is_box and is_empty and parts != [] and box is not None and _has_extent(box)
    problems = [check_mask(given, wrong, where)] if wrong and not stands_for_box(given) else []
    if is_box and box is not None:
        x, y, width, height = box
        shape = rectangle(x, y, round(x + width, 6), round(y + height, 6))  # 0.35 + 1.01 is 1.36
    elif is_empty and record.get("bbox") and not (box and box[2:] == (0, 0)) and parts != []:
        problems.append(Problem("box", where, tr("an annotation has no box")))
    if box is not None and max(box) <= 1 and is_in_fractions(record):
        problems.append(fractions(where))
    keypoints: list[float] = []
    if record.get("keypoints"):
        keypoints = as_keypoints(record["keypoints"]) or []
        problems += [problem for problem in (check_keypoints(record, points, where),) if problem]
    score = as_number(record.get("score"))
    keypoints = keypoints if len(keypoints) == 3 * points else []
    return ObjectFields(shape, is_box, keypoints, as_flag(record.get("iscrowd")), score, tuple(problems))


def _has_extent(box: tuple[float, float, float, float]) -> bool:
    x, y, width, height = box
    return min(width, height) >= 0 < max(width, height) and max(map(abs, (x, y, width, height))) < MAX_COORDINATE


def _own_parts(record: dict[str, Any]) -> Parts | None:
    """Return the outline that `encode_object` kept beside a mask; None where there is none, or it is damaged."""
    own = record.get("annotator")
    parts = own.get("parts") if isinstance(own, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, list) for part in parts):
        return None
    found: Parts = []
    for part in parts:
        rings = [as_numbers(ring) if isinstance(ring, list) else None for ring in part]
        good = [ring.reshape(-1, 2) for ring in rings if ring is not None and len(ring) % 2 == 0]
        if len(good) < len(rings) or any(np.abs(ring).max(initial=0) >= MAX_COORDINATE for ring in good):
            return None
        if good:
            found.append(good)
    return found


def _paints(parts: Parts, mask: dict[str, Any]) -> bool:
    height, width = mask["size"]
    size = (width, height)
    if any(masks.is_too_long(ring, size) for part in parts for ring in part):
        return False
    return masks.rasterize(to_parts(from_parts(parts)), size)["counts"] == mask["counts"]


def _flat(x: float, y: float, visibility: int) -> tuple[float, float, int]:
    return (round(x, 2), round(y, 2), int(visibility)) if visibility > 0 else (0, 0, 0)
