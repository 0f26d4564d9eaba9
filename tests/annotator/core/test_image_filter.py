"""A filter outlives its session as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.categories import Categories
from annotator.core.document import Status
from annotator.core.image_filter import EVERYTHING, Filter, from_json, to_json


def _categories() -> Categories:
    made = Categories()
    for name in ("person", "dog"):
        made.add(name)
    return made


FILTERS = st.builds(
    Filter,
    statuses=st.none() | st.frozensets(st.sampled_from(Status), min_size=1),
    category=st.none() | st.sampled_from([1, 2]),
    min_count=st.integers(0, 99),
    max_count=st.none() | st.integers(0, 99),
    below_score=st.none() | st.floats(0, 1),
)


@given(FILTERS)
def test_a_filter_comes_back(wanted: Filter) -> None:
    assert from_json(to_json(wanted, _categories()), _categories()) == wanted


def test_a_class_is_found_by_its_name() -> None:
    text = to_json(Filter(category=2), _categories())
    others = Categories()
    others.add("dog")
    assert from_json(text, others) == Filter(category=1)
    assert from_json(text, Categories()) == EVERYTHING


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"min_count": true, "max_count": "x", "statuses": ["odd"]}'])
def test_what_is_not_understood_is_left_out(text: str) -> None:
    assert from_json(text, _categories()) == EVERYTHING
