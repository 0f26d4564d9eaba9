"""The photo list: order, what is known of each photo, what comes next, what matches a filter."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.document import Status
from annotator.core.image_filter import FINISHED, Filter
from annotator.core.image_list import NOT_LOOKED_AT, ImageList, ImageRow

NAMES = ["a/1.jpg", "a/2.jpg", "b/1.JPG", "b/two words.png"]


def test_new_photos_are_new() -> None:
    photos = ImageList()
    resets: list[int] = []
    photos.reset.connect(lambda: resets.append(len(photos)))
    photos.set_photos(NAMES)
    assert resets == [4]
    assert list(photos.names) == NAMES
    assert photos.index("b/1.JPG") == 2
    assert [photos.photo(i) for i in range(4)] == [ImageRow(name) for name in NAMES]
    assert photos.done == 0


def test_what_is_known_comes_with_the_names() -> None:
    photos = ImageList()
    photos.set_photos(
        NAMES, [Status.DONE, Status.STARTED, Status.NEW, Status.DONE], [3, 1, 0, 0], {"b/1.JPG": "Cut off."}
    )
    assert [photos.status(i) for i in range(4)] == [Status.DONE, Status.STARTED, Status.UNREADABLE, Status.DONE]
    assert [photos.count(i) for i in range(4)] == [3, 1, 0, 0]
    assert photos.error(2) == "Cut off."
    assert photos.done == 2


@pytest.mark.parametrize("statuses", [[Status.DONE], [Status.DONE] * 5])
def test_statuses_must_be_as_many_as_names(statuses: list[Status]) -> None:
    with pytest.raises(ValueError, match="as many"):
        ImageList().set_photos(NAMES, statuses)


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        ImageList().set_photos(["a", "b", "a"])


def test_update_says_what_changed_and_only_then() -> None:
    photos = ImageList()
    photos.set_photos(NAMES)
    changes: list[int] = []
    photos.changed.connect(changes.append)
    photos.update("a/2.jpg", status=Status.STARTED, count=2)
    photos.update("a/2.jpg", status=Status.STARTED, count=2)
    photos.update("b/1.JPG", suggestions=7)
    assert changes == [1, 2]
    assert photos.photo(1) == ImageRow("a/2.jpg", Status.STARTED, 2)
    assert photos.suggestions(2) == 7
    with pytest.raises(KeyError):
        photos.update("c", count=1)


def test_nothing_found_is_not_the_same_as_not_looked_at() -> None:
    photos = ImageList()
    photos.set_photos(NAMES)
    changes: list[int] = []
    photos.changed.connect(changes.append)
    assert not any(photos.looked_at(i) for i in range(4))
    assert [photos.suggestions(i) for i in range(4)] == [0, 0, 0, 0]
    photos.update("a/2.jpg", suggestions=0)
    photos.update("a/2.jpg", suggestions=0)
    photos.update("b/1.JPG", count=0)
    assert changes == [1]
    assert photos.photo(1) == ImageRow("a/2.jpg", looked_at=True)
    assert photos.photo(2) == ImageRow("b/1.JPG")
    photos.update("a/2.jpg", suggestions=NOT_LOOKED_AT)
    assert photos.photo(1) == ImageRow("a/2.jpg")
    photos.update("a/2.jpg", suggestions=3)
    photos.set_photos(NAMES)
    assert not photos.looked_at(1)


def test_an_error_makes_unreadable_and_can_be_taken_back() -> None:
    photos = ImageList()
    photos.set_photos(NAMES)
    photos.update("a/1.jpg", error="It is empty.")
    assert photos.photo(0) == ImageRow("a/1.jpg", Status.UNREADABLE, error="It is empty.")
    photos.update("a/1.jpg", error="", status=Status.NEW)
    assert photos.photo(0) == ImageRow("a/1.jpg")


@given(
    st.lists(st.sampled_from(Status), min_size=6, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Status))),
)
def test_done_and_doable_are_the_numbers_of_such_photos(first: list[Status], updates: list[tuple[int, Status]]) -> None:
    photos = ImageList()
    photos.set_photos([str(i) for i in range(6)], first, errors={"5": "Cut off."})
    for i, status in updates:
        photos.update(str(i), status=status)
    numbers = Counter(photos.status(i) for i in range(6))
    assert photos.done == numbers[Status.DONE]
    assert photos.doable == 6 - numbers[Status.UNREADABLE] - numbers[Status.SKIPPED]


def _with(statuses: str) -> ImageList:
    """Photos "0", "1", ... of which n is new, d done, x unreadable."""
    codes = {"n": Status.NEW, "d": Status.DONE, "x": Status.UNREADABLE}
    photos = ImageList()
    photos.set_photos([str(i) for i in range(len(statuses))], [codes[s] for s in statuses])
    return photos


@pytest.mark.parametrize(
    ("statuses", "name", "step", "expected"),
    [
        ("nnn", "0", 1, "1"),
        ("nnn", "2", 1, None),
        ("nnn", "0", -1, None),
        ("nnn", "2", -2, "0"),
        ("nxn", "0", 1, "2"),
        ("nxxdn", "4", -2, "0"),
        ("nx", "0", 1, None),
    ],
)
def test_next_skips_what_cannot_be_read(statuses: str, name: str, step: int, expected: str | None) -> None:
    assert _with(statuses).next(name, step) == expected


@pytest.mark.parametrize(
    ("statuses", "name", "expected"),
    [
        ("ndxn", "0", "3"),
        ("ndxn", "3", "0"),
        ("dndd", "2", "1"),
        ("dnd", "1", None),
        ("ddd", "1", None),
        ("dxn", None, "2"),
        ("n", "0", None),
        ("", None, None),
    ],
)
def test_next_not_done_wraps(statuses: str, name: str | None, expected: str | None) -> None:
    assert _with(statuses).next_not_done(name) == expected


@pytest.mark.parametrize(
    ("text", "statuses", "expected"),
    [
        ("", None, [0, 1, 2, 3]),
        ("JPG", None, [0, 1, 2]),
        ("1 b/", None, [2]),
        ("words  two", None, [3]),
        ("nothing", None, []),
        ("", {Status.DONE}, [1, 3]),
        ("jpg", {Status.DONE, Status.NEW}, [0, 1, 2]),
        ("", set(), []),
    ],
)
def test_matching(text: str, statuses: set[Status] | None, expected: list[int]) -> None:
    photos = ImageList()
    photos.set_photos(NAMES, [Status.NEW, Status.DONE, Status.NEW, Status.DONE])
    wanted = Filter(text, None if statuses is None else frozenset(statuses))
    assert list(photos.matching(wanted)) == expected
    assert [i for i in range(4) if photos.matches(i, wanted)] == expected


def test_matching_forgets_the_names_of_the_folder_before() -> None:
    photos = ImageList()
    photos.set_photos(["cat.jpg"])
    assert list(photos.matching(Filter("cat"))) == [0]
    photos.set_photos(["dog.jpg", "cat.jpg"])
    assert list(photos.matching(Filter("cat"))) == [1]


@pytest.mark.parametrize(
    ("statuses", "text", "wanted", "name", "step", "expected"),
    [
        ("nnnn", "1", None, "0", 1, "1"),
        ("nnnn", "1", None, "1", 1, None),
        ("nnnn", "1", None, "3", -1, "1"),  # itself not listed
        ("ndnd", "", {Status.DONE}, "0", 1, "1"),
        ("ndnd", "", {Status.DONE}, "1", 1, "3"),
        ("ndnd", "", {Status.DONE}, "3", -1, "1"),
        ("nxnx", "", {Status.UNREADABLE}, "1", 1, "3"),
        ("nxnx", "", {Status.NEW}, "0", 1, "2"),
        ("nnnn", "7", None, "0", 1, None),
    ],
)
def test_next_is_the_next_one_listed(
    statuses: str, text: str, wanted: set[Status] | None, name: str, step: int, expected: str | None
) -> None:
    photos = _with(statuses)
    photos.set_filter(Filter(text, None if wanted is None else frozenset(wanted)))
    assert photos.next(name, step) == expected


@given(
    st.lists(st.sampled_from(Status), min_size=12, max_size=12),
    st.sampled_from(["", "1", "0 1", "x"]),
    st.none() | st.sets(st.sampled_from(Status)),
    st.integers(0, 11),
)
def test_going_on_visits_what_is_listed_in_order(
    statuses: list[Status], text: str, wanted: set[Status] | None, start: int
) -> None:
    photos = ImageList()
    photos.set_photos([str(i) for i in range(12)], statuses)
    photos.set_filter(Filter(text, None if wanted is None else frozenset(wanted)))
    readable = [i for i in photos.listed if photos.lists_unreadable or statuses[i] is not Status.UNREADABLE]
    for step, expected in ((1, [i for i in readable if i > start]), (-1, [i for i in readable if i < start][::-1])):
        visited: list[int] = []
        name = photos.next(str(start), step)
        while name:
            visited.append(int(name))
            name = photos.next(name, step)
        assert visited == expected
    left = [i for i in readable if statuses[i] not in FINISHED]
    others = [i for i in left if i > start] + [i for i in left if i < start]
    assert photos.next_not_done(str(start)) == (str(others[0]) if others else None)


def test_another_filter_is_an_event_and_the_same_is_none() -> None:
    photos = _with("nd")
    heard: list[list[int]] = []
    photos.filtered.connect(lambda: heard.append(list(photos.listed)))
    photos.set_filter(Filter(statuses=frozenset({Status.DONE})))
    photos.set_filter(Filter(statuses=frozenset({Status.DONE})))
    photos.set_photos(["0", "1"], [Status.DONE, Status.NEW])
    assert list(photos.listed) == [0]
    photos.set_filter()
    assert heard == [[1], [0, 1]]


@given(st.lists(st.sampled_from(Status), max_size=6), st.permutations(range(8)), st.sets(st.integers(0, 5)))
def test_photos_that_are_listed_anew_keep_what_is_known(
    statuses: list[Status], order: list[int], lost: set[int]
) -> None:
    photos = ImageList()
    names = [str(i) for i in range(len(statuses))]
    photos.set_photos(names, statuses, [10 + i for i in range(len(names))])
    for i, name in enumerate(names):
        photos.update(name, suggestions=i, least_score=i / 10, categories=frozenset({i}))
    before = {name: photos.photo(i) for i, name in enumerate(names)}
    errors = {str(i): "gone" for i in lost if i < len(names)}
    photos.relist([str(i) for i in order], errors=errors)
    assert list(photos.names) == [str(i) for i in order]
    for i, name in enumerate(photos.names):
        known = before.get(name, ImageRow(name))
        expected = known._replace(status=Status.UNREADABLE, error="gone") if name in errors else known
        assert photos.photo(i) == expected
    numbers = Counter(photos.status(i) for i in range(8))
    assert (photos.done, photos.skipped) == (numbers[Status.DONE], numbers[Status.SKIPPED])
