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
    decode_annotation,
    decode_categories,
    encode_annotation,
    encode_category,
    encode_category_change,
    encode_change,
    with_id,
)
from annotator.core.store.packing import pack, unpack
from dataset.coco.categories import Category
from dataset.geometry import from_parts, rectangle
from tests.painting import to_mask, to_rle
from tests.strategies import SIZE, annotations, coco, coco_decode

HOLLOW = from_parts([[[(2, 2), (20, 2), (20, 20), (2, 20)], [(5, 5), (5, 9.25), (9, 9)]]])


def decode(record: dict[str, Any], keypoints: int = 0) -> Annotation:
    annotation, problems = decode_annotation(json.dumps({"category_id": 1, **record}).encode(), 7, {1: keypoints})
    assert annotation is not None, problems
    return annotation


def decode_category(raw: bytes, place: int = 0) -> Category:
    """Return the category of a file that has others before it."""
    _, classes = decode_categories([b'{"id": 99, "name": "other"}'] * place + [raw])
    return classes[-1]


@given(annotations())
def test_an_annotation_to_json_and_back_is_the_same(annotation: Annotation) -> None:
    raw = encode_annotation(annotation, 5, SIZE)
    assert decode_annotation(raw, 1, {1: 3}) == (annotation, ())


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
    assert decode_annotation(json.dumps(record).encode(), 1, {1: 2}) == (annotation, ())


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


SQUARE = [[1, 2, 4, 2, 4, 6, 1, 6]]
BOX = [1, 2, 3, 4]


@pytest.mark.parametrize(
    "record",
    [
        {"bbox": ["1", 2, "3.0", 4]},
        {"segmentation": [["1", 2, 4, 2, 4, 6, 1, "6"]]},
        {"segmentation": SQUARE[0]},
        {"segmentation": [SQUARE]},
        {"segmentation": [[[1, 2], [4, 2], [4, 6], [1, 6]]]},
        {"segmentation": SQUARE, "iscrowd": "0", "area": "12", "bbox": None},
        {"segmentation": SQUARE, "iscrowd": "no", "keypoints": [], "bbox": [1]},
        {"category_id": "1", "bbox": BOX},
        {"category_id": 1.0, "bbox": BOX},
    ],
)
def test_what_means_the_same_is_read_as_the_same(record: dict[str, Any]) -> None:
    read = decode(record)
    assert read.shape.equals(rectangle(1, 2, 4, 6))
    assert not read.is_crowd
    assert read.is_box == ("segmentation" not in record)


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "outline"),
        ({"segmentation": [[1, 2, None, 4, 5, 6]]}, "outline"),
        ({"segmentation": "polygon"}, "outline"),
        ({"segmentation": [[1, 2, 1e9, 4, 5, 6]]}, "far"),
        ({"segmentation": {"size": [4, 4], "counts": [20, 1]}}, "runs"),
        ({"segmentation": {"size": [10**6, 10**6], "counts": [0, 5]}}, "runs"),
        ({"segmentation": {"counts": "12"}}, "runs"),
        ({"segmentation": {"size": [4, 4], "counts": [8, 8]}}, "mask_size"),
        ({"keypoints": [1, 2]}, "keypoints"),
        ({"keypoints": [1, None, 2, 0, 0, 0]}, "keypoints"),
    ],
)
def test_what_is_damaged_leaves_the_box_and_is_told(record: dict[str, Any], kind: str) -> None:
    raw = json.dumps({"category_id": 1, "bbox": BOX, **record}).encode()
    annotation, problems = decode_annotation(raw, 7, {1: 2}, size=SIZE, where="a.jpg")
    assert [(p.kind, p.where) for p in problems] == [(kind, "a.jpg")]
    assert annotation is not None
    assert (annotation.shape, annotation.is_box) == (rectangle(1, 2, 4, 6), True)


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"category_id": None}, "category_id"),
        ({"category_id": "cat"}, "category_id"),
        ({"bbox": [1, 2, 3]}, "box"),
        ({"bbox": [1, 2, -3, 4]}, "box"),
        ({"bbox": [1e300, 2, 3, 4]}, "box"),
    ],
)
def test_of_what_nothing_can_be_shown_is_told(record: dict[str, Any], kind: str) -> None:
    annotation, problems = decode_annotation(json.dumps({"category_id": 1, "bbox": BOX, **record}).encode(), 7, {})
    assert (annotation, [p.kind for p in problems]) == (None, [kind])


def test_a_good_ring_beside_a_damaged_one_counts() -> None:
    raw = json.dumps({"category_id": 1, "segmentation": [[64.0, 64.0], SQUARE[0]]}).encode()
    annotation, problems = decode_annotation(raw, 7, {})
    assert annotation is not None
    assert annotation.shape.equals(rectangle(1, 2, 4, 6))
    assert [p.kind for p in problems] == ["outline"]


def test_a_mask_beside_its_outline_may_have_another_size_than_the_file_says() -> None:
    """The photo was made smaller after the file was written; what was drawn since is in the size that it has now."""
    raw = encode_annotation(Annotation(1, 1, HOLLOW), 1, SIZE)
    assert decode_annotation(raw, 1, {}, size=(2 * SIZE[0], SIZE[1])) == (Annotation(1, 1, HOLLOW), ())


