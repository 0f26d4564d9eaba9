"""Photos from disk, upright, as RGB arrays. No torch here: the application reads photos before it loads a model.

The only module that opens pictures, and only in the formats of `SUFFIXES`: some others of Pillow's run programs.
"""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from dataset.i18n import tr
from dataset.pictures import tiff
from dataset.pictures.deep_picture import DARK, DecodeError, DeepPicture, Levels, decode_values
from dataset.pictures.parts import DEFAULT_PARTS, PartChoice, PictureParts
from dataset.pictures.photo_errors import MAX_PIXELS, PhotoError, check_size, damage, refusal
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""Endings of the files that are taken for photos, in lower case."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow's names of what such files hold, whichever of the endings they have. Its PostScript starts Ghostscript."""
MAX_MODEL_PIXELS = 50_000_000
"""Pixels of a photo that a model is given; one with more is reduced, and what is found in it enlarged."""
MAX_JPEG_RATIO = 1024
"""Pixels a byte of a JPEG: a block of 64 takes a bit or more, and what is missing would be decoded as grey."""
EXIF_ORIENTATION, EXIF_FOLDER, EXIF_TIME = 0x0112, 0x8769, 0x9003
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""
STRIP = 256
"""Rows at a time that are converted, so that no second copy of a large picture is made; a multiple of every factor."""
MAX_FACTOR = 64
MAX_BLOCKS, BLOCKS_AT_ONCE = 1024, 4
"""Of 16 MB each, in which Pillow has a picture's pixels."""
LATE_TEXTS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # one limit, ours, checked below with a message for people
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what is wrong with a file is reported here


@dataclass(frozen=True)
class ReducedPhoto:
    """A photo with fewer pixels than its file has, where that has very many."""

    pixels: NDArray[np.uint8]
    """[rows, columns, 3] RGB, upright."""
    size: tuple[int, int]
    """(width, height) of the photo itself."""

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the photo along one of `pixels`, in x and y."""
        rows, columns = self.pixels.shape[:2]
        return self.size[0] / columns, self.size[1] / rows


def photo_size(path: str | Path) -> tuple[int, int]:
    """Return (width, height) of the upright photo from the file's header, without decoding it.

    Raises:
        PhotoError: The file is not a readable photo, as far as its header shows, or is too large.
    """
    with _reading(path) as file:
        directory = _tiff_directory(file)
        picture = _open_plain(file, directory)
        if picture is None:
            assert directory is not None
            return _turned(directory.size, directory.orientation)
        return _turned(_stored_size(picture), _orientation(file, picture))


def is_sideways(path: str | Path) -> bool:
    """Return whether a photo's EXIF data swap the width and the height that its file has.

    Raises:
        PhotoError: As `photo_size`.
    """
    with _reading(path) as file:
        directory = _tiff_directory(file)
        picture = _open_plain(file, directory)
        if picture is None:
            assert directory is not None
            return directory.orientation in SIDEWAYS
        return _orientation(file, picture) in SIDEWAYS


def photo_time(path: str | Path) -> str:
    """Return when a photo was taken as EXIF has it, "2026:11:25 14:02:00"; "" where it does not.

    Raises:
        PhotoError: The file is not a readable photo, as far as its header shows.
    """
    with _reading(path) as file:
        return str(_exif(file, _open(file)).get_ifd(EXIF_FOLDER).get(EXIF_TIME) or "")


def read_photo(path: str | Path) -> NDArray[np.uint8]:
    """Return the photo as an RGB array of shape (height, width, 3), turned upright as its EXIF data say.

    The first frame or page counts, and of several bands that are no colours the first. What is transparent becomes
    white, unless all is. Greyscale of more than 8 bits, and floats, are stretched from the least to the greatest value
    that more than a few pixels have, colours of 16 bits where they use a small part of their range.

    Raises:
        PhotoError: The file is missing, empty, truncated, too large, not a photo, or none that can be decoded rightly.
    """
    return _read(path, MAX_PIXELS).pixels


def read_indices(path: str | Path) -> NDArray[Any]:
    """Return the values [rows, columns] of an indexed or grey picture, such as a mask, in uint8 or uint16.

    Raises:
        PhotoError: As `read_photo`, and where it is none.
    """
    with _reading(path) as file:
        picture = _open(file)
        if picture.mode not in ("1", "P", "L", "I;16", "I;16B"):
            raise DecodeError
        return np.asarray(picture).astype(np.uint8 if picture.mode in ("1", "P", "L") else np.uint16, copy=False)


def parts_of(path: str | Path) -> PictureParts:
    """Return which pages and bands a photo has to choose among: some TIFFs have several.

    Raises:
        PhotoError: As `photo_size`.
    """
    with _reading(path) as file:
        if _tiff_directory(file) is None:
            return PictureParts()
        pages = tiff.read_pages(file)
        return PictureParts(len(pages), min(page.choosable_bands for page in pages))


def read_part(path: str | Path, choice: PartChoice) -> NDArray[np.uint8]:
    """Return a page or some bands of a photo as `read_photo` does; for the eye alone.

    Raises:
        PhotoError: As `read_photo`, and where there is no such page or band.
    """
    if choice == DEFAULT_PARTS:
        return read_photo(path)
    with _reading(path) as file:
        directory = _tiff_directory(file)
        pages = [] if directory is None else tiff.read_pages(file)
        if choice.page >= len(pages):
            raise DecodeError
        page = pages[choice.page]
        if choice.bands or not page.is_plain:
            return _deep_tiff(file, page, MAX_PIXELS, choice.bands).pixels
        picture = _open(file)
        picture.seek(page.number_in_file)
        picture.load()
        return _upright(_rgb_strips(picture), picture.size, 1, 1)  # Pillow has turned it by itself


def read_reduced(path: str | Path) -> ReducedPhoto:
    """Return the photo as `read_photo` does, reduced by a power of two where it has more than MAX_MODEL_PIXELS.

    Raises:
        PhotoError: As `read_photo`.
    """
    return _read(path, MAX_MODEL_PIXELS)


def read_within(path: str | Path, max_pixels: int) -> NDArray[np.uint8]:
    """Return the photo as `read_photo` does, reduced by a power of two of 64 at most to have no more pixels than that.

    Raises:
        PhotoError: As `read_photo`.
    """
    return np.ascontiguousarray(_read(path, max_pixels).pixels)


def _read(path: str | Path, max_pixels: int) -> ReducedPhoto:
    with _reading(path) as file:
        directory = _tiff_directory(file)
        picture = _open_plain(file, directory)
        if picture is None:
            assert directory is not None
            return _deep_tiff(file, directory, max_pixels)
        size, factor = _stored_size(picture), _factor(picture.size, max_pixels)
        if picture.format == "WEBP" and factor > 1:  # Pillow would make five copies of it
            return _by_opencv(file, size, _orientation(file, picture), factor)
        has_16_bits = _has_16_bits(file, picture)
        left = _draft(picture, factor)
        picture.load()
        if directory:  # Pillow has turned it by itself
            pixels = _upright(_rgb_strips(picture), picture.size, 1, left)
            _release(picture)
            return ReducedPhoto(pixels, picture.size)
        orientation = _orientation(file, picture)
        if has_16_bits and _is_dark(picture):
            del picture
            return _by_opencv(file, size, orientation, factor)
        pixels = _upright(_rgb_strips(picture), picture.size, orientation, left)
        _release(picture)
        return ReducedPhoto(pixels, _turned(size, orientation))


def reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return decoded pixels [rows, columns, channels] as `read_reduced` would: the same array where it is small."""
    size = (pixels.shape[1], pixels.shape[0])
    factor = _factor(size, MAX_MODEL_PIXELS)
    if factor == 1:
        return pixels
    smaller = (math.ceil(size[0] / factor), math.ceil(size[1] / factor))
    return cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


