"""Where the photo is on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

Box = tuple[float, float, float, float]  # x0, y0, x1, y1


class Camera(NamedTuple):
    """Viewport pixel = photo pixel * scale + offset, in logical pixels. One does not change; the view makes another."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0
    ratio: float = 1.0  # device pixels per logical pixel

    def transform(self, dx: float = 0.0, dy: float = 0.0) -> QTransform:
        """For a painter, moved by (dx, dy) viewport pixels."""
        return QTransform(self.scale, 0.0, 0.0, self.scale, self.dx + dx, self.dy + dy)

    def to_view(self, points: ArrayLike) -> NDArray[np.float64]:
        """(N, 2) photo positions on the screen."""
        return np.asarray(points, float).reshape(-1, 2) * self.scale + (self.dx, self.dy)

    def point_to_view(self, x: float, y: float) -> QPointF:
        """One photo position on the screen."""
        return QPointF(x * self.scale + self.dx, y * self.scale + self.dy)

    def to_photo(self, point: QPointF) -> QPointF:
        """Return a screen position in the photo."""
        return QPointF((point.x() - self.dx) / self.scale, (point.y() - self.dy) / self.scale)

    def rect_to_view(self, box: Box) -> QRectF:
        """Return a box of the photo on the screen."""
        return QRectF(self.point_to_view(*box[:2]), self.point_to_view(*box[2:]))

    def box_to_photo(self, rect: QRectF) -> Box:
        """Return a rectangle of the screen in the photo."""
        a, b = self.to_photo(rect.topLeft()), self.to_photo(rect.bottomRight())
        return a.x(), a.y(), b.x(), b.y()


def qpoints(points: Iterable[Iterable[float]]) -> list[QPointF]:
    """(N, 2) positions for the painter."""
    return [QPointF(x, y) for x, y in points]
