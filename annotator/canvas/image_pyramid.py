"""The photo, painted fast at every zoom, whatever its size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from annotator.canvas.look import pixels_of, value_counts
from annotator.canvas.style import CRISP_FROM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Xy = tuple[float, float]

_COUNTED = 100_000_000  # values of the largest level on which values are counted
_MARGIN = 2  # pixels of a level around what is exposed, so that interpolation at its edges is as inside


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
    """An upright photo with smaller versions of itself, each half the one before.

    Zoomed out, the painter would skip pixels (which sparkles) or average all of them at every repaint (which is slow);
    a half-sized version averages once. They take a second to make for very large photos: not in the GUI thread. The
    levels have 4 bytes a pixel. What is in view is converted when it is painted, so the time goes with the view.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        """`pixels`: [height, width, 3] RGB; kept as they are, and not to be written to any more."""
        self._levels = [pixels]
        self._counts: NDArray[np.int64] | None = None
        while min(pixels.shape[:2]) > 1:
            pixels = _resized(pixels, pixels.shape[1] // 2, pixels.shape[0] // 2)
            self._levels.append(pixels)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The photo itself, [height, width, 3] RGB; not to be written to."""
        return self._levels[0]

    @property
    def size(self) -> QSize:
        """In photo pixels."""
        return QSize(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def byte_count(self) -> int:
        """What all levels take."""
        return sum(level.nbytes for level in self._levels)

    @property
    def value_counts(self) -> NDArray[np.int64]:
        """How often each value [256] occurs, counted once, on a sample of the pixels."""
        if self._counts is None:
            fitting = (level for level in self._levels if level.size <= _COUNTED)  # far reads take long
            self._counts = value_counts(next(fitting, self._levels[-1]))
        return self._counts

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """Return red, green and blue of a photo pixel. (0, 0, 0) outside."""
        if not (0 <= x < self.size.width() and 0 <= y < self.size.height()):
            return 0, 0, 0
        red, green, blue = self.pixels[y, x].tolist()
        return red, green, blue

    @staticmethod
    def level_at(scale: float) -> int:
        """Return which version is painted, 0 for the photo. `scale`: device pixels per photo pixel."""
        return max(0, math.floor(-math.log2(scale)))

    def excerpt(self, at: Xy, side: int, number: int) -> Excerpt:
        """Return what is around a point of the photo in one of its versions.

        `side`: pixels of the excerpt in either direction, fewer where there are no more.
        """
        level = self._level(number)
        rows, columns = level.shape[:2]
        across, down = columns / self.size.width(), rows / self.size.height()
        width, height = min(side, columns), min(side, rows)
        left = min(max(round(at[0] * across - width / 2), 0), columns - width)
        top = min(max(round(at[1] * down - height / 2), 0), rows - height)
        part = level[top : top + height, left : left + width, ::-1]
        return Excerpt(np.ascontiguousarray(part), left, top, across, down)

    def thumbnail(self, height: int) -> QImage:
        """Return the whole photo in so many rows, in memory of its own."""
        fitting = [level for level in self._levels if level.shape[0] >= height] or self._levels[:1]
        width = max(1, round(height * self.size.width() / self.size.height()))
        return _image(_resized(fitting[-1], width, height))

    def paint(self, painter: QPainter, target: QRectF, scale: float, exposed: QRectF) -> None:
        """Paint what is in `exposed` of the photo, all of which is at `target`, under the painter's clip.

        Args:
            painter: Of the view or a part of it.
            target: Where the photo is.
            scale: Device pixels per photo pixel.
            exposed: What has to be painted; more may be.
        """
        level = self._level(self.level_at(scale))
        rows, columns = level.shape[:2]
        across, down = columns / target.width(), rows / target.height()
        seen = (exposed & target).translated(-target.topLeft())
        left = max(0, math.floor(seen.left() * across) - _MARGIN)
        top = max(0, math.floor(seen.top() * down) - _MARGIN)
        right = min(columns, math.ceil(seen.right() * across) + _MARGIN)
        bottom = min(rows, math.ceil(seen.bottom() * down) + _MARGIN)
        if seen.isEmpty() or left >= right or top >= bottom:
            return
        part = level[top:bottom, left:right]
        place = QRectF(left / across, top / down, (right - left) / across, (bottom - top) / down)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < CRISP_FROM)
        image = _image(part)
        painter.drawImage(place.translated(target.topLeft()), image, QRectF(image.rect()))

    def _level(self, number: int) -> NDArray[np.uint8]:
        return self._levels[min(number, len(self._levels) - 1)]


def _image(pixels: NDArray[np.uint8]) -> QImage:
    """Return pixels [height, width, 3] RGB in the format that is painted without conversion."""
    import cv2  # noqa: PLC0415 - loaded with the first photo

    image = QImage(pixels.shape[1], pixels.shape[0], QImage.Format.Format_RGB32)
    cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA, dst=pixels_of(image))
    return image


def _resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return pixels averaged over areas."""
    import cv2  # noqa: PLC0415 - loaded with the first photo

    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