@contextmanager
def _reading(path: str | Path) -> Iterator[BufferedReader]:
    """Open a file; turn whatever goes wrong with it into a PhotoError."""
    try:
        with open_regular(path) as file:
            yield file
    except PhotoError:
        raise
    except OSError as error:
        raise PhotoError(refusal(error) or damage(error)) from None
    except Exception as error:  # noqa: BLE001 - decoders raise nearly anything on a damaged file
        raise PhotoError(damage(error)) from None


def _tiff_directory(file: IO[bytes]) -> tiff.TiffDirectory | None:
    """Return the directory of a TIFF with its size checked, or None for another file."""
    start = file.read(4)
    if not start:
        raise PhotoError(tr("The file is empty (0 bytes)."))
    if start not in tiff.STARTS:
        return None
    directory = tiff.read_directory(file)
    check_size(*directory.size)
    return directory


def _open(file: IO[bytes]) -> Image.Image:
    """Return the picture with its size checked and nothing decoded."""
    file.seek(0)
    picture = Image.open(file, formats=FORMATS)
    check_size(*picture.size)
    pixels = picture.size[0] * picture.size[1]
    if picture.format in ("JPEG", "MPO") and pixels > MAX_JPEG_RATIO * os.fstat(file.fileno()).st_size:
        raise EOFError
    return picture


def _open_plain(file: IO[bytes], directory: tiff.TiffDirectory | None) -> Image.Image | None:
    """Return the picture, or None for a TIFF that Pillow does not know, or decodes wrongly."""
    if directory and not directory.is_plain:
        return None
    try:
        return _open(file)
    except UnidentifiedImageError:
        if directory:
            return None
        raise


def _stored_size(picture: Image.Image) -> tuple[int, int]:
    """Return the (width, height) that a picture has in its file: Pillow swaps a TIFF's, by its tag alone."""
    tags = getattr(picture, "tag_v2", {})
    return picture.size[::-1] if tags.get(EXIF_ORIENTATION) in SIDEWAYS else picture.size


