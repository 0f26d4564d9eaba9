"""TIFFs that Pillow decodes wrongly or not at all: several bands, or colours, of more than 8 bits.

The directory of the file decides (TIFF 6.0, sec. 2 and 8; BigTIFF has the same tags). Each band, or all of them as one
broad grey picture, is handed to the decoder under a directory of our own: no decoder has to know about bands.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from dataset.pictures.deep_picture import DecodeError, DeepPicture, decode_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF and of a BigTIFF."""
BIG_ENDIAN_BIGTIFF = STARTS[3]
MAX_FILE_BYTES = 2**30
"""Of a file that is decoded here: it is read into memory."""
MAX_TAGS, MAX_PLACES = 4096, 2_000_000
MAX_PAGES = 4096
KIND, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS = 254, 256, 257, 258, 259, 262, 273
ORIENTATION, BANDS = 274, 277
ROWS, COUNTS, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT = 278, 279, 284, 317, 322, 323
TILE_OFFSETS, TILE_COUNTS, EXTRA, SAMPLE_FORMAT = 324, 325, 338, 339
PLACES = (OFFSETS, COUNTS, TILE_OFFSETS, TILE_COUNTS)
KEPT = (COMPRESSION, SAMPLE_FORMAT, ROWS, PREDICTOR, TILE_WIDTH, TILE_HEIGHT)
"""Tags that a directory of our own takes over."""
TAGS = {KIND, WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, BANDS, PLANAR, EXTRA, *PLACES, *KEPT}
TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""How the whole numbers of a directory are packed, by its number for them."""
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = SHOWN = (0, 1, 2)  # of PHOTOMETRIC
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # of SAMPLE_FORMAT
DEPTHS = {8: {UNSIGNED, SIGNED}, 16: {UNSIGNED, SIGNED}, 32: {UNSIGNED, SIGNED, FLOAT}, 64: {FLOAT}}
"""Sample formats that are decoded, by the bits of a value."""
SEPARATE = 2  # of PLANAR
ALPHA = (1, 2)  # of EXTRA
REDUCED, MASK = 1, 4  # bits of KIND
PLAIN_CODES = (1, 5, 8, 32773, 32946)
"""Of COMPRESSION: none, LZW, Deflate and PackBits, which know of bytes alone. Others, such as JPEG, know of bands."""
DIFFERENCES = 2  # of PREDICTOR: each value is what it is more than the one before, band by band


@dataclass(frozen=True)
class TiffDirectory:
    """What the first directory of a TIFF says of its picture."""

    tags: dict[int, tuple[int, ...]]
    """The numbers of each of TAGS that it has."""
    start: bytes = STARTS[0]
    number_in_file: int = 0
    """Of all the directories."""

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
    def choosable_bands(self) -> int:
        """Bands to choose among; 0 where they are grey or colours, perhaps with an alpha channel, or cannot be told."""
        photometric = self.number(PHOTOMETRIC, RGB + 1)
        usual = 3 if photometric == RGB else 1
        usual += self.bands > usual and self.number(EXTRA) in ALPHA
        known = photometric in SHOWN and self.number(COMPRESSION, 1) in PLAIN_CODES
        whole = len(set(self.bits)) == 1 and self.bits[0] in DEPTHS and self.number(PREDICTOR, 1) in (1, DIFFERENCES)
        return self.bands if known and whole and self.bands > usual else 0

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
    return next(_directories(file))


def read_pages(file: IO[bytes]) -> list[TiffDirectory]:
    """Return the directories of all pages as large as the first, without smaller versions and masks of them."""
    pages: list[TiffDirectory] = []
    try:
        for directory in _directories(file):
            is_other = directory.number(KIND) & (REDUCED | MASK)
            first = pages[0] if pages else directory
            alike = (directory.size, directory.orientation) == (first.size, first.orientation)
            if directory is first or (alike and not is_other):
                pages.append(directory)
    except struct.error:  # what is behind the first is missing
        if not pages:
            raise
    return pages


def _directories(file: IO[bytes]) -> Iterator[TiffDirectory]:
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    number, size, word = ("Q", "Q", 8) if start[:4] in STARTS[2:] else ("H", "I", 4)
    (place,) = struct.unpack(f"{order}{size}", start[word : 2 * word])
    seen: set[int] = set()
    while (place or not seen) and place not in seen and len(seen) < MAX_PAGES:
        file.seek(place)
        (count,) = struct.unpack(f"{order}{number}", file.read(struct.calcsize(number)))
        entries = file.read(min(count, MAX_TAGS) * (4 + 2 * word))
        after = file.read(word)
        tags = {}
        for tag, kind, length, inline in struct.iter_unpack(f"{order}HH{size}{word}s", entries):
            if tag in TAGS and kind in TYPES and tag not in tags:  # the first counts, as in libtiff and Pillow
                packed, value = length * struct.calcsize(TYPES[kind]), inline
                if packed > word:
                    file.seek(*struct.unpack(f"{order}{size}", inline))
                    value = file.read(min(packed, MAX_PLACES * word))
                tags[tag] = struct.unpack(f"{order}{length}{TYPES[kind]}", value[:packed])
        yield TiffDirectory(tags, start[:4], len(seen))
        seen.add(place)
        (place,) = struct.unpack(f"{order}{size}", after)


def decode(file: IO[bytes], directory: TiffDirectory, bands: Sequence[int] = ()) -> DeepPicture:
    """Decode a TIFF of greys or RGB whose values all have one type.

    Args:
        file: The file.
        directory: Of the page.
        bands: One to be grey, or three to be red, green and blue. Without, of several bands that are no colours, the
            first counts.

    Raises:
        DecodeError: It is of another kind.
    """
    photometric = directory.number(PHOTOMETRIC, RGB + 1)
    kinds = set(directory.tags.get(SAMPLE_FORMAT, (UNSIGNED,)))
    bits = set(directory.bits)
    if len(bits) != 1 or len(kinds) != 1 or not kinds <= DEPTHS.get(min(bits), set()) or photometric not in SHOWN:
        raise DecodeError
    if bands and (max(bands) >= directory.choosable_bands or len(bands) not in (1, 3)):
        raise DecodeError
    file.seek(0)
    data = bytearray(file.read(MAX_FILE_BYTES + 1))
    if len(data) > MAX_FILE_BYTES:
        raise DecodeError
    _check_places(directory, len(data))
    usual = 3 if photometric == RGB and directory.bands >= 3 else 1
    chosen = list(bands) or list(range(usual))
    has_alpha = not bands and directory.bands > usual and directory.number(EXTRA) in ALPHA
    wanted = [*chosen, usual] if has_alpha else chosen
    if directory.number(PLANAR) == SEPARATE and directory.bands > 1:
        planes = {band: _plane(data, directory, band) for band in set(wanted)}
    else:
        together = _together(data, directory)
        planes = {band: together[..., band] for band in wanted}
    values = planes[chosen[0]] if len(chosen) == 1 else np.stack([planes[band] for band in chosen], 2)
    return DeepPicture(values, planes[usual] if has_alpha else None, photometric == WHITE_IS_ZERO)


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
    places = {name: directory.tags.get(name, ()) for name in PLACES}
    if bands == 1:
        return _decode_grey(data, directory, width, places)[..., None]
    predictor = directory.number(PREDICTOR, 1)
    if predictor not in (1, DIFFERENCES) or directory.number(COMPRESSION, 1) not in PLAIN_CODES:
        # These need a decoder that knows the bands.
        if bands not in (3, 4) or directory.number(PHOTOMETRIC) != RGB or directory.number_in_file:
            raise DecodeError
        values = decode_values(data)
        if values.shape != (height, width, bands):
            raise DecodeError
        return values[..., (2, 1, 0, 3)[:bands]]  # OpenCV has blue first
    # One broad grey picture: a row of a strip or a tile has so many times the values.
    changed: dict[int, tuple[int, ...]] = {PREDICTOR: (1,)}
    tile = directory.number(TILE_WIDTH)
    if tile:
        changed[TILE_WIDTH] = (tile * bands,)
    values = _decode_grey(data, directory, width * bands, places | changed).reshape(height, width, bands)
    return _summed(values, tile or width) if predictor == DIFFERENCES else values


def _summed(values: NDArray[Any], tile: int) -> NDArray[Any]:
    """Return values [height, width, bands] of which each was the difference to the one before in a tile's row."""
    whole = values.view(f"u{values.itemsize}") if values.dtype.kind == "f" else values
    parts = [
        np.cumsum(whole[:, left : left + tile], axis=1, dtype=whole.dtype) for left in range(0, whole.shape[1], tile)
    ]
    return np.concatenate(parts, axis=1).view(values.dtype)


