"""Instances as COCO writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset.coco.codec import encode_object

if TYPE_CHECKING:
    from model.inference.instance import Instance


def annotation(instance: Instance, size: tuple[int, int]) -> dict[str, Any]:
    """Return an instance as an entry of a COCO file's `annotations`, without ids, with its score.

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
