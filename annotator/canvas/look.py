"""How the canvas shows a photo and what is on it: for the eye alone, neither written down nor given to a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QImage

MAX_FILL = 60
"""Percent of the most opaque fill of objects at rest: what is under it can still be seen."""
MAX_STRETCH = 50
"""Tenths of a percent of the values at either end that a stretch gives up at most."""
_STEEPEST = 0.98  # of a contrast that is turned up all the way; at 1.0 there would be black and white alone


@dataclass(frozen=True, slots=True)
class Tone:
    """A mapping of the values of a photo, the same for red, green and blue; the default changes nothing."""

    brightness: int = 0
    """-100 to 100, added in percent of the range."""
    contrast: int = 0
    """-100 (all grey) to 100, around the middle."""
    gamma: int = 100
    """In hundredths, 20 to 500: above 100, what is dark becomes lighter."""
    stretch: int = -1
    """Tenths of a percent of the values at either end that become black and white; below 0: no stretch."""

    @property
    def is_neutral(self) -> bool:
        """Whether it changes nothing."""
        return self == Tone()

    def table(self, histogram: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return what becomes of each value, [256]; `histogram` [256] counts how often each occurs in the photo."""
        shares = np.arange(256) / 255
        if self.stretch >= 0:
            low, high = self._ends(histogram)
            shares = np.clip((shares - low) / max(high - low, 1 / 255), 0, 1)
        shares = shares ** (100 / self.gamma)
        slope = np.tan((1 + min(self.contrast / 100, _STEEPEST)) * np.pi / 4)
        shares = (shares - 0.5) * slope + 0.5 + self.brightness / 100
        return np.round(np.clip(shares, 0, 1) * 255).astype(np.uint8)

    def _ends(self, histogram: NDArray[np.int64]) -> tuple[float, float]:
        below = np.cumsum(histogram) / max(1, histogram.sum())
        spare = self.stretch / 1000
        return np.searchsorted(below, spare, "right") / 255, np.searchsorted(below, 1 - spare, "left") / 255


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


def value_counts(image: QImage, samples: int = 1_000_000) -> NDArray[np.int64]:
    """Return how often each value [256] occurs in an RGB32 image, counted on about so many of its pixels."""
    pixels = _pixels(image)
    step = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / samples)))
    return np.bincount(pixels[::step, ::step, :3].ravel(), minlength=256)


def map_values(image: QImage, table: NDArray[np.uint8]) -> None:
    """Replace each value of an RGB32 image by what a table [256] has for it."""
    import cv2  # noqa: PLC0415 - loaded with the first photo; twice as fast as numpy

    pixels = _pixels(image)
    cv2.LUT(pixels, table, dst=pixels)
    pixels[..., 3] = 255


def _pixels(image: QImage) -> NDArray[np.uint8]:
    """Return an RGB32 image's own memory as [height, width, 4]."""
    rows = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)
