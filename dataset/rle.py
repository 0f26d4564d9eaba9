"""COCO's run-length masks: what is needed of pycocotools, with plain types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

import numpy as np
from pycocotools import mask as coco_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_AT_ONCE = 32

_coco: Any = coco_mask
"""Its stubs know only some of the forms it takes."""


class Rle(TypedDict):
    """COCO's compressed run-length encoding: runs down the columns, the first of them background."""

    size: list[int]
    """[height, width]."""
    counts: str
    """ASCII text, see `run_lengths`."""


def encode(mask: NDArray[np.uint8]) -> Rle:
    """Return a mask [height, width] of 0 and 1 in JSON-ready form."""
    return _plain(_coco.encode(np.asfortranarray(mask)))


def decode(rle: Rle) -> NDArray[np.uint8]:
    """Return the mask [height, width] of 0 and 1.

    Raises:
        ValueError: The record is not a mask.
    """
    return _coco.decode(rle)


def from_polygons(rings: Sequence[Sequence[float]], size: tuple[int, int]) -> Rle:
    """Return the union of polygons, each x, y, x, y, ..., in an image of (height, width)."""
    return merge([_plain(mask) for mask in _coco.frPyObjects(list(rings), *size)])


def from_coco(segmentation: list[list[float]] | dict[str, Any], size: tuple[int, int]) -> Rle:
    """Return any of COCO's forms, polygons and both kinds of RLE, as compressed RLE.

    Raises:
        ValueError: The segmentation is none of them.
        TypeError: As above.
        KeyError: As above.
    """
    if isinstance(segmentation, list):
        return from_polygons(segmentation, size)
    if isinstance(segmentation["counts"], list):
        return _plain(_coco.frPyObjects(segmentation, *size))
    return cast("Rle", segmentation)


def run_lengths(counts: str) -> NDArray[np.int64]:
    """Return the lengths of the runs of a compressed mask, of background and object in turn.

    Five bits to a character, the sixth set where more follow; from the fourth run on, the difference to the last but
    one. pycocotools reads beyond the end of a mask whose runs do not fill its size.

    Raises:
        ValueError: The text is not of this form.
    """
    characters = np.frombuffer(counts.encode(), np.uint8).astype(np.int64) - ord("0")
    if len(characters) == 0:
        return characters
    ends = np.flatnonzero(characters & 0x20 == 0)
    if characters.min() < 0 or characters.max() > 0x3F or len(ends) == 0 or ends[-1] != len(characters) - 1:
        raise ValueError("its mask is not run-length encoded")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 7:
        raise ValueError("its mask is not run-length encoded")
    place = np.arange(len(characters)) - np.repeat(starts, lengths)
    runs = np.add.reduceat((characters & 0x1F) << (5 * place), starts)
    runs -= np.where(characters[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def from_runs(runs: Sequence[int], size: tuple[int, int]) -> Rle:
    """Return run lengths, of background and object in turn, as the mask of an image of (height, width)."""
    return _plain(_coco.frPyObjects({"size": list(size), "counts": list(runs)}, *size))


def merge(masks: Sequence[Rle], *, intersect: bool = False) -> Rle:
    """Return the union of masks of one size, or their intersection."""
    while len(masks) > _AT_ONCE:  # each mask is merged into all that were before it: thousands take minutes in one go
        groups = [masks[start : start + _AT_ONCE] for start in range(0, len(masks), _AT_ONCE)]
        masks = [merge(group, intersect=intersect) for group in groups]
    return _plain(_coco.merge(list(masks), intersect=intersect)) if len(masks) > 1 else masks[0]


def invert(mask: Rle) -> Rle:
    """Return the mask of everything else."""
    height, width = mask["size"]
    runs = run_lengths(mask["counts"]).tolist()
    return from_runs(runs[1:] if runs[0] == 0 else [0, *runs], (height, width))


def _plain(mask: dict[str, Any]) -> Rle:
    return {"size": [int(v) for v in mask["size"]], "counts": mask["counts"].decode("ascii")}


def iou(found: list[Rle], known: list[Rle], crowd: list[bool]) -> NDArray[np.float64]:
    """Return the IoU [found, known]; over a crowd, the share of the found mask that lies in it."""
    return np.asarray(_coco.iou(found, known, [int(c) for c in crowd])).reshape(len(found), len(known))


def area(mask: Rle) -> int:
    """Return the number of pixels of a mask."""
    return int(_coco.area(mask))


def bounds(mask: Rle) -> tuple[float, float, float, float]:
    """Return the box around a mask: x, y, width, height; all zero for one without a pixel."""
    x, y, width, height = _coco.toBbox(mask).tolist()
    return x, y, width, height
