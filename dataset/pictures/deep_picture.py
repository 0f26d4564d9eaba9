"""Pictures whose values have more than 8 bits, or are floats, and what is shown of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

OUTLIERS = 0.0005
"""Share of the values at either end that may leave the range: one hot pixel must not make all others black."""
MAX_SAMPLES = 1_000_000
"""Pixels that the range is measured on; of a large picture every second, third ... row and column."""
DARK = 0.25
"""Share of the range of whole numbers up to which colours are stretched; what uses more of it is shown as it is."""
JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
MIN_OPACITY = 0.01
"""Of all pixels together, below which nothing could be seen."""
GAP = 4
"""How many times the range of all other values lies between them and one that stands for no data."""
ROWS = 256
"""Of a part."""


class DecodeError(ValueError):
    """A picture is of a kind that is not decoded rightly here."""


class NoValuesError(ValueError):
    """A picture has no number in it."""


class Levels:
    """A linear mapping of values to 0..255."""

    def __init__(self, low: float, high: float) -> None:
        """Values up to `low` become 0, those from `high` on 255; all become 0 where the two are one."""
        self.low, self.high = low, high

    @classmethod
    def of(cls, samples: Iterable[NDArray[Any]], no_data: float | None = None) -> Levels:
        """Return the range of samples of a picture, without outliers and the value that stands for no data.

        Of a few bright dots on black, the dots are no outliers.

        Raises:
            NoValuesError: No sample is a number.
        """
        parts = list(samples)
        values = np.concatenate([part.astype(np.float64).ravel() for part in parts])
        values = np.sort(values[np.isfinite(values) & (values != no_data)])
        if not len(values):
            raise NoValuesError
        values = -_without_sentinel(-_without_sentinel(values)[::-1])[::-1]
        return cls(*_range(values))

    def __call__(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the levels of values of any shape; what is not a number becomes the least."""
        if values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and values.size > 2 << 16:  # a table is faster
            every = np.arange(1 << 8 * values.dtype.itemsize).astype(f"u{values.dtype.itemsize}")
            return self(every.view(values.dtype))[values.view(every.dtype)]
        if self.high <= self.low:
            return np.zeros(values.shape, np.uint8)
        numbers = np.nan_to_num(values.astype(np.float64), nan=self.low, posinf=self.high, neginf=self.low)
        half_low, half_high = self.low / 2, self.high / 2  # the range itself may be beyond the largest number
        with np.errstate(over="ignore"):
            shares = (numbers / 2 - half_low) / (half_high - half_low)
        return np.round(np.clip(shares, 0, 1) * 255).astype(np.uint8)


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the least and the greatest of sorted values without outliers, or else with them."""
    spare = int(OUTLIERS * len(values))
    low, high = float(values[spare]), float(values[-1 - spare])
    return (low, high) if low < high else (float(values[0]), float(values[-1]))


def _without_sentinel(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sorted values without the least one where it is far from all others: -9999 for no data, and such."""
    rest = values[np.searchsorted(values, values[0], side="right") :]
    if not len(rest):
        return values
    low, high = _range(rest)
    with np.errstate(over="ignore"):
        return rest if (rest[0] - values[0]) / GAP > high - low > 0 else values


class Part(NamedTuple):
    """Some rows of a picture, as wide as it is."""

    values: NDArray[Any]
    """[rows, width], or [rows, width, 3] in RGB; as they are stored, not upright."""
    alpha: NDArray[Any] | None = None
    """[rows, width], from 0 to the greatest number of its type, or 1.0."""


