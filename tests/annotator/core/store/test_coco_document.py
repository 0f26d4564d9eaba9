from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.store.coco_codec import CocoError
from annotator.core.store.coco_document import CocoFile, Image, parse
from dataset.coco.categories import Category
from dataset.json_text import Raw

PATH = Path("some/annotations.json")


def written(
    file: CocoFile,
    replaced: Mapping[int, Raw | None] | None = None,
    added: Sequence[Raw] = (),
    categories: Sequence[Category] | None = None,
) -> bytes:
    images = [image.raw for image in file.images]
    categories = [category for category, _ in file.categories] if categories is None else categories
    return b"".join(file.chunks(images, categories, replaced or {}, added))


FULL = b"""{
 "info": {"year": 2017, "odd": [1.50, null]},
 "annotations": [
  {"id": 3,  "image_id": 1, "category_id": 2, "bbox": [1.0, 2, 3.10, 4e0], "odd": {"a": "\\u00e9"}},
  {"category_id": 2, "image_id": 9, "id": 8}
 ],
 "ours": "kept",
 "images": [{"id": 1, "file_name": "sub\\\\a.jpg", "width": 10, "height": 20, "odd": 1.0}],
 "licenses": [{"id": 1}],
 "categories": [{"id": 2, "name": "cat", "odd": true}]
}"""


def test_what_nobody_touched_is_written_byte_for_byte() -> None:
    file = parse(FULL, PATH)
    again = written(file)
    assert json.loads(again) == json.loads(FULL)
    assert list(json.loads(again)) == list(json.loads(FULL))
    for raw in (*file.annotations, *(image.raw for image in file.images), *(raw for _, raw in file.categories)):
        assert bytes(raw) in FULL
        assert bytes(raw) in again


@given(st.lists(st.integers(0, 19), unique=True), st.integers(0, 3))
def test_changes_come_in_their_places(places: list[int], more: int) -> None:
    records = [{"id": i + 1, "image_id": 1, "category_id": 1} for i in range(20)]
    file = parse(json.dumps({"images": [{"id": 1}], "annotations": records}).encode(), PATH)
    replaced = {place: None if place % 2 else json.dumps({"new": place}).encode() for place in places}
    added = [json.dumps({"added": i}).encode() for i in range(more)]
    result = json.loads(written(file, replaced, added))["annotations"]
    expected = [r if i not in replaced else {"new": i} for i, r in enumerate(records) if replaced.get(i, 1) is not None]
    assert result == expected + [{"added": i} for i in range(more)]


def test_nothing_makes_an_empty_coco_file() -> None:
    assert json.loads(written(CocoFile())) == {"images": [], "annotations": [], "categories": []}


def test_a_changed_class_is_written_anew_and_its_unknown_fields_survive() -> None:
    file = parse(FULL, PATH)
    (category, _) = file.categories[0]
    changed = Category(2, "tiger", color=category.color, extra=category.extra)
    (record,) = json.loads(written(file, categories=[changed]))["categories"]
    assert (record["name"], record["odd"]) == ("tiger", True)


def test_ids_that_are_missing_or_doubled_become_new_ones_and_odd_ones_stay() -> None:
    records = [
        {"image_id": 1, "category_id": 1, **({"id": i} if i != "missing" else {})}
        for i in [5, 5, None, 0, -3, "missing", 2]
    ]
    file = parse(json.dumps({"images": [], "annotations": records}).encode(), PATH)
    assert list(file.ids) == [5, 6, 7, 8, 9, 10, 2]
    assert file.changed_ids == 3
    assert [r["id"] for r in json.loads(written(file))["annotations"]] == [5, 6, 7, 0, -3, 10, 2]


def test_image_ids_that_are_missing_or_doubled() -> None:
    file = parse(b'{"images": [{"id": 4, "file_name": "a"}, {"id": 4, "file_name": "b"}, {"file_name": "c"}]}', PATH)
    assert [(i.id, i.name) for i in file.images] == [(4, "a"), (5, "b"), (6, "c")]
    assert [r["id"] for r in json.loads(written(file))["images"]] == [4, 5, 6]


