"""The skeleton of a class: how it is edited, and what becomes of the keypoints that are on record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from annotator.core.annotation import UNLABELLED
from dataset.coco.categories import MAX_KEYPOINTS, mirror
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from annotator.core.annotation import Annotation, Keypoint
    from dataset.coco.categories import Category

Edge = tuple[int, int]
SIDES = ("", "left", "right")
"""What `sides` gives, in painting order."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Keypoints and the edges between them, as they are while they are edited."""

    names: tuple[str, ...] = ()
    """Of the keypoints, in order; no two are alike."""
    edges: tuple[Edge, ...] = ()
    """Pairs of indices, which count from 0."""
    origins: tuple[int | None, ...] = ()
    """What index each keypoint has on record; None: it is new."""

    @classmethod
    def of(cls, category: Category) -> Skeleton:
        """Return the skeleton that a class has on record."""
        return cls(category.keypoint_names, category.skeleton, tuple(range(len(category.keypoint_names))))

    def added(self, name: str) -> Skeleton:
        """Return it with another keypoint at the end.

        Raises:
            ValueError: The name is empty or taken, or there are too many, in a sentence for the person.
        """
        if len(self.names) >= MAX_KEYPOINTS:
            raise ValueError(tr("A class has at most {n} keypoints.", n=MAX_KEYPOINTS))
        return replace(self, names=(*self.names, self._checked(name)), origins=(*self.origins, None))

    def renamed(self, index: int, name: str) -> Skeleton:
        """Return it with another name of a keypoint.

        Raises:
            ValueError: The name is empty or taken, in a sentence for the person.
        """
        return replace(self, names=_with(self.names, index, self._checked(name, but=index)))

    def removed(self, index: int) -> Skeleton:
        """Return it without a keypoint and the edges that end there."""
        return self._arranged([i for i in range(len(self.names)) if i != index])

    def moved(self, index: int, to: int) -> Skeleton:
        """Return it with a keypoint at another place of the order; edges follow their ends."""
        order = [i for i in range(len(self.names)) if i != index]
        order.insert(to, index)
        return self._arranged(order)

    def toggled(self, a: int, b: int) -> Skeleton:
        """Return it without the edge between two keypoints, or with one if there was none."""
        others = tuple(edge for edge in self.edges if set(edge) != {a, b})
        return replace(self, edges=others if len(others) < len(self.edges) or a == b else (*others, (a, b)))

    def become(self, names: Sequence[str], edges: Iterable[Edge]) -> Skeleton:
        """Return another skeleton in its place; what has the same name stays the same keypoint."""
        known = dict(zip(self.names, self.origins, strict=True))
        return Skeleton(tuple(names), tuple(edges), tuple(known.get(name) for name in names))

    def _arranged(self, order: Sequence[int]) -> Skeleton:
        place = {old: new for new, old in enumerate(order)}
        return Skeleton(
            tuple(self.names[i] for i in order),
            tuple((place[a], place[b]) for a, b in self.edges if a in place and b in place),
            tuple(self.origins[i] for i in order),
        )

    def _checked(self, name: str, but: int | None = None) -> str:
        name = name.strip()
        if not name:
            raise ValueError(tr("A keypoint needs a name."))
        if any(name.casefold() == other.casefold() for i, other in enumerate(self.names) if i != but):
            raise ValueError(tr("There is a keypoint named “{name}” already.", name=name))
        return name


def _with(names: tuple[str, ...], index: int, name: str) -> tuple[str, ...]:
    return (*names[:index], name, *names[index + 1 :])


class SkeletonChange:
    """A class's skeleton before and after, and each record before and after, so that all of it can be taken back."""

    def __init__(self, category_id: int, before: Skeleton, after: Skeleton) -> None:
        self.category_id = category_id
        self.before = before
        """As it is on record."""
        self.after = after
        """With the indices before as its `origins`."""
        self._moves = after.origins != tuple(range(len(before.names)))
        self._made: dict[int, list[tuple[Annotation, Annotation]]] = {}  # by id: each record before, and after
        self._restored: dict[int, list[tuple[Annotation, Annotation]]] = {}

    @property
    def moves(self) -> bool:
        """Whether keypoints on record change, not only names and edges."""
        return self._moves

    def inverse(self) -> SkeletonChange:
        """Return the change back: records that are as this one left them become what they were, dropped points too."""
        places = {origin: i for i, origin in enumerate(self.after.origins) if origin is not None}
        before = replace(self.before, origins=tuple(places.get(i) for i in range(len(self.before.names))))
        back = SkeletonChange(self.category_id, self.after, before)
        back._restored = {i: [(new, old) for old, new in pairs] for i, pairs in self._made.items()}
        return back

    def __call__(self, record: Annotation) -> Annotation:
        """Return the record as it is with the skeleton after; the same one where it has nothing to do with it."""
        if record.category_id != self.category_id or not self._moves:
            return record
        for old, new in self._made.get(record.id, ()):
            if old is record:
                return new
        follows = next((new for old, new in self._restored.get(record.id, ()) if old == record), None)
        if follows is None and not record.keypoints:
            return record
        if follows is None:
            follows = replace(record, keypoints=rearranged(record.keypoints, self.after.origins))
        self._made.setdefault(record.id, []).append((record, follows))
        return follows


def rearranged(keypoints: Sequence[Keypoint], origins: Iterable[int | None]) -> tuple[Keypoint, ...]:
    """Return the keypoints whose indices are `origins`, unlabelled where there is none."""
    return tuple(UNLABELLED if i is None or i >= len(keypoints) else keypoints[i] for i in origins)


def in_order_of(keypoints: Sequence[Keypoint], theirs: Sequence[str], ours: Sequence[str]) -> tuple[Keypoint, ...]:
    """Return keypoints named `theirs` as those of a class that names `ours`; none if the two have no name in common.

    What the class has alone is unlabelled, what it lacks is left out.
    """
    if len(keypoints) == len(theirs) and tuple(theirs) == tuple(ours):
        return tuple(keypoints)
    if len(keypoints) != len(theirs) or not shared_names(theirs, ours):
        return ()
    places = {name.casefold(): i for i, name in enumerate(theirs)}
    return rearranged(keypoints, (places.get(name.casefold()) for name in ours))


def shared_names(theirs: Iterable[str], ours: Iterable[str]) -> set[str]:
    """Return the names that two classes have in common, whatever their case."""
    return {name.casefold() for name in theirs} & {name.casefold() for name in ours}


def mirrored(record: Annotation, names: tuple[str, ...]) -> Annotation:
    """Return the record with left and right of its keypoints exchanged; the same one where nothing changes."""
    if len(record.keypoints) != len(names):
        return record
    swapped = rearranged(record.keypoints, mirror(names))
    return record if swapped == record.keypoints else record.with_keypoints(swapped)


def pairs(names: tuple[str, ...]) -> list[Edge]:
    """Return the indices of keypoints that are each other's left and right, by their names."""
    return [(i, j) for i, j in enumerate(mirror(names)) if i < j]


@lru_cache(maxsize=256)
def sides(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return "left", "right" or "" for each keypoint: those with a partner on the other side, by their names."""
    return tuple("" if i == j else "left" if "left" in names[i] else "right" for i, j in enumerate(mirror(names)))


def spoken(name: str) -> str:
    """Return a keypoint's name as it is shown: "left eye"."""
    return name.replace("_", " ")
