"""Instances as COCO writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.masks import rasterize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.inference.instance import Instance, Polygons


def annotation(instance: Instance, size: tuple[int, int]) -> dict[str, Any]:
    """Return an instance as an entry of a COCO file's `annotations`, without ids, with its score.

    Args:
        instance: What was found.
        size: (height, width) of the photo.
    """
    record: dict[str, Any] = {"category_id": instance.category_id, "score": round(instance.score, 4), "iscrowd": 0}
    x1, y1, x2, y2 = (float(v) for v in instance.box)
    area = (x2 - x1) * (y2 - y1)
    if instance.polygons:
        points = np.concatenate([part[0] for part in instance.polygons])
        (x1, y1), (x2, y2) = points.min(0).tolist(), points.max(0).tolist()
        area = sum(_area(part[0]) - sum(map(_area, part[1:])) for part in instance.polygons)
        record["segmentation"] = segmentation(instance.polygons, size)
    else:
        record["segmentation"] = []
    record["bbox"] = [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)]
    record["area"] = round(area, 2)
    if instance.keypoints is not None:
        record |= _keypoints(instance.keypoints)
    return record


def segmentation(polygons: Polygons, size: tuple[int, int]) -> list[list[float]] | dict[str, Any]:
    """Return COCO's form of a mask: polygons, or compressed RLE where there are holes, which polygons cannot say."""
    if all(len(part) == 1 for part in polygons):
        return [np.round(part[0].ravel().astype(float), 2).tolist() for part in polygons]
    return dict(rasterize(polygons, (size[1], size[0])))


def _keypoints(points: NDArray[np.float32]) -> dict[str, Any]:
    """COCO writes a keypoint that is not labelled as 0, 0, 0."""
    flat: list[float] = []
    for x, y, seen in points.astype(float).tolist():
        flat += [round(x, 2), round(y, 2), int(seen)] if seen > 0 else [0, 0, 0]
    return {"keypoints": flat, "num_keypoints": int((points[:, 2] > 0).sum())}


def _area(ring: NDArray[np.float32]) -> float:
    """Return the area of a ring [N, 2] (the shoelace formula)."""
    x, y = ring.astype(float).T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
