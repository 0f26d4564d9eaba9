"""Raising and lowering objects: the order, the numbers that keep it, and undo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.annotation import Z_ORDER, Annotation, painting_key
from annotator.core.document import Document
from annotator.core.painting_order import restack
from annotator.core.photo_state import PhotoState
from dataset.geometry import rectangle


def _document(*records: Annotation) -> Document:
    return Document("a.jpg", PhotoState((100, 100), records))


def _stack(count: int) -> Document:
    return _document(*(Annotation(i, 1, rectangle(i, i, 50, 50)) for i in range(1, count + 1)))


def _order(document: Document) -> list[int]:
    return [record.id for record in document.annotations]


def test_it_is_raised_lowered_and_undone() -> None:
    document = _stack(3)
    edit = restack(document, [1], up=True)
    assert edit
    document.apply(edit)
    assert _order(document) == [2, 1, 3]
    again = _document(*document.annotations)
    assert _order(again) == [2, 1, 3], "the records have it"
    document.revert(edit)
    assert _order(document) == [1, 2, 3]
    assert document[1].extra == {}
    edit = restack(document, [3], up=False)
    assert edit
    document.apply(edit)
    assert _order(document) == [1, 3, 2]


def test_what_does_not_overlap_is_passed_over() -> None:
    far = Annotation(2, 1, rectangle(80, 80, 90, 90))
    document = _document(Annotation(1, 1, rectangle(0, 0, 20, 20)), far, Annotation(3, 1, rectangle(10, 10, 30, 30)))
    edit = restack(document, [1], up=True)
    assert edit
    document.apply(edit)
    assert _order(document) == [2, 3, 1]
    assert restack(document, [2], up=True) is None
    assert restack(document, [1], up=True) is None


@pytest.mark.parametrize("odd", ["1", None, True, float("nan"), float("inf"), [1]])
def test_odd_numbers_of_a_file_count_as_none(odd: object) -> None:
    record = Annotation(1, 1, rectangle(0, 0, 9, 9), extra={Z_ORDER: odd})
    assert painting_key(record) == (0, 1)


@given(
    st.lists(st.integers(-2, 2), min_size=2, max_size=7),
    st.lists(st.tuples(st.integers(1, 7), st.booleans()), max_size=8),
)
def test_whatever_is_moved_the_records_keep_the_order(numbers: list[int], moves: list[tuple[int, bool]]) -> None:
    stack = _stack(len(numbers)).annotations
    document = _document(*(replace(r, extra={Z_ORDER: z} if z else {}) for r, z in zip(stack, numbers, strict=True)))
    for one, up in moves:
        expected = _order(document)
        if one not in expected:
            continue
        place = expected.index(one)
        to = min(max(place + (1 if up else -1), 0), len(expected) - 1)
        expected.insert(to, expected.pop(place))
        edit = restack(document, [one], up=up)
        if edit is not None:
            document.apply(edit)
        assert _order(document) == expected
        assert _order(_document(*document.annotations)) == expected
