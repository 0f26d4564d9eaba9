"""The photos of a folder."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.images import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """Return what sorts names as people count: photo 2 before photo 10."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name.lower())]


def list_photos(folder: Path, leave_out: Iterable[Path] = ()) -> list[str]:
    """Return the photos in a folder and its subfolders, in natural order, as paths relative to it with `/`.

    Hidden files and folders, and the folders `leave_out`, are not looked into.

    Raises:
        OSError: The folder cannot be read.
    """
    next(folder.iterdir(), None)  # walk would pass over a folder that cannot be read
    skipped = {path.resolve() for path in leave_out}
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".") and (Path(here) / f).resolve() not in skipped]
        found += [
            (Path(here) / name).relative_to(folder).as_posix()
            for name in files
            if not name.startswith(".") and name.lower().endswith(SUFFIXES)
        ]
    return sorted(found, key=lambda path: [natural_key(part) for part in path.split("/")])
