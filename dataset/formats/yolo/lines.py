"""The lines of YOLO's label files: a class index, then numbers that are shares of the photo's width and height.

Five numbers are a box, six a box with a score; with a `kpt_shape` a box with its keypoints is a pose, to which a score
may be added; more are an outline.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from dataset.formats.base import FormatError, ObjectRecord, Point
from dataset.formats.joined_rings import join_rings, separate_rings
from dataset.formats.yolo.data_yaml import MAX_CLASSES
from dataset.geometry import bounds, clip, rectangle, valid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import MultiPolygon

MARGIN = 0.01
"""Of the photo, by which a coordinate may lie outside it, as Ultralytics allows."""
DECIMALS = 3
"""Of a pixel: more are those of a division."""


class Fault(Enum):
    """Why a line is left out."""

    FORM = "neither a box, an outline nor a pose"
    CLASS = "a class without a name"
    OUTSIDE = "coordinates outside the photo"
    EMPTY = "no area"


class LineError(FormatError):
    """A line cannot be understood."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def read_line(text: str, size: tuple[int, int], keypoint_shape: tuple[int, int] | None) -> tuple[int, ObjectRecord]:
    """Return the class index of a line, and the object, without its class's name.

    Args:
        text: The line.
        size: (width, height) of the upright photo.
        keypoint_shape: `kpt_shape` of `data.yaml`.

    Raises:
        LineError: It is damaged.
    """
    try:
        values = np.array([float(value) for value in text.split()])
    except ValueError:
        raise LineError(Fault.FORM) from None
    if len(values) < 5 or not np.isfinite(values).all() or values[0] % 1 or not 0 <= values[0] < MAX_CLASSES:
        raise LineError(Fault.FORM)
    index, scale = int(values[0]), np.array(size, float)
    points: tuple[Point, ...] = ()
    score: float | None = None
    end = 5 + keypoint_shape[0] * keypoint_shape[1] if keypoint_shape else 0
    is_pose = len(values) in (end, end + 1)
    if is_pose or len(values) < 7:
        corners = values[1:3] + np.array([[-0.5], [0.5]]) * values[3:5]
        (x0, y0), (x1, y1) = _in_pixels(corners, scale).tolist()
        shape = rectangle(x0, y0, x1, y1)
        if min(x1 - x0, y1 - y0) <= 0:
            raise LineError(Fault.EMPTY)
        if is_pose:
            points = _keypoints(values[5:end].reshape(keypoint_shape), scale)  # type: ignore[arg-type]
        if len(values) == (end + 1 if is_pose else 6):
            score = float(values[-1])
            if not 0 <= score <= 1:
                raise LineError(Fault.FORM)
    else:
        if not len(values) % 2:
            raise LineError(Fault.FORM)
        shape = separate_rings(_in_pixels(values[1:].reshape(-1, 2), scale))
        if valid(shape).area <= 0:
            raise LineError(Fault.EMPTY)
    return index, ObjectRecord("", shape, points, is_pose or len(values) < 7, score=score)


def _in_pixels(shares: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (N, 2) in pixels of a photo of `scale` (2), in which they lie or nearly so."""
    if ((shares < -MARGIN) | (shares > 1 + MARGIN)).any():
        raise LineError(Fault.OUTSIDE)
    return np.round(np.clip(shares, 0, 1) * scale, DECIMALS)


def _keypoints(rows: NDArray[np.float64], scale: NDArray[np.float64]) -> tuple[Point, ...]:
    """Return keypoints of rows (N, 2 or 3); none where none is labelled."""
    if rows.shape[1] == 2:
        seen = np.where((rows > 0).any(axis=1), 2, 0)
    else:
        if ((rows[:, 2] < 0) | (rows[:, 2] > 2)).any():
            raise LineError(Fault.FORM)
        # COCO's v; a share is how sure a model was of the point.
        seen = np.where(rows[:, 2] % 1, 2 * (rows[:, 2] >= 0.5), rows[:, 2]).astype(int)
    places = _in_pixels(np.where(seen[:, None] > 0, rows[:, :2], 0), scale)
    points = tuple(Point(x, y, v) for (x, y), v in zip(places.tolist(), seen.tolist(), strict=True))
    return points if seen.any() else ()


def box_line(index: int, corners: Sequence[float], size: tuple[int, int]) -> str:
    """Return a line of a box (x0, y0, x1, y1) in pixels."""
    x0, y0, x1, y1 = corners
    width, height = size
    return _line(index, ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height))


def outline_line(index: int, shape: MultiPolygon, size: tuple[int, int]) -> str:
    """Return a line of an outline in pixels."""
    return _line(index, (join_rings(shape) / size).ravel().tolist())


def pose_line(index: int, corners: Sequence[float], points: Sequence[Point], count: int, size: tuple[int, int]) -> str:
    """Return a line of a box (x0, y0, x1, y1) with `count` keypoints, in pixels; those that are missing unlabelled."""
    width, height = size
    values: list[float] = []
    for point in points[:count]:
        inside = min(max(point.x / width, 0), 1), min(max(point.y / height, 0), 1)
        values += (*inside, point.visibility) if point.visibility else (0, 0, 0)
    values += [0] * (3 * count - len(values))
    return " ".join((box_line(index, corners, size), *map(_number, values)))


def within(shape: MultiPolygon, size: tuple[int, int]) -> MultiPolygon:
    """Return what of a shape lies in the photo: what Ultralytics finds outside has it drop the whole photo."""
    x0, y0, x1, y1 = bounds(shape)
    return shape if min(x0, y0) >= 0 and x1 <= size[0] and y1 <= size[1] else clip(valid(shape), size)


def box_around(record: ObjectRecord, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """Return the box around an object's shape or else its labelled keypoints; None where there is nothing of it."""
    shape = within(record.shape, size)
    if not shape.is_empty:
        return bounds(shape)
    if not record.shape.is_empty:
        return None
    places = np.array([(p.x, p.y) for p in record.keypoints if p.visibility], float).reshape(-1, 2)
    if not len(places):
        return None
    places = np.clip(places, 0, size)
    low, high = places.min(axis=0), places.max(axis=0)
    flat = high - low < 1  # keypoints in one line, or a single one, have a box nevertheless
    low, high = np.where(flat, np.maximum(low - 1, 0), low), np.where(flat, np.minimum(high + 1, size), high)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _line(index: int, values: Sequence[float]) -> str:
    return " ".join((str(index), *map(_number, values)))


def _number(value: float) -> str:
    return f"{value:.9g}"
