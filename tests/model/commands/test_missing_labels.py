from __future__ import annotations

from typing import Any

from model.commands.missing_labels import MissingLabel, find_missing_labels
from tests.model.conftest import CATEGORIES, POINTS

MASK = [[0, 0, 9, 0, 9, 9]]
FILE_CATEGORIES = [{"id": 5, "name": "person"}, {"id": 6, "name": "box"}, {"id": 7, "name": "cup"}]


def record(category: int, **more: Any) -> dict[str, Any]:
    return {"image_id": 1, "category_id": category, "bbox": [1, 2, 3, 4], **more}


def contents(*records: dict[str, Any]) -> dict[str, Any]:
    return {"images": [{"id": 1}], "annotations": list(records), "categories": FILE_CATEGORIES}


def test_what_is_there_is_not_wanted_unless_it_is_to_be_replaced() -> None:
    data = contents(
        record(5, segmentation=MASK, keypoints=[1, 1, 2] * len(POINTS)),
        record(5, segmentation=MASK, keypoints=[0, 0, 0] * len(POINTS)),
        record(5),
        record(6),
        record(6, segmentation=MASK),
        record(6, iscrowd=1),
    )
    box = (1, 2, 4, 6)
    assert find_missing_labels(data, CATEGORIES).of_image == {
        1: [
            MissingLabel(1, box, 1, False, True),
            MissingLabel(2, box, 1, True, True),
            MissingLabel(3, box, 7, True, False),
        ]
    }
    every = find_missing_labels(data, CATEGORIES, replace=True)
    assert [(want.number, want.mask, want.keypoints) for want in every.of_image[1]] == [
        (0, True, True), (1, True, True), (2, True, True), (3, True, False), (4, True, False)
    ]  # fmt: skip


def test_what_cannot_be_had_is_counted() -> None:
    data = contents(
        record(6, bbox=[1, 2, 0, 4]), record(6, bbox=[1, 2, 3, -4]), record(6, bbox=[1, 2, 3, 1e9]), record(7),
        record(8), record(6, image_id=2), record(5, segmentation=MASK, bbox=[0, 0, 0, 0], keypoints=[1, 2, 2]),
    )  # fmt: skip
    wanted = find_missing_labels(data, CATEGORIES)
    assert (wanted.empty, wanted.orphans) == (3, 1)
    assert list(wanted.unknown) == ["cup", "category 8"]
    assert [want.category for want in wanted.of_image[1]] == [None, None]


def test_a_model_without_keypoints_has_none_to_differ() -> None:
    plain = (CATEGORIES[1],)
    data = contents(record(6, keypoints=[1, 2, 2]))
    assert not find_missing_labels(data, plain).other_points


def test_boxes_in_and_outside_a_photo() -> None:
    for box, inside in (
        ((-5, -5, 1, 1), True),
        ((9, 5, 20, 20), True),
        ((10, 0, 20, 5), False),
        ((0, -5, 9, 0), False),
    ):
        assert MissingLabel(0, box, None, True, False).overlaps((6, 10)) == inside
