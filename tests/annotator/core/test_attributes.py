"""Attributes and groups: types stay, what is not understood stays, nothing else changes."""

from __future__ import annotations

import pytest

from annotator.core.annotation import Annotation
from annotator.core.attributes import (
    DeclaredAttribute,
    attributes,
    common,
    declared,
    group,
    in_words,
    known_names,
    with_changes,
)
from dataset.coco.categories import Category

RECORD = Annotation(1, 1, extra={"attributes": {"age": 3, "wet": True, "tags": ["x"]}, "odd": 1})


def test_they_are_read_as_text_and_changed_in_their_type() -> None:
    assert attributes(RECORD) == {"age": "3", "wet": "true"}
    changed = with_changes(RECORD, {"age": "4.5", "wet": "False", "color": "7"}, "12")
    assert changed.extra == {
        "attributes": {"age": 4.5, "wet": False, "tags": ["x"], "color": "7"}, "odd": 1, "group_id": 12,
    }  # fmt: skip
    assert RECORD.extra["attributes"]["age"] == 3, "never changed in place"
    assert in_words(changed) == ["age: 4.5", "wet: false", "color: 7", "group 12"]


def test_empty_removes_and_no_change_is_the_same_record() -> None:
    gone = with_changes(with_changes(RECORD, {}, "team a"), {"age": "", "wet": ""}, "")
    assert gone.extra == {"attributes": {"tags": ["x"]}, "odd": 1}
    assert with_changes(Annotation(1, 1, extra={"attributes": {"a": "b"}}), {"a": ""}).extra == {}
    assert with_changes(RECORD, {"age": "3"}) is RECORD


def test_odd_values_of_a_file_are_none_or_text() -> None:
    for odd in (None, [1], "x", 3):
        record = Annotation(1, 1, extra={"attributes": odd, "group_id": [1]})
        assert attributes(record) == {}
        assert group(record) == ""
    assert with_changes(RECORD, {"age": "nan"}).extra["attributes"]["age"] == "nan"


def test_names_of_the_class_are_offered() -> None:
    other = Annotation(2, 2, extra={"attributes": {"far": 1}})
    assert known_names([RECORD, other, RECORD], 1) == ["age", "wet"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["far", "", 3, None], [DeclaredAttribute("far")]),
        ({"side": ["left", "right", "left"]}, [DeclaredAttribute("side", ("left", "right"))]),
        ([{"name": "n", "values": [1, 2.5]}], [DeclaredAttribute("n", ("1", "2.5"), 0)]),
        ([{"name": "n", "input_type": "number", "values": ["0", "9", "1"]}], [DeclaredAttribute("n", (), 0)]),
        ([{"name": "s", "input_type": "select", "values": "a\nb"}], [DeclaredAttribute("s", ("a", "b"))]),
        ([{"name": "x", "input_type": "checkbox"}], [DeclaredAttribute("x", ("true", "false"), example=False)]),
        ("odd", []),
        (None, []),
    ],
)
def test_what_a_class_declares(given: object, expected: list[DeclaredAttribute]) -> None:
    assert declared(Category(1, "car", extra={"attributes": given})) == expected


def test_a_declared_type_is_written() -> None:
    assert with_changes(Annotation(1, 1), {"x": "true", "n": "3"}, None, {"x": False, "n": 0}).extra == {
        "attributes": {"x": True, "n": 3}
    }


def test_what_objects_have_in_common() -> None:
    assert common([{"a": "1", "b": "2"}, {"a": "1"}]) == {"a": "1", "b": None}
    assert common([]) == {}
