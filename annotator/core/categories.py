"""The classes of a project, in order, and which of them the keys 1 to 9 choose."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from annotator.core.annotation import NOTHING
from annotator.core.event import Event
from dataset.coco.categories import Category
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dataset.formats.base import ClassRecord

SHORTCUT = "shortcut"  # a category's field in the COCO file: the number, 1 to 9, whose key chooses it
NUMBERS = range(1, 10)

# Light enough to stand on dark photos (CIELAB L* of 50 and more); a thin dark halo under each outline carries them
# over bright ones. The first ten differ most, hues after Okabe and Ito (2008) and Tol's "vibrant" set, brightened.
# The second ten lie in the gaps: any two of the twenty are 24 apart in CIELAB, where 2 is just noticed.
PALETTE = (
    "#ff9f1c", "#4cc9f0", "#3ddc97", "#f7d154", "#ff6b6b", "#b388ff", "#ff8fd8", "#b5e04a", "#74a9ff", "#e0b58a",
    "#f0389a", "#0ba5a0", "#f2eefc", "#c0763a", "#3f6cff", "#94a02c", "#d14cf0", "#c06a84", "#2fa84a", "#a3a9bb",
)  # fmt: skip


class _Index:
    """What is looked up of classes for each one that is added: a file may bring thousands."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self.by_name: dict[str, int] = {}
        self.colors: Counter[str] = Counter()
        self.last_id = 0
        for category in categories:
            self.add(category)

    def add(self, category: Category) -> None:
        self.by_name.setdefault(category.name.casefold(), category.id)
        self.colors[category.color.lower()] += 1
        self.last_id = max(self.last_id, category.id)


