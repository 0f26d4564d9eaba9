"""The tone that a photo is shown in: brightness, contrast, gamma and stretch, as one table of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
