"""What the directories of a TIFF say of its pictures, and which of them are decoded here (`tiff_pixels.py`).

TIFF 6.0, sec. 2, 8, 14, 15 and 22; BigTIFF has the same tags.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF and of a BigTIFF."""
BIG_ENDIAN_BIGTIFF = STARTS[3]
MAX_TAGS, MAX_PLACES = 4096, 2_000_000
MAX_PAGES = 4096
KIND, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
FILL_ORDER, OFFSETS, ORIENTATION, BANDS, ROWS, COUNTS, PLANAR = 266, 273, 274, 277, 278, 279, 284
PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 317, 322, 323, 324, 325
EXTRA, SAMPLE_FORMAT, JPEG_TABLES, NO_DATA = 338, 339, 347, 42113  # the last is GDAL's
TAGS = {
    *(KIND, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, OFFSETS, ORIENTATION, BANDS, ROWS, COUNTS),
    *(PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, EXTRA, SAMPLE_FORMAT, JPEG_TABLES),
    NO_DATA,
}
TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}
"""How the whole numbers of a directory are packed, by its number for them."""
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = SHOWN = (0, 1, 2)  # of PHOTOMETRIC
YCBCR = 6
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # of SAMPLE_FORMAT
WHOLE = {UNSIGNED, SIGNED}
DEPTHS = {8: WHOLE, 16: {*WHOLE, FLOAT}, 32: {*WHOLE, FLOAT}, 64: {*WHOLE, FLOAT}}
"""Sample formats that are decoded, by the bits of a value."""
SEPARATE = 2  # of PLANAR
PREMULTIPLIED, STRAIGHT = ALPHA = (1, 2)  # of EXTRA
REDUCED, MASK = 1, 4  # bits of KIND
NONE, LZW, JPEG, PACKBITS, LZMA, ZSTD = 1, 5, 7, 32773, 34925, 50000  # of COMPRESSION
DEFLATE = (8, 32946)
DECODED = {NONE, LZW, JPEG, *DEFLATE, PACKBITS, LZMA, ZSTD}
FAXES = {2, 3, 4}
DIFFERENCES, FLOAT_DIFFERENCES = 2, 3  # of PREDICTOR: each value is what it is more than the one before, band by band


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
    def kind(self) -> str:
        """Type of the values as numpy has it, such as "u2"; "" where they have several, or one that is not decoded."""
        bits, kinds = self.tags.get(BITS) or (1,), self.tags.get(SAMPLE_FORMAT) or (UNSIGNED,)
        if len(set(bits)) != 1 or len(set(kinds)) != 1 or kinds[0] not in DEPTHS.get(bits[0], ()):
            return ""
        return f"{' uif'[kinds[0]]}{bits[0] // 8}"

    @property
    def colours(self) -> int:
        """Bands that are grey or colours; others follow."""
        return 3 if self.number(PHOTOMETRIC) in (RGB, YCBCR) and self.bands >= 3 else 1

    @property
    def alpha(self) -> int:
        """What the band behind the colours is, PREMULTIPLIED or STRAIGHT; 0 where it is none of transparency."""
        extra = self.number(EXTRA) if self.bands > self.colours else 0
        return extra if extra in ALPHA else 0

    @property
    def no_data(self) -> float | None:
        """The value that stands for no data."""
        try:
            return float(bytes(self.tags.get(NO_DATA, ())).rstrip(b"\0").decode("ascii", "replace"))
        except ValueError:
            return None

    @property
    def choosable_bands(self) -> int:
        """Bands to choose among; 0 where they are grey or colours, perhaps with an alpha channel, or cannot be told."""
        return self.bands if self.is_decoded_here and self.bands > self.colours + bool(self.alpha) else 0

    @property
    def is_decoded_here(self) -> bool:
        """Whether `tiff_pixels` decodes it: greys and colours of whole bytes, as nearly all have them.

        Pillow drops half of colours of 16 bits, takes other bands for colours, and swaps or mixes the bytes of values
        that are compressed or lie band after band; it has four bytes a pixel of colours, and all pixels at once.
        """
        code, photometric = self.number(COMPRESSION, NONE), self.number(PHOTOMETRIC, -1)
        if not self.kind or code not in DECODED or self.number(FILL_ORDER, 1) != 1:
            return False
        if code == JPEG:
            is_alone = self.bands == 1 or self.number(PLANAR) == SEPARATE
            right = photometric in SHOWN if is_alone else self.bands == 3 and photometric in (RGB, YCBCR)
            return self.kind == "u1" and right
        predictors = (1, DIFFERENCES, FLOAT_DIFFERENCES if self.kind[0] == "f" else DIFFERENCES)
        return photometric in SHOWN and self.number(PREDICTOR, 1) in predictors

    @property
    def is_tiled(self) -> bool:
        """Whether it is in tiles, rather than in strips."""
        return TILE_WIDTH in self.tags

    @property
    def segment(self) -> tuple[int, int]:
        """(width, height) of a tile, or of a strip, which is as wide as the picture."""
        if self.is_tiled:
            return self.number(TILE_WIDTH), self.number(TILE_HEIGHT)
        width, height = self.size
        return width, min(self.number(ROWS, height), height)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where its tiles or strips are in the file."""
        return self.tags.get(TILE_OFFSETS if self.is_tiled else OFFSETS, ())

    @property
    def is_complete(self) -> bool:
        """Whether there is a place in the file for every strip or tile of a plane."""
        (width, height), (across, down) = self.size, self.segment
        return len(self.offsets) >= -(-width // max(1, across)) * -(-height // max(1, down))

    @property
    def is_plain(self) -> bool:
        """Whether Pillow decodes it rightly, if at all: one of few bits, a palette, printing colours, a fax."""
        whole = self.number(PLANAR) != SEPARATE or self.bands == 1
        usual = self.number(PHOTOMETRIC, -1) not in SHOWN or self.bands == self.colours + bool(self.alpha)
        most = max(self.tags.get(BITS) or (1,))
        code = self.number(COMPRESSION, NONE)
        known = (code in DECODED and most <= 8) or (code in FAXES and most == self.bands == 1)
        return self.start != BIG_ENDIAN_BIGTIFF and whole and usual and known


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
