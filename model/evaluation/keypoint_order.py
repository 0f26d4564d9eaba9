"""Keypoints of one skeleton in the order of another: a name says which point it is, not its place in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def places(names: Sequence[str], wanted: Sequence[str]) -> list[int] | None:
    """Return where in `names` each of the `wanted` keypoints is, or None where one of them is not there."""
    if tuple(names) == tuple(wanted):  # also where a name stands there twice
        return list(range(len(names)))
    return [names.index(name) for name in wanted] if set(wanted) <= set(names) else None


def reordered(record: dict[str, Any], order: list[int] | None) -> dict[str, Any]:
    """Return a COCO annotation or result with its keypoints in another order, or without them where there is none.

    Args:
        record: With `keypoints` [3 * K] and, of a result, perhaps `keypoint_scores` [K]; one without is left as it is.
        order: What `places` returns: for each keypoint its place in the record.
    """
    points = record.get("keypoints")
    if not points:
        return record
    fields = ("keypoints", "num_keypoints", "keypoint_scores")
    rest = {name: value for name, value in record.items() if name not in fields}
    if order is None:
        return rest
    found = [value for i in order for value in points[3 * i : 3 * i + 3]]
    new: dict[str, Any] = {"keypoints": found, "num_keypoints": sum(v > 0 for v in found[2::3])}
    if scores := record.get("keypoint_scores"):
        new["keypoint_scores"] = [scores[i] for i in order]
    return {**rest, **new}
