"""COCO's run-length masks: what this package needs of pycocotools, with plain types.

A mask in this form is a dictionary of `size`, [height, width], and `counts`, compressed, as ASCII text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools import mask as coco_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_coco: Any = coco_mask
"""Its stubs know only some of the forms it takes."""


def encode(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """Return a mask [height, width] of 0 and 1 in JSON-ready form."""
    encoded = _coco.encode(np.asfortranarray(mask))
    return {"size": [int(v) for v in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def decode(rle: dict[str, Any]) -> NDArray[np.uint8]:
    """Return the mask [height, width] of 0 and 1.

    Raises:
        ValueError: The record is not a mask.
    """
    return _coco.decode(rle)


def from_polygons(rings: Sequence[Sequence[float]], size: tuple[int, int]) -> dict[str, Any]:
    """Return the union of polygons, each x, y, x, y, ..., on a picture of (height, width)."""
    return _coco.merge(_coco.frPyObjects(list(rings), *size))


def from_coco(segmentation: list[list[float]] | dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Return any of COCO's forms, polygons and both kinds of RLE, as compressed RLE.

    Raises:
        ValueError: The segmentation is none of them.
        TypeError: As above.
        KeyError: As above.
    """
    if isinstance(segmentation, list):
        return from_polygons(segmentation, size)
    if isinstance(segmentation["counts"], list):
        return _coco.frPyObjects(segmentation, *size)
    return segmentation


def lengths(counts: str) -> list[int]:
    """Return the lengths of the runs of a compressed mask, of background and object in turn.

    Five bits a character, the sixth says that more follow; from the fourth run on, the difference to the last but one.
    pycocotools reads beyond the end of a mask whose runs do not fill its size.

    Raises:
        ValueError: The text is not of this form.
    """
    found: list[int] = []
    value = shift = 0
    for letter in counts.encode("ascii"):
        bits = letter - 48
        if not 0 <= bits < 64:
            raise ValueError(f"{chr(letter)!r} is no part of a mask")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        found.append(value + (found[-2] if len(found) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the mask ends within a number")
    return found


def iou(found: list[dict[str, Any]], known: list[dict[str, Any]], crowd: list[bool]) -> NDArray[np.float64]:
    """Return the IoU [found, known]; over a crowd, the share of the found mask that lies in it."""
    return np.asarray(_coco.iou(found, known, [int(c) for c in crowd])).reshape(len(found), len(known))


def area(mask: dict[str, Any]) -> int:
    """Return the number of pixels of a mask."""
    return int(_coco.area(mask))
