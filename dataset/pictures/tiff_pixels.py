"""The pixels of a TIFF, some rows at a time: strips or tiles of any layout, greys and colours of whole bytes.

Of a strip or tile a library decompresses the bytes alone; what they mean (bands, predictors, byte order) is the same
for all compressions (TIFF 6.0, sec. 9, 13 to 15 and 22; Adobe's technical notes 2 and 3). So no more than some rows of
a picture are in memory, whatever its size.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from dataset.pictures import tiff
from dataset.pictures.deep_picture import DecodeError, DeepPicture, Part
from dataset.pictures.photo_errors import check_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dataset.pictures.tiff import TiffDirectory

ROWS = 256
"""Rows that are decoded together where strips or tiles have fewer."""
MAX_RATIO = 5000
"""Bytes that one of LZW, Deflate and PackBits can stand for; a file that claims more has a part missing."""
MAX_SPARSENESS = 20_000
"""Pixels a byte of a file: strips and tiles may be left out, but not nearly all."""
NO_JFIF, ADOBE = b"\xff\xe0", b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"


def decode(file: IO[bytes], directory: TiffDirectory, bands: Sequence[int] = ()) -> DeepPicture:
    """Return a picture of a TIFF whose parts are decoded when they are asked for.

    Args:
        file: The file, open as long as the picture is used.
        directory: Of the page.
        bands: One to be grey, or three to be red, green and blue. Without, of several bands that are no colours, the
            first counts.

    Raises:
        DecodeError: It is none that is decoded here.
        EOFError: A part of it is not in the file.
        PhotoError: Its strips or tiles are too large.
    """
    if not directory.is_decoded_here:
        raise DecodeError
    if bands and (max(bands) >= directory.choosable_bands or len(bands) not in (1, 3)):
        raise DecodeError
    chosen = list(bands) or list(range(directory.colours))
    has_alpha = not bands and bool(directory.alpha)
    wanted = [*chosen, directory.colours] if has_alpha else chosen
    layout = _layout(file, directory)
    check_memory(3 * layout.rows * layout.row_bytes * layout.across_count + 4 * directory.size[0] * directory.size[1])

    def parts() -> Iterator[Part]:
        for values in _rows(file, directory, layout, wanted):
            colours = values[..., 0] if len(chosen) == 1 else values[..., :3]
            yield Part(colours, values[..., -1] if has_alpha else None)

    return DeepPicture(
        parts,
        directory.size,
        np.dtype(directory.kind),
        has_alpha=has_alpha,
        is_premultiplied=directory.alpha == tiff.PREMULTIPLIED,
        is_inverted=directory.number(tiff.PHOTOMETRIC) == tiff.WHITE_IS_ZERO,
        no_data=directory.no_data,
    )


@dataclass(frozen=True)
class _Segments:
    """Strips or tiles of a picture; strips are as wide as it is."""

    width: int
    """Of one, in pixels."""
    height: int
    """Of one; the last strip may have fewer rows."""
    places: tuple[tuple[int, int], ...]
    """(offset, bytes) of each in the file, row after row of them, plane after plane."""
    across_count: int
    down_count: int
    samples: int
    """Values of a pixel in one: all bands, or one."""
    row_bytes: int
    """Of a row in one, decompressed."""
    is_tiled: bool

    @property
    def together(self) -> int:
        """Rows of strips or tiles that are decoded at once."""
        return max(1, ROWS // self.height)

    @property
    def rows(self) -> int:
        """Rows of pixels that are decoded at once."""
        return self.together * self.height


def _layout(file: IO[bytes], directory: TiffDirectory) -> _Segments:
    (width, height), code = directory.size, directory.number(tiff.COMPRESSION, tiff.NONE)
    is_tiled, (across, down), offsets = directory.is_tiled, directory.segment, directory.offsets
    counts = directory.tags.get(tiff.TILE_COUNTS if is_tiled else tiff.COUNTS)
    if min(across, down, directory.bands) < 1 or not offsets:
        raise EOFError
    samples = 1 if directory.number(tiff.PLANAR) == tiff.SEPARATE else directory.bands
    row_bytes = across * samples * int(directory.kind[1:])
    if counts is None and code == tiff.NONE:
        counts = (row_bytes * down,) * len(offsets)
    if not is_tiled and code == tiff.NONE and down > ROWS and directory.bands == samples:  # cut into smaller ones
        starts = [(offset, top) for offset in offsets for top in range(0, down, ROWS)]
        offsets = tuple(offset + top * row_bytes for offset, top in starts)
        counts = tuple(min(ROWS, down - top) * row_bytes for _, top in starts)
        if down % ROWS and len(starts) > -(-down // ROWS):
            raise DecodeError  # several strips, none of which is a multiple
        down = ROWS
    across_count, down_count = -(-width // across), -(-height // down)
    planes = directory.bands // samples
    places = tuple(zip(offsets, counts or (), strict=False))
    size = os.fstat(file.fileno()).st_size
    if len(places) < across_count * down_count * planes or width * height > MAX_SPARSENESS * size:
        raise EOFError
    return _Segments(across, down, places, across_count, down_count, samples, row_bytes, is_tiled)


def _rows(file: IO[bytes], directory: TiffDirectory, layout: _Segments, bands: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Yield the wanted bands [rows, width, bands] of all rows from top to bottom."""
    width, height = directory.size
    for first in range(0, layout.down_count, layout.together):
        rows = min(layout.rows, height - first * layout.height)
        if layout.samples == directory.bands:
            values = _chosen(_block(file, directory, layout, first, 0), bands)
        else:
            planes = {band: _block(file, directory, layout, first, band) for band in set(bands)}
            values = np.concatenate([planes[band] for band in bands], 2)
        yield values[:rows, :width]


