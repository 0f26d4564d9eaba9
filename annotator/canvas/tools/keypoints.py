"""Edits of keypoints, as functions from a record to a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.canvas.tools.drags import clamp, with_keypoint
from annotator.core.annotation import Keypoint, Visibility

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation

UNLABELLED = Keypoint(0.0, 0.0, Visibility.UNLABELLED)  # as COCO writes it


def cycled(record: Annotation, index: int, place: tuple[float, float] | None) -> Annotation:
    """Return the record with one keypoint visible, occluded, unlabelled, and visible again in turn.

    Args:
        record: The object.
        index: Of the keypoint.
        place: Where it was before it was unlabelled, in photo pixels; without it an unlabelled one stays so.
    """
    old = record.keypoints[index]
    if old.visibility is Visibility.VISIBLE:
        return with_keypoint(record, index, old._replace(visibility=Visibility.OCCLUDED))
    if old.visibility is Visibility.OCCLUDED:
        return with_keypoint(record, index, UNLABELLED)
    return record if place is None else with_keypoint(record, index, Keypoint(*place, Visibility.VISIBLE))


def missing(record: Annotation, count: int) -> int | None:
    """Return the index of the first of `count` keypoints that is not on the photo."""
    for index in range(count):
        if index >= len(record.keypoints) or record.keypoints[index].visibility is Visibility.UNLABELLED:
            return index
    return None


def completed(record: Annotation, count: int, x: float, y: float, size: tuple[int, int]) -> Annotation | None:
    """Return the record with the first missing of `count` keypoints at (x, y), visible; None if none is missing."""
    index = missing(record, count)
    if index is None:
        return None
    keypoints = (*record.keypoints, *(UNLABELLED,) * (count - len(record.keypoints)))
    return with_keypoint(record.with_keypoints(keypoints), index, Keypoint(*clamp(x, y, size), Visibility.VISIBLE))
