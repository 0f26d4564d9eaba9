"""labelme's masks: a PNG of the box between two points, in base64, whose pixels that are not 0 are inside."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

import numpy as np

from dataset.masks import MAX_DECODED, trace
from dataset.pictures.images import read_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataset.geometry import Parts


def mask_parts(text: object, points: NDArray[np.float64]) -> Parts:
    """Return the outline of a mask in pixels of the photo.

    Args:
        text: The PNG in base64.
        points: (2, 2), x and y of the first pixel and of the last; labelme goes by the first alone.

    Raises:
        ValueError: It is damaged, empty, or larger than any photo.
    """
    if not isinstance(text, str) or len(points) != 2:
        raise ValueError("no mask")
    pixels = read_mask(binascii.a2b_base64(text), MAX_DECODED)
    left, top = points[0].astype(int).tolist()
    inside: NDArray[np.bool_] = np.any(pixels.reshape(*pixels.shape[:2], -1), axis=2)
    parts = trace(inside, (left, top))
    if not parts:
        raise ValueError("an empty mask")
    return parts