def _chosen(values: NDArray[Any], bands: Sequence[int]) -> NDArray[Any]:
    first, count = bands[0], len(bands)
    in_order = list(bands) == list(range(first, first + count))
    return values[..., first : first + count] if in_order else values[..., list(bands)]


def _block(file: IO[bytes], directory: TiffDirectory, layout: _Segments, first: int, plane: int) -> NDArray[Any]:
    """Return [rows, columns, values] of some rows of strips or tiles, whole ones: more than the picture has."""
    across, down = layout.across_count, min(layout.together, layout.down_count - first)
    start = (plane * layout.down_count + first) * across
    places = layout.places[start : start + across * down]
    short = 0 if layout.is_tiled else max(0, (first + down) * layout.height - directory.size[1])
    if short and down > 1:  # the last strip has fewer rows
        parts = (
            _decoded(file, directory, layout, places[:-1], 0),
            _decoded(file, directory, layout, places[-1:], short),
        )
        return np.concatenate(parts)
    tiles = _decoded(file, directory, layout, places, short)
    if across == 1:
        return tiles
    tiles = tiles.reshape(down, across, layout.height, layout.width, layout.samples)
    return tiles.swapaxes(1, 2).reshape(down * layout.height, across * layout.width, layout.samples)


def _decoded(
    file: IO[bytes], directory: TiffDirectory, layout: _Segments, places: Sequence[tuple[int, int]], short: int
) -> NDArray[Any]:
    """Return the values [rows, columns, values] of strips or tiles, one below the other.

    `short`: rows that they have less than others.
    """
    rows, code = layout.height - short, directory.number(tiff.COMPRESSION, tiff.NONE)
    size = rows * layout.row_bytes
    packed = [_read(file, place, size, code) for place in places]
    if code == tiff.JPEG:
        shape = (rows, layout.width, layout.samples)
        return np.concatenate([_from_jpeg(data, directory, shape) for data in packed])
    if code in (tiff.LZW, tiff.PACKBITS, tiff.LZMA, tiff.ZSTD):
        raw = _unpacked(packed, code, layout.row_bytes, rows)
    else:
        whole = b"".join(packed if code == tiff.NONE else (_inflated(data, size) for data in packed))
        raw = np.frombuffer(whole, np.uint8).reshape(len(places) * rows, layout.row_bytes)
    return _values(raw, directory, (len(raw), layout.width, layout.samples))


def _read(file: IO[bytes], place: tuple[int, int], size: int, code: int) -> bytes:
    """Return a strip or tile as it is in the file; b"" for one that was left out because it is empty."""
    offset, count = place
    if code == tiff.NONE and count:
        count = size
    file.seek(offset)
    is_whole = offset + count <= os.fstat(file.fileno()).st_size
    if not is_whole or (count and code not in (tiff.LZMA, tiff.ZSTD) and size > MAX_RATIO * (count + 10)):
        raise EOFError
    return file.read(count) if count else bytes(size if code == tiff.NONE else 0)


