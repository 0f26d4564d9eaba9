"""The images in a folder."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING

from dataset.i18n import tr
from dataset.messages import UserError
from dataset.pictures.images import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

SORTED_AT_ONCE = 8192  # names
_DIGITS = re.compile(r"(\d+)")


class FolderError(UserError):
    """A folder cannot be read."""


def list_images(folder: Path, skip: Iterable[Path] = (), cancelled: Callable[[], bool] = lambda: False) -> list[str]:
    """Return the images in a folder and its subfolders, as paths relative to it with forward slashes.

    The order is that of people: "img2" before "img10", whatever the case, a folder's own images before those of its
    subfolders. Hidden files and folders are left out, a folder that links make appear twice is listed once, and a
    subfolder that cannot be read is left out.

    Args:
        folder: The folder.
        skip: Folders that are not looked into.
        cancelled: Called before each folder; once it returns true the listing ends, and is empty.

    Raises:
        FolderError: There is no such folder, or it cannot be read.
    """
    try:
        return _walk(folder, {path.resolve() for path in skip}, cancelled)
    except FileNotFoundError:
        raise FolderError(tr("The folder {folder} does not exist; choose another one.", folder=folder)) from None
    except NotADirectoryError:
        text = tr("{folder} is not a folder; choose the folder that holds the photos.", folder=folder)
        raise FolderError(text) from None
    except OSError as error:
        reason = error.strerror or error
        text = tr("The folder {folder} cannot be read: {reason}.", folder=folder, reason=reason)
        raise FolderError(text) from None


def has_hidden_images(folder: Path, cancelled: Callable[[], bool] = lambda: False) -> bool:
    """Return whether a folder, or a subfolder that is not hidden, has images whose names begin with a dot."""
    for _, subfolders, files in os.walk(folder):
        if cancelled():
            return False
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        if any(name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES for name in files):  # noqa: PTH122
            return True
    return False


def natural_key(name: str) -> str:
    """Return a key that sorts numbers in names by their value and before letters, and letters whatever their case."""
    return "".join([_key_of(text) for text in _DIGITS.split(name.casefold()) if text])


def _key_of(text: str) -> str:
    """Return text that sorts as it does: a number by how long it is, then by its digits, and before all letters."""
    if not text.isdecimal():
        return "\1" + text
    digits = str(int(text))
    return f"\0{chr(len(digits))}{digits}"


def in_natural_order(names: Sequence[str]) -> list[str]:
    """Return names sorted by `natural_key`, in parts: one call for 100,000 holds Python's lock a tenth of a second."""
    keyed = [(natural_key(name), name) for name in names]
    if len(keyed) <= SORTED_AT_ONCE:
        keyed.sort(key=itemgetter(0))
        return [name for _, name in keyed]
    pivots = sorted(key for key, _ in keyed[:: SORTED_AT_ONCE // 16])[16::16]
    parts: list[list[tuple[str, str]]] = [[] for _ in range(len(pivots) + 1)]
    for pair in keyed:
        parts[bisect_right(pivots, pair[0])].append(pair)
    for part in parts:
        part.sort(key=itemgetter(0))
    return [name for part in parts for _, name in part]


def _walk(folder: Path, skip: set[Path], cancelled: Callable[[], bool]) -> list[str]:
    images: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [""]  # folders still to list, the next one last
    while waiting:
        if cancelled():
            return []
        prefix = waiting.pop()
        here = folder / prefix
        if prefix and skip and here.resolve() in skip:
            continue
        try:
            files, subfolders = _list_one(here, seen)
        except OSError:
            if not prefix:
                raise
            continue
        images += [prefix + name for name in in_natural_order(files)]
        waiting += [f"{prefix}{name}/" for name in reversed(in_natural_order(subfolders))]
    return images


def _list_one(folder: Path, seen: set[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """Return the names of the images and of the subfolders in one folder; none if it is in `seen`."""
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
