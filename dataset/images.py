"""Photos from disk, upright, as RGB arrays. No torch here: the application reads photos before it loads a model."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""Endings of the files that are taken for photos, in lower case."""
MAX_PIXELS = 200_000_000
"""A photo with more pixels is refused before memory is taken for it: 200 megapixels are 600 MB."""
EXIF_ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""
TIFF_STARTS = (b"II*\0", b"MM\0*")

Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # one limit, ours, checked below with a message for people


class PhotoError(UserError):
    """A photo cannot be read; the text is one sentence that says why, without the file's name."""


def photo_size(path: str | Path) -> tuple[int, int]:
    """Return (width, height) of the upright photo from the file's header, without decoding it.

    Raises:
        PhotoError: The file is not a readable photo, as far as its header shows, or is too large.
    """
    with _reading(path) as file:
        picture = _open(file)
        if picture is None:
            return _tiff_size(file)
        width, height = picture.size
        # Pillow already gives the upright size of a TIFF.
        sideways = picture.format != "TIFF" and _orientation(picture) in SIDEWAYS
        return (height, width) if sideways else (width, height)


def read_photo(path: str | Path) -> NDArray[np.uint8]:
    """Return the photo as an RGB array of shape (height, width, 3), turned upright as its EXIF data say.

    The first frame or page counts. What is transparent becomes white. Greyscale of more than 8 bits, and floats, are
    stretched from their own least to their own greatest value.

    Raises:
        PhotoError: The file is missing, empty, truncated, too large, or not a photo.
    """
    with _reading(path) as file:
        picture = _open(file)
        if picture is None:
            return _deep_tiff(file)
        picture.load()
        return _to_rgb(ImageOps.exif_transpose(picture))


@contextmanager
def _reading(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file; turn whatever goes wrong with it into a PhotoError."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a str or a Path, both as they are
            yield file
    except PhotoError:
        raise
    except FileNotFoundError:
        raise PhotoError(tr("The file does not exist.")) from None
    except IsADirectoryError:
        raise PhotoError(tr("This is a folder, not a photo.")) from None
    except PermissionError:
        raise PhotoError(tr("The file may not be read (permission denied).")) from None
    except UnidentifiedImageError:
        raise PhotoError(tr("The file is not a picture in a known format.")) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PhotoError(
            tr("The photo is too large: the limit is {limit} megapixels.", limit=MAX_PIXELS // 10**6)
        ) from None
    except MemoryError:
        raise PhotoError(tr("There is not enough memory for this photo.")) from None
    except Exception as error:  # noqa: BLE001 - decoders raise nearly anything on a damaged file
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            raise PhotoError(tr("The file is truncated: a part of the photo is missing.")) from None
        raise PhotoError(tr("The file is damaged: it cannot be decoded.")) from None


def _open(file: IO[bytes]) -> Image.Image | None:
    """Return the picture with its size checked and nothing decoded, or None for a TIFF that Pillow does not know."""
    start = file.read(4)
    if not start:
        raise PhotoError(tr("The file is empty (0 bytes)."))
    file.seek(0)
    try:
        picture = Image.open(file)
    except UnidentifiedImageError:
        if start in TIFF_STARTS:
            return None
        raise
    _check_size(*picture.size)
    return picture


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 10**6
        text = tr(
            "The photo is too large: {width} x {height} pixels, the limit is {limit} megapixels.",
            width=width,
            height=height,
            limit=limit,
        )
        raise PhotoError(text)
    if width < 1 or height < 1:
        raise PhotoError(tr("The photo has no pixels."))


def _tiff_size(file: IO[bytes]) -> tuple[int, int]:
    """Return (width, height) from a TIFF's first directory: the tags 256 and 257 (TIFF 6.0, sec. 2)."""
    file.seek(0)
    order = "<" if file.read(4) == TIFF_STARTS[0] else ">"
    file.seek(*struct.unpack(f"{order}I", file.read(4)))
    (count,) = struct.unpack(f"{order}H", file.read(2))
    size = {256: 0, 257: 0}
    for _ in range(count):
        entry = file.read(12)
        tag, kind = struct.unpack(f"{order}HH", entry[:4])
        if tag in size:  # 3 is a 16-bit and 4 a 32-bit number
            size[tag] = (
                struct.unpack(f"{order}H", entry[8:10])[0] if kind == 3 else struct.unpack(f"{order}I", entry[8:])[0]
            )
    _check_size(size[256], size[257])
    return size[256], size[257]


def _deep_tiff(file: IO[bytes]) -> NDArray[np.uint8]:
    """Read a TIFF that Pillow does not know: colours of 16 bits or floats."""
    _tiff_size(file)
    file.seek(0)
    values = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise UnidentifiedImageError
    if values.ndim == 3:
        values = values[..., 2::-1]  # OpenCV has blue first
    return _stretch(values)


def _orientation(picture: Image.Image) -> int:
    value = picture.getexif().get(EXIF_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    mode = picture.mode
    if mode == "RGB":
        return np.array(picture)
    if mode.startswith(("I", "F")):
        return _stretch(np.asarray(picture))
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        with_alpha = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return np.array(Image.alpha_composite(white, with_alpha).convert("RGB"))
    return np.array(picture.convert("RGB"))


def _stretch(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Map grey (H, W) or colours (H, W, 3) of any range to 0..255, from the least finite value to the greatest."""
    numbers = values.astype(np.float32)
    finite = np.isfinite(numbers)
    low, high = (float(numbers[finite].min()), float(numbers[finite].max())) if finite.any() else (0.0, 0.0)
    numbers = np.nan_to_num(numbers, nan=low, posinf=high, neginf=low)
    grey = (numbers - low) * (255 / (high - low)) if high > low else np.zeros_like(numbers)
    levels = np.round(grey).astype(np.uint8)
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)
