"""Outlines, masks, boxes and keypoints: what is none, what does not fit its photo, and figures that are not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataset import masks, rle
from dataset.check.findings import Finding
from dataset.coco.checks import is_in_fractions, short
from dataset.coco.values import as_keypoints, as_number, as_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataset.check.contents import Contents
    from dataset.check.objects import ObjectBatch, ObjectEntry
    from dataset.check.outlines import Outlines

TOLERANCE = 0.5
"""Pixels by which something may reach out of the photo: tools count from a pixel's corner, or from its middle."""
BOX_TOLERANCE, BOX_SHARE = 2.0, 0.02
"""Pixels, or a share of the side, by which a box may differ from that around the outline: whole pixels, or rounded."""
AREA_TOLERANCE, AREA_SHARE = 4.0, 0.02
"""Square pixels, or a share of the area, by which an area may differ from that of the outline or of its pixels."""
KEYPOINT_TOLERANCE, KEYPOINT_SHARE = 4.0, 0.25
"""Pixels, or a share of the longer side, by which keypoints may lie outside a box, which is that of what is seen."""

Bounds = tuple[float, float, float, float]


def check_shapes(contents: Contents, batch: ObjectBatch) -> Iterator[Finding]:
    """Yield what is wrong with the shapes of objects."""
    points = {category.id: len(category.keypoint_names) for category in contents.table.categories}
    for entry in batch.objects:
        yield from _outline(entry, batch.outlines)
        if is_in_fractions(entry.record):
            yield _found("fractions", entry)
            continue
        around = bounds_of(entry, batch.outlines)
        yield from _box(entry, around)
        yield from _in_photo(entry, around)
        yield from _area(entry, batch.outlines)
        yield from _keypoints(entry, points[entry.category] if entry.category is not None else 0)


def bounds_of(entry: ObjectEntry, outlines: Outlines) -> Bounds | None:
    """Return (x0, y0, x1, y1) around the outline or mask of an object; None where it has neither."""
    if entry.row >= 0:
        x0, y0, x1, y1 = outlines.bounds[entry.row].tolist()
        return x0, y0, x1, y1
    if entry.mask is not None:
        x, y, width, height = rle.bounds(entry.mask)
        return (x, y, x + width, y + height) if width and height else None
    return None


def _found(kind: str, entry: ObjectEntry, **values: object) -> Finding:
    return Finding(kind, entry.image.photo, entry.key, values or None, entry.place)


def _outline(entry: ObjectEntry, outlines: Outlines) -> Iterator[Finding]:
    if entry.problem in ("outline", "far"):
        yield _found("outline", entry)
    elif entry.problem:
        yield _found("mask", entry)
    if entry.row >= 0:
        if outlines.flat[entry.row]:
            yield _found("degenerate", entry)
        if outlines.crossing[entry.row]:
            yield _found("crossing", entry)
    elif entry.mask is not None:
        height, width = entry.mask["size"]
        if rle.area(entry.mask) == 0:
            yield _found("degenerate", entry)
        size = entry.image.size
        if size is not None and size != (width, height):
            values = {"mask_width": width, "mask_height": height, "width": size[0], "height": size[1]}
            yield _found("mask_size", entry, **values)


def _box(entry: ObjectEntry, around: Bounds | None) -> Iterator[Finding]:
    box = entry.box
    if box is None:
        yield _found("box", entry)
        return
    width, height = box[2:]
    if around is None:
        # Of keypoints alone the box may be a line; nothing else of it would be left to show.
        if min(width, height) <= 0 and not (as_keypoints(entry.record.get("keypoints")) and min(width, height) == 0):
            yield _found("box_side", entry, width=width, height=height)
        return
    is_detection = as_number(entry.record.get("score")) is not None  # of which the box is what was detected
    if is_box_wrong(box, around) and not is_detection:
        right = [round(v, 2) for v in (around[0], around[1], around[2] - around[0], around[3] - around[1])]
        yield _found("box_wrong", entry, given=_numbers(box), right=_numbers(right))


def is_box_wrong(box: Bounds, around: Bounds) -> bool:
    """Return whether a bbox (x, y, width, height) is not that around an outline (x0, y0, x1, y1)."""
    x, y, width, height = box
    x0, y0, x1, y1 = around
    across, down = max(BOX_TOLERANCE, BOX_SHARE * (x1 - x0)), max(BOX_TOLERANCE, BOX_SHARE * (y1 - y0))
    return (
        max(abs(x - x0), abs(x + width - x1)) > across
        or max(abs(y - y0), abs(y + height - y1)) > down
        or min(width, height) < 0
    )


