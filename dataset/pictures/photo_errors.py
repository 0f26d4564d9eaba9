"""Why a photo is not opened: what is wrong with its file, and sizes beyond what the machine or the program can hold."""

from __future__ import annotations

import math
import os
from functools import cache

from PIL import Image, UnidentifiedImageError

from dataset.i18n import tr
from dataset.messages import UserError
from dataset.pictures.deep_picture import DecodeError
from dataset.regular_files import NotRegularFileError

MAX_PIXELS = 500_000_000
"""A photo with more pixels is refused before memory is taken for it."""
DECODING_BYTES = 8
"""Of memory that a pixel takes while it is decoded: 4 in Pillow, 3 in the array, and what is being converted."""
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
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return tr("The photo is too large: the limit is {limit} megapixels.", limit=MAX_PIXELS // 10**6)
    if isinstance(error, MemoryError):
        return tr("There is not enough memory for this photo.")
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return tr("The file is truncated: a part of the photo is missing.")
    return tr("The file is damaged: it cannot be decoded.")


def check_size(width: int, height: int) -> None:
    """Raise a PhotoError for a photo of so many pixels where it is not to be decoded."""
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 10**6
        text = tr(
            "The photo is too large: {width} x {height} pixels, the limit is {limit} megapixels.",
            width=width,
            height=height,
            limit=limit,
        )
        raise PhotoError(text)
    needed = width * height * DECODING_BYTES
    if needed > MAX_MEMORY_SHARE * _memory():
        text = tr("There is not enough memory for this photo: opening it takes {n:.1f} GB.", n=needed / 2**30)
        raise PhotoError(text)
    if width < 1 or height < 1:
        raise PhotoError(tr("The photo has no pixels."))


@cache
def _memory() -> float:
    """Return the bytes of memory that the machine has; infinite where the system does not say."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