def test_names_and_sizes_of_images() -> None:
    images = [
        {"id": 1, "file_name": ".\\x\\y.jpg", "width": 3, "height": 4},
        {"id": 2, "file_name": None, "width": None, "height": 4},
    ]
    file = parse(json.dumps({"images": images}).encode(), PATH)
    assert [(i.name, i.size) for i in file.images] == [("x/y.jpg", (3, 4)), ("", None)]
    resized = file.images[0].resized((30, 40))
    assert json.loads(resized.raw) == {**images[0], "width": 30, "height": 40}
    assert json.loads(Image.new(7, "p.png", (1, 2)).raw) == {"id": 7, "file_name": "p.png", "width": 1, "height": 2}


def test_unknown_classes_get_a_name_that_is_free() -> None:
    data = {
        "images": [],
        "categories": [{"id": 1, "name": "class 7"}],
        "annotations": [{"category_id": 7}, {"category_id": 9}],
    }
    file = parse(json.dumps(data).encode(), PATH)
    assert [(c.id, c.name) for c, _ in file.categories] == [(1, "class 7"), (7, "class 7'"), (9, "class 9")]


def test_classes_without_id_or_name_and_with_the_same_id() -> None:
    data = {
        "images": [],
        "categories": [{"id": 5}, {"name": "b"}, {"id": 5, "name": "twice"}, {"id": 0, "name": "zero"}],
    }
    file = parse(json.dumps(data).encode(), PATH)
    named = [(5, "class 5"), (6, "b"), (7, "twice"), (0, "zero")]
    assert [(c.id, c.name) for c, _ in file.categories] == named
    assert [(r["id"], r["name"]) for r in json.loads(written(file))["categories"]] == named
    assert [p.kind for p in file.problems] == ["category_twice"]


def test_a_mark_at_the_start_of_the_file_is_no_damage() -> None:
    assert list(parse(b"\xef\xbb\xbf" + FULL, PATH).ids) == [3, 8]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"images": [],\n "annotations": [1, }', "line 2, byte 35"),
        (b'{"images": [', "after 12 bytes"),
        (b"\xff\xd8\xff\xe0 a photo", "line 1 is not UTF-8"),
        (b'{"images": [{"file_name": "\xff\xfe"}]}', "cannot be read: line 1 is not UTF-8"),
        (b'{"images":\n [{"file_name": "Caf\xe9"}]}', "line 2 is not UTF-8 but another encoding .byte 0xe9"),
        (b"[1, 2]", "not a COCO file"),
        (b"3", "not a COCO file"),
        (b'{"shapes": [], "version": "5"}', "no list “images”"),
        (b'{"images": {"a": 1}}', "“images” is not a list"),
        (b'{"images": [], "annotations": 4}', "“annotations” is not a list"),
        (b"[" * 20_000 + b"]" * 20_000, "no object with “images”"),
    ],
)
def test_what_is_not_coco_is_refused_in_one_sentence_that_names_the_file(data: bytes, reason: str) -> None:
    with pytest.raises(CocoError, match=reason) as raised:
        parse(data, PATH)
    message = str(raised.value)
    assert message.startswith(str(PATH))
    assert message.endswith(".")
    assert "\n" not in message


def test_records_of_any_kind_stay_and_refuse_nothing() -> None:
    images: list[Any] = [7, {"id": "1", "file_name": "a.jpg"}, {"id": [2], "file_name": 3}]
    data = {
        "images": images,
        "annotations": [7, {"id": "2", "image_id": 1.0, "category_id": "3"}, {"id": 2**70}, None],
        "categories": ["cat", {"id": "3", "name": "dog"}, {"id": []}],
    }
    file = parse(json.dumps(data).encode(), PATH)
    again = json.loads(written(file))
    assert again["images"] == [7, images[1], {"id": 3, "file_name": 3}]
    assert again["annotations"] == data["annotations"]
    assert again["categories"] == [{"id": "3", "name": "dog"}, {"id": 4, "name": "class 4"}, "cat"]
    assert list(file.image_ids) == [None, 1, None, None]
    assert len(set(file.ids)) == 4
    assert file.class_counts == {3: 1}
    assert file.class_ids == {3: 3}