def test_a_change_writes_only_what_is_changed() -> None:
    raw = (
        b'{"id":"u-1","image_id":"0","category_id":1,"segmentation":[[1,2.50,4,2,4,6.0e0,1,6],[1,2]],'
        b'"area":NaN,"bbox":[1,2,3,4],"iscrowd":"0","note":"\\udcdf","annotator":{"ours":1,"origin":"drawn"}}'
    )
    before, _ = decode_annotation(raw, 7, {})
    assert before is not None
    assert encode_change(raw, before, before, SIZE, {}) == raw
    other = encode_change(raw, before, replace(before, category_id=2), SIZE, {})
    assert other == raw.replace(b'"category_id":1', b'"category_id":2')
    moved = encode_change(raw, before, before.with_shape(rectangle(5, 5, 9, 9)), SIZE, {1: "b"})
    record = json.loads(moved)
    assert (record["id"], record["image_id"], record["iscrowd"], record["note"]) == ("u-1", "0", "0", "\udcdf")
    assert (record["bbox"], record["area"]) == ([5, 5, 4, 4], 16)
    assert record["annotator"] == {"ours": 1, "origin": "drawn"}


def test_what_json_lacks_stays_in_unknown_fields_also_after_a_crash() -> None:
    raw = b'{"id":1,"category_id":1,"bbox":[1,2,3,4],"iou":NaN,"deep":{"a":[-Infinity,NaN,1]},"area":12}'
    before, _ = decode_annotation(raw, 1, {})
    again, _ = decode_annotation(raw, 1, {})
    assert before is not None
    assert again is not None
    (recovered,) = unpack(pack([before]))
    for after in (again, recovered):
        assert encode_change(raw, before, after, SIZE, {}) == raw
        moved = encode_change(raw, before, after.with_shape(rectangle(5, 5, 9, 9)), SIZE, {})
        assert b'"iou":NaN,"deep":{"a":[-Infinity,NaN,1]}' in moved


def test_a_class_that_is_changed_keeps_what_is_not_understood() -> None:
    raw = b'{"id":"1","name":7,"color":{"r":1},"keypoints":["hip","knee","foot"],"skeleton":[[0,1],[1,2]],"odd":[1.50]}'
    _, (category,) = decode_categories([raw])
    assert (category.name, category.skeleton) == ("7", ((0, 1), (1, 2)))
    changed = encode_category_change(raw, category, replace(category, color="#102030"))
    assert changed == raw.replace(b'{"r":1}', b'"#102030"')
    assert encode_category_change(raw, category, replace(category, name="leg")) == raw.replace(b":7,", b':"leg",')


def test_a_category_to_json_and_back_is_the_same() -> None:
    category = Category(3, "cat", "animal", ("nose", "tail"), ((0, 1),), "#102030", {"isthing": 1})
    record = json.loads(encode_category(category))
    assert record["skeleton"] == [[1, 2]]
    assert decode_category(encode_category(category)) == category


@pytest.mark.parametrize(
    ("color", "read"),
    [
        ([220, 20, 60], "#dc143c"),
        ("#ABCDEF", "#abcdef"),
        ("red", PALETTE[2]),
        (None, PALETTE[2]),
        ([1, 2, 999], PALETTE[2]),
        ([0.2, 0.4, 0.6], "#336699"),
        ([1, 1, 1], "#010101"),
        (["220", 20, 60], "#dc143c"),
        ({"r": 1}, PALETTE[2]),
    ],
)
def test_colours_of_categories(color: object, read: str) -> None:
    assert decode_category(json.dumps({"id": 1, "name": "a", "color": color}).encode(), 2).color == read


def test_a_category_with_little_in_it() -> None:
    assert decode_category(b'{"supercategory": null}') == Category(1, "class 1", color=PALETTE[0])


def test_edges_of_a_skeleton() -> None:
    for edges, read, kinds in (
        ([[1, 2], [2, 3]], ((0, 1), (1, 2)), []),
        ([[0, 1], [1, 2]], ((0, 1), (1, 2)), ["skeleton_from_0"]),
        ([[1, 2], [2, 3], [0, 1]], ((0, 1), (1, 2)), ["skeleton"]),
        ([[1, 2], [3, 4], "x", [1], ["2", 3.0]], ((0, 1), (1, 2)), ["skeleton"]),
        ([[float("inf"), 1]], (), ["skeleton"]),
    ):
        raw = json.dumps({"id": 1, "name": "a", "keypoints": ["x", "y", "z"], "skeleton": edges}).encode()
        table, (category,) = decode_categories([raw])
        assert category.skeleton == read
        assert [p.kind for p in table.problems] == kinds


def test_ids_of_categories() -> None:
    ids = ["1", 1, 7.0, "cat", 2**64, -1, None, 7]
    table, classes = decode_categories([json.dumps({"id": i, "name": f"c{n}"}).encode() for n, i in enumerate(ids)])
    assert [c.id for c in classes] == [1, 8, 7, 9, 10, 11, 12, 13]
    assert table.ids == {1: 1, 7: 7, "cat": 9, 2**64: 10, -1: 11}
    assert [(p.kind, p.where) for p in table.problems] == [("category_twice", "c1"), ("category_twice", "c7")]


def test_another_id_changes_nothing_else() -> None:
    assert json.loads(with_id(b'{"b": [1.50], "id": null, "a": {}}', 9)) == {"b": [1.5], "id": 9, "a": {}}
