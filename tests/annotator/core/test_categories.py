from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.categories import PALETTE, SHORTCUT, Categories
from dataset.coco.categories import Category


@pytest.fixture
def categories() -> Categories:
    return Categories([Category(3, "cat", color="#111111"), Category(1, "Dog", color="#222222", extra={"odd": 1})])


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


def test_many_are_one_change_and_take_little_time(categories: Categories) -> None:
    changes: list[int] = []
    categories.changed.connect(lambda: changes.append(len(categories)))
    started = time.process_time()
    with categories.one_change():
        for number in range(10_000):
            categories.add(f"class {number}")
    assert time.process_time() - started < 1.5  # every one beside every other: over 60 s
    assert changes == [10_002]
    assert categories.find("CLASS 9999") == categories[10_003]
    categories.add("last")
    assert changes == [10_002, 10_003]


def test_what_is_looked_up_follows_every_change(categories: Categories) -> None:
    assert categories.find("cat") == categories[3]
    assert categories.next_color() == PALETTE[0]
    categories.rename(3, "lynx")
    categories.recolor(3, PALETTE[0].upper())
    assert (categories.find("cat"), categories.find("LYNX")) == (None, categories[3])
    assert categories.next_color() == PALETTE[1]
    categories.remove(3)
    assert categories.find("lynx") is None
    assert categories.next_color() == PALETTE[0]
    assert categories.add("new").id == 4, "what had the id 3 is not to be another class's"
    categories.become([Category(8, "Dog")])
    assert categories.find("dog") == categories[8]
    assert categories.find("new") is None


def test_a_new_one_keeps_what_it_is_given(categories: Categories) -> None:
    added = categories.add("p", color="#abcdef", supercategory="s", keypoint_names=("a", "b"), skeleton=((0, 1),))
    assert added == Category(4, "p", "s", ("a", "b"), ((0, 1),), "#abcdef")
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
    assert categories[1] == Category(1, "dog", color="#222222", extra={"odd": 1})
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


def cielab(color: str) -> np.ndarray:
    """L*, a*, b* of an sRGB colour under D65 (CIE 15:2004)."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    xyz = to_xyz @ linear / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_cielab_is_that_of_the_tables() -> None:
    assert cielab("#ffffff") == pytest.approx([100, 0, 0], abs=0.05)
    assert cielab("#ff0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    assert cielab("#0000ff") == pytest.approx([32.30, 79.19, -107.86], abs=0.05)


def test_the_palettes_colours_can_be_told_apart() -> None:
    assert len(PALETTE) == 20
    nearest = min((float(np.linalg.norm(cielab(a) - cielab(b))), a, b) for a, b in combinations(PALETTE, 2))
    assert nearest[0] > 24, nearest


@pytest.mark.parametrize("color", PALETTE)
def test_the_palettes_colours_stand_on_dark_photos(color: str) -> None:
    assert cielab(color)[0] > 50


def test_twelve_classes_have_twelve_colours_in_the_palettes_order() -> None:
    categories = Categories()
    for number in range(12):
        categories.add(str(number))
    assert [c.color for c in categories] == list(PALETTE[:12])
    categories.recolor(3, PALETTE[0].upper())
    assert categories.next_color() == PALETTE[2]


@given(st.integers(0, 45))
def test_colours_are_spread_evenly(count: int) -> None:
    categories = Categories()
    for number in range(count):
        categories.add(str(number))
    used = [c.color for c in categories]
    times = [used.count(color) for color in PALETTE]
    assert max(times) - min(times) <= 1


def test_a_class_moves_in_the_order_and_one_that_went_comes_back_to_its_place(categories: Categories) -> None:
    for name in ("b", "c"):
        categories.add(name)
    order = [category.id for category in categories]
    categories.move(order[0], 2)
    moved = [order[1], order[2], order[0], *order[3:]]
    assert [category.id for category in categories] == moved
    gone = categories[moved[1]]
    categories.remove(gone.id)
    categories.insert(gone, 1)
    assert [category.id for category in categories] == moved
    assert categories.find(gone.name) == gone
    with pytest.raises(ValueError, match=gone.name):
        categories.insert(gone, 0)


def test_numbers_choose_the_first_nine_and_those_that_were_given_one() -> None:
    categories = Categories()
    ids = [categories.add(f"class {n}").id for n in range(12)]
    assert categories.numbers() == dict(zip(range(1, 10), ids, strict=False))
    categories.set_number(ids[11], 2)
    assert categories.numbers()[2] == ids[11]
    assert ids[1] not in categories.numbers().values()
    categories.set_number(ids[10], 2)
    assert categories.numbers()[2] == ids[10], "it is taken from the one that had it"
    assert ids[11] not in categories.numbers().values()
    categories.set_number(ids[10], None)
    assert categories.numbers()[2] == ids[1]


@pytest.mark.parametrize("odd", ["2", 0, 10, True, None, 2.0, [2]])
def test_odd_numbers_of_a_file_are_none(odd: object) -> None:
    categories = Categories()
    first, second = categories.add("a"), categories.add("b")
    categories.set_extra(first.id, SHORTCUT, odd)
    assert categories.numbers() == {1: first.id, 2: second.id}


def test_a_copy_goes_its_own_way_and_gives_the_same_ids() -> None:
    categories = Categories()
    cup, spoon = categories.add("cup"), categories.add("spoon")
    categories.remove(spoon.id)
    copy = categories.copy()
    assert list(copy) == [cup]
    assert copy.add("fork") == categories.add("fork") != spoon
    copy.add("knife")
    assert categories.find("knife") is None
