from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from shapely import MultiPolygon

from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from annotator.core.categories import PALETTE
from annotator.core.store.coco_codec import (
    NO_ID,
    CocoError,
    decode_annotation,
    decode_category,
    encode_annotation,
    encode_category,
    with_id,
)
from dataset.categories import Category
from dataset.geometry import from_parts, rectangle
from tests.painting import to_mask, to_rle
from tests.strategies import SIZE, annotations, coco, coco_decode

HOLLOW = from_parts([[[(2, 2), (20, 2), (20, 20), (2, 20)], [(5, 5), (5, 9.25), (9, 9)]]])


def decode(record: dict, keypoints: int = 0) -> Annotation:
    return decode_annotation(json.dumps({"category_id": 1, **record}).encode(), 7, {1: keypoints})


@given(annotations())
def test_an_annotation_to_json_and_back_is_the_same(annotation: Annotation) -> None:
    raw = encode_annotation(annotation, 5, SIZE)
    assert decode_annotation(raw, 1, {1: 3}) == annotation


@given(annotations())
def test_pycocotools_paints_the_same_mask(annotation: Annotation) -> None:
    record = json.loads(encode_annotation(annotation, 5, SIZE))
    width, height = SIZE
    assert (record["id"], record["image_id"], record["category_id"]) == (1, 5, 1)
    segmentation = record["segmentation"]
    if annotation.is_box:
        assert segmentation == []
        assert record["area"] == pytest.approx(annotation.shape.area, abs=0.01)
    else:
        if isinstance(segmentation, list):
            segmentation = coco.merge(coco.frPyObjects(segmentation, height, width))
        mask = coco_decode(segmentation)
        assert (mask == to_mask(annotation.shape, SIZE)).all()
        assert record["area"] == mask.sum()
    x, y, w, h = record["bbox"]
    assert (x, y, x + w, y + h) == pytest.approx(annotation.shape.bounds, abs=0.011)


def test_parts_without_holes_are_rings_with_two_decimals() -> None:
    shape = MultiPolygon([*rectangle(1.23456, 2, 5, 6).geoms, *rectangle(10, 10, 12, 12).geoms])
    record = json.loads(encode_annotation(Annotation(1, 1, shape), 1, SIZE))
    assert record["segmentation"][0] == [1.23, 2.0, 5.0, 2.0, 5.0, 6.0, 1.23, 6.0]
    assert len(record["segmentation"]) == 2
    assert record["iscrowd"] == 0


def test_a_hole_makes_it_runs_with_iscrowd_0_and_the_outline_beside() -> None:
    record = json.loads(encode_annotation(Annotation(1, 1, HOLLOW, origin=Origin.EDITED), 1, SIZE))
    assert record["segmentation"] == to_rle(HOLLOW, SIZE)
    assert record["iscrowd"] == 0
    assert record["annotator"]["origin"] == "edited"
    assert decode(record).shape == HOLLOW


def test_the_outline_is_not_believed_when_the_runs_say_otherwise() -> None:
    record = json.loads(encode_annotation(Annotation(1, 1, HOLLOW), 1, SIZE))
    changed = to_rle(rectangle(3, 3, 8, 8), SIZE)
    record["segmentation"] = changed
    shape = decode(record).shape
    assert shape != HOLLOW
    assert shape.equals(rectangle(3, 3, 8, 8))


