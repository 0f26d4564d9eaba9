"""Photos that show the same: copies, near duplicates by their difference hashes, and frames of one video or burst."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dataset.pictures.fingerprints import ImageFingerprint

DUPLICATE_BITS = 16
"""Photos whose hashes of 256 bits differ in so many or fewer are near duplicates: saved anew, smaller, brighter ..."""
SEQUENCE_BITS = 56
"""... and those with neighbouring numbers in their names in so many: frames of one video, a burst."""
SEQUENCE_STEP = 5
"""How far the numbers of neighbours may lie apart."""
SEQUENCE_SECONDS = 10.0
"""Time between two photos of a burst at most."""

_AT_ONCE = 1 << 20  # pairs that are compared at a time


def near_duplicates(photos: Sequence[ImageFingerprint]) -> list[list[int]]:
    """Return groups of indices of near duplicates and bursts, in the order of their first members."""
    pairs = (*similar(photos), *_sequences(photos))
    return joined(len(photos), pairs)


def copies(photos: Sequence[ImageFingerprint]) -> list[list[int]]:
    """Return groups of two or more indices of files with the same bytes, in the order of their first members."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for i, photo in enumerate(photos):
        found[photo.digest].append(i)
    return [group for group in found.values() if len(group) > 1]


def similar(photos: Sequence[ImageFingerprint]) -> Iterator[tuple[int, int]]:
    """Yield pairs of indices of copies and of photos that look the same: enough of them to join all groups.

    Two hashes that differ in at most `DUPLICATE_BITS` bits agree in one of `DUPLICATE_BITS + 1` bands of bits at
    least (multi-index hashing, Norouzi, Punjani and Fleet, CVPR 2012): only photos that do are compared.
    """
    for group in copies(photos):
        yield from ((group[0], i) for i in group[1:])
    if not photos:
        return
    packed = np.packbits(np.stack([photo.dhash for photo in photos]), axis=1)
    hashes, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.ravel()
    yield from ((int(first[inverse[i]]), i) for i in range(len(photos)) if first[inverse[i]] != i)
    bits = np.unpackbits(hashes, axis=1)
    for band in np.array_split(np.arange(bits.shape[1]), DUPLICATE_BITS + 1):
        keys = bits[:, band] @ (1 << np.arange(len(band), dtype=np.int64))
        for one, other in _within(keys):
            near = np.bitwise_count(hashes[one] ^ hashes[other]).sum(axis=1) <= DUPLICATE_BITS
            yield from zip(first[one[near]].tolist(), first[other[near]].tolist(), strict=True)


def _within(keys: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield all pairs of indices that have the same key, as two arrays at a time of `_AT_ONCE` at most."""
    order = np.argsort(keys, kind="stable")
    ends = np.searchsorted(keys[order], keys[order], side="right")  # of each one's run
    left, step = np.arange(len(order)), 1
    while len(left := left[left + step < ends[left]]):
        for start in range(0, len(left), _AT_ONCE):
            some = left[start : start + _AT_ONCE]
            yield order[some], order[some + step]
        step += 1


def _sequences(photos: Sequence[ImageFingerprint]) -> list[tuple[int, int]]:
    """Return pairs of photos with neighbouring numbers in their names that were taken at once, or look much alike."""
    pairs = np.array(list(numbered_neighbours([photo.name for photo in photos])), np.int64).reshape(-1, 2)
    if not len(pairs):
        return []
    one, other = pairs.T
    packed = np.packbits(np.stack([photo.dhash for photo in photos]), axis=1)
    times = np.array([np.nan if photo.time is None else photo.time for photo in photos])
    apart = np.abs(times[one] - times[other])
    alike = np.bitwise_count(packed[one] ^ packed[other]).sum(axis=1) <= SEQUENCE_BITS
    return [(i, j) for i, j in pairs[np.where(np.isnan(apart), alike, apart <= SEQUENCE_SECONDS)].tolist()]


def numbered_neighbours(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of indices of names that are alike but for numbers at their ends, `SEQUENCE_STEP` apart at most."""
    by_stem: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for i, name in enumerate(names):
        stem, number = numbered(name)
        if number is not None:
            by_stem[stem].append((number, i))
    for members in by_stem.values():
        members.sort()
        for place, (number, i) in enumerate(members):
            for other, j in members[place + 1 :]:
                if other - number > SEQUENCE_STEP:
                    break
                yield i, j


def numbered(name: str) -> tuple[str, int | None]:
    """Return a file name without its ending and the number at its end, and that number."""
    match = re.fullmatch(r"(.*?)(\d{1,15})", name.rpartition(".")[0] or name, re.DOTALL)
    return (match[1], int(match[2])) if match else (name, None)


def joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups into which pairs join the numbers below `count`, in the order of their first members."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        a, b = root(i), root(j)
        parent[max(a, b)] = min(a, b)
    found: dict[int, list[int]] = {}
    for i in range(count):
        found.setdefault(root(i), []).append(i)
    return list(found.values())
