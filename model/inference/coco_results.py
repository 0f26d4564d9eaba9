"""Instances as COCO writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset.coco.codec import encode_object

if TYPE_CHECKING:
    from model.inference.instance import Instance

UNSURE = 1
"""The visibility that is written of a keypoint whose place is a guess: labelled, not visible."""


def annotation(instance: Instance, size: tuple[int, int]) -> dict[str, Any]:
    """Return an instance as an entry of a COCO file's `annotations`, without ids, with its score: a label to keep.

    The box is the outline's, and a keypoint whose place is a guess is not labelled.

    Args:
        instance: What was found.
        size: (height, width) of the image.
    """
    x1, y1, x2, y2 = (float(v) for v in instance.box)
    box = [[(x1, y1), (x2, y1), (x2, y2), (x1, y2)]]
    keypoints = [] if instance.keypoints is None else instance.keypoints.astype(float).tolist()
    return {
        "category_id": instance.category_id,
        "score": round(instance.score, 4),
        **encode_object(
            instance.polygons or [box],
            [(x, y, int(visibility)) for x, y, visibility in keypoints],
            (size[1], size[0]),
            is_box=not instance.polygons,
        ),
    }


def detection(instance: Instance, size: tuple[int, int]) -> dict[str, Any]:
    """Return an instance as `annotation` does, but with all that was found of it: what AP is measured on.

    The box is the detector's, and each keypoint has its place, a guess as UNSURE; `keypoint_scores` has how sure each
    is, 0 to 1.

    Args:
        instance: What was found.
        size: (height, width) of the image.
    """
    record = annotation(instance, size)
    x1, y1, x2, y2 = (float(v) for v in instance.box)
    record["bbox"] = [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)]
    if instance.keypoints is not None:
        points = instance.keypoints.astype(float).tolist()
        record["keypoints"] = [v for x, y, seen in points for v in (round(x, 2), round(y, 2), int(seen) or UNSURE)]
        record["num_keypoints"] = len(points)
        if instance.keypoint_scores is not None:
            record["keypoint_scores"] = [round(score, 3) for score in instance.keypoint_scores.astype(float).tolist()]
    return record