def _decode_grey(
    data: bytearray, directory: TiffDirectory, width: int, places: dict[int, tuple[int, ...]]
) -> NDArray[Any]:
    """Return what the strips or tiles at some places hold as one band [height, width]. Places may have other tags."""
    height = directory.size[1]
    if directory.number(COMPRESSION, 1) == 1 and TILE_WIDTH in directory.tags:
        return _raw_tiles(data, directory, width, places)
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


def _raw_tiles(
    data: bytearray, directory: TiffDirectory, width: int, places: dict[int, tuple[int, ...]]
) -> NDArray[Any]:
    """Return what tiles that are not compressed hold as one band [height, width]: OpenCV reads few of 8 bits."""
    across, down = places.get(TILE_WIDTH, directory.tags[TILE_WIDTH])[0], directory.number(TILE_HEIGHT)
    sample = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f"}[directory.number(SAMPLE_FORMAT, UNSIGNED)]
    stored = np.dtype(f"{'<' if data[:2] == b'II' else '>'}{sample}{directory.bits[0] // 8}")
    values = np.zeros((directory.size[1], width), stored.newbyteorder("="))
    corners = ((top, left) for top in range(0, len(values), down) for left in range(0, width, across))
    for (top, left), start in zip(corners, places.get(TILE_OFFSETS, ()), strict=True):
        tile = np.frombuffer(data, stored, across * down, start).reshape(down, across)
        part = values[top : top + down, left : left + across]
        part[:] = tile[: part.shape[0], : part.shape[1]]
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
