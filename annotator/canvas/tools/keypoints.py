"""Edits of keypoints, from a record to a record, and which one they are for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from annotator.canvas.hit_testing import Hit, HitKind
from annotator.canvas.tools.drags import clamp, with_keypoint
from annotator.core.annotation import UNLABELLED, Keypoint, Visibility

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.canvas.tools.base import Pointer
    from annotator.core.annotation import Annotation

Place = tuple[float, float]  # in photo pixels


@dataclass(frozen=True, slots=True)
class ChosenKeypoint:
    """The keypoint of the object with handles that was clicked, or changed by its key, last."""

    index: int | None = None
    """Which one; None: none."""
    places: Mapping[int, Place] = field(default_factory=dict)
    """Where the object's keypoints were that have been unlabelled, by index."""
    turned: Pointer | None = None
    """Where the mouse was when it was changed: as long as it stays there, the keypoint is under it, also unseen."""

    def chosen(self, index: int | None) -> ChosenKeypoint:
        """Return it with another keypoint chosen."""
        return replace(self, index=index, turned=None)

    def at(self, mouse: Pointer) -> ChosenKeypoint:
        """Return it with the mouse there."""
        return replace(self, turned=None) if self.turned is not None and mouse.far_from(self.turned) else self

    def place(self, record: Annotation, index: int | None) -> Place | None:
        """Return where a keypoint is, or was before it was unlabelled."""
        if index is None or index >= len(record.keypoints):
            return None
        if record.keypoints[index].visibility is Visibility.UNLABELLED:
            return self.places.get(index)
        return record.keypoints[index][:2]

    def hit(self, record: Annotation | None) -> Hit | None:
        """Return it as what is under the mouse, if the mouse is still where the keypoint was changed."""
        if record is None or self.turned is None:
            return None
        place = self.place(record, self.index)
        return None if place is None else Hit(HitKind.KEYPOINT, record.id, *place, keypoint=self.index)

    def turn(self, record: Annotation, index: int, mouse: Pointer | None) -> tuple[ChosenKeypoint, Annotation]:
        """Return this, and the record with a keypoint visible, occluded, unlabelled, and visible again in turn.

        One that was unlabelled from the beginning has no place, and stays so.
        """
        old, place = record.keypoints[index], self.place(record, index)
        if old.visibility is Visibility.VISIBLE:
            new = old._replace(visibility=Visibility.OCCLUDED)
        elif old.visibility is Visibility.OCCLUDED:
            new = UNLABELLED
        else:
            new = UNLABELLED if place is None else Keypoint(*place, Visibility.VISIBLE)
        places = self.places if place is None else {**self.places, index: place}
        return ChosenKeypoint(index, places, mouse), with_keypoint(record, index, new)


def several_differ(a: Annotation, b: Annotation) -> bool:
    """Return whether more than one keypoint of two records is not the same."""
    return sum(one != other for one, other in zip(a.keypoints, b.keypoints, strict=False)) > 1


def all_missing(record: Annotation, count: int) -> tuple[int, ...]:
    """Return the indices of those of `count` keypoints that are not on the photo."""
    points = record.keypoints
    return tuple(i for i in range(count) if i >= len(points) or points[i].visibility is Visibility.UNLABELLED)


def filled(record: Annotation, count: int, points: Mapping[int, Keypoint]) -> Annotation:
    """Return the record with some of its `count` keypoints put in, by index."""
    known = (*record.keypoints, *(UNLABELLED,) * (count - len(record.keypoints)))
    return record.with_keypoints(tuple(points.get(i, point) for i, point in enumerate(known)))


def completed(record: Annotation, count: int, x: float, y: float, size: tuple[int, int]) -> Annotation | None:
    """Return the record with the first missing of `count` keypoints at (x, y), visible; None if none is missing."""
    index = next(iter(all_missing(record, count)), None)
    if index is None:
        return None
    return filled(record, count, {index: Keypoint(*clamp(x, y, size), Visibility.VISIBLE)})
