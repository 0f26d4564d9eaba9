"""COCO files in which nothing is wrong, and any that are like them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

Contents = dict[str, Any]
WIDTH, HEIGHT = 60, 40
RLE = {"size": [HEIGHT, WIDTH], "counts": [40, 10, 2350]}
NOSE = ["left", "right"]


def clean() -> Contents:
    """A file with every kind of object in which nothing is wrong."""
    square = [10.0, 10, 30, 10, 30, 30, 10, 30]
    base = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    return {
        "info": {"year": 2024},
        "images": [
            {"id": n, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT, "licence": n}
            for n, name in enumerate("abc", 1)
        ],
        "categories": [
            {"id": 1, "name": "person", "keypoints": NOSE, "skeleton": [[1, 2]]},
            {"id": 2, "name": "cup"},
        ],
        "annotations": [
            {**base, "id": 1, "segmentation": [square], "area": 400, "bbox": [10, 10, 20, 20], "mine": 1.50},
            {**base, "id": 2, "segmentation": RLE, "area": 10, "bbox": [1, 0, 1, 10], "category_id": 2},
            {**base, "id": 3, "image_id": 2, "bbox": [5, 5, 20, 10], "area": 200, "segmentation": [],
             "keypoints": [6, 6, 2, 0, 0, 0], "num_keypoints": 1},
            {**base, "id": 4, "image_id": 2, "category_id": 2, "bbox": [5, 5, 20, 10], "area": 200},
            {**base, "id": 5, "image_id": 3, "category_id": 2, "segmentation": [square, [40.0, 1, 50, 1, 45, 9]],
             "area": 440, "bbox": [10, 1, 40, 29], "iscrowd": 1},
        ],
    }  # fmt: skip


NUMBERS = st.one_of(st.integers(-100, 100), st.floats(width=32), st.sampled_from([None, "7", "x", [], {}, True]))
RINGS = st.lists(st.lists(st.integers(-5, 65), max_size=14), max_size=3)
VALUES = st.one_of(NUMBERS, RINGS, st.just(RLE), st.lists(NUMBERS, max_size=6))
FIELDS = ("id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "keypoints", "num_keypoints")
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("annotations"), st.integers(0, 4), st.sampled_from(FIELDS), VALUES),
        st.tuples(st.just("images"), st.integers(0, 2), st.sampled_from(["id", "file_name", "width"]), NUMBERS),
        st.tuples(st.just("categories"), st.integers(0, 1), st.sampled_from(["id", "name", "keypoints"]), VALUES),
    ),
    max_size=6,
)


def changed(changes: list[tuple[Any, ...]]) -> Contents:
    """The clean file with other values in some fields."""
    contents = copy.deepcopy(clean())
    for kind, place, key, value in changes:
        contents[kind][place][key] = value
    return contents
