"""Painter paths of shapes, built once per record and level of detail."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QPainterPath

if TYPE_CHECKING:
    from collections.abc import Container

    from numpy.typing import NDArray
    from shapely import MultiPolygon

    from annotator.core.annotation import Annotation

_ELEMENT = np.dtype([("kind", ">i4"), ("x", ">f8"), ("y", ">f8")])  # as QDataStream writes a path's elements
_LINE_TO = 1
_TAIL = bytes(8)  # start of the last subpath (unused by closed ones) and Qt.FillRule.OddEvenFill
STEP = 0.6
"""Screen pixels: of the vertices that fall into the same such cell one after the other, one is painted."""
FEW = 8
"""Vertices, the closing one included: a ring with fewer is painted as it is."""


def path_of(shape: MultiPolygon, step: float = 0.0) -> QPainterPath:
    """Return the shape as a path, even-odd filled, with vertices closer than about `step` photo pixels left out."""
    rings = [np.asarray(ring.coords)[:, :2] for part in shape.geoms for ring in (part.exterior, *part.interiors)]
    return _path([_thinned(ring, step) if step else ring for ring in rings])


def _thinned(ring: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    if len(ring) < FEW:
        return ring
    cells = np.floor(ring / step)
    keep = np.empty(len(ring), bool)
    keep[0] = keep[-1] = True  # stays closed
    np.any(cells[1:-1] != cells[:-2], axis=1, out=keep[1:-1])
    return ring[keep] if np.count_nonzero(keep) >= 4 else ring


def _path(rings: list[NDArray[np.float64]]) -> QPainterPath:
    if not rings:
        return QPainterPath()
    return path_of_rings(np.concatenate(rings), np.array([len(ring) for ring in rings]))


def path_of_rings(points: NDArray[np.float64], lengths: NDArray[np.intp]) -> QPainterPath:
    """Return closed rings, their vertices [V, 2] one ring after the other, `lengths` [R] of each, as one path."""
    # Reading a stream is five times as fast as calling lineTo from Python for each vertex.
    path = QPainterPath()
    count = len(points)
    if not count:
        return path
    elements = np.empty(count, _ELEMENT)
    elements["kind"], elements["x"], elements["y"] = _LINE_TO, points[:, 0], points[:, 1]
    elements["kind"][np.cumsum(lengths) - lengths] = 0
    data = QByteArray(count.to_bytes(4, "big") + elements.tobytes() + _TAIL)
    stream = QDataStream(data)
    stream >> path
    return path


class PathCache:
    """Paths by record and zoom. Records never change, so a path is good as long as the record is the same object."""

    def __init__(self) -> None:
        self._paths: dict[tuple[int, int], tuple[Annotation, QPainterPath]] = {}

    def get(self, record: Annotation, scale: float) -> QPainterPath:
        """Return the record's outline with as much detail as a zoom of `scale` can show."""
        level = min(0, math.floor(math.log2(scale)))
        key = (record.id, level)
        entry = self._paths.get(key)
        if entry is None or entry[0] is not record:
            entry = self._paths[key] = (record, path_of(record.shape, STEP / 2.0 ** (level + 1) if level else 0.0))
        return entry[1]

    def keep(self, ids: Container[int]) -> None:
        """Forget the paths of all others."""
        self._paths = {key: entry for key, entry in self._paths.items() if key[0] in ids}
