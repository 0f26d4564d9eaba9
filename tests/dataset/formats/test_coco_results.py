from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from dataset.formats import coco
from dataset.formats.base import ClassRecord, KnownIds
from tests.strategies import SIZE

IDS = KnownIds({7: "1.jpg"}, {3: ClassRecord("person", keypoint_names=("nose", "left", "right"))})


def _visibilities(folder: Path, keypoints: object) -> list[int]:
    Image.new("RGB", SIZE).save(folder / "1.jpg")
    record = {"image_id": 7, "category_id": 3, "bbox": [1, 1, 20, 20], "score": 0.9, "keypoints": keypoints}
    (folder / "results.json").write_text(json.dumps([record]))
    data = coco.read_with_ids(folder / "results.json", folder, IDS)
    assert data.images[0].objects == ()
    return [point.visibility for point in data.images[0].suggestions[0].keypoints]


@pytest.mark.parametrize(("third", "expected"), [
    ((0.98, 0.5, 0.49), [2, 2, 1]),
    ((1.0, 0.001, 0.0), [2, 1, 0]),
    ((5.7, -0.2, 1), [2, 0, 2]),
    ((2, 1, 0), [2, 1, 0]),
    ((2.0, "1", 0.0), [2, 1, 0]),
    ((1.0, 1.0, 1.0), [1, 1, 1]),
])  # fmt: skip
def test_how_sure_a_model_is_of_a_keypoint_becomes_its_visibility(
    tmp_path: Path, third: tuple[object, ...], expected: list[int]
) -> None:
    points = [[5, 6, v] for v in third]
    assert _visibilities(tmp_path, [v for point in points for v in point]) == expected
    assert _visibilities(tmp_path, points) == expected


@pytest.mark.parametrize("keypoints", [None, [], [1, 2], [5, 6, 0.5, 5, 6, "a", 5, 6, 0.5], [[5, 6], [1, 2, 0.5]], "a"])
def test_damaged_keypoints_are_none(tmp_path: Path, keypoints: object) -> None:
    assert _visibilities(tmp_path, keypoints) == []
