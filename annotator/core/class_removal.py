"""Taking a class away: its objects move to another class, or go, and come back when that is taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.core.skeleton import in_order_of

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation
    from annotator.core.skeleton import SkeletonChange
    from dataset.coco.categories import Category


class ClassRemoval:
    """What becomes of each record, on record, undone or copied, when a class goes. Call it with one."""

    def __init__(self, gone: Category, into: Category | None = None) -> None:
        """`into` is the class that the objects of `gone` move to; None: they are deleted."""
        self.gone, self.into = gone, into
        self._moved: dict[int, list[tuple[Annotation, Annotation]]] = {}  # by id: each record before, and after
        self._others: dict[int, list[Annotation]] = {}  # those that were of the other class before

    def __call__(self, record: Annotation) -> Annotation | None:
        """Return what the record becomes, None where it goes; the same one where it has nothing to do with it.

        Keypoints go along where the two classes have names in common.
        """
        if self.into is not None and record.category_id == self.into.id:
            self._others.setdefault(record.id, []).append(record)
        if record.category_id != self.gone.id:
            return record
        if self.into is None:
            return None
        for before, after in self._moved.get(record.id, ()):
            if before is record:
                return after
        after = _in_class(record, self.gone, self.into)
        self._moved.setdefault(record.id, []).append((record, after))
        return after

    def follow(self, change: SkeletonChange) -> None:
        """Keep up with another skeleton of the class that the objects moved to, so that they find their way back."""
        if self.into is None or self.into.id != change.category_id:
            return
        self.into = replace(self.into, keypoint_names=change.after.names, skeleton=change.after.edges)
        self._moved = {i: [(old, change(new)) for old, new in pairs] for i, pairs in self._moved.items()}
        self._others = {i: [change(record) for record in records] for i, records in self._others.items()}

    def back(self, record: Annotation) -> Annotation:
        """Return what a record becomes when the class is there again: as it was, or with what was done to it since."""
        pairs = self._moved.get(record.id)
        if self.into is None or not pairs or record.category_id != self.into.id:
            return record
        for before, after in pairs:
            if record in (before, after):
                return before
        if record in self._others.get(record.id, ()):
            return record
        return _in_class(record, self.into, self.gone)


def _in_class(record: Annotation, old: Category, new: Category) -> Annotation:
    keypoints = in_order_of(record.keypoints, old.keypoint_names, new.keypoint_names) if record.keypoints else ()
    return replace(record, category_id=new.id, keypoints=keypoints)
