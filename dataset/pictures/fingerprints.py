"""What a photo is recognised by when it comes again: its bytes, what it looks like, and when it was taken."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dataset.i18n import tr
from dataset.pictures.images import PhotoError, photo_time, read_reduced
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HASH_SIDE = 16


@dataclass(frozen=True)
class ImageFingerprint:
    """Hashes, name and time of a photo, by which near duplicates are found."""

    name: str
    """As in the COCO file."""
    digest: str
    """SHA-256 of the file, hexadecimal."""
    dhash: NDArray[np.bool_]
    """Difference hash [HASH_SIDE ** 2]: whether it gets brighter from one cell to the next."""
    time: float | None
    """When it was taken (EXIF), in seconds from some day on; None when unknown."""
    size: tuple[int, int] = (0, 0)
    """Width and height in pixels."""


def fingerprint(path: Path, name: str) -> ImageFingerprint:
    """Return the fingerprint of a photo file.

    Raises:
        dataset.pictures.images.PhotoError: It cannot be read.
    """
    photo = read_reduced(path)
    grey = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    try:
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise PhotoError(tr("The file cannot be read.")) from None
    return ImageFingerprint(name, digest, (small[:, 1:] > small[:, :-1]).ravel(), _taken(path), photo.size)


def _taken(path: Path) -> float | None:
    """Return the EXIF time at which a photo was taken, in seconds from some day on; None without one."""
    try:
        day, clock = photo_time(path).split(" ")
        year, month, date = (int(v) for v in day.split(":"))
        hour, minute, second = (int(v) for v in clock.split(":"))
    except Exception:  # noqa: BLE001 - without a time there is none
        return None
    return ((year * 12 + month) * 31 + date) * 86400.0 + hour * 3600 + minute * 60 + second
