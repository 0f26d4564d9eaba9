"""Whether a folder shows the photos that work in a place of the user's own is of: another card may be mounted there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dataset.atomic_files import write_bytes
from dataset.json_text import loads
from dataset.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE = "photos.json"
MOST = 32  # photos that are noted: one of them is enough
_HOUR, _TICK = 3600, 2  # seconds: FAT keeps local time, which summer shifts, in steps of two


def some_photos(folder: Path, names: Sequence[str]) -> dict[str, tuple[int, float]]:
    """Return the bytes and the time of change, in seconds, of some of the photos that are there."""
    found = {}
    for name in names[:: max(1, len(names) // MOST)][:MOST]:
        try:
            stat = (folder / name).stat()
        except (OSError, ValueError):
            continue
        found[name] = (stat.st_size, stat.st_mtime)
    return found


def note(place: Path, photos: Mapping[str, tuple[int, float]]) -> None:
    """Note in a place whose work it keeps, once. OSErrors pass through."""
    if photos and not (place / FILE).exists():
        write_bytes(place / FILE, json.dumps(photos, ensure_ascii=True).encode())


def is_of(place: Path, folder: Path) -> bool | None:
    """Return whether one of the photos noted in a place is in the folder; None where none is noted."""
    try:
        noted: Any = loads(read_regular(place / FILE))
    except (OSError, ValueError):
        return None
    if not isinstance(noted, dict):
        return None
    return any(_is_there(folder / name, stat) for name, stat in noted.items())


def _is_there(photo: Path, noted: object) -> bool:
    try:
        stat = photo.stat()
    except (OSError, ValueError):
        return False
    if not isinstance(noted, list) or len(noted) != 2 or not all(isinstance(v, int | float) for v in noted):
        return False
    apart = (stat.st_mtime - noted[1]) % _HOUR
    return stat.st_size == noted[0] and min(apart, _HOUR - apart) <= _TICK
