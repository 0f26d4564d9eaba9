"""The shapes of a CVAT file: a mask is runs along the rows of its bounding box, the first of them background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataset import rle
from dataset.affine import rotation
from dataset.coco.values import as_flag
from dataset.formats.base import MAX_COORDINATE, ObjectRecord, Point
from dataset.formats.cvat.labels import label_of
from dataset.geometry import bounds, ellipse, from_parts, rectangle, to_parts, translate
from dataset.masks import MAX_DECODED, rasterize, trace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray
    from shapely import MultiPolygon

MAX_NUMBERS = 8_000_000
"""In one attribute: runs of a mask, or coordinates of an outline."""


def _number(element: Element, name: str) -> float:
    value = float(element.get(name))  # type: ignore[arg-type] - a TypeError where it is missing
    if not abs(value) <= MAX_COORDINATE:
        raise ValueError("coordinates far outside any image")
    return value


def turn(element: Element) -> float:
    """Return by how many degrees, from 0 to 360, a box is turned. Raises ValueError."""
    return _number(element, "rotation") % 360 if "rotation" in element.attrib else 0.0


def _turned(shape: MultiPolygon, element: Element, centre: tuple[float, float]) -> MultiPolygon:
    degrees = turn(element)
    return rotation(degrees, centre).shape(shape) if degrees else shape


def _box(element: Element) -> MultiPolygon:
    x0, y0, x1, y1 = (_number(element, name) for name in ("xtl", "ytl", "xbr", "ybr"))
    return _turned(rectangle(x0, y0, x1, y1), element, ((x0 + x1) / 2, (y0 + y1) / 2))


def _ellipse(element: Element) -> MultiPolygon:
    x, y, width, height = (_number(element, name) for name in ("cx", "cy", "rx", "ry"))
    return _turned(from_parts([[ellipse((x, y), (width, height))]]), element, (x, y))


def _polygon(element: Element) -> MultiPolygon:
    return from_parts([[_points(element)]])


def _mask(element: Element) -> MultiPolygon:
    left, top, width, height = (int(_number(element, name)) for name in ("left", "top", "width", "height"))
    runs = _numbers(element.get("rle") or "").astype(np.int64)
    if min(width, height) < 1 or width * height > MAX_DECODED or runs.min() < 0 or runs.sum() != width * height:
        raise ValueError("runs that do not fill the mask")
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return from_parts(trace(inside.reshape(height, width), (left, top)))


SHAPES = {"box": _box, "ellipse": _ellipse, "polygon": _polygon, "mask": _mask}
"""By the kind of an element, what returns its outline; raises ValueError or TypeError where it is damaged."""


def _numbers(text: str) -> NDArray[np.float64]:
    """Return the numbers of "1,2,3" or "1,2;3,4". Raises ValueError for anything else."""
    if text.count(",") > MAX_NUMBERS:
        raise ValueError("too many numbers")
    found = np.array(text.replace(";", ",").split(",")).astype(np.float64)
    if not (np.abs(found) <= MAX_DECODED).all():
        raise ValueError("numbers far outside any image")
    return found


def _points(element: Element) -> NDArray[np.float64]:
    found = _numbers(element.get("points") or "").reshape(-1, 2)
    if not (np.abs(found) <= MAX_COORDINATE).all():
        raise ValueError("coordinates far outside any image")
    return found


def keypoints(element: Element, names: Sequence[str]) -> tuple[Point, ...]:
    """Return the keypoints in the order of their class. Raises ValueError where there are none."""
    found: dict[str, Point] = {}
    if element.tag == "points":
        visibility = 1 if as_flag(element.get("occluded")) else 2
        found = {str(n): Point(x, y, visibility) for n, (x, y) in enumerate(_points(element).tolist(), 1)}
    for child in element.iterfind("points"):
        if not as_flag(child.get("outside")):
            ((x, y),) = _points(child).tolist()
            found[label_of(child)] = Point(x, y, 1 if as_flag(child.get("occluded")) else 2)
    if not any(name in found for name in names):
        raise ValueError("no keypoint")
    return tuple(found.get(name, Point(0, 0, 0)) for name in names)


# Writing


def outline_fields(record: ObjectRecord, size: tuple[int, int]) -> tuple[str, dict[str, str]]:
    """Return the kind of an object's shape, and its coordinates."""
    if record.is_box:
        names = ("xtl", "ytl", "xbr", "ybr")
        return "box", {name: f"{v:.2f}" for name, v in zip(names, bounds(record.shape), strict=True)}
    parts = to_parts(record.shape)
    if record.needs_mask:
        mask = _runs(record.shape, size)
        if mask:
            return "mask", mask
    return "polygon", {"points": ";".join(f"{x:.2f},{y:.2f}" for x, y in parts[0][0].tolist())}


def _runs(shape: MultiPolygon, size: tuple[int, int]) -> dict[str, str]:
    """Return a mask within its bounding box; nothing where no pixel of the photo is in it."""
    x0, y0, x1, y1 = bounds(shape)
    left, top = max(int(np.floor(x0)), 0), max(int(np.floor(y0)), 0)
    width, height = min(int(np.ceil(x1)), size[0]) - left, min(int(np.ceil(y1)), size[1]) - top
    if min(width, height) < 1:
        return {}
    inside = rle.decode(rasterize(to_parts(translate(shape, -left, -top)), (width, height))).ravel()
    if not inside.any():
        return {}
    changes = np.flatnonzero(np.diff(inside, prepend=0))
    runs = np.diff(changes, prepend=0, append=len(inside)).tolist()
    box = {"left": left, "top": top, "width": width, "height": height}
    return {"rle": ", ".join(map(str, runs))} | {name: str(value) for name, value in box.items()}
