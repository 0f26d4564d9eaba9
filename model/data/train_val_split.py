"""Train / validation split of photos and cross-validation folds, by content: a photo never changes sides.

Near duplicates and photos of one burst stay on one side; otherwise a model would be measured on training data.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from dataset.atomic_files import write_bytes
from dataset.json_text import loads
from dataset.pictures.near_duplicates import near_duplicates
from dataset.regular_files import read_regular
from dataset.validation_split import MIN_VAL, validation_size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from dataset.pictures.fingerprints import ImageFingerprint


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
    new = sum(map(len, undecided))
    wanted = min(validation_size(len(photos)), taken + max(MIN_VAL, new // 2))  # or a round would learn nothing new
    for group in undecided:
        labels = Counter(label for i in group for label in classes[i])
        # A class that is in no other photo needs this one for training.
        measures = bool(labels) and taken + len(group) <= wanted and all(left[k] > n for k, n in labels.items())
        if measures:
            taken += len(group)
            left -= labels
        sides |= dict.fromkeys((photos[i].digest for i in group), "val" if measures else "train")
    return sides


def folds(
    photos: Sequence[ImageFingerprint], classes: Sequence[set[int]], seen: Collection[int] = ()
) -> list[list[int]]:
    """Return 3 to 5 parts of so few photos, by index, each to be measured by a model that has not seen it.

    Labelled photos are dealt out before empty ones. Fewer than two parts mean that nothing can be measured.

    Args:
        photos: As in `split`.
        classes: As in `split`.
        seen: Photos that are in no part, nor are their near duplicates: the model to beat has learned from them.
    """
    found = [group for group in near_duplicates(photos) if not any(i in seen for i in group)]
    found.sort(key=lambda g: (not any(classes[i] for i in g), min(photos[i].digest for i in g)))
    labelled = sum(any(classes[i] for i in g) for g in found)
    count = min(labelled, 5 if len(photos) >= 5 else 3)
    parts: list[list[int]] = [[] for _ in range(max(1, count))]
    for group in found:
        min(parts, key=len).extend(group)
    return [sorted(p) for p in parts]


def learned_elsewhere(parts: Sequence[Sequence[int]], classes: Sequence[set[int]]) -> set[int]:
    """Return the labels that do not stand in one part alone: of others no model has learned where they are measured."""
    measured = {i for part in parts for i in part}
    rest = [i for i in range(len(classes)) if i not in measured]
    counts = Counter(label for part in [*parts, rest] for label in set().union(*(classes[i] for i in part)))
    return {label for label, n in counts.items() if n > 1}


def read(path: Path | None) -> dict[str, str]:
    """Return what was decided before; a file that is missing or damaged decides nothing."""
    try:
        data: Any = loads(read_regular(path)) if path else {}
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}


def write(path: Path, sides: dict[str, str], known: Iterable[tuple[str, str]] = ()) -> None:
    """Write what is decided, with what was known of photos that are not there now.

    Raises:
        OSError: The file cannot be written.
    """
    write_bytes(path, json.dumps(dict(known) | sides, indent=1, sort_keys=True).encode())
