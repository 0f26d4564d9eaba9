"""The masks of Label Studio's brush: runs of RGBA values, row by row, packed into bits (thi.ng's rle-pack).

A header: how many values (32 bits), bits of a value less 1 (5), and four widths of run lengths, each less 1 (4 each).
Then, until all values are there: a bit that is set for a run, 2 bits for the place of the width, the length less 1 in
as many bits, and the value, or for what is no run as many values. The mask is the fourth of each four values, alpha.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataset.masks import MAX_DECODED

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANNELS = 4
WIDTHS = (3, 4, 8, 16)
"""Bits of run lengths, as Label Studio writes them."""
_VALUE_BITS = 8
_INSIDE = 255


class _Bits:
    """Reads a byte string bit by bit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, count: int) -> int:
        """Return the number in the next bits, 32 at most. Raises ValueError at the end."""
        start, self._at = self._at, self._at + count
        last = (self._at + 7) // 8
        if last > len(self._data):
            raise ValueError("its mask ends too early")
        return (int.from_bytes(self._data[start // 8 : last]) >> (8 * last - self._at)) & ((1 << count) - 1)

    def read_many(self, count: int, width: int) -> NDArray[np.int64]:
        """Return numbers [count] of `width` bits each. Raises ValueError at the end."""
        start, self._at = self._at, self._at + count * width
        if self._at > 8 * len(self._data):
            raise ValueError("its mask ends too early")
        chunk = np.frombuffer(self._data, np.uint8, (self._at + 7) // 8 - start // 8, start // 8)
        bits = np.unpackbits(chunk)[start % 8 :][: count * width].reshape(count, width)
        return bits @ (np.int64(1) << np.arange(width)[::-1])


def decode_brush(packed: list[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask [height, width] of a brush.

    Args:
        packed: Bytes.
        size: (width, height) of the image.

    Raises:
        ValueError, OverflowError, TypeError: It is damaged, of another size, or larger than any photo.
    """
    width, height = size
    bits = _Bits(bytes(packed))
    count = bits.read(32)
    if min(size) < 1 or width * height > MAX_DECODED or count != CHANNELS * width * height:
        raise ValueError("its mask is not of the size of the photo")
    value_bits = bits.read(5) + 1
    widths = [bits.read(4) + 1 for _ in range(4)]
    values: list[NDArray[np.int64]] = []
    lengths: list[NDArray[np.int64]] = []
    done = 0
    while done < count:
        is_run, place = bits.read(1), bits.read(2)
        length = bits.read(widths[place]) + 1
        values.append(bits.read_many(1 if is_run else length, value_bits))
        lengths.append(np.array([length]) if is_run else np.ones(length, np.int64))
        done += length
    ends = np.minimum(np.cumsum(np.concatenate(lengths)), count)
    alphas = np.diff(ends // CHANNELS, prepend=0)  # of each run: the fourth of four values is there when they end
    return np.repeat(np.concatenate(values) > 0, alphas).reshape(height, width)


def encode_brush(mask: NDArray[np.uint8]) -> list[int]:
    """Return a mask [height, width] of 0 and 1 as the bytes of a brush."""
    flat = mask.ravel()
    starts = np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1))
    header = f"{CHANNELS * flat.size:032b}{_VALUE_BITS - 1:05b}" + "".join(f"{width - 1:04b}" for width in WIDTHS)
    words = [header]
    for value, length in zip(flat[starts].tolist(), np.diff(starts, append=flat.size).tolist(), strict=True):
        words += _run(_INSIDE if value else 0, CHANNELS * length)
    bits = "".join(words)
    bits += "0" * (8 - len(bits) % 8)
    return list(int(bits, 2).to_bytes(len(bits) // 8))


def _run(value: int, length: int) -> list[str]:
    words = []
    while length > 0:
        part = min(length, 1 << WIDTHS[-1])
        place = next(i for i, width in enumerate(WIDTHS) if part <= 1 << width)
        words.append(f"1{place:02b}{part - 1:0{WIDTHS[place]}b}{value:0{_VALUE_BITS}b}")
        length -= part
    return words
