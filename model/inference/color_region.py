"""The outline of what has the colours of the places that were clicked (GrabCut, Rother et al., SIGGRAPH 2004)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from shapely import MultiPolygon
from shapely.affinity import scale, translate

from dataset.geometry import clip, from_parts, to_parts
from dataset.masks import rasterize, trace
from dataset.rle import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


SIDE = 192
"""Pixels of the longer side of what GrabCut is given: more takes longer and finds the same."""
ROUNDS = 3
SEED = 0.03
"""Radius, in shares of SIDE, within which a click says for sure what is there."""
STAIRS = 0.75
"""Cells that the outline moves at most: what is not level has no stairs then."""


@dataclass(frozen=True, slots=True)
class Click:
    """A place in the photo that belongs to the object, or does not."""

    x: float
    y: float
    is_object: bool = True


def color_region(
    photo: NDArray[np.uint8],
    window: tuple[float, float, float, float],
    clicks: Sequence[Click],
    known: MultiPolygon | None = None,
) -> MultiPolygon:
    """Return what GrabCut finds in a part of a photo; empty where it finds nothing.

    Args:
        photo: [height, width, 3] RGB.
        window: xyxy in the photo.
        clicks: What is object and what is not; those outside the window do not count.
        known: Outline that is likely to be the object; None: what is near the clicks is.
    """
    height, width = photo.shape[:2]
    left, top = max(0, int(window[0])), max(0, int(window[1]))
    right, bottom = min(width, int(np.ceil(window[2]))), min(height, int(np.ceil(window[3])))
    if right - left < 2 or bottom - top < 2:
        return MultiPolygon()
    factor = min(1.0, SIDE / max(right - left, bottom - top))
    size = max(2, round((right - left) * factor)), max(2, round((bottom - top) * factor))
    part = cv2.resize(photo[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    steps = size[0] / (right - left), size[1] / (bottom - top)
    mask = np.full(size[::-1], cv2.GC_PR_BGD, np.uint8)
    if known is not None:
        moved = scale(translate(known, -left, -top), *steps, origin=(0, 0))
        mask[decode(rasterize(to_parts(moved), size)) > 0] = cv2.GC_PR_FGD
    for click in clicks:
        at = round((click.x - left) * steps[0] - 0.5), round((click.y - top) * steps[1] - 0.5)
        if known is None and click.is_object:
            cv2.circle(mask, at, round(max(size) / 4), cv2.GC_PR_FGD, -1)
    for click in clicks:
        at = round((click.x - left) * steps[0] - 0.5), round((click.y - top) * steps[1] - 0.5)
        cv2.circle(mask, at, max(1, round(SEED * max(size))), cv2.GC_FGD if click.is_object else cv2.GC_BGD, -1)
    if not (mask & 1).any() or (mask & 1).all():
        return MultiPolygon()
    cv2.setRNGSeed(0)  # the same clicks find the same
    cv2.grabCut(part, mask, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = clip(from_parts(trace((mask & 1).astype(np.uint8))).simplify(STAIRS), size)
    return translate(scale(found, 1 / steps[0], 1 / steps[1], origin=(0, 0)), left, top)