@dataclass(frozen=True)
class DeepPicture:
    """A picture whose values are as in the file, and what is shown of them."""

    parts: Callable[[], Iterable[Part]]
    """Returns its parts from top to bottom; called twice where there is something to measure."""
    size: tuple[int, int]
    """(width, height) as it is stored."""
    kind: np.dtype[Any]
    """Of the values."""
    has_alpha: bool = False
    is_premultiplied: bool = False
    """Whether the colours are multiplied with alpha already."""
    is_inverted: bool = False
    """Whether the greatest value is black."""
    no_data: float | None = None
    """What stands for no value."""

    @classmethod
    def of(cls, values: NDArray[Any], alpha: NDArray[Any] | None = None, *, is_inverted: bool = False) -> DeepPicture:
        """Return the picture of values [height, width] or [height, width, 3] that are all there."""

        def parts() -> Iterator[Part]:
            for top in range(0, len(values), ROWS):
                yield Part(values[top : top + ROWS], None if alpha is None else alpha[top : top + ROWS])

        size = (values.shape[1], values.shape[0])
        return cls(parts, size, values.dtype, has_alpha=alpha is not None, is_inverted=is_inverted)

    def rgb(self) -> Iterator[NDArray[np.uint8]]:
        """Yield parts [rows, width, 3] of what is shown: greys stretched, colours too where they would be dark."""
        is_bytes = self.kind == np.uint8
        levels, heeds_alpha = (None, False) if is_bytes and not self.has_alpha else self._measured()
        for values, alpha in self.parts():
            shown = values if levels is None or is_bytes else levels(values)
            if self.is_inverted:
                shown = 255 - shown
            if shown.ndim == 2:
                shown = np.repeat(shown[..., None], 3, axis=2)
            yield _on_white(shown, alpha, straight=not self.is_premultiplied) if heeds_alpha else shown

    def _measured(self) -> tuple[Levels, bool]:
        """Return the range of the values, and whether alpha is to be heeded."""
        step = int(np.ceil(np.sqrt(max(1.0, self.size[0] * self.size[1] / MAX_SAMPLES))))
        sampled = [
            Part(values[::step, ::step].copy(), None if alpha is None else alpha[::step, ::step].copy())
            for values, alpha in self.parts()
        ]
        return self._levels([part.values for part in sampled]), self.has_alpha and _hides_nothing(sampled)

    def _levels(self, samples: Sequence[NDArray[Any]]) -> Levels:
        whole = Levels(0, float(np.iinfo(self.kind).max)) if self.kind.kind == "u" else None
        if whole and self.kind.itemsize == 1:
            return whole
        used = Levels.of(samples, self.no_data)
        return whole if whole and samples[0].ndim == 3 and used.high >= DARK * whole.high else used


def _hides_nothing(parts: Sequence[Part]) -> bool:
    """Return whether what alpha hides is of one colour, or little: else it holds something else than transparency.

    Nobody takes a picture of which hardly anything is to be seen. Some programs write an alpha of zeros to every
    picture, and some satellites' fourth band, near infrared, is called alpha.
    """
    opacity = np.concatenate([_shares(part.alpha).ravel() for part in parts if part.alpha is not None])
    if opacity.mean() >= MIN_OPACITY:
        return True
    values = np.concatenate([part.values.reshape(-1, *part.values.shape[2:]) for part in parts])[opacity < MIN_OPACITY]
    return len(values) > 0 and bool(opacity.any() and (values == values[0]).all())


def _shares(alpha: NDArray[Any]) -> NDArray[np.float32]:
    greatest = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1.0
    return np.clip(np.nan_to_num(alpha.astype(np.float32)) / np.float32(greatest), 0, 1)


def _on_white(shown: NDArray[np.uint8], alpha: NDArray[Any] | None, *, straight: bool) -> NDArray[np.uint8]:
    if alpha is None:
        return shown
    if alpha.dtype == np.uint8:
        share = alpha[..., None].astype(np.uint16)
        mixed = (
            (shown * share + 255 * (255 - share) + 127) // 255 if straight else np.minimum(shown + (255 - share), 255)
        )
        return mixed.astype(np.uint8)
    share = _shares(alpha)[..., None]
    return np.round(np.minimum(shown * (share if straight else 1) + 255 * (1 - share), 255)).astype(np.uint8)


def decode_values(data: bytes | bytearray) -> NDArray[Any]:
    """Return what OpenCV decodes of a file, values as they are, blue before red.

    Raises:
        DecodeError: It cannot be decoded.
    """
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise DecodeError
    return values


def decode_rgb(data: bytes) -> NDArray[np.uint8]:
    """Return what OpenCV decodes of a JPEG or PNG as RGB [height, width, 3], not turned.

    Raises:
        DecodeError: It cannot be decoded.
        EOFError: A JPEG has no end: what is missing would be grey.
    """
    if data[:2] == JPEG_START and data.find(JPEG_END, data.rfind(JPEG_SCAN)) < 0:
        raise EOFError
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise DecodeError
    return pixels.astype(np.uint8, copy=False)
