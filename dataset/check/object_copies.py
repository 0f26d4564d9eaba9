"""Objects that are there twice: exactly, or covering nearly the same."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from dataset import masks, rle
from dataset.check.findings import Finding
from dataset.check.shapes import bounds_of
from dataset.coco.values import as_keypoints
from dataset.geometry import rectangle, to_parts
from dataset.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from dataset.check.objects import ObjectBatch, ObjectEntry
    from dataset.rle import Rle

SAME_IOU = 0.9
"""Objects of one class that cover more than this of each other are one object."""
_BOX_IOU = 0.5
"""Boxes of such objects cover at least about so much of each other."""
_IDS = frozenset(("id", "image_id", "category_id"))
_FIGURES = frozenset(("iscrowd", "area", "num_keypoints"))
"""Fields that say again what others say; the first is compared as it is understood."""
_SHAPE = frozenset(("segmentation", "bbox", "keypoints"))
_OF_A_MAKER = frozenset(("score", "annotator"))
"""Who found an object, and how sure that was."""


def check_copies(batch: ObjectBatch) -> Iterator[Finding]:
    """Yield objects that another one of the same photo and class is already, each once."""
    kept: list[ObjectEntry] = []
    first: dict[object, ObjectEntry] = {}
    for entry in batch.objects:
        own = (id(entry.image), entry.category, entry.is_crowd, encode(_fields(entry, _IDS | _FIGURES)))
        other = first.setdefault(own, entry)
        if entry.category is None or other is entry:
            kept.append(entry)
        else:
            values = {"other": str(other.key)}
            yield Finding("object_copy", entry.image.photo, entry.key, values, entry.place)
    yield from _near_copies(batch, [entry for entry in kept if entry.category is not None and not entry.is_crowd])


def has_more(entry: ObjectEntry, other: ObjectEntry) -> bool:
    """Return whether an object has what would be lost if the other one stood for it.

    That is an outline, labelled keypoints, or fields of no known meaning that the other one lacks or has otherwise.
    """
    kept = _fields(other, _IDS)
    known = _IDS | _FIGURES | _SHAPE | _OF_A_MAKER
    if any(key not in kept or kept[key] != value for key, value in _fields(entry, known).items()):
        return True
    points, others = as_keypoints(entry.record.get("keypoints")), as_keypoints(other.record.get("keypoints"))
    if points is None or others is None:  # damaged: nobody knows what they are
        return entry.record.get("keypoints") != other.record.get("keypoints")
    if any(v > 0 and not has for v, has in zip_longest(points[2::3], others[2::3], fillvalue=0)):
        return True
    return bool(entry.rings or entry.mask) and not (other.rings or other.mask)


def _fields(entry: ObjectEntry, apart: Collection[str]) -> dict[str, Any]:
    """Return the fields of an object, but for some and for those without a value, in order."""
    fields = sorted(entry.record.items())
    return {key: value for key, value in fields if key not in apart and value not in (None, "", [], {})}


def _near_copies(batch: ObjectBatch, objects: list[ObjectEntry]) -> Iterator[Finding]:
    found = [(entry, around) for entry in objects if (around := _around(entry, batch)) is not None]
    if not found:
        return
    corners = np.array([around for _, around in found])
    groups: dict[object, int] = {}
    group = np.array([groups.setdefault((id(entry.image), entry.category), len(groups)) for entry, _ in found])
    # Each photo and class has a strip of the plane of its own: one tree serves them all.
    span = 2 * (float(np.abs(corners).max()) + 1)
    shifted = shapely.box(corners[:, 0] + span * group, corners[:, 1], corners[:, 2] + span * group, corners[:, 3])
    one, other = shapely.STRtree(shifted).query(shifted)
    pairs = np.column_stack((one, other))[one < other]
    pairs = pairs[_box_iou(corners[pairs[:, 0]], corners[pairs[:, 1]]) > _BOX_IOU]
    told: set[int] = set()
    made: dict[int, Rle] = {}
    for i, j in pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist():
        if i in told or j in told:
            continue
        iou = _iou(found[i][0], found[j][0], corners[[i, j]], made)
        if iou > SAME_IOU:
            told.add(j)
            entry, values = found[j][0], {"other": str(found[i][0].key), "iou": iou}
            yield Finding("object_near", entry.image.photo, entry.key, values, entry.place)


def _around(entry: ObjectEntry, batch: ObjectBatch) -> tuple[float, float, float, float] | None:
    around = bounds_of(entry, batch.outlines)
    if around is None and entry.box is not None and not entry.record.get("segmentation"):
        x, y, width, height = entry.box
        around = (x, y, x + width, y + height)
    if around is None or around[2] <= around[0] or around[3] <= around[1]:
        return None
    return around if max(map(abs, around)) < _FAR else None


_FAR = 1e6


def _box_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the IoU [N] of boxes [N, 4], each (x0, y0, x1, y1), pair by pair."""
    shared = np.clip(np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2]), 0, None).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    return shared / (areas[0] + areas[1] - shared)


def _iou(one: ObjectEntry, other: ObjectEntry, corners: np.ndarray, made: dict[int, Rle]) -> float:
    """Return the IoU of two objects: of their boxes, if neither has more, else of their pixels."""
    if not (one.rings or one.mask or other.rings or other.mask):
        return float(_box_iou(corners[:1], corners[1:])[0])
    size = one.image.size or (int(corners[:, 2].max()) + 1, int(corners[:, 3].max()) + 1)
    if min(size) < 1:
        return 0.0
    pixels = []
    for entry, box in zip((one, other), corners.tolist(), strict=True):
        if entry.place not in made:
            made[entry.place] = _mask(entry, box, size)
        pixels.append(made[entry.place])
    if pixels[0]["size"] != pixels[1]["size"]:
        return 0.0
    return float(rle.iou(pixels[:1], pixels[1:], [False])[0, 0])


def _mask(entry: ObjectEntry, box: list[float], size: tuple[int, int]) -> Rle:
    if entry.mask is not None:
        return entry.mask
    parts = [[ring] for ring in entry.rings] or to_parts(rectangle(*box))
    return masks.rasterize(parts, size)