def _inflated(data: bytes, size: int) -> bytes:
    if not data:
        return bytes(size)
    stream = zlib.decompressobj()
    found = stream.decompress(data, size)
    if len(found) < size:
        raise EOFError
    stream.decompress(stream.unconsumed_tail, 1)  # of the end its checksum is compared
    return found


def _unpacked(packed: Sequence[bytes], code: int, row_bytes: int, rows: int) -> NDArray[np.uint8]:
    """Return the bytes [rows of all, row_bytes] of strips or tiles.

    Pillow reads them, as the strips of a grey TIFF that has nothing else.
    """
    found = np.zeros((len(packed), rows, row_bytes), np.uint8)
    there = [number for number, data in enumerate(packed) if data]
    if not there:
        return found.reshape(-1, row_bytes)
    counts = [len(packed[number]) for number in there]
    starts = (8 + np.cumsum([0, *counts[:-1]])).tolist()
    tags = {
        tiff.WIDTH: [row_bytes],
        tiff.HEIGHT: [rows * len(there)],
        tiff.BITS: [8],
        tiff.COMPRESSION: [code],
        tiff.PHOTOMETRIC: [tiff.BLACK_IS_ZERO],
        tiff.OFFSETS: starts,
        tiff.BANDS: [1],
        tiff.ROWS: [rows],
        tiff.COUNTS: counts,
    }
    body = b"".join(packed)
    body += bytes(len(body) % 2)
    lists, entries, end = b"", b"", 8 + len(body) + 2 + 12 * len(tags) + 4
    for tag, numbers in tags.items():
        told = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            lists, told = lists + told, struct.pack("<I", end + len(lists))
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + told
    made = b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + entries + bytes(4)
    with Image.open(io.BytesIO(made + lists), formats=("TIFF",)) as picture:
        found[there] = np.asarray(picture).reshape(len(there), rows, row_bytes)
    return found.reshape(-1, row_bytes)


def _from_jpeg(data: bytes, directory: TiffDirectory, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return the values of a strip or tile that is a JPEG, with tables that are in the directory (technical note 2)."""
    if not data:
        return np.zeros(shape, np.uint8)
    if data[2:4] == NO_JFIF:  # which would have the colours be others than the directory says
        data = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
    colours = ADOBE + bytes([directory.number(tiff.PHOTOMETRIC) == tiff.YCBCR]) if shape[2] == 3 else b""
    tables = bytes(directory.tags.get(tiff.JPEG_TABLES, ()))[2:-2]
    with Image.open(io.BytesIO(data[:2] + colours + tables + data[2:]), formats=("JPEG",)) as picture:
        if picture.size[0] != shape[1] or picture.size[1] < shape[0] or len(picture.getbands()) != shape[2]:
            raise DecodeError
        return np.asarray(picture).reshape(-1, *shape[1:])[: shape[0]]


def _values(raw: NDArray[np.uint8], directory: TiffDirectory, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Return what bytes [rows, bytes of a row] mean, values of a shape in this machine's byte order."""
    kind, predictor = np.dtype(directory.kind), directory.number(tiff.PREDICTOR, 1)
    if directory.number(tiff.COMPRESSION, tiff.NONE) in (tiff.NONE, tiff.PACKBITS):
        predictor = 1  # which it is for LZW and its successors alone
    rows, columns, samples = shape
    if predictor == tiff.FLOAT_DIFFERENCES:  # of bytes; the first of all values come first
        sums = np.cumsum(raw.reshape(rows, columns * kind.itemsize, samples), axis=1, dtype=np.uint8)
        ordered = sums.reshape(rows, kind.itemsize, columns * samples).swapaxes(1, 2)
        return np.ascontiguousarray(ordered).view(kind.newbyteorder(">")).reshape(shape).astype(kind)
    order = "<" if directory.start[:2] == b"II" else ">"
    values = raw.view(kind.newbyteorder(order)).reshape(shape).astype(kind, copy=False)
    if predictor != tiff.DIFFERENCES:
        return values
    whole = values.view(f"u{kind.itemsize}")
    return np.cumsum(whole, axis=1, dtype=whole.dtype).view(kind)
