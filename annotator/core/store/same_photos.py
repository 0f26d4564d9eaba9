"""Whether a folder shows the photos that work in a place of the user's own is of: another card may be mounted there."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from dataset.atomic_files import write_bytes
from dataset.json_text import loads
from dataset.regular_files import open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE = "photos.json"
MOST = 32  # photos that are noted: one of them is enough
_HOUR, _TICK = 3600, 2  # seconds: FAT keeps local time, which summer shifts, in steps of two
_BEGINNING = 65536  # bytes: photos of one size, as a camera's raw ones, differ in these already


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


def note(place: Path, folder: Path, photos: Mapping[str, tuple[int, float]]) -> None:
    """Note in a place whose work it keeps, once: `some_photos` of the folder. OSErrors pass through."""
    if photos and not (place / FILE).exists():
        noted = {name: (*stat, _digest(folder / name)) for name, stat in photos.items()}
        write_bytes(place / FILE, json.dumps(noted, ensure_ascii=True).encode())


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
    match noted:
        case [int() | float() as size, int() | float() as time, str() as digest] if size == stat.st_size:
            apart = (stat.st_mtime - time) % _HOUR
            return min(apart, _HOUR - apart) <= _TICK or (digest != "" and digest == _digest(photo))
    return False


def _digest(photo: Path) -> str:
    """Return a digest of how a photo begins; empty where it cannot be read, as once its disk is pulled."""
    try:
        with open_regular(photo) as file:
            return blake2b(file.read(_BEGINNING), digest_size=16).hexdigest()
    except OSError:
        return ""
