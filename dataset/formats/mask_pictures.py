"""Masks of a photo as one picture: each pixel has the index of its class or its object, 0 is background.

Of 8 bits it is an indexed PNG, in Pascal VOC's colours unless others are given, and 255 belongs to nothing; of 16 bits
it is grey.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from dataset import rle
from dataset.coco.values import as_number
from dataset.geometry import bounds, from_parts, to_parts
from dataset.masks import is_too_long, nearby, rasterize, trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import DTypeLike, NDArray
    from shapely import MultiPolygon

    from dataset.formats.base import ObjectRecord

VOID = 255
MAX_INDEX = 254
MAX_OBJECTS = 65_535
"""In a picture of 16 bits."""
STRIP = 256
"""Rows that are looked through at a time."""
MAX_LOOKED_AT = 1 << 33
"""Pixels of the boxes around all indices of a picture: more, of indices strewn over all of it, is damage."""


def colours() -> NDArray[np.uint8]:
    """Return VOC's colours [256, 3]: the bits of an index, shared out among red, green and blue."""
    index = np.arange(256)
    made = np.zeros((256, 3), int)
    for place in range(8):
        for channel in range(3):
            made[:, channel] |= (index >> (3 * place + channel) & 1) << (7 - place)
    return made.astype(np.uint8)


def paint(
    shapes: Iterable[tuple[int, MultiPolygon]], size: tuple[int, int], dtype: DTypeLike = np.uint8
) -> NDArray[Any]:
    """Return the index of each pixel [H, W]; a later shape covers an earlier one.

    Args:
        shapes: Index and shape.
        size: (width, height) of the photo.
        dtype: Of the indices.
    """
    width, height = size
    painted = np.zeros((height, width), dtype)
    for index, shape in shapes:
        x0, y0, x1, y1 = bounds(shape)
        left, top = max(int(np.floor(x0)), 0), max(int(np.floor(y0)), 0)
        right, bottom = min(int(np.ceil(x1)) + 1, width), min(int(np.ceil(y1)) + 1, height)
        parts = [[nearby(ring, size) for ring in part] for part in to_parts(shape)]
        if right <= left or bottom <= top or any(is_too_long(ring, size) for part in parts for ring in part):
            continue
        near = [[ring - (left, top) for ring in part] for part in parts]
        inside = rle.decode(rasterize(near, (right - left, bottom - top))) > 0
        painted[top:bottom, left:right][inside] = index
    return painted


def in_painting_order(shapes: Iterable[tuple[int, ObjectRecord]]) -> list[tuple[int, MultiPolygon]]:
    """Return the shapes of objects as `paint` takes them: by `z_order`, then small ones over large ones."""
    order = sorted(shapes, key=lambda item: (as_number(item[1].extra.get("z_order")) or 0, -item[1].shape.area))
    return [(index, record.shape) for index, record in order]


def distinct_colors(given: Mapping[int, str]) -> dict[int, str]:
    """Return a colour of its own for each index, for tools that tell classes by it: the given one, or VOC's.

    Args:
        given: "#rrggbb" or "" by index; a lower index keeps its colour.
    """
    spare = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colours().tolist()]
    taken = {spare[0], spare[VOID]}
    made = {}
    for index, color in sorted(given.items()):
        free = (c for c in (color, spare[index], *spare) if c and c not in taken)
        taken.add(made.setdefault(index, next(free)))
    return made


def encode(indices: NDArray[Any], palette: NDArray[np.uint8] | None = None) -> bytes:
    """Return a PNG of [H, W]: indexed where there are 8 bits, in a palette [256, 3], else grey of 16 bits."""
    picture = Image.fromarray(indices)
    if indices.dtype == np.uint8:
        picture.putpalette(
            (colours() if palette is None else palette).tobytes()
        )  # of grey, it makes one with a palette
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def outlines(indices: NDArray[Any], void: int | None = VOID) -> dict[int, MultiPolygon]:
    """Return the outline of each index of a mask [H, W] of whole numbers of 8 or 16 bits, but for 0 and `void`.

    Raises:
        ValueError: Its indices are strewn so that it would take minutes.
    """
    left, top = (np.full(MAX_OBJECTS + 1, np.iinfo(np.int64).max) for _ in range(2))
    right, bottom = (np.zeros(MAX_OBJECTS + 1, np.int64) for _ in range(2))
    for start in range(0, len(indices), STRIP):
        strip = indices[start : start + STRIP]
        inside = strip > 0
        if void is not None:
            inside &= strip != void
        y, x = np.nonzero(inside)
        if not len(y):
            continue
        values = strip[y, x]
        order = np.argsort(values, kind="stable")
        x, y, values = x[order], y[order] + start, values[order]
        found, starts = np.unique(values, return_index=True)
        left[found] = np.minimum(left[found], np.minimum.reduceat(x, starts))
        top[found] = np.minimum(top[found], np.minimum.reduceat(y, starts))
        right[found] = np.maximum(right[found], np.maximum.reduceat(x, starts) + 1)
        bottom[found] = np.maximum(bottom[found], np.maximum.reduceat(y, starts) + 1)
    present = np.flatnonzero(right)
    if ((right - left) * (bottom - top))[present].sum() > MAX_LOOKED_AT:
        raise ValueError("indices strewn over the picture")
    made = {}
    for index in present.tolist():
        box = slice(int(top[index]), int(bottom[index])), slice(int(left[index]), int(right[index]))
        made[index] = from_parts(trace(indices[box] == index, (int(left[index]), int(top[index]))))
    return made