def _in_photo(entry: ObjectEntry, around: Bounds | None) -> Iterator[Finding]:
    size, box = entry.image.size, entry.box
    if around is None and box is not None:
        around = (box[0], box[1], box[0] + max(0.0, box[2]), box[1] + max(0.0, box[3]))
    if size is None or around is None or entry.mask is not None:
        return
    x0, y0, x1, y1 = around
    width, height = size
    if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
        if (x1 > x0 and y1 > y0) or min(x1, y1) < 0 or x0 > width or y0 > height:
            yield _found("wholly_outside", entry)
        return
    reach = max(-x0, -y0, x1 - width, y1 - height)
    if reach > TOLERANCE:
        yield _found("outside", entry, n=reach)


def _area(entry: ObjectEntry, outlines: Outlines) -> Iterator[Finding]:
    given = as_number(entry.record.get("area"))
    if given is not None and entry.is_crowd:  # COCO's own have that of an outline that is not in the file
        return
    if given is not None and entry.row >= 0 and not outlines.crossing[entry.row]:
        of_rings = float(outlines.area[entry.row])
        if _is_near(given, of_rings):
            return
        right = area_of(entry, outlines)
        if right is not None and min(right, of_rings) <= given <= max(right, of_rings):  # rings may overlap
            return
    right = area_of(entry, outlines)
    if right is not None and (given is None or not _is_near(given, right)):
        yield _found("area_wrong", entry, given=short(entry.record.get("area")), right=right)


def area_of(entry: ObjectEntry, outlines: Outlines) -> float | None:
    """Return the area of an object in square pixels; None where COCO does not define it: of keypoints alone."""
    if entry.row >= 0:
        pixels = _pixels(entry)
        return float(outlines.area[entry.row]) if pixels is None else pixels
    if entry.mask is not None:
        return rle.area(entry.mask)
    if entry.box is not None and not as_keypoints(entry.record.get("keypoints")):
        return round(max(0.0, entry.box[2]) * max(0.0, entry.box[3]), 2)
    return None


def _is_near(given: float, right: float) -> bool:
    return abs(given - right) <= max(AREA_TOLERANCE, AREA_SHARE * right)


def _pixels(entry: ObjectEntry) -> float | None:
    """Return how many pixels an outline covers in its photo, None where that is not known."""
    size = entry.image.size
    if size is None:
        return None
    near = [masks.nearby(ring, size) for ring in entry.rings]
    return rle.area(masks.rasterize([[ring] for ring in near if len(ring) >= 3], size))


def _keypoints(entry: ObjectEntry, count: int) -> Iterator[Finding]:
    record = entry.record
    if "keypoints" not in record and "num_keypoints" not in record:
        return
    found = as_keypoints(record.get("keypoints"))
    if found is None or (found and len(found) != 3 * count):
        yield _found("keypoints", entry)
        return
    points = np.reshape(found, (-1, 3))
    labelled = points[:, 2] > 0
    given = record.get("num_keypoints")
    if as_whole(given) != int(labelled.sum()) and (found or given):
        yield _found("num_keypoints", entry, given=short(given), right=int(labelled.sum()))
    if labelled.any():
        yield from _placed(entry, points, np.flatnonzero(labelled).tolist())


def _placed(entry: ObjectEntry, points: np.ndarray, labelled: list[int]) -> Iterator[Finding]:
    """Yield labelled keypoints, rows of (x, y, visibility), that are outside the photo, else the one furthest out."""
    if entry.image.size is not None:
        out = np.maximum(-points[:, :2], points[:, :2] - entry.image.size).max(axis=1)
        outside = [i for i in labelled if out[i] > TOLERANCE]
        for i in outside[:1]:
            yield _found("keypoint_outside", entry, n=i + 1)
        labelled = [i for i in labelled if i not in outside]
    if entry.box is None or not labelled or min(entry.box[2:]) < 0:
        return
    x, y, width, height = entry.box
    corners = np.array([[x, y], [x + width, y + height]])
    distance = np.maximum(corners[0] - points[:, :2], points[:, :2] - corners[1]).max(axis=1)
    worst = max(labelled, key=lambda i: distance[i])
    if distance[worst] > max(KEYPOINT_TOLERANCE, KEYPOINT_SHARE * max(width, height)):
        yield _found("keypoint_outside_box", entry, n=worst + 1, distance=float(distance[worst]))


def _numbers(values: tuple[float, ...] | list[float]) -> str:
    return "[" + ", ".join(f"{v:.6g}" for v in values) + "]"
