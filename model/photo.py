"""Photos from disk, upright, as RGB arrays. No torch here: the application reads photos before it loads a model."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""Endings of the files that are taken for photos, in lower case."""
MOST_PIXELS = 200_000_000
"""A photo with more pixels is refused before memory is taken for it: 200 megapixels are 600 MB."""
EXIF_ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


class PhotoError(Exception):
    """A photo cannot be read; the text is one sentence that says why, without the file's name."""


def photo_size(path: str | Path) -> tuple[int, int]:
    """Return (width, height) of the upright photo from the file's header, without decoding it.

    Raises:
        PhotoError: The file is not a readable photo, as far as its header tells, or is too large.
    """
    with _opened(path) as picture:
        width, height = picture.size
        return (height, width) if _orientation(picture) in SIDEWAYS else (width, height)


def read_photo(path: str | Path) -> NDArray[np.uint8]:
    """Return the photo as an RGB array of shape (height, width, 3), turned upright as its EXIF data say.

    The first frame or page counts. What is transparent becomes white. Greyscale of more than 8 bits, and floats, are
    stretched from their own least to their own greatest value.

    Raises:
        PhotoError: The file is missing, empty, truncated, too large, or not a photo.
    """
    with _opened(path) as picture:
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        return _to_rgb(upright)


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    """Open a photo whose size has been checked; turn whatever goes wrong into a PhotoError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd EXIF data; both are handled here
            with open(path, "rb") as file:  # noqa: PTH123 - a str or a Path, both as they are
                if not file.read(1):
                    raise PhotoError("The file is empty (0 bytes).")
                file.seek(0)
                with Image.open(file) as picture:
                    width, height = picture.size
                    if width * height > MOST_PIXELS:
                        raise PhotoError(
                            f"The photo is too large: {width} x {height} pixels, the limit is {MOST_PIXELS // 10**6} "
                            "megapixels."
                        )
                    if width < 1 or height < 1:
                        raise PhotoError("The photo has no pixels.")
                    yield picture
    except PhotoError:
        raise
    except FileNotFoundError:
        raise PhotoError("The file does not exist.") from None
    except IsADirectoryError:
        raise PhotoError("This is a folder, not a photo.") from None
    except PermissionError:
        raise PhotoError("The file may not be read (permission denied).") from None
    except UnidentifiedImageError:
        raise PhotoError("The file is not a picture in a known format.") from None
    except Image.DecompressionBombError:
        raise PhotoError(f"The photo is too large: the limit is {MOST_PIXELS // 10**6} megapixels.") from None
    except MemoryError:
        raise PhotoError("There is not enough memory for this photo.") from None
    except Exception as error:  # noqa: BLE001 - Pillow's decoders raise nearly anything on a damaged file
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            raise PhotoError("The file is truncated: a part of the photo is missing.") from None
        raise PhotoError("The file is damaged: it cannot be decoded.") from None


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
    """Map greyscale of any range to 0..255, from its least finite value to its greatest."""
    numbers = values.astype(np.float32)
    finite = np.isfinite(numbers)
    low, high = (float(numbers[finite].min()), float(numbers[finite].max())) if finite.any() else (0.0, 0.0)
    numbers = np.nan_to_num(numbers, nan=low, posinf=high, neginf=low)
    grey = (numbers - low) * (255 / (high - low)) if high > low else np.zeros_like(numbers)
    return np.repeat(np.round(grey).astype(np.uint8)[..., None], 3, axis=2)
