"""The photo, painted fast at every zoom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from annotator.canvas.look import value_counts
from annotator.canvas.style import CRISP_FROM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from PySide6.QtCore import QSize

    Xy = tuple[float, float]


class Excerpt(NamedTuple):
    """A part of a photo, or of a smaller version of it. Its pixel = photo pixel * scale - offset."""

    pixels: NDArray[np.uint8]
    """[H, W, 3] blue, green, red."""
    left: int
    """Offset."""
    top: int
    """Offset."""
    across: float
    """Scale."""
    down: float
    """Scale, about the same."""

    def from_photo(self, at: Xy) -> Xy:
        """Return where a point of the photo is in it."""
        return at[0] * self.across - self.left, at[1] * self.down - self.top

    def to_photo(self, at: Iterable[float]) -> Xy:
        """Return where a point of it is in the photo."""
        x, y = at
        return (x + self.left) / self.across, (y + self.top) / self.down


class ImagePyramid:
    """An upright photo with smaller versions of itself, each made when it is first needed.

    Zoomed out, the painter would skip pixels (which sparkles) or average all of them at every repaint (which is slow);
    a half-sized version averages once.
    """

    def __init__(self, image: QImage) -> None:
        self._levels = [image]
        self._counts: NDArray[np.int64] | None = None

    @property
    def size(self) -> QSize:
        """In photo pixels."""
        return self._levels[0].size()

    @property
    def value_counts(self) -> NDArray[np.int64]:
        """How often each value [256] occurs, counted once, on a sample of the pixels."""
        if self._counts is None:
            self._counts = value_counts(self._level(0))
        return self._counts

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """Return red, green and blue of a photo pixel. (0, 0, 0) outside."""
        photo = self._levels[0]
        color = QColor(photo.pixel(x, y)) if photo.valid(x, y) else QColor(0, 0, 0)
        return color.red(), color.green(), color.blue()

    @staticmethod
    def level_at(scale: float) -> int:
        """Return which version is painted, 0 for the photo. `scale`: device pixels per photo pixel."""
        return max(0, math.floor(-math.log2(scale)))

    def excerpt(self, at: Xy, side: int, number: int) -> Excerpt:
        """Return what is around a point of the photo in one of its versions.

        `side`: pixels of the excerpt in either direction, fewer where there are no more.
        """
        level = self._level(number)
        across, down = level.width() / self.size.width(), level.height() / self.size.height()
        width, height = min(side, level.width()), min(side, level.height())
        left = min(max(round(at[0] * across - width / 2), 0), level.width() - width)
        top = min(max(round(at[1] * down - height / 2), 0), level.height() - height)
        rows = np.frombuffer(level.constBits(), np.uint8).reshape(level.height(), level.bytesPerLine())
        part = rows[top : top + height, 4 * left : 4 * (left + width)]
        return Excerpt(part.reshape(height, width, 4)[..., :3].copy(), left, top, across, down)

    def paint(self, painter: QPainter, target: QRectF, scale: float) -> None:
        """Paint all of it into `target`, under the painter's clip. `scale`: device pixels per photo pixel."""
        level = self._level(self.level_at(scale))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < CRISP_FROM)
        painter.drawImage(target, level, QRectF(level.rect()))

    def _level(self, number: int) -> QImage:
        while len(self._levels) <= number:
            last = self._levels[-1]
            half = last.size() / 2
            if half.width() < 1 or half.height() < 1:
                return last
            self._levels.append(
                last.scaled(half, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
            )
        level = self._levels[number]
        if level.format() != QImage.Format.Format_RGB32:  # the one that is painted without conversion
            level = self._levels[number] = level.convertToFormat(QImage.Format.Format_RGB32)
        return level
