"""The photos in a folder."""

from __future__ import annotations

import os
import re
from math import inf
from typing import TYPE_CHECKING

from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

_DIGITS = re.compile(r"(\d+)")


class FolderError(UserError):
    """A folder that cannot be read. The message is one sentence for the person."""


def scan(folder: Path, cancelled: Callable[[], bool] = lambda: False) -> list[str]:
    """The photos in a folder and its subfolders: paths relative to it, with forward slashes.

    The order is that of people: "img2" before "img10", whatever the case, a folder's own photos before those of its
    subfolders. Hidden files and folders are left out, a folder that links make appear twice is listed once, and a
    subfolder that cannot be read is left out. The list is empty once `cancelled()` is true.

    Raises:
        FolderError: there is no such folder, or it cannot be read.
    """
    try:
        return _scan(folder, cancelled)
    except FileNotFoundError:
        raise FolderError(f"The folder {folder} does not exist; choose another one.") from None
    except NotADirectoryError:
        raise FolderError(f"{folder} is not a folder; choose the folder that holds the photos.") from None
    except OSError as error:
        raise FolderError(f"The folder {folder} cannot be read: {error.strerror or error}.") from None


def natural_key(name: str) -> list[tuple[float, str]]:
    """A key that sorts numbers in names by their value and before letters, and letters whatever their case."""
    return [(int(text), "") if text.isdecimal() else (inf, text) for text in _DIGITS.split(name.casefold()) if text]


def _scan(folder: Path, cancelled: Callable[[], bool]) -> list[str]:
    photos: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [""]  # folders still to list, the next one last
    while waiting:
        if cancelled():
            return []
        prefix = waiting.pop()
        here = folder / prefix
        try:
            files, subfolders = _listed(here, seen)
        except OSError:
            if not prefix:
                raise
            continue
        photos += [prefix + name for name in sorted(files, key=natural_key)]
        waiting += [f"{prefix}{name}/" for name in sorted(subfolders, key=natural_key, reverse=True)]
    return photos


def _listed(folder: Path, seen: set[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """Names of the photos and the subfolders in one folder; none if it is in `seen`."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in seen and status.st_ino:
        return [], []
    seen.add(identity)
    files: list[str] = []
    subfolders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122  a Path each costs ten times the listing
                files.append(name)
            elif entry.is_dir():
                subfolders.append(name)
    return files, subfolders