NOT_STRICT = (
    b'{"images": [{"id": 1, "file_name": "Stra\\udcdfe.jpg", "x": NaN}], "info": {"NaN": -Infinity},\n'
    b' "annotations": [{"id": 1, "image_id": 1, "area": NaN, "bbox": [1, 2,  Infinity, 4.50]}, {"id": 2, "a": "NaN"}],'
    b' "categories": [{"id": 1, "name": "\\ud83d\\ude00 NaN \\\\udcdf"}], "\\udcdf": 1}'
)


def test_what_strict_readers_refuse_is_read_and_kept_byte_for_byte() -> None:
    file = parse(NOT_STRICT, PATH)
    assert file.images[0].name == "Stra\udcdfe.jpg"
    assert file.categories[0][0].name == "\U0001f600 NaN \\udcdf"
    again = written(file)
    for raw in (*file.annotations, *(image.raw for image in file.images), *(raw for _, raw in file.categories)):
        assert bytes(raw) in NOT_STRICT
        assert bytes(raw) in again
    assert str(json.loads(again)) == str(json.loads(NOT_STRICT))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_other_forms_of_unicode_are_read(encoding: str) -> None:
    assert list(parse(FULL.decode().encode(encoding), PATH).ids) == [3, 8]


def test_an_image_id_of_two_photos_is_of_neither() -> None:
    images = [{"id": 1, "file_name": "a"}, {"id": "1", "file_name": "b"}, {"id": 2, "file_name": "c"}]
    file = parse(json.dumps({"images": images, "annotations": [{"id": 5, "image_id": 1}]}).encode(), PATH)
    assert file.unclear_images == {1}
    assert json.loads(written(file))["images"] == images
    assert [p.kind for p in file.problems] == ["image_unclear"] * 2


def test_twenty_thousand_classes_that_the_file_does_not_name_take_no_time() -> None:
    records = [{"id": i, "image_id": 1, "category_id": i} for i in range(1, 20_001)]
    start = time.thread_time()  # whatever else the machine does
    file = parse(json.dumps({"images": [], "annotations": records}).encode(), PATH)
    assert time.thread_time() - start < 2
    assert len(file.categories) == 20_000


IDS = st.integers(-2, 2**70) | st.sampled_from(["1", "u-2", 3.0, None, [1], float("nan")]) | st.text(max_size=2)
RECORDS = st.fixed_dictionaries({"image_id": IDS, "category_id": IDS, "bbox": st.lists(st.floats(), max_size=5)})


@given(st.lists(RECORDS, max_size=6), st.integers(0, 4))
def test_a_file_that_nobody_edits_stays_as_it_is(records: list[dict[str, Any]], count: int) -> None:
    """Whatever its values; records that have no id of their own apart, which get one."""
    annotations = [{"id": i, **record, "odd": {"\udcdf": [1.5]}} for i, record in enumerate(records)]
    images = [{"id": str(i), "file_name": f"{i}.jpg", "width": "9"} for i in range(count)]
    data = {"info": {"x": None}, "images": images, "annotations": annotations, "categories": []}
    file = parse(json.dumps(data).encode(), PATH)
    again = json.loads(written(file, categories=[]))
    assert json.dumps(again) == json.dumps(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_coco_or_refused(data: bytes) -> None:
    try:
        parse(data, PATH)
    except CocoError as error:
        named = str(PATH) in str(error)
        assert named


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "size", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["images", "annotations", "categories", "info"]), JSON | st.lists(JSON)))
def test_any_json_is_coco_or_refused(data: dict[str, Any]) -> None:
    try:
        file = parse(json.dumps(data).encode(), PATH)
    except CocoError as error:
        named = str(PATH) in str(error)
        assert named
    else:
        assert len(json.loads(written(file))["images"]) == len(file.images)
