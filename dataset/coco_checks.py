"""What makes an annotation of a COCO file useless: the one judgement of training and of fine-tuning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset import rle

if TYPE_CHECKING:
    from collections.abc import Container

MIN_BOX_SIDE = 1.0
"""Instances with a side of this many pixels or fewer are no lesson."""
MAX_COORDINATE = 1e6
"""Coordinates beyond are no pixels of any photo."""


def problem(record: dict[str, Any], width: int, height: int, known: Container[int]) -> str:
    """Say what makes an annotation of a photo useless, as the end of "an annotation ...", or nothing.

    Args:
        record: The annotation.
        width: Of its photo, in pixels.
        height: As above.
        known: Ids of the categories of the file.
    """
    category = record.get("category_id")
    if not isinstance(category, int) or category not in known:
        return f"is of the class {category!r}, which the file does not name"
    try:
        x, y, w, h = (float(v) for v in record["bbox"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return "has no box"
    if not all(math.isfinite(v) and abs(v) < MAX_COORDINATE for v in (x, y, w, h)):
        return "has a box that is not finite"
    if w <= MIN_BOX_SIDE or h <= MIN_BOX_SIDE:
        return "has a box without an inside"
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return "lies outside the photo"
    return ""


def sound_mask(segmentation: object, width: int, height: int) -> bool:
    """Return whether a segmentation is of one of COCO's forms and of a photo of this size, so that it can be drawn."""
    if isinstance(segmentation, list):
        return bool(segmentation) and all(_sound_ring(ring) for ring in segmentation)
    if not isinstance(segmentation, dict):
        return False
    try:
        counts = segmentation["counts"]
        lengths = rle.run_lengths(counts).tolist() if isinstance(counts, str) else [int(v) for v in counts]
        return list(segmentation["size"]) == [height, width] and min(lengths) >= 0 and sum(lengths) == width * height
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def _sound_ring(ring: object) -> bool:
    if not isinstance(ring, list) or len(ring) < 6:
        return False
    try:
        points = np.asarray(ring, np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return points.ndim == 1 and bool((np.abs(points) < MAX_COORDINATE).all())  # which NaN is not, either


def usable_mask(segmentation: Any, width: int, height: int) -> bool:  # noqa: ANN401 - whatever the file has
    """Return whether a segmentation can be drawn, and covers a pixel of its photo."""
    return sound_mask(segmentation, width, height) and rle.area(rle.from_coco(segmentation, (height, width))) > 0
