"""How the canvas shows a photo and what is on it: for the eye alone, neither written down nor given to a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from annotator.core.tone import Tone

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QImage


@dataclass(frozen=True, slots=True)
class Look:
    """What the canvas shows beside what is on record."""

    tone: Tone = field(default_factory=Tone)
    """Of the photo."""
    fill: int = 0
    """Opacity of objects at rest, in percent."""
    outlines_only: bool = False
    """No object is filled, hovered and selected ones neither."""
    photo_only: bool = False
    """Nothing is shown but the photo."""
    crosshair: bool = False
    """Lines through the cursor, across the photo, while a tool that draws is in hand."""

    @property
    def resting_alpha(self) -> int:
        """Alpha of the fill of objects at rest, of 255."""
        return 0 if self.outlines_only else round(self.fill * 2.55)


def value_counts(pixels: NDArray[np.uint8], samples: int = 1_000_000) -> NDArray[np.int64]:
    """Return how often each value [256] occurs in pixels [height, width, 3], counted on about so many of them."""
    import cv2  # noqa: PLC0415 - loaded with the first photo; ten times as fast as numpy

    step = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / samples)))
    values = np.ascontiguousarray(pixels[::step, ::step]).reshape(-1, 1)
    return cv2.calcHist([values], [0], None, [256], [0, 256]).ravel().astype(np.int64)


def map_values(image: QImage, table: NDArray[np.uint8]) -> None:
    """Replace each value of an RGB32 image by what a table [256] has for it."""
    import cv2  # noqa: PLC0415 - loaded with the first photo; twice as fast as numpy

    pixels = pixels_of(image)
    cv2.LUT(pixels, table, dst=pixels)
    pixels[..., 3] = 255


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """Return an RGB32 image's own memory as [height, width, 4]."""
    rows = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)
