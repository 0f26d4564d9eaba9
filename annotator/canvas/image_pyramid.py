"""The photo, painted fast at every zoom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from annotator.canvas.look import value_counts
from annotator.canvas.style import CRISP_FROM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtCore import QSize


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

    def paint(self, painter: QPainter, target: QRectF, scale: float) -> None:
        """Paint all of it into `target`, under the painter's clip. `scale`: device pixels per photo pixel."""
        level = self._level(max(0, math.floor(-math.log2(scale))))
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
