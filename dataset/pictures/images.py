"""Photos from disk, upright, as RGB arrays. No torch here: the application reads photos before it loads a model.

The only way to a picture: `pillow_pictures.py` and `tiff_pixels.py` decode for it, and nothing else calls them.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from dataset.i18n import tr
from dataset.pictures import pillow_pictures as pillow
from dataset.pictures import tiff, tiff_pixels
from dataset.pictures.deep_picture import DecodeError, DeepPicture, decode_rgb, decode_values
from dataset.pictures.parts import DEFAULT_PARTS, PartChoice, PictureParts
from dataset.pictures.photo_errors import (
    MAX_PIXELS,
    MAX_PIXELS_AT_ONCE,
    PhotoError,
    check_memory,
    check_size,
    damage,
    refusal,
)
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"),
    *(".jp2", ".j2k", ".ppm", ".pgm", ".pnm"),
)
"""Endings of the files that are taken for photos, in lower case."""
MAX_MODEL_PIXELS = 50_000_000
"""Pixels of a photo that a model is given; one with more is reduced, and what is found in it enlarged."""
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""
STRIP = 256
"""Rows that are reduced at a time; a multiple of every factor."""
MAX_FACTOR = 64

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
        return _turned(*_stored(file))


def is_sideways(path: str | Path) -> bool:
    """Return whether a photo's EXIF data swap the width and the height that its file has.

    Raises:
        PhotoError: As `photo_size`.
    """
    with _reading(path) as file:
        return _stored(file)[1] in SIDEWAYS


def is_turned(path: str | Path, given: tuple[int, int], size: tuple[int, int]) -> bool:
    """Return whether a (width, height) is that of a photo before it was turned upright to its `size`.

    Raises:
        PhotoError: As `photo_size`.
    """
    return given == size[::-1] != size and is_sideways(path)


def photo_time(path: str | Path) -> str:
    """Return when a photo was taken as EXIF has it, "2026:11:25 14:02:00"; "" where it does not.

    Raises:
        PhotoError: The file is not a readable photo, as far as its header shows.
    """
    with _reading(path) as file:
        return pillow.time_taken(file, pillow.open_picture(file))


def read_photo(path: str | Path) -> NDArray[np.uint8]:
    """Return the photo as an RGB array of shape (height, width, 3), turned upright as its EXIF data say.

    The first frame or page counts, and of several bands that are no colours the first. What is transparent becomes
    white, unless hardly anything would be seen. Greyscale of more than 8 bits, and floats, are stretched from the least
    to the greatest value that more than a few pixels have, colours of 16 bits where they use a small part of their
    range. Values are those of the file: colour profiles change nothing.

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
        directory = _tiff_directory(file)
        if directory and directory.is_decoded_here:
            values = np.concatenate([part.values for part in tiff_pixels.decode(file, directory).parts()])
            if values.ndim != 2 or directory.kind not in ("u1", "u2"):
                raise DecodeError
            return values
        picture = pillow.open_picture(file)
        if picture.mode not in ("1", "P", "L", "I;16", "I;16B"):
            raise DecodeError
        return np.asarray(picture).astype(np.uint8 if picture.mode in ("1", "P", "L") else np.uint16, copy=False)


def read_mask(data: bytes, max_pixels: int) -> NDArray[Any]:
    """Return the values [rows, columns] or [rows, columns, channels] of a mask that a file has as a PNG.

    Raises:
        ValueError: It is damaged, or of more than `max_pixels`.
    """
    try:
        return np.asarray(pillow.open_png(data, max_pixels))
    except Exception as error:  # decoders raise nearly anything on damaged data
        raise ValueError("a damaged mask, or one that is too large") from error


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
        if choice.bands or page.is_decoded_here:
            return _by_rows(tiff_pixels.decode(file, page, choice.bands), page.orientation, MAX_PIXELS).pixels
        return _tiff_by_pillow(file, page, MAX_PIXELS).pixels


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
        if directory is None:
            return _by_pillow(file, max_pixels)
        if directory.is_decoded_here:
            return _by_rows(tiff_pixels.decode(file, directory), directory.orientation, max_pixels)
        return _tiff_by_pillow(file, directory, max_pixels)