def _orientation(file: IO[bytes], picture: Image.Image) -> int:
    value = _exif(file, picture).get(EXIF_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


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


def _release(picture: Image.Image) -> None:
    """Free a picture's memory in steps: no other thread of Python goes on meanwhile, 0.2 s for 400 megapixels."""
    Image.core.set_blocks_max(MAX_BLOCKS)
    picture.close()
    for left in range(Image.core.get_stats()["blocks_cached"], 0, -BLOCKS_AT_ONCE):
        Image.core.clear_cache(max(0, left - BLOCKS_AT_ONCE))
    Image.core.set_blocks_max(0)


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in SIDEWAYS else size


def _factor(size: tuple[int, int], max_pixels: int) -> int:
    """Return the least power of two by which a photo of a size has to be reduced."""
    factor = 1
    while math.ceil(size[0] / factor) * math.ceil(size[1] / factor) > max_pixels and factor < MAX_FACTOR:
        factor *= 2
    return factor


def _draft(picture: Image.Image, factor: int) -> int:
    """Have a JPEG decoded at a fraction of its size, and return by what it is still to be reduced."""
    size = picture.size
    share = min(factor, 8)  # libjpeg's greatest
    if factor > 1 and picture.format in ("JPEG", "MPO"):
        picture.draft(picture.mode, (max(1, size[0] // share), max(1, size[1] // share)))
    return factor if picture.size == size else factor // share


def _upright(strips: Iterable[Image.Image], size: tuple[int, int], orientation: int, factor: int) -> NDArray[np.uint8]:
    """Return the photo that strips in RGB from top to bottom make up, reduced by a factor and turned.

    Args:
        strips: Each of STRIP rows, but for the last.
        size: (width, height) of all of them together.
        orientation: EXIF's.
        factor: A power of two.
    """
    columns, rows = (math.ceil(side / factor) for side in size)
    photo = np.empty((*_turned((rows, columns), orientation), 3), np.uint8)
    # The photo's memory as the rows and columns of the file: filling it turns it.
    stored = photo.transpose(1, 0, 2) if orientation in SIDEWAYS else photo
    stored = stored[:: -1 if orientation in (3, 4, 6, 7) else 1, :: -1 if orientation in (2, 3, 7, 8) else 1]
    row = 0
    for strip in strips:
        part = np.asarray(strip.reduce(factor) if factor > 1 else strip)
        stored[row : row + len(part)] = part
        row += len(part)
    return photo


def _strips(picture: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, picture.height, STRIP):
        yield picture.crop((0, top, picture.width, min(picture.height, top + STRIP)))


def _rgb_strips(picture: Image.Image) -> Iterator[Image.Image]:
    mode = picture.mode
    if mode.startswith(("I", "F")):
        levels = Levels.of(map(np.asarray, _strips(picture)), picture.width * picture.height)
        for strip in _strips(picture):
            yield Image.fromarray(levels(np.asarray(strip))).convert("RGB")
    elif mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        # Nobody takes a picture of which nothing is to be seen: such an alpha channel holds something else.
        visible = any(strip.convert("RGBA").getchannel("A").getextrema() != (0, 0) for strip in _strips(picture))
        for strip in _strips(picture):
            colours = strip.convert("RGBA")
            if visible:
                colours = Image.alpha_composite(Image.new("RGBA", strip.size, (255, 255, 255, 255)), colours)
            yield colours.convert("RGB")
    else:
        yield from (strip.convert("RGB") for strip in _strips(picture))


def _has_16_bits(file: IO[bytes], picture: Image.Image) -> bool:
    """Whether a picture is a PNG with colours of 16 bits, of which Pillow drops the lower eight."""
    if picture.format != "PNG" or not picture.mode.startswith(("RGB", "LA")):
        return False
    place = file.tell()
    file.seek(24)
    bits = file.read(1)  # of IHDR, which comes first
    file.seek(place)
    return bits == b"\x10"


def _is_dark(picture: Image.Image) -> bool:
    colours = (np.asarray(strip.convert("RGB")) for strip in _strips(picture))
    return Levels.of(colours, picture.width * picture.height).high < DARK * 255


def _deep_tiff(
    file: IO[bytes], directory: tiff.TiffDirectory, max_pixels: int, bands: tuple[int, ...] = ()
) -> ReducedPhoto:
    deep, size, orientation = tiff.decode(file, directory, bands), directory.size, directory.orientation
    pixels = _upright(map(Image.fromarray, deep.rgb(STRIP)), size, orientation, _factor(size, max_pixels))
    return ReducedPhoto(pixels, _turned(size, orientation))


def _by_opencv(file: IO[bytes], size: tuple[int, int], orientation: int, factor: int) -> ReducedPhoto:
    file.seek(0)
    values = decode_values(file.read())
    deep = DeepPicture(values[..., 2::-1], values[..., 3] if values.shape[2] == 4 else None)
    return ReducedPhoto(
        _upright(map(Image.fromarray, deep.rgb(STRIP)), size, orientation, factor), _turned(size, orientation)
    )
