"""Masks of a photo as an indexed PNG in Pascal VOC's colours: 0 is background, 255 belongs to nothing."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dataset import rle
from dataset.geometry import from_parts, to_parts
from dataset.masks import is_too_long, nearby, rasterize, trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from shapely import MultiPolygon

VOID = 255
MAX_INDEX = 254


def colours() -> NDArray[np.uint8]:
    """Return VOC's colours [256, 3]: the bits of an index, shared out among red, green and blue."""
    index = np.arange(256)
    made = np.zeros((256, 3), int)
    for place in range(8):
        for channel in range(3):
            made[:, channel] |= (index >> (3 * place + channel) & 1) << (7 - place)
    return made.astype(np.uint8)


def paint(shapes: Iterable[tuple[int, MultiPolygon]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the index of each pixel [H, W]; a later shape covers an earlier one.

    Args:
        shapes: Index and shape.
        size: (width, height) of the photo.
    """
    width, height = size
    painted = np.zeros((height, width), np.uint8)
    for index, shape in shapes:
        parts = [[nearby(ring, size) for ring in part] for part in to_parts(shape)]
        if any(is_too_long(ring, size) for part in parts for ring in part):
            continue
        painted[rle.decode(rasterize(parts, size)) > 0] = index
    return painted


def encode(indices: NDArray[np.uint8]) -> bytes:
    """Return an indexed PNG of [H, W]."""
    picture = Image.fromarray(indices)
    picture.putpalette(colours().tobytes())  # of grey, it makes one with a palette
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def outlines(indices: NDArray[np.uint8]) -> dict[int, MultiPolygon]:
    """Return the outline of each index of a mask [H, W], but for 0 and 255."""
    y, x = np.nonzero((indices > 0) & (indices < VOID))
    values = indices[y, x]
    order = np.argsort(values, kind="stable")
    x, y, values = x[order], y[order], values[order]
    found, starts = np.unique(values, return_index=True)
    made = {}
    for index, first, end in zip(found.tolist(), starts, [*starts[1:], len(values)], strict=True):
        left, top = int(x[first:end].min()), int(y[first])
        crop = indices[top : int(y[end - 1]) + 1, left : int(x[first:end].max()) + 1] == index
        made[index] = from_parts(trace(crop, (left, top)))
    return made
