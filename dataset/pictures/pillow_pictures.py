"""Pictures as Pillow opens and decodes them, in the formats of `FORMATS` alone: some others of its run programs."""

from __future__ import annotations

import os
from importlib import import_module
from io import BytesIO
from typing import IO, TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, UnidentifiedImageError

from dataset.i18n import tr
from dataset.pictures.deep_picture import DARK, DecodeError, DeepPicture, Levels, Part
from dataset.pictures.photo_errors import MAX_PIXELS, MAX_PIXELS_AT_ONCE, PhotoError, check_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from dataset.pictures.tiff import TiffDirectory

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "JPEG2000", "PPM")
"""Pillow's names of what files hold, whichever of the endings they have. Its PostScript starts Ghostscript."""
HEIF = "HEIF"
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What such files begin with, behind their first 8 bytes; some AVIFs have the last two, and Pillow reads those."""
MAX_RATIOS = {"JPEG": 1024, "MPO": 1024, "GIF": 4096, "BMP": 1024, "PPM": 8}
"""Pixels a byte: of a JPEG a block of 64 takes a bit or more, and what is missing would be decoded as grey; a code of a
GIF has at most 4,096; the others have a bit for each, or a byte for a run of 255."""
MAX_RATIO = 100_000
"""Pixels a byte of any picture: a black one in JPEG 2000 has 77,000."""
MAX_PNG_RATIO = 1100
"""Bytes a byte of a PNG: what Deflate reaches, and a little more."""
EXIF_ORIENTATION, EXIF_FOLDER, EXIF_TIME = 0x0112, 0x8769, 0x9003
STRIP = 256
"""Rows at a time that are converted, so that no second copy of a large picture is made."""
MAX_BLOCKS, BLOCKS_AT_ONCE = 1024, 4
"""Of 16 MB each, in which Pillow has a picture's pixels."""
CODESTREAM = b"\xff\x4f\xff\x51"
"""Of JPEG 2000, in a file of boxes or as the file."""
LATE_TEXTS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # one limit, ours, checked below with a message for people


def open_picture(file: IO[bytes]) -> Image.Image:
    """Return the picture with its size checked and nothing decoded.

    Raises:
        PhotoError: It is too large, or of a kind for which a package is missing.
        UnidentifiedImageError: It is none in a known format.
        EOFError: A part of it is missing.
    """
    file.seek(0)
    start = file.read(30)
    file.seek(0)
    size = os.fstat(file.fileno()).st_size
    if _webp_pixels(start) > MAX_RATIO * size:  # for all of which memory is taken as soon as it is opened
        raise EOFError
    is_heif = start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS
    formats = (*FORMATS, HEIF) if is_heif and _has_heif() else FORMATS
    try:
        picture = Image.open(file, formats=formats)
    except UnidentifiedImageError:
        if HEIF in formats:
            raise EOFError from None
        if is_heif:
            text = tr("HEIC photos need the package pi-heif: install it with {command}.", command="pip install pi-heif")
            raise PhotoError(text) from None
        raise
    pixels = picture.size[0] * picture.size[1]
    by_rows = picture.format in ("JPEG", "PNG") and picture.mode in ("L", "RGB") and pixels > MAX_PIXELS_AT_ONCE
    check_size(*picture.size, by_rows=by_rows)
    ratios = {**MAX_RATIOS, "PNG": MAX_PNG_RATIO * (1 if by_rows else 8)}
    if pixels > ratios.get(picture.format or "", MAX_RATIO) * size:
        raise EOFError
    return picture


def open_png(data: bytes, max_pixels: int) -> Image.Image:
    """Return a PNG with nothing decoded. Raises EOFError where it claims more than its bytes can hold, or than that."""
    picture = Image.open(BytesIO(data), formats=("PNG",))
    if picture.size[0] * picture.size[1] > min(max_pixels, 8 * MAX_PNG_RATIO * len(data)):
        raise EOFError
    return picture


