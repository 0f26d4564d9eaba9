"""Keypoints of one skeleton in the order of another: a name says which point it is, not its place in a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBERED = re.compile(r"(\D*)\d+")
"""The name of a keypoint that says no more than its place."""


def places(names: Sequence[str], wanted: Sequence[str]) -> list[int] | None:
    """Return where in `names` each of the `wanted` keypoints is, in any case, or None where one is not there."""
    if tuple(names) == tuple(wanted):  # also where a name stands there twice
        return list(range(len(names)))
    index = {name.casefold(): i for i, name in reversed(list(enumerate(names)))}
    found = [index.get(name.casefold()) for name in wanted]
    return None if None in found else [i for i in found if i is not None]


def same_points(names: Sequence[str], wanted: Sequence[str]) -> list[int] | None:
    """Return `places` where two skeletons have the same keypoints, or None where they have not.

    Where either has numbers for names, as keypoints of many files have, as many points are the same ones.
    """
    if len(names) != len(wanted):
        return None
    if _is_numbered(names) or _is_numbered(wanted):
        return list(range(len(names)))
    return places(names, wanted)


def _is_numbered(names: Sequence[str]) -> bool:
    found = [NUMBERED.fullmatch(name) for name in names]
    return len({match and match[1] for match in found}) == 1 and None not in found


def reordered(record: dict[str, Any], order: list[int] | None) -> dict[str, Any]:
    """Return a COCO annotation or result with its keypoints in another order, or without them where there is none.

    Args:
        record: With `keypoints` [3 * K] and, of a result, perhaps `keypoint_scores` [K]; one without is left as it is.
        order: What `places` returns: for each keypoint its place in the record.
    """
    points = record.get("keypoints")
    if not points or order == list(range(len(points) // 3)):
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
