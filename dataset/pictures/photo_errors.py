"""Why a photo is not opened: what is wrong with its file, and sizes beyond what the machine or the program can hold."""

from __future__ import annotations

import math
import os
from functools import cache

from PIL import Image, UnidentifiedImageError

from dataset.i18n import tr
from dataset.messages import UserError
from dataset.pictures.deep_picture import DecodeError, NoValuesError
from dataset.regular_files import NotRegularFileError

MAX_PIXELS = 1_000_000_000
"""A photo with more pixels is refused before memory is taken for it."""
MAX_PIXELS_AT_ONCE = 500_000_000
"""Of a photo that is decoded as a whole before the first row can be taken."""
DECODING_BYTES, SHOWN_BYTES = 8, 4
"""Of memory that a pixel takes: 4 in Pillow, 3 in the array, and what is being converted; then 3 and smaller versions.

What is decoded row by row takes no more than what is shown.
"""
MAX_MEMORY_SHARE = 0.8
"""Of the machine's memory, that decoding a photo may take: a system that runs out of it ends the program."""


class PhotoError(UserError):
    """A photo cannot be read; the text is one sentence that says why, without the file's name."""


def refusal(error: OSError) -> str:
    """Return why a file is not opened; "" where it is, and something is wrong with what it holds."""
    if isinstance(error, FileNotFoundError):
        return tr("The file does not exist.")
    if isinstance(error, IsADirectoryError):
        return tr("This is a folder, not a photo.")
    if isinstance(error, NotRegularFileError):
        return tr("This is a pipe, a socket or a device, not a photo.")
    if isinstance(error, PermissionError):
        return tr("The file may not be read (permission denied).")
    return tr("The file is not a picture in a known format.") if isinstance(error, UnidentifiedImageError) else ""


def damage(error: Exception) -> str:
    """Return why the content of a file cannot be decoded."""
    if isinstance(error, DecodeError):
        return tr("This kind of picture cannot be read: save it anew in RGB with 8 bits.")
    if isinstance(error, NoValuesError):
        return tr("There is nothing to see in the photo: no value in it is a number.")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return tr("The photo is too large: the limit is {limit} megapixels.", limit=MAX_PIXELS // 10**6)
    if isinstance(error, MemoryError):
        return tr("There is not enough memory for this photo.")
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return tr("The file is truncated: a part of the photo is missing.")
    return tr("The file is damaged: it cannot be decoded.")


def check_size(width: int, height: int, *, by_rows: bool = False) -> None:
    """Raise a PhotoError for a photo of so many pixels where it is not to be decoded.

    Args:
        width: In pixels.
        height: In pixels.
        by_rows: Whether it is decoded some rows at a time.
    """
    if width * height > (MAX_PIXELS if by_rows else MAX_PIXELS_AT_ONCE):
        sizes = {"width": width, "height": height, "limit": MAX_PIXELS_AT_ONCE // 10**6, "most": MAX_PIXELS // 10**6}
        if by_rows or width * height > MAX_PIXELS:
            text = tr("The photo is too large: {width} x {height} pixels, the limit is {most} megapixels.", **sizes)
        else:
            text = tr(
                "The photo is too large: {width} x {height} pixels, the limit is {limit} megapixels here, and {most} "
                "for a TIFF, and for a JPEG or PNG in RGB with 8 bits.",
                **sizes,
            )
        raise PhotoError(text)
    check_memory(width * height * (SHOWN_BYTES if by_rows else DECODING_BYTES))
    if width < 1 or height < 1:
        raise PhotoError(tr("The photo has no pixels."))


def check_memory(needed: int) -> None:
    """Raise a PhotoError for a photo that takes so many bytes, where the machine has not enough."""
    if needed > MAX_MEMORY_SHARE * _memory():
        text = tr("There is not enough memory for this photo: opening it takes {n:.1f} GB.", n=needed / 2**30)
        raise PhotoError(text)


@cache
def _memory() -> float:
    """Return the bytes of memory that the machine has; infinite where the system does not say."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
