"""Pictures whose values have more than 8 bits, or are floats, and what is shown of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

OUTLIERS = 0.0005
"""Share of the values at either end that may leave the range: one hot pixel must not make all others black."""
MAX_SAMPLES = 4_000_000
"""Pixels that the range is measured on; of a large picture every second, third ... row and column."""
DARK = 0.25
"""Share of the range of whole numbers up to which colours are stretched; what uses more of it is shown as it is."""


class DecodeError(ValueError):
    """A picture is of a kind that is not decoded rightly here."""


class Levels:
    """A linear mapping of values to 0..255."""

    def __init__(self, low: float, high: float) -> None:
        """Values up to `low` become 0, those from `high` on 255; all become 0 where the two are one."""
        self.low, self.high = low, high

    @classmethod
    def of(cls, parts: Iterable[NDArray[Any]], pixels: int) -> Levels:
        """Return the range of a picture of so many pixels, which comes in parts [rows, columns, ...], without outliers.

        Of a few bright dots on black, the dots are no outliers.
        """
        step = int(np.ceil(np.sqrt(max(1.0, pixels / MAX_SAMPLES))))
        values = np.concatenate([part[::step, ::step].astype(np.float64).ravel() for part in parts])
        values = np.sort(values[np.isfinite(values)])
        if not len(values):
            return cls(0.0, 0.0)
        spare = int(OUTLIERS * len(values))
        low, high = float(values[spare]), float(values[-1 - spare])
        return cls(low, high) if low < high else cls(float(values[0]), float(values[-1]))

    def __call__(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the levels of values of any shape; what is not a number becomes the least."""
        if self.high <= self.low:
            return np.zeros(values.shape, np.uint8)
        numbers = np.nan_to_num(values.astype(np.float64), nan=self.low, posinf=self.high, neginf=self.low)
        half_low, half_high = self.low / 2, self.high / 2  # the range itself may be beyond the largest number
        with np.errstate(over="ignore"):
            shares = (numbers / 2 - half_low) / (half_high - half_low)
        return np.round(np.clip(shares, 0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True)
class DeepPicture:
    """A decoded picture whose values are still as in the file."""

    values: NDArray[Any]
    """[height, width], or [height, width, 3] in RGB; as it is stored, not upright."""
    alpha: NDArray[Any] | None = None
    """[height, width], from 0 to the greatest number of its type, or 1.0."""
    is_inverted: bool = False
    """Whether the greatest value is black."""

    def rgb(self, rows: int) -> Iterator[NDArray[np.uint8]]:
        """Yield strips [rows, width, 3] of what is shown: greys stretched, colours too where they would be dark."""
        levels = self._levels()
        alpha = self.alpha if self.alpha is not None and self.alpha.any() else None
        for top in range(0, len(self.values), rows):
            shown = levels(self.values[top : top + rows])
            if self.is_inverted:
                shown = 255 - shown
            if shown.ndim == 2:
                shown = np.repeat(shown[..., None], 3, axis=2)
            yield shown if alpha is None else _on_white(shown, alpha[top : top + rows])

    def _levels(self) -> Levels:
        kind = self.values.dtype
        whole = Levels(0, float(np.iinfo(kind).max)) if kind.kind == "u" else None
        if whole and kind.itemsize == 1:
            return whole
        used = Levels.of([self.values], self.values.shape[0] * self.values.shape[1])
        return whole if whole and self.values.ndim == 3 and used.high >= DARK * whole.high else used


def _on_white(shown: NDArray[np.uint8], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    greatest = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1.0
    share = np.clip(np.nan_to_num(alpha.astype(np.float64)) / greatest, 0, 1)[..., None]
    return np.round(shown * share + 255 * (1 - share)).astype(np.uint8)


def decode_values(data: bytes | bytearray) -> NDArray[Any]:
    """Return what OpenCV decodes of a file, values as they are, blue before red.

    Raises:
        DecodeError: It cannot be decoded.
    """
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise DecodeError
    return values
