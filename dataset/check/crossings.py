"""Rings that cross themselves, and whether they do so few times that their outline can be found exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataset.geometry import from_parts, valid

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CROSSINGS = 300
"""GEOS takes a second for 5,000 of them, and a hundred for 50,000."""
MAX_VERTICES = 2000
"""Of a ring whose crossings are counted: edges are compared pair by pair."""


def is_tangled(ring: NDArray[np.float64]) -> bool:
    """Return whether a ring [V, 2] crosses itself so often that only its pixels tell what it encloses."""
    if len(ring) > MAX_VERTICES:
        return True
    start, step = ring, np.roll(ring, -1, axis=0) - ring
    count = 0
    for i in range(len(ring) - 2):
        # On which side of this edge the others end, and on which sides of them it does.
        to, after = start[i + 2 :] - start[i], start[i + 2 :] + step[i + 2 :] - start[i]
        ends = _cross(step[i], to) * _cross(step[i], after)
        own = _cross(step[i + 2 :], -to) * _cross(step[i + 2 :], step[i] - to)
        count += int(((ends <= 0) & (own <= 0)).sum())
        if count > MAX_CROSSINGS:
            return True
    return False


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def painted_area(ring: NDArray[np.float64]) -> float:
    """Return the area that a ring [V, 2] encloses by the even-odd rule; infinity where it is tangled."""
    return np.inf if is_tangled(ring) else valid(from_parts([[ring]])).area
