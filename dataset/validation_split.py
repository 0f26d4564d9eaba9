"""How many labelled photos measure a model rather than train it."""

from __future__ import annotations

VAL_SHARE = 0.2
"""Of the photos are kept apart for validation."""
MIN_VAL = 2
"""But at least so many."""
MIN_SPLIT = 10
"""With fewer photos every one of them trains, and k models measure: each on what it has not seen."""


def validation_size(photos: int) -> int:
    """Return how many of so many photos are kept apart for validation, of MIN_SPLIT or more."""
    return max(MIN_VAL, round(VAL_SHARE * photos))
