"""Which annotations can be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dataset import rle
from dataset.coco.checks import check_annotation
from dataset.coco.values import as_segmentation

BOX = [10.0, 5.0, 20.0, 10.0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, ""),
        ({"bbox": [-5, -5, 20, 20]}, ""),
        ({"category_id": 2}, "is of the class 2, which the file does not name"),
        ({"category_id": [1]}, "is of the class"),
        ({"bbox": [1, 2]}, "has no box"),
        ({"bbox": None}, "has no box"),
        ({"bbox": [1, 2, float("nan"), 5]}, "has a box that is not finite"),
        ({"bbox": [1, 2, 1e300, 5]}, "has a box that is not finite"),
        ({"bbox": [1, 2, 0.5, 5]}, "has a box without an inside"),
        ({"bbox": [96, 2, 5, 5]}, "lies outside the photo"),
    ],
)
def test_problems(change: dict[str, Any], sentence: str) -> None:
    found = check_annotation({"category_id": 1, "bbox": BOX, **change}, 96, 72, {1}, "a.png")
    assert (found is not None) == bool(sentence)
    if found:
        assert found.text.startswith(f"an annotation {sentence}")
        assert found.where == "a.png"


def test_masks_of_all_forms_are_sound() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        mask = (random.random((72, 96)) > random.random()).astype(np.uint8)
        packed = rle.encode(mask)
        assert as_segmentation(packed, (96, 72)) == (packed, None)
        assert sum(rle.run_lengths(packed["counts"])[1::2]) == mask.sum()
    for sound in (
        {"size": [72, 96], "counts": [0, 72 * 96]},
        [[1, 2, 3, 4, 5, 6], [1, 2, 9, 2, 9, 9, 1, 9]],
    ):
        assert as_segmentation(sound, (96, 72)) == (sound, None)


@pytest.mark.parametrize(
    "shape",
    [
        None,
        [],
        "text",
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, float("nan")]],
        [[1, 2, 3, 4, 5, 1e12]],
        {},
        {"size": [72, 96]},
        {"size": [72, 96], "counts": "abc"},
        {"size": [72, 96], "counts": ""},
        {"size": [72, 96], "counts": "\xe9"},
        {"size": [72, 96], "counts": []},
        {"size": [72, 96], "counts": [-1, 72 * 96 + 1]},
        {"size": [72, 96], "counts": [5]},
        {"size": [96, 72], "counts": [72 * 96]},
        {"size": 5, "counts": [72 * 96]},
    ],
)
def test_other_masks_are_not(shape: object) -> None:
    found, wrong = as_segmentation(shape, (96, 72))
    assert found is None
    assert (wrong is None) == (shape in (None, [], {}))