def _by_pillow(file: IO[bytes], max_pixels: int) -> ReducedPhoto:
    """Decode what is no TIFF: mostly with Pillow, with OpenCV what takes much memory in Pillow or is wrong there."""
    picture = pillow.open_picture(file)
    size, orientation = picture.size, pillow.orientation(file, picture)
    factor, is_deep = _factor(size, max_pixels), pillow.has_deep_colours(file, picture)
    left = pillow.draft(picture, factor)
    if picture.size[0] * picture.size[1] > MAX_PIXELS_AT_ONCE:
        return _very_large(file, size, orientation, factor)
    # Pillow would make five copies of a WebP that is reduced, and of JPEG 2000 it rounds what is nearly white to black.
    if (picture.format == "WEBP" and factor > 1) or (picture.format == "JPEG2000" and is_deep):
        return _by_rows(_by_opencv(file), orientation, max_pixels)
    picture.load()
    if is_deep and pillow.is_dark(picture):
        del picture
        return _by_rows(_by_opencv(file), orientation, max_pixels)
    pixels = _upright(pillow.rgb(picture), picture.size, orientation, left)
    pillow.release(picture)
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
    check_size(*directory.size, by_rows=directory.is_decoded_here)
    return directory


def _stored(file: IO[bytes]) -> tuple[tuple[int, int], int]:
    """Return the (width, height) that a picture has in its file, and its EXIF orientation."""
    directory = _tiff_directory(file)
    if directory is None:
        picture = pillow.open_picture(file)
        return picture.size, pillow.orientation(file, picture)
    if not directory.is_decoded_here:
        pillow.open_tiff(file, directory)
    return directory.size, directory.orientation


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in SIDEWAYS else size


def _factor(size: tuple[int, int], max_pixels: int) -> int:
    """Return the least power of two by which a photo of a size has to be reduced."""
    factor = 1
    while math.ceil(size[0] / factor) * math.ceil(size[1] / factor) > max_pixels and factor < MAX_FACTOR:
        factor *= 2
    return factor


def _by_rows(deep: DeepPicture, orientation: int, max_pixels: int) -> ReducedPhoto:
    pixels = _upright(deep.rgb(), deep.size, orientation, _factor(deep.size, max_pixels))
    return ReducedPhoto(pixels, _turned(deep.size, orientation))


def _tiff_by_pillow(file: IO[bytes], page: tiff.TiffDirectory, max_pixels: int) -> ReducedPhoto:
    picture = pillow.open_tiff(file, page)
    picture.load()  # which turns it
    pixels = _upright(pillow.rgb(picture), picture.size, 1, _factor(picture.size, max_pixels))
    size = picture.size
    pillow.release(picture)
    return ReducedPhoto(pixels, size)


def _by_opencv(file: IO[bytes]) -> DeepPicture:
    file.seek(0)
    values = decode_values(file.read())
    return DeepPicture.of(values[..., 2::-1], values[..., 3] if values.shape[2] == 4 else None)


def _very_large(file: IO[bytes], size: tuple[int, int], orientation: int, factor: int) -> ReducedPhoto:
    """Decode a JPEG or PNG of 8 bits without the copy that Pillow makes."""
    check_memory(2 * 3 * size[0] * size[1])  # OpenCV has two for a while
    file.seek(0)
    pixels = decode_rgb(file.read())
    if orientation != 1 or factor > 1:
        pixels = _upright((pixels[top : top + STRIP] for top in range(0, size[1], STRIP)), size, orientation, factor)
    return ReducedPhoto(pixels, _turned(size, orientation))


def _upright(
    parts: Iterable[NDArray[np.uint8]], size: tuple[int, int], orientation: int, factor: int
) -> NDArray[np.uint8]:
    """Return the photo that parts [rows, width, 3] from top to bottom make up, reduced by a factor and turned.

    Args:
        parts: Of any number of rows each.
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
    for part in parts if factor == 1 else _reduced_parts(parts, factor):
        stored[row : row + len(part)] = part
        row += len(part)
    if row != rows:
        raise EOFError
    return photo


def _reduced_parts(parts: Iterable[NDArray[np.uint8]], factor: int) -> Iterator[NDArray[np.uint8]]:
    """Yield parts averaged over squares of a factor's side."""
    waiting: list[NDArray[np.uint8]] = []
    for part in parts:
        waiting.append(part)
        rows = sum(map(len, waiting))
        if rows >= STRIP:
            whole = np.concatenate(waiting)
            kept = rows - rows % STRIP
            yield np.asarray(Image.fromarray(whole[:kept]).reduce(factor))
            waiting = [whole[kept:]] if kept < rows else []
    if waiting:
        yield np.asarray(Image.fromarray(np.concatenate(waiting)).reduce(factor))
