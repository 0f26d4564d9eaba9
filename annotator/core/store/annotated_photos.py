"""Which annotations of a COCO file are whose, and of which classes: kept in arrays, for millions of them."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dataset.arrays import distinct

if TYPE_CHECKING:
    from collections.abc import KeysView, Mapping

    from numpy.typing import NDArray

    from annotator.core.store.coco_document import CocoFile
    from dataset.coco.raw_file import Ids

UNCLEAR, ORPHAN = -2, -1
"""In the place of a photo's number: an annotation that may be of several photos, and one of none."""
_NO_CLASSES: frozenset[int] = frozenset()


class AnnotatedPhotos:
    """The photos that have annotations in a file as it was read."""

    def __init__(self, coco: CocoFile, numbers: Mapping[str, int], photos: Mapping[int | str | None, int]) -> None:
        """Put the annotations to their photos.

        Args:
            coco: The file.
            numbers: Of the photos by name, from 0 on.
            photos: The number of the photo that an `image_id` means, or UNCLEAR.
        """
        owners = _looked_up(coco.image_ids, photos, ORPHAN)
        self.unclear, self.orphans = int((owners == UNCLEAR).sum()), int((owners == ORPHAN).sum())
        """How many annotations may belong to several photos, and how many belong to none."""
        order = np.argsort(owners, kind="stable").astype(np.int32)
        bounds = np.searchsorted(owners[order], np.arange(len(numbers) + 1))
        self._order = order
        self._bounds = array("l", bounds.tolist())
        has_some = np.diff(bounds) > 0
        self._numbers = {name: number for name, number in numbers.items() if has_some[number]}
        self._classes = _class_sets(owners[order], _looked_up(coco.category_ids, coco.class_ids, -1)[order], bounds)

    @property
    def names(self) -> KeysView[str]:
        """The photos."""
        return self._numbers.keys()

    def places(self, name: str) -> list[int]:
        """Return where a photo's annotations are among the file's, in their order."""
        number = self._numbers.get(name)
        return [] if number is None else self._order[self._bounds[number] : self._bounds[number + 1]].tolist()

    def count(self, name: str) -> int:
        """Return how many annotations a photo has."""
        number = self._numbers.get(name)
        return 0 if number is None else self._bounds[number + 1] - self._bounds[number]

    def category_ids(self, name: str) -> frozenset[int]:
        """Return the classes of a photo's annotations."""
        number = self._numbers.get(name)
        return _NO_CLASSES if number is None else self._classes[number]


def _looked_up(ids: Ids, values: Mapping[int | str | None, int], otherwise: int) -> NDArray[np.int64]:
    """Return the value [N] of each id."""
    if not isinstance(ids, array) or not ids:
        return np.fromiter((values.get(key, otherwise) for key in ids), np.int64, len(ids))
    numbers = np.frombuffer(ids, np.int64)
    known = distinct(numbers)
    found = np.array([values.get(key, otherwise) for key in known.tolist()], np.int64)
    if known[-1] - known[0] > 4 * len(numbers):
        return found[np.searchsorted(known, numbers)]
    table = np.empty(int(known[-1] - known[0]) + 1, np.int64)
    table[known - known[0]] = found
    return table[numbers - known[0]]


def _class_sets(
    owners: NDArray[np.int64], classes: NDArray[np.int64], bounds: NDArray[np.int64]
) -> list[frozenset[int]]:
    """Return the classes of each photo, whose annotations, in the order of photos, lie between two `bounds`."""
    used = distinct(classes)
    columns = np.searchsorted(used, classes)
    width = max(len(used), 1)
    pairs = distinct(owners * width + columns)
    ends = np.searchsorted(pairs, np.arange(len(bounds)) * width).tolist()
    columns = (pairs % width).astype(np.int32)
    known: dict[bytes, frozenset[int]] = {}  # few sets that differ among many photos
    found: list[frozenset[int]] = []
    for start, end in pairwise(ends):
        part = columns[start:end]
        key = part.tobytes()
        if key not in known:
            known[key] = frozenset(number for number in used[part].tolist() if number >= 0)
        found.append(known[key])
    return found
