"""TIFFs that Pillow decodes wrongly or not at all: several bands, or colours, of more than 8 bits.

The directory of the file decides (TIFF 6.0, sec. 2 and 8; BigTIFF has the same tags). Each band, or all of them as one
broad grey picture, is handed to the decoder under a directory of our own: no decoder has to know about bands.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from dataset.deep_picture import DecodeError, DeepPicture, decode_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF and of a BigTIFF."""
BIG_ENDIAN_BIGTIFF = STARTS[3]
MAX_FILE_BYTES = 2**30
"""Of a file that is decoded here: it is read into memory."""
MAX_TAGS, MAX_PLACES = 4096, 2_000_000
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, BANDS = 256, 257, 258, 259, 262, 273, 274, 277
ROWS, COUNTS, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT = 278, 279, 284, 317, 322, 323
TILE_OFFSETS, TILE_COUNTS, EXTRA, SAMPLE_FORMAT = 324, 325, 338, 339
PLACES = (OFFSETS, COUNTS, TILE_OFFSETS, TILE_COUNTS)
KEPT = (COMPRESSION, SAMPLE_FORMAT, ROWS, PREDICTOR, TILE_WIDTH, TILE_HEIGHT)
"""Tags that a directory of our own takes over."""
TAGS = {WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, BANDS, PLANAR, EXTRA, *PLACES, *KEPT}
TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""How the whole numbers of a directory are packed, by its number for them."""
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = SHOWN = (0, 1, 2)  # of PHOTOMETRIC
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # of SAMPLE_FORMAT
DEPTHS = {8: {UNSIGNED, SIGNED}, 16: {UNSIGNED, SIGNED}, 32: {UNSIGNED, SIGNED, FLOAT}, 64: {FLOAT}}
"""Sample formats that are decoded, by the bits of a value."""
SEPARATE = 2  # of PLANAR
ALPHA = (1, 2)  # of EXTRA


@dataclass(frozen=True)
class TiffDirectory:
    """What the first directory of a TIFF says of its picture."""

    tags: dict[int, tuple[int, ...]]
    """The numbers of each of TAGS that it has."""
    start: bytes = STARTS[0]

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first number of a tag."""
        return (self.tags.get(tag) or (default,))[0]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as it is stored."""
        return self.number(WIDTH), self.number(HEIGHT)

    @property
    def orientation(self) -> int:
        """As EXIF's."""
        return self.number(ORIENTATION, 1)

    @property
    def bands(self) -> int:
        """Values of a pixel."""
        return self.number(BANDS, 1)

    @property
    def bits(self) -> tuple[int, ...]:
        """Of each value."""
        return self.tags.get(BITS) or (1,)

    @property
    def is_plain(self) -> bool:
        """Whether Pillow decodes it rightly, if at all.

        It does not know big-endian BigTIFFs, takes the bands of others for colours, drops half of colours of 16 bits,
        and swaps or mixes the bytes of values of more than 8 bits where they are compressed or lie band after band.
        """
        photometric = self.number(PHOTOMETRIC, RGB + 1)
        if self.start == BIG_ENDIAN_BIGTIFF or photometric not in SHOWN:
            return self.start != BIG_ENDIAN_BIGTIFF
        if self.number(PLANAR) == SEPARATE or (self.bands > 1 and photometric != RGB):
            return False
        return max(self.bits) not in DEPTHS or (max(self.bits) == 8 and SIGNED not in self.tags.get(SAMPLE_FORMAT, ()))


def read_directory(file: IO[bytes]) -> TiffDirectory:
    """Return the first directory of a TIFF.

    Raises:
        struct.error: It is truncated.
    """
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    number, size, word = ("Q", "Q", 8) if start[:4] in STARTS[2:] else ("H", "I", 4)
    file.seek(*struct.unpack(f"{order}{size}", start[word : 2 * word]))
    (count,) = struct.unpack(f"{order}{number}", file.read(struct.calcsize(number)))
    entries = file.read(min(count, MAX_TAGS) * (4 + 2 * word))
    tags = {}
    for tag, kind, length, inline in struct.iter_unpack(f"{order}HH{size}{word}s", entries):
        if tag in TAGS and kind in TYPES and tag not in tags:  # the first counts, as in libtiff and Pillow
            packed, value = length * struct.calcsize(TYPES[kind]), inline
            if packed > word:
                file.seek(*struct.unpack(f"{order}{size}", inline))
                value = file.read(min(packed, MAX_PLACES * word))
            tags[tag] = struct.unpack(f"{order}{length}{TYPES[kind]}", value[:packed])
    return TiffDirectory(tags, start[:4])


