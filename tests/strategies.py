"""Shapes, annotations and masks for property tests."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask
from shapely import MultiPolygon

from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from dataset.geometry import from_parts, rectangle

SIZE = (64, 48)  # width, height of the photo that they are in

coco: Any = coco_mask  # its stubs do not know all that it takes

masks = hnp.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def coco_decode(rle: dict[str, Any]) -> np.ndarray:
    """The mask as pycocotools decodes it: (H, W). It warns under NumPy 2 without harm."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return coco.decode(rle).astype(bool)


@st.composite
def cents(draw: st.DrawFn, low: int, high: int) -> float:
    """A coordinate with two decimals, as files keep them."""
    return draw(st.integers(100 * low, 100 * high)) / 100


@st.composite
def boxes(draw: st.DrawFn) -> MultiPolygon:
    x, y = draw(cents(0, 40)), draw(cents(0, 30))
    return rectangle(x, y, round(x + draw(cents(1, 20)), 2), round(y + draw(cents(1, 15)), 2))


@st.composite
def rings(draw: st.DrawFn) -> np.ndarray:
    """A ring that does not cross itself: a star around a point."""
    count = draw(st.integers(3, 9))
    radii = np.array([draw(cents(2, 12)) for _ in range(count)])
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    centre = draw(cents(10, 50)), draw(cents(10, 35))
    return np.round(np.column_stack((np.cos(angles), np.sin(angles))) * radii[:, None] + centre, 2)


@st.composite
def shapes(draw: st.DrawFn) -> MultiPolygon:
    """One to three parts, some of them with a hole."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        ring = draw(rings())
        part = [ring]
        if draw(st.booleans()):
            centre = ring.mean(axis=0)
            part.append(np.round(centre + (ring - centre) * 0.4, 2)[::-1])
        parts.append(part)
    return from_parts(parts)


@st.composite
def keypoints(draw: st.DrawFn, count: int = 3) -> tuple[Keypoint, ...]:
    points = []
    for _ in range(count):
        visibility = draw(st.sampled_from(Visibility))
        x, y = (draw(cents(0, 63)), draw(cents(0, 47))) if visibility else (0.0, 0.0)
        points.append(Keypoint(x, y, visibility))
    return tuple(points)


@st.composite
def annotations(draw: st.DrawFn, annotation_id: int = 1, category_id: int = 1) -> Annotation:
    is_box = draw(st.booleans())
    return Annotation(
        id=annotation_id,
        category_id=category_id,
        shape=draw(boxes()) if is_box else draw(shapes()),
        keypoints=draw(st.just(()) | keypoints()),
        origin=draw(st.sampled_from(Origin)),
        score=draw(st.none() | st.floats(0, 1)),
        is_box=is_box,
        is_crowd=not is_box and draw(st.booleans()),
        extra=draw(st.dictionaries(st.sampled_from(["attributes", "track", "note"]), st.integers() | st.text())),
    )