def test_only_a_box() -> None:
    read = decode({"bbox": [1, 2, 3, 4]})
    assert read.is_box
    assert read.shape == rectangle(1, 2, 4, 6)
    assert decode({"bbox": [1, 2, 3, 4], "segmentation": []}) == read
    assert decode({"bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 3, 4]]}) == read  # no area: not a polygon


def test_nothing_and_nulls() -> None:
    read = decode(dict.fromkeys(["segmentation", "bbox", "keypoints", "score", "iscrowd", "area", "num_keypoints"]))
    assert read == Annotation(7, 1)
    assert decode({"bbox": [0, 0, 0, 0]}) == Annotation(7, 1)


def test_keypoints() -> None:
    read = decode({"keypoints": [1, 2, 2, 5, 6, 1, 9, 9, 0], "bbox": [1, 2, 4, 4]}, keypoints=3)
    assert read.keypoints[0] == Keypoint(1, 2, Visibility.VISIBLE)
    record = json.loads(encode_annotation(read, 1, SIZE))
    assert record["keypoints"] == [1, 2, 2, 5, 6, 1, 0, 0, 0]
    assert record["num_keypoints"] == 2


def test_keypoints_without_a_shape_stay_without() -> None:
    annotation = Annotation(1, 1, keypoints=(Keypoint(3, 4, Visibility.VISIBLE), Keypoint(9, 8, Visibility.OCCLUDED)))
    record = json.loads(encode_annotation(annotation, 1, SIZE))
    assert record["bbox"] == [3, 4, 6, 4]
    assert record["area"] == 24
    assert decode_annotation(json.dumps(record).encode(), 1, {1: 2}) == annotation


def test_keypoints_of_another_number_are_kept_as_they_came() -> None:
    numbers = [1, 2, 2, 5, 6, 1]
    read = decode({"keypoints": numbers, "num_keypoints": 2, "bbox": [1, 2, 4, 4]}, keypoints=3)
    assert read.keypoints == ()
    record = json.loads(encode_annotation(read, 1, SIZE))
    assert (record["keypoints"], record["num_keypoints"]) == (numbers, 2)


def test_unknown_fields_survive_a_change() -> None:
    read = decode({"bbox": [1, 2, 3, 4], "attributes": {"occluded": True}, "track": [1, None, "a"]})
    record = json.loads(encode_annotation(replace(read, is_crowd=False), 1, SIZE))
    assert (record["attributes"], record["track"]) == ({"occluded": True}, [1, None, "a"])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"bbox": ["1", 2, 3, 4]}, "bbox"),
        ({"bbox": [1, 2, 3]}, "bbox is not four"),
        ({"bbox": [1, 2, -3, 4]}, "below zero"),
        ({"segmentation": [[1, 2, 3, 4, 5, "6"]]}, "segmentation"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "odd number"),
        ({"segmentation": [[1, 2, 1e9, 4, 5, 6]]}, "far outside"),
        ({"segmentation": {"size": [4, 4], "counts": [20, 1]}}, "do not fit"),
        ({"segmentation": {"size": [10**6, 10**6], "counts": [0, 5]}}, "cannot have a mask"),
        ({"segmentation": {"counts": "12"}}, "size"),
        ({"keypoints": [1, 2]}, "triples"),
        ({"score": "high"}, "score"),
        ({"category_id": None}, "category_id is missing"),
        ({"iscrowd": "no"}, "iscrowd"),
    ],
)
def test_what_is_not_coco_is_refused_with_the_annotation_named(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(CocoError, match=f"^Annotation 7 cannot be read: .*{reason}.*\\.$"):
        decode(record)


def test_a_category_to_json_and_back_is_the_same() -> None:
    category = Category(3, "cat", "animal", ("nose", "tail"), ((0, 1),), "#102030", {"isthing": 1})
    record = json.loads(encode_category(category))
    assert record["skeleton"] == [[1, 2]]
    assert decode_category(encode_category(category), 0) == category


@pytest.mark.parametrize(
    ("color", "read"),
    [
        ([220, 20, 60], "#dc143c"),
        ("#ABCDEF", "#abcdef"),
        ("red", PALETTE[2]),
        (None, PALETTE[2]),
        ([1, 2, 999], PALETTE[2]),
    ],
)
def test_colours_of_categories(color: object, read: str) -> None:
    assert decode_category(json.dumps({"id": 1, "name": "a", "color": color}).encode(), 2).color == read


def test_a_category_with_little_in_it() -> None:
    assert decode_category(b'{"supercategory": null}', 0) == Category(NO_ID, "", color=PALETTE[0])
    skeleton = b'{"id": 1, "name": "a", "keypoints": ["x", "y"], "skeleton": [[1, 2], [2, 3], [0, 1]]}'
    assert decode_category(skeleton, 0).skeleton == ((0, 1),)


def test_a_category_that_is_none_is_refused_by_number() -> None:
    with pytest.raises(CocoError, match="Category number 4 cannot be read"):
        decode_category(b'{"id": "1"}', 3)


def test_another_id_changes_nothing_else() -> None:
    assert json.loads(with_id(b'{"b": [1.50], "id": null, "a": {}}', 9)) == {"b": [1.5], "id": 9, "a": {}}