def decode(file: IO[bytes], directory: TiffDirectory) -> DeepPicture:
    """Decode a TIFF of greys or RGB whose values all have one type.

    Of several bands that are no colours, the first counts.

    Raises:
        DecodeError: It is of another kind.
    """
    bands, photometric = directory.bands, directory.number(PHOTOMETRIC, RGB + 1)
    kinds = set(directory.tags.get(SAMPLE_FORMAT, (UNSIGNED,)))
    bits = set(directory.bits)
    if len(bits) != 1 or len(kinds) != 1 or not kinds <= DEPTHS.get(min(bits), set()) or photometric not in SHOWN:
        raise DecodeError
    file.seek(0)
    data = bytearray(file.read(MAX_FILE_BYTES + 1))
    if len(data) > MAX_FILE_BYTES:
        raise DecodeError
    _check_places(directory, len(data))
    colours = 3 if photometric == RGB and bands >= 3 else 1
    has_alpha = bands > colours and directory.number(EXTRA) in ALPHA
    if directory.number(PLANAR) == SEPARATE and bands > 1:
        planes = [_plane(data, directory, band) for band in range(colours + has_alpha)]
    else:
        together = _together(data, directory)
        planes = [together[..., band] for band in range(colours + has_alpha)]
    values = planes[0] if colours == 1 else np.stack(planes[:3], 2)
    return DeepPicture(values, planes[-1] if has_alpha else None, photometric == WHITE_IS_ZERO)


def _check_places(directory: TiffDirectory, size: int) -> None:
    """Check that all strips or tiles lie in a file of a size; decoders pass over what is missing.

    Raises:
        EOFError: One does not.
    """
    for offsets, counts in ((OFFSETS, COUNTS), (TILE_OFFSETS, TILE_COUNTS)):
        places = zip(directory.tags.get(offsets, ()), directory.tags.get(counts, ()), strict=True)
        if any(start + count > size for start, count in places):
            raise EOFError


def _plane(data: bytearray, directory: TiffDirectory, band: int) -> NDArray[Any]:
    """Return a band [height, width] of a TIFF that has one after the other."""
    changed = {}
    for name in PLACES:
        places = directory.tags.get(name, ())
        each = len(places) // directory.bands
        changed[name] = places[band * each : (band + 1) * each]
    return _decode_grey(data, directory, directory.size[0], changed)


def _together(data: bytearray, directory: TiffDirectory) -> NDArray[Any]:
    """Return all bands [height, width, bands] of a TIFF that has the values of each pixel side by side."""
    bands, (width, height) = directory.bands, directory.size
    if bands > 1 and (directory.number(PREDICTOR, 1) != 1 or TILE_WIDTH in directory.tags):
        # Differences are between pixels, and tiles lie side by side: both need a decoder that knows the bands.
        if bands not in (3, 4) or directory.number(PHOTOMETRIC) != RGB:
            raise DecodeError
        values = decode_values(data)
        if values.shape != (height, width, bands):
            raise DecodeError
        return values[..., (2, 1, 0, 3)[:bands]]  # OpenCV has blue first
    places = {name: directory.tags.get(name, ()) for name in PLACES}
    return _decode_grey(data, directory, width * bands, places).reshape(height, width, bands)


def _decode_grey(
    data: bytearray, directory: TiffDirectory, width: int, places: dict[int, tuple[int, ...]]
) -> NDArray[Any]:
    """Return what the strips or tiles at some places hold as one band [height, width]."""
    height = directory.size[1]
    kept = {tag: directory.tags[tag][:1] for tag in KEPT if directory.tags.get(tag)}
    tags = kept | {tag: numbers for tag, numbers in places.items() if numbers}
    tags |= {WIDTH: (width,), HEIGHT: (height,), BITS: directory.bits[:1], BANDS: (1,), PHOTOMETRIC: (BLACK_IS_ZERO,)}
    header, end = bytes(data[:8]), len(data)
    _append_directory(data, tags)
    try:
        values = decode_values(data)
    finally:
        data[:8] = header
        del data[end:]
    if values.shape != (height, width):
        raise DecodeError
    return values


def _append_directory(data: bytearray, tags: dict[int, tuple[int, ...]]) -> None:
    """Give a TIFF another directory, whose values are all 32-bit numbers, at its end."""
    order = "<" if data[:2] == b"II" else ">"
    data += bytes(len(data) % 2)
    data[:8] = data[:2] + struct.pack(f"{order}HI", 42, len(data))
    lists, entries = b"", b""
    start = len(data) + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            lists, packed = lists + packed, struct.pack(f"{order}I", start + len(lists))
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + packed
    data += struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + lists
