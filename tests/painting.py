"""Shapes to masks and back, as the tests compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset.geometry import from_parts, to_parts
from dataset.masks import rasterize, trace, trace_rle
from tests.strategies import coco_decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import MultiPolygon

    from dataset.rle import Rle


def to_rle(shape: MultiPolygon, size: tuple[int, int]) -> Rle:
    """Return the mask of a shape in an image of `size` (width, height)."""
    return rasterize(to_parts(shape), size)


def to_mask(shape: MultiPolygon, size: tuple[int, int]) -> NDArray[Any]:
    """Return the mask of a shape in an image of `size` (width, height): (height, width), bool."""
    return coco_decode({**to_rle(shape, size)})


def from_mask(mask: NDArray[Any], origin: tuple[int, int] = (0, 0)) -> MultiPolygon:
    """Return the outline of a mask as a shape."""
    return from_parts(trace(mask, origin))


def from_rle(size: Sequence[int], counts: str | Sequence[int]) -> MultiPolygon:
    """Return the outline of a run-length encoded mask as a shape."""
    return from_parts(trace_rle(size, counts))