class Categories:
    """The project's classes: the only truth about them. Emits `changed` after every change."""

    def __init__(self, categories: Iterable[Category] = ()) -> None:
        self.changed: Event[[]] = Event()
        self._by_id = {category.id: category for category in categories}
        self._removed_id = 0  # the highest id that was removed: what had it is not to be another class's
        self._is_held = self._has_changed = False

    def __iter__(self) -> Iterator[Category]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, category_id: object) -> bool:
        return category_id in self._by_id

    def __getitem__(self, category_id: int) -> Category:
        return self._by_id[category_id]

    def find(self, name: str) -> Category | None:
        """Return the class of that name, whatever its case and surrounding space."""
        found = self._index.by_name.get(name.strip().casefold())
        return None if found is None else self._by_id[found]

    def become(self, categories: Iterable[Category]) -> None:
        """Hold these classes and no others: another project is open."""
        self._removed_id = 0
        self._arrange(categories)

    def copy(self) -> Categories:
        """Return others that hold the same classes now, and would give a new one the same id."""
        made = Categories(self)
        made._removed_id = self._removed_id
        return made

    @contextmanager
    def one_change(self) -> Iterator[None]:
        """Within this, changes are announced once, at the end."""
        assert not self._is_held, "one at a time"
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            if self._has_changed:
                self._announce()

    def add(
        self,
        name: str,
        *,
        color: str = "",
        supercategory: str = "",
        keypoint_names: tuple[str, ...] = (),
        skeleton: tuple[tuple[int, int], ...] = (),
        category_id: int | None = None,
        extra: Mapping[str, Any] = NOTHING,
    ) -> Category:
        """Append a class. Its id is `category_id` where that is free, else the next free one.

        Raises:
            ValueError: the name is empty or taken, in a sentence for the person.
        """
        name = self._checked(name, but=None)
        if category_id is None or category_id in self._by_id:
            category_id = max(self._index.last_id, self._removed_id) + 1
        color = color or self.next_color()
        category = Category(category_id, name, supercategory, keypoint_names, skeleton, color, extra)
        self._by_id[category_id] = category
        self._index.add(category)
        self._announce()
        return category

    def rename(self, category_id: int, name: str) -> None:
        """Give a class another name.

        Raises:
            ValueError: the name is empty or taken, in a sentence for the person.
        """
        name = self._checked(name, but=category_id)
        self._put(replace(self._by_id[category_id], name=name))

    def recolor(self, category_id: int, color: str) -> None:
        """Give a class another colour, "#rrggbb"."""
        self._put(replace(self._by_id[category_id], color=color))

    def set_skeleton(
        self, category_id: int, keypoint_names: tuple[str, ...], skeleton: tuple[tuple[int, int], ...]
    ) -> None:
        """Give a class other keypoints and edges. The caller changes the records that have its keypoints."""
        self._put(replace(self._by_id[category_id], keypoint_names=keypoint_names, skeleton=skeleton))

    def set_extra(self, category_id: int, key: str, value: object) -> None:
        """Set a field of our own, which goes into the COCO file with the class."""
        category = self._by_id[category_id]
        self._put(replace(category, extra={**category.extra, key: value}))

    def numbers(self, behind: Collection[int] = ()) -> dict[int, int]:
        """Return the classes that numbers choose, 1 to 9: those that a person gave one, else the one at that place.

        The classes with the ids `behind` have their places after all others.
        """
        given = {category.id: given_number(category) for category in self}
        by_number: dict[int, int] = {}
        for category_id, number in given.items():
            if number is not None:
                by_number.setdefault(number, category_id)
        for place, category_id in zip(NUMBERS, sorted(given, key=lambda i: i in behind), strict=False):
            if given[category_id] is None:
                by_number.setdefault(place, category_id)
        return by_number

    def set_number(self, category_id: int, number: int | None) -> None:
        """Have a number, 1 to 9, choose a class, and no other class that was given it; None: that of its place does."""
        with self.one_change():
            for category in list(self):
                extra = {key: value for key, value in category.extra.items() if key != SHORTCUT}
                if category.id == category_id:
                    self._put(replace(category, extra=extra if number is None else {**extra, SHORTCUT: number}))
                elif number is not None and given_number(category) == number:
                    self._put(replace(category, extra=extra))

    def remove(self, category_id: int) -> None:
        """Remove a class. The caller has made sure that nothing uses it."""
        del self._by_id[category_id]
        self._removed_id = max(self._removed_id, category_id)
        self._reindex()

    def place(self, category_id: int) -> int:
        """Return where a class stands in the order, from 0."""
        return list(self._by_id).index(category_id)

    def insert(self, category: Category, place: int) -> None:
        """Put a class that was removed back at its place.

        Raises:
            ValueError: its id or its name is taken by now, in a sentence for the person.
        """
        self._checked(category.name, but=None)
        if category.id in self._by_id:
            text = tr("The number of “{name}” belongs to another class by now.", name=category.name)
            raise ValueError(text)
        order = list(self._by_id.values())
        order.insert(place, category)
        self._arrange(order)

    def move(self, category_id: int, place: int) -> None:
        """Give a class another place in the order, from 0; the others close up."""
        order = [category for category in self if category.id != category_id]
        order.insert(place, self._by_id[category_id])
        if order != list(self):
            self._arrange(order)

    def next_color(self) -> str:
        """Return the palette's colour that the fewest classes have, the first of them in the palette's order."""
        return min(PALETTE, key=lambda color: self._index.colors[color])

    @cached_property
    def _index(self) -> _Index:
        return _Index(self)

    def _arrange(self, categories: Iterable[Category]) -> None:
        self._by_id = {category.id: category for category in categories}
        self._reindex()

    def _reindex(self) -> None:
        self.__dict__.pop("_index", None)
        self._announce()

    def _announce(self) -> None:
        self._has_changed = self._is_held
        if not self._is_held:
            self.changed.emit()

    def _put(self, category: Category) -> None:
        if self._by_id[category.id] != category:
            self._by_id[category.id] = category
            self._reindex()

    def _checked(self, name: str, but: int | None) -> str:
        name = name.strip()
        if not name:
            raise ValueError(tr("A class needs a name."))
        other = self.find(name)
        if other and other.id != but:
            raise ValueError(tr("There is a class named “{name}” already.", name=other.name))
        return name


def object_color(annotation_id: int) -> str:
    """Return the colour of an object that is told apart from others of its class; always the same for its id."""
    return PALETTE[abs(annotation_id) % len(PALETTE)]


def given_number(category: Category | ClassRecord) -> int | None:
    """Return the number that a person gave a class, if one did and it is 1 to 9."""
    number = category.extra.get(SHORTCUT)
    return number if type(number) is int and number in NUMBERS else None
