from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.categories import PALETTE, Categories, Category


@pytest.fixture
def categories() -> Categories:
    return Categories([Category(3, "cat", "#111111"), Category(1, "Dog", "#222222", extra={"odd": 1})])


def test_they_keep_their_order(categories: Categories) -> None:
    assert [c.name for c in categories] == ["cat", "Dog"]
    assert len(categories) == 2
    assert 3 in categories
    assert 2 not in categories
    assert categories[1].name == "Dog"
    with pytest.raises(KeyError):
        categories[2]


def test_they_are_found_by_name_whatever_its_case(categories: Categories) -> None:
    assert categories.find(" DOG ") == categories[1]
    assert categories.find("do") is None


def test_a_new_one_gets_a_free_id_and_a_colour(categories: Categories) -> None:
    added = categories.add("  bird ")
    assert (added.id, added.name, added.color) == (4, "bird", PALETTE[0])
    assert categories.add("fish", category_id=9).id == 9
    assert categories.add("ant", category_id=9).id == 10
    assert [c.name for c in categories] == ["cat", "Dog", "bird", "fish", "ant"]


def test_a_new_one_keeps_what_it_is_given(categories: Categories) -> None:
    added = categories.add("p", color="#abcdef", supercategory="s", keypoint_names=("a", "b"), skeleton=((0, 1),))
    assert added == Category(4, "p", "#abcdef", "s", ("a", "b"), ((0, 1),))
    assert categories[4] is added


@pytest.mark.parametrize("name", ["", "   ", "dog", " CAT "])
def test_names_that_are_empty_or_taken_change_nothing(categories: Categories, name: str) -> None:
    before = list(categories)
    with pytest.raises(ValueError, match="name"):
        categories.add(name)
    free = {"dog": 3, " CAT ": 1}.get(name, 1)
    with pytest.raises(ValueError, match="name"):
        categories.rename(free, name)
    assert list(categories) == before


def test_renaming_keeps_everything_else(categories: Categories) -> None:
    categories.rename(1, " dog ")  # only the case: that is its own name
    assert categories[1] == Category(1, "dog", "#222222", extra={"odd": 1})
    assert [c.name for c in categories] == ["cat", "dog"]


def test_changes_are_told_once_and_only_when_there_are_any(categories: Categories) -> None:
    told: list[int] = []
    categories.changed.connect(lambda: told.append(len(categories)))
    categories.add("bird")
    categories.rename(1, "wolf")
    categories.rename(1, "wolf")
    categories.recolor(1, "#333333")
    categories.recolor(1, "#333333")
    categories.remove(3)
    assert told == [3, 3, 3, 2]
    assert 3 not in categories
    assert categories[1].color == "#333333"


@given(st.integers(0, 35))
def test_colours_are_spread_evenly(count: int) -> None:
    categories = Categories()
    for number in range(count):
        categories.add(str(number))
    used = [c.color for c in categories]
    times = [used.count(color) for color in PALETTE]
    assert max(times) - min(times) <= 1
