"""Train / validation / test splits of photos: what belongs together stays together, each class is shared out alike.

The same photos give the same split, whatever their order. More photos move few: each group has its place in an order
by the hash of its name, and a split takes from one end of it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from dataset.pictures.near_duplicates import joined, near_duplicates, numbered, numbered_neighbours

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dataset.pictures.fingerprints import ImageFingerprint

Side = Literal["train", "val", "test"]
SIDES: tuple[Side, ...] = ("train", "val", "test")

Groups = list[list[int]]


def group_photos(names: Sequence[str], found: Sequence[ImageFingerprint]) -> Groups:
    """Return groups of indices of photos that are to stay on one side: near duplicates, frames of one video, bursts.

    Args:
        names: Of the photos.
        found: Fingerprints of those that can be read, by these names. Others are frames of one video where their names
            say so: text, and neighbouring numbers at its end.
    """
    place = {name: i for i, name in enumerate(names)}
    pairs = [(i, place[name]) for i, name in enumerate(names) if place[name] != i]
    pairs += [
        (place[found[one].name], place[found[other].name])
        for group in near_duplicates(found)
        for one, other in pairwise(group)
    ]
    read = {photo.name for photo in found}
    others = [name for name in place if name not in read and any(c.isalpha() for c in _stem(name))]
    pairs += [(place[others[i]], place[others[j]]) for i, j in numbered_neighbours(others)]
    return joined(len(names), pairs)


def _stem(name: str) -> str:
    return numbered(name)[0].rpartition("/")[2]


def split_groups(
    groups: Groups, names: Sequence[str], classes: Sequence[Collection[str]], val: float, test: float = 0.0
) -> list[Side]:
    """Return the side of each photo.

    A group belongs to the rarest of its classes. Of the photos of each class the shares are taken, and never all of
    its groups: a class that is only measured is not learned. Where that leaves none out of the training, as each of a
    few photos has a class of its own, the shares are taken of all groups.

    Args:
        groups: Indices of the photos.
        names: Of the photos: the order of groups depends on them.
        classes: Names of the classes of each photo's objects.
        val: Share of the photos for validation.
        test: As above, for tests.
    """
    counts = Counter(name for own in classes for name in set(own))
    strata: defaultdict[str, Groups] = defaultdict(list)
    for group in groups:
        own = {name for i in group for name in classes[i]}
        strata[min(own, key=lambda name: (counts[name], name), default="")].append(group)
    sides = _shared_out(strata, names, val, test)
    return sides if set(sides) != {"train"} else _shared_out({"": list(groups)}, names, val, test)


def _shared_out(strata: Mapping[str, Groups], names: Sequence[str], val: float, test: float) -> list[Side]:
    """Return the side of each photo, of which the shares are taken in each of the strata."""
    sides: list[Side] = ["train"] * len(names)
    hashes = [_fraction(name) for name in names]
    for members in strata.values():
        members.sort(key=lambda group: min(hashes[i] for i in group))
    for side, share in (("val", val), ("test", test)):
        for stratum, quota in _quotas(strata, share, len(names)).items():
            left = [group for group in strata[stratum] if sides[group[0]] == "train"]
            # From both ends, so that the border of one does not move that of the other.
            for i in _taken(left if side == "val" else left[::-1], quota):
                sides[i] = "val" if side == "val" else "test"
    return sides


def _quotas(strata: Mapping[str, Groups], share: float, total: int) -> dict[str, int]:
    """Return how many photos of each stratum are taken; together they are that share of all."""
    sizes = {name: sum(map(len, groups)) for name, groups in strata.items()}
    # Rounded up or down by the hash of the class, so that each is on its own: one more photo changes one of them.
    quotas = {name: int(share * size + _fraction(name)) if share else 0 for name, size in sizes.items()}
    largest = max(sizes, key=lambda name: (sizes[name], name), default="")
    others = sum(quota for name, quota in quotas.items() if name != largest)
    if largest in quotas:
        quotas[largest] = max(0, round(share * total) - others)
    return quotas


def _taken(groups: Groups, quota: int) -> list[int]:
    """Return the photos of the first groups that fit, but not all of them."""
    taken: list[int] = []
    for left, group in zip(range(len(groups), 0, -1), groups, strict=True):
        if left == 1 and len(taken) == sum(map(len, groups)) - len(group):
            break
        if 2 * len(taken) + len(group) <= 2 * quota:
            taken += group
    return taken


def _fraction(text: str) -> float:
    """Return a number from 0 to 1 that is the same for the same text, and otherwise any."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
