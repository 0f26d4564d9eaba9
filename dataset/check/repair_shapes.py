"""Outlines that can be repaired without asking: as they are painted, inside their photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely
from shapely import MultiPolygon

from dataset import masks
from dataset.check.crossings import is_tangled, painted_area
from dataset.geometry import SLIVER, clip, from_parts, rounded, to_parts, valid

if TYPE_CHECKING:
    from dataset.geometry import Parts

DECIMALS = 2
"""Of coordinates in a file."""


def repair_shape(shape: MultiPolygon, size: tuple[int, int]) -> MultiPolygon:
    """Return the shape as it is painted in a photo of `size` (width, height): no ring crosses itself or has no area.

    A shape that is good already is returned itself; one of which nothing is left is empty.
    """
    if is_sound(to_parts(shape)) and shapely.box(0, 0, *size).covers(shape):
        return shape
    made = _as_painted(shape, size)
    for _ in range(_TRIES):  # rounding may make a line cross another
        made = from_parts(rounded(to_parts(made), DECIMALS))
        if is_sound(to_parts(made)):
            return made
        made = _as_painted(made, size)
    return made


_TRIES = 3


def is_sound(parts: Parts) -> bool:
    """Return whether no ring crosses itself, touches itself aside, and each has an area."""
    for part in parts:
        for ring in part:
            polygon = shapely.Polygon(ring)
            if polygon.area <= SLIVER:
                return False
            if not polygon.is_valid and "Ring Self" not in str(shapely.is_valid_reason(polygon)):
                return False
    return True


def _as_painted(shape: MultiPolygon, size: tuple[int, int]) -> MultiPolygon:
    parts = to_parts(shape)
    if any(is_tangled(ring) for part in parts for ring in part):
        mask = masks.rasterize(parts, size)
        return from_parts(masks.trace_rle(mask["size"], mask["counts"]))
    kept = [[ring for ring in part if painted_area(ring) > SLIVER] for part in parts]
    # A part whose exterior encloses nothing has no holes either.
    whole = [rings for part, rings in zip(parts, kept, strict=True) if rings and rings[0] is part[0]]
    return clip(valid(from_parts(whole)), size)