def _webp_pixels(start: bytes) -> int:
    """Return how many pixels a WebP has that begins with these 30 bytes; 0 for any other file (RFC 9649, sec. 2)."""
    if start[:4] != b"RIFF" or start[8:12] != b"WEBP" or len(start) < 30:
        return 0
    if start[12:16] == b"VP8X":
        width, height = (1 + int.from_bytes(start[at : at + 3], "little") for at in (24, 27))
    elif start[12:16] == b"VP8L":
        sides = int.from_bytes(start[21:25], "little")
        width, height = 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)
    else:
        width, height = (int.from_bytes(start[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width * height


def _has_heif() -> bool:
    """Return whether HEIC photos can be read: the package is not installed with the application."""
    try:
        heif = import_module("pi_heif")
    except ImportError:
        return False
    if HEIF not in Image.OPEN:
        heif.register_heif_opener(thumbnails=False)
    return True


def open_tiff(file: IO[bytes], page: TiffDirectory) -> Image.Image:
    """Return a page of a TIFF that is not decoded by `tiff_pixels`.

    Raises:
        DecodeError: Pillow does not decode it rightly, or at all.
        EOFError: A part of it is missing, which Pillow would leave black.
    """
    if not page.is_plain:
        raise DecodeError
    if not page.is_complete:
        raise EOFError
    try:
        picture = open_picture(file)
    except UnidentifiedImageError:
        raise DecodeError from None
    picture.seek(page.number_in_file)
    return picture


def orientation(file: IO[bytes], picture: Image.Image) -> int:
    """Return a picture's EXIF orientation."""
    value = _exif(file, picture).get(EXIF_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def time_taken(file: IO[bytes], picture: Image.Image) -> str:
    """Return when EXIF has that a picture was taken, or ""."""
    return str(_exif(file, picture).get_ifd(EXIF_FOLDER).get(EXIF_TIME) or "")


def _exif(file: IO[bytes], picture: Image.Image) -> Image.Exif:
    """Return a picture's EXIF data. Pillow decodes a PNG for those that may follow its pixels: only where some do."""
    if picture.format == "PNG" and not _has_late_texts(file):
        return Image.Image.getexif(picture)
    return picture.getexif()


def _has_late_texts(file: IO[bytes]) -> bool:
    """Return whether chunks in which there may be EXIF data follow the pixels of a PNG (PNG 3rd edition, sec. 5.6)."""
    place = file.tell()
    file.seek(8)
    has_pixels = found = False
    while not found and len(head := file.read(8)) == 8:
        found = has_pixels and head[4:] in LATE_TEXTS
        has_pixels |= head[4:] == b"IDAT"
        file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    file.seek(place)
    return found


def release(picture: Image.Image) -> None:
    """Free a picture's memory in steps: no other thread of Python goes on meanwhile, 0.2 s for 400 megapixels."""
    Image.core.set_blocks_max(MAX_BLOCKS)
    picture.close()
    for left in range(Image.core.get_stats()["blocks_cached"], 0, -BLOCKS_AT_ONCE):
        Image.core.clear_cache(max(0, left - BLOCKS_AT_ONCE))
    Image.core.set_blocks_max(0)


def draft(picture: Image.Image, factor: int) -> int:
    """Have a JPEG decoded at a fraction of its size, and return by what it is still to be reduced."""
    size = picture.size
    share = min(factor, 8)  # libjpeg's greatest
    if factor > 1 and picture.format in ("JPEG", "MPO"):
        picture.draft(picture.mode, (max(1, size[0] // share), max(1, size[1] // share)))
    return factor if picture.size == size else factor // share


def has_deep_colours(file: IO[bytes], picture: Image.Image) -> bool:
    """Return whether a PNG, PNM or JPEG 2000 has colours of more than 8 bits, of which Pillow drops some."""
    if not picture.mode.startswith(("RGB", "LA")):
        return False
    if picture.format == "PPM":
        tiles = getattr(picture, "tile", None) or [(None,) * 4]
        arguments = tiles[0][3]  # of the decoder: the mode, and the greatest value where that is not 255
        return isinstance(arguments, tuple) and arguments[1] > 255
    if picture.format not in ("PNG", "JPEG2000"):
        return False
    place = file.tell()
    file.seek(0)
    start = file.read(1 << 16)
    file.seek(place)
    if picture.format == "PNG":
        return start[24:25] == b"\x10"  # of IHDR, which comes first
    at = start.find(CODESTREAM) + 42  # JPEG 2000, part 1, A.5.1: the depth of the first component
    return any(bits & 0x7F > 7 for bits in start[at : at + 1])


def is_dark(picture: Image.Image) -> bool:
    """Return whether the colours of a decoded picture use a small part of their range."""
    return Levels.of(np.asarray(strip.convert("RGB"))[::4, ::4] for strip in _strips(picture)).high < DARK * 255


def rgb(picture: Image.Image) -> Iterator[NDArray[np.uint8]]:
    """Yield what is shown of a decoded picture, parts [rows, width, 3] from top to bottom."""
    mode = picture.mode
    if mode.startswith(("I", "F")):
        kind = np.asarray(picture.crop((0, 0, 1, 1))).dtype
        yield from DeepPicture(lambda: map(Part, map(np.asarray, _strips(picture))), picture.size, kind).rgb()
    elif mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:

        def parts() -> Iterator[Part]:
            for strip in _strips(picture):
                values = np.asarray(strip.convert("RGBA"))
                yield Part(values[..., :3], values[..., 3])

        yield from DeepPicture(parts, picture.size, np.dtype(np.uint8), has_alpha=True).rgb()
    else:
        # Pillow takes printing colours for Adobe's, which are inverted, where nothing says that they are.
        inverts = mode == "CMYK" and picture.format in ("JPEG", "MPO") and "adobe" not in picture.info
        for strip in _strips(picture):
            yield np.asarray((ImageChops.invert(strip) if inverts else strip).convert("RGB"))


def _strips(picture: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, picture.height, STRIP):
        yield picture.crop((0, top, picture.width, min(picture.height, top + STRIP)))
