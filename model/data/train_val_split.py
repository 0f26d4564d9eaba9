"""Train / validation split of photos and cross-validation folds, by content: a photo never changes sides.

Near duplicates and photos of one burst stay on one side; otherwise a model would be measured on training data.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from dataset.atomic_files import write_bytes
from dataset.i18n import tr
from dataset.pictures.images import PhotoError, photo_time, read_reduced
from dataset.regular_files import open_regular, read_regular
from dataset.validation_split import validation_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

HASH_SIDE = 16
DUPLICATE_BITS = 16
"""Photos whose hashes of 256 bits differ in so many or fewer are near duplicates: saved anew, smaller, brighter ..."""
SEQUENCE_BITS = 56
"""... and those with neighbouring numbers in their names in so many: frames of one video, a burst."""
SEQUENCE_STEP = 5
"""How far the numbers of neighbours may lie apart."""
SEQUENCE_SECONDS = 10.0
"""Time between two photos of a burst at most."""


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


def near_duplicates(photos: Sequence[ImageFingerprint]) -> list[list[int]]:
    """Return groups of indices of near duplicates and bursts, in the order of their first members."""
    parent = list(range(len(photos)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i in range(len(photos)):
        for j in range(i):
            if _belong_together(photos[i], photos[j]):
                parent[max(root(i), root(j))] = min(root(i), root(j))
    found: dict[int, list[int]] = {}
    for i in range(len(photos)):
        found.setdefault(root(i), []).append(i)
    return list(found.values())


def _belong_together(one: ImageFingerprint, other: ImageFingerprint) -> bool:
    if one.digest == other.digest:
        return True
    different = int((one.dhash != other.dhash).sum())
    if different <= DUPLICATE_BITS:
        return True
    (stem, number), (other_stem, other_number) = _numbered(one.name), _numbered(other.name)
    if number is None or other_number is None or stem != other_stem or abs(number - other_number) > SEQUENCE_STEP:
        return False
    if one.time is not None and other.time is not None:
        return abs(one.time - other.time) <= SEQUENCE_SECONDS
    return different <= SEQUENCE_BITS


def _numbered(name: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(.*?)(\d{1,15})", name.rpartition(".")[0] or name, re.DOTALL)
    return (match[1], int(match[2])) if match else (name, None)


def split(photos: Sequence[ImageFingerprint], classes: Sequence[set[int]], known: dict[str, str]) -> dict[str, str]:
    """Return "train" or "val" for the digest of every photo.

    Args:
        photos: All photos of the project that are labelled.
        classes: The labels that stand in each; an empty set for a photo without objects.
        known: What was decided before: it stays.
    """
    sides = {p.digest: known[p.digest] for p in photos if known.get(p.digest) in ("train", "val")}
    undecided = []
    for group in near_duplicates(photos):
        members = [photos[i].digest for i in group]
        decided = [sides[d] for d in members if d in sides]
        if decided:
            sides = dict.fromkeys(members, decided[0]) | sides
        else:
            undecided.append(group)
    if not sides and len(undecided) == 1:
        return dict.fromkeys((p.digest for p in photos), "train")
    # By content: names and their order do not matter. Photos without objects measure little, so they come last.
    undecided.sort(key=lambda group: (not any(classes[i] for i in group), min(photos[i].digest for i in group)))
    taken = sum(sides.get(p.digest) == "val" for p in photos)
    left = Counter(label for i, p in enumerate(photos) if sides.get(p.digest) != "val" for label in classes[i])
    wanted = validation_size(len(photos))
    for group in undecided:
        labels = Counter(label for i in group for label in classes[i])
        # A class that is in no other photo needs this one for training.
        measures = bool(labels) and taken + len(group) <= wanted and all(left[k] > n for k, n in labels.items())
        if measures:
            taken += len(group)
            left -= labels
        sides |= dict.fromkeys((photos[i].digest for i in group), "val" if measures else "train")
    return sides


def folds(photos: Sequence[ImageFingerprint], classes: Sequence[set[int]]) -> list[list[int]]:
    """Return 3 to 5 parts of so few photos, by index, each to be measured by a model that has not seen it.

    Labelled photos are dealt out before empty ones. Fewer than two parts mean that nothing can be measured.
    """
    found = near_duplicates(photos)
    found.sort(key=lambda g: (not any(classes[i] for i in g), min(photos[i].digest for i in g)))
    labelled = sum(any(classes[i] for i in g) for g in found)
    count = min(labelled, 5 if len(photos) >= 5 else 3)
    parts: list[list[int]] = [[] for _ in range(max(1, count))]
    for group in found:
        min(parts, key=len).extend(group)
    return [sorted(p) for p in parts]


def read(path: Path | None) -> dict[str, str]:
    """Return what was decided before; a file that is missing or damaged decides nothing."""
    try:
        data: Any = json.loads(read_regular(path)) if path else {}
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}


def write(path: Path, sides: dict[str, str], known: Iterable[tuple[str, str]] = ()) -> None:
    """Write what is decided, with what was known of photos that are not there now.

    Raises:
        OSError: The file cannot be written.
    """
    write_bytes(path, json.dumps(dict(known) | sides, indent=1, sort_keys=True).encode())
