"""The photos of the open folder: the only truth about what the file list shows."""

from __future__ import annotations

from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from math import inf
from operator import and_
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from annotator.core.document import Status
from annotator.core.event import Event
from annotator.core.image_filter import EVERYTHING, FINISHED, Filter
from annotator.core.photo_state import NO_NOTES, PhotoNotes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableSequence, Sequence

NOT_LOOKED_AT = -1  # in place of a number of suggestions

_STATUSES = tuple(Status)
_CODES = {status: code for code, status in enumerate(_STATUSES)}


class ImageRow(NamedTuple):
    """What the list shows of one photo."""

    name: str
    """Path relative to the image folder, with forward slashes."""
    status: Status = Status.NEW
    """How far the work on it is."""
    count: int = 0
    """Number of annotations on record."""
    suggestions: int = 0
    """Number of suggestions to show."""
    error: str = ""
    """Why it cannot be read, in a sentence for the person, or ""."""
    looked_at: bool = False
    """Whether the model has looked at it; if so, 0 suggestions means that it found nothing."""
    categories: frozenset[int] = frozenset()
    """The classes of its annotations."""
    least_score: float = inf
    """The lowest score of a suggestion on offer; infinite where there is none."""
    notes: PhotoNotes = NO_NOTES
    """Its tags and note."""


class KnownPhotos(NamedTuple):
    """What is on record for photos, made in another thread: each sequence has as many entries as `names`."""

    names: Sequence[str]
    statuses: bytes
    """`code_of` each."""
    counts: array[int]
    """Annotations."""
    categories: Sequence[frozenset[int]]
    notes: Sequence[PhotoNotes]


def code_of(status: Status) -> int:
    """Return the number that stands for a status."""
    return _CODES[status]


class ImageList:
    """The open folder's photos in order, with what is known of each, and which of them are listed.

    Kept in flat arrays, so that 100,000 photos cost a few megabytes and every question is answered at once.
    """

    def __init__(self) -> None:
        self.reset: Event[[]] = Event()
        """After the list became another one."""
        self.changed: Event[[int]] = Event()
        """After what is known of one photo changed, with its index."""
        self.many_changed: Event[[]] = Event()
        """After what is known of several photos changed, by `together`."""
        self.filtered: Event[[]] = Event()
        """After other photos are listed or in another order, because there is another filter or another order."""
        self._filter = EVERYTHING
        self._is_held = self._has_changed = False
        self._fill(())

    def set_photos(
        self,
        names: Sequence[str],
        statuses: Sequence[Status] | None = None,
        counts: Sequence[int] | None = None,
        errors: Mapping[str, str] | None = None,
        *,
        categories: Sequence[frozenset[int]] | None = None,
        notes: Sequence[PhotoNotes] | None = None,
    ) -> None:
        """Show other photos, in this order, with as many statuses, counts, sets of classes and notes as names.

        Without those, they are new and nothing is on them. `errors` has the reasons by name of the photos that cannot
        be read.

        Raises:
            ValueError: a name comes twice, or there are more or fewer of the others than names.
        """
        if any(len(given or names) != len(names) for given in (statuses, counts, categories, notes)):
            raise ValueError("There must be as many statuses, counts, sets of classes and notes as photos.")
        self._fill(names)
        if statuses:
            self._codes = bytearray(_CODES[status] for status in statuses)
        if counts:
            self._counts = array("L", counts)
        if categories:
            self._categories = list(categories)
        if notes:
            self._notes = list(notes)
        self._set_errors(errors or {})
        self._count_statuses()
        self.reset.emit()

    def set_known(self, known: KnownPhotos) -> None:
        """Show what is known of the photos that are listed, which are the same in the same order; errors stay.

        Raises:
            ValueError: they are others.
        """
        if known.names != self._names:
            raise ValueError("What is known is of other photos.")
        self._codes = bytearray(known.statuses)
        self._counts = array("L", known.counts)
        self._suggestions = array("l", [NOT_LOOKED_AT]) * len(self)
        self._categories = list(known.categories)
        self._least_scores = array("d", [inf]) * len(self)
        self._notes = list(known.notes)
        self._fitting = None
        for i in self._errors:
            self._codes[i] = _CODES[Status.UNREADABLE]
        self._count_statuses()
        self.many_changed.emit()

    def relist(
        self,
        names: Sequence[str],
        statuses: Mapping[str, Status] = MappingProxyType({}),
        errors: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Show these photos, in the order of their names, each with what is known of it.

        Some have another status, by name, and can be read; some cannot be read any more, and why.

        Raises:
            ValueError: a name comes twice.
        """
        places = [self._index.get(name, -1) for name in names]
        known = [(new, old) for new, old in enumerate(places) if old >= 0]
        before = self._facts
        reasons = self._errors
        index = self._fill(names)
        for target, source in zip(self._facts, before, strict=True):
            for new, old in known:
                target[new] = source[old]
        self._errors = {new: reasons[old] for new, old in known if old in reasons}
        for name, status in statuses.items():
            self._codes[index[name]] = _CODES[status]
            self._errors.pop(index[name], None)
        self._set_errors(errors)
        self._count_statuses()
        self.reset.emit()

    def arrange(self, names: Sequence[str]) -> None:
        """Show the same photos in another order."""
        by_name = self._by_name
        if self._names != names:
            self.relist(names)
            self._by_name = by_name
            self.filtered.emit()

    def update(
        self,
        name: str,
        *,
        status: Status | None = None,
        count: int | None = None,
        suggestions: int | None = None,
        error: str | None = None,
        categories: frozenset[int] | None = None,
        least_score: float | None = None,
        notes: PhotoNotes | None = None,
    ) -> None:
        """Put down what is now known of a photo; None leaves as it was. An error makes it unreadable.

        With a number of `suggestions`, also with 0, the model has looked at it; `NOT_LOOKED_AT` takes that back.

        Raises:
            KeyError: there is no such photo.
        """
        i = self._index[name]
        before = self.photo(i)
        if error or status is not None:
            self._set_status(i, Status.UNREADABLE if error else status or Status.NEW)
        for facts, value in zip(self._facts[1:], (count, suggestions, categories, least_score, notes), strict=True):
            if value is not None:
                facts[i] = value
        if error:
            self._errors[i] = error
        elif error is not None:
            self._errors.pop(i, None)
        if self.photo(i) != before:
            self._has_changed = True
            if self._fitting is not None:
                self._fitting[i] = self._fits(i, self._filter)
            if not self._is_held:
                self.changed.emit(i)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within this, changes of photos are announced once, at the end: 20,000 of them cost a second one by one."""
        self._is_held, self._has_changed = True, False
        try:
            yield
        finally:
            self._is_held = False
            if self._has_changed:
                self.many_changed.emit()

    @property
    def _facts(self) -> tuple[MutableSequence[Any], ...]:
        return self._codes, self._counts, self._suggestions, self._categories, self._least_scores, self._notes

    def _set_errors(self, errors: Mapping[str, str]) -> None:
        for name, error in errors.items():
            self._errors[self._index[name]] = error
            self._codes[self._index[name]] = _CODES[Status.UNREADABLE]

    def _count_statuses(self) -> None:
        self._done, self._unreadable, self._skipped = (
            self._codes.count(_CODES[status]) for status in (Status.DONE, Status.UNREADABLE, Status.SKIPPED)
        )

    def _set_status(self, i: int, status: Status) -> None:
        before = self.status(i)
        self._done += (status is Status.DONE) - (before is Status.DONE)
        self._unreadable += (status is Status.UNREADABLE) - (before is Status.UNREADABLE)
        self._skipped += (status is Status.SKIPPED) - (before is Status.SKIPPED)
        self._codes[i] = _CODES[status]

    # What there is

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    @property
    def names(self) -> Sequence[str]:
        """All names in order. Not to be changed."""
        return self._names

    @property
    def by_name(self) -> Sequence[str]:
        """All names in the order of names, in whichever they are shown. Not to be changed."""
        return self._by_name

    @property
    def done(self) -> int:
        """How many photos are done."""
        return self._done

    @property
    def unreadable(self) -> int:
        """How many photos are known to be unreadable."""
        return self._unreadable

    @property
    def skipped(self) -> int:
        """How many photos are skipped."""
        return self._skipped

    @property
    def doable(self) -> int:
        """How many photos can be done: neither skipped nor known to be unreadable."""
        return len(self) - self._unreadable - self._skipped

    def index(self, name: str) -> int:
        """Return where a photo is in the list. KeyError if it is not."""
        return self._index[name]

    def photo(self, i: int) -> ImageRow:
        """Return everything about the photo at an index."""
        return ImageRow(
            self._names[i],
            self.status(i),
            self._counts[i],
            self.suggestions(i),
            self.error(i),
            self.looked_at(i),
            self._categories[i],
            self._least_scores[i],
            self._notes[i],
        )

    def status(self, i: int) -> Status:
        """Return how far the work on the photo at an index is."""
        return _STATUSES[self._codes[i]]

    def count(self, i: int) -> int:
        """Return the number of annotations on record."""
        return self._counts[i]

    def suggestions(self, i: int) -> int:
        """Return the number of suggestions to show; 0 also where the model has not looked yet."""
        return max(self._suggestions[i], 0)

    def looked_at(self, i: int) -> bool:
        """Return whether the model has looked at the photo at an index."""
        return self._suggestions[i] != NOT_LOOKED_AT

    def least_score(self, i: int) -> float:
        """Return the lowest score of a suggestion on offer; infinite where there is none."""
        return self._least_scores[i]

    def tags(self) -> list[str]:
        """Return the tags that photos have, those that most have first."""
        noted = [notes for notes in self._notes if notes is not NO_NOTES]
        return [tag for tag, _ in Counter(tag for notes in noted for tag in notes.tags).most_common()]

    def error(self, i: int) -> str:
        """Return why the photo cannot be read, or ""."""
        return self._errors.get(i, "")

    # Which ones are listed

    @property
    def filter(self) -> Filter:
        """The filter, which the next folder's photos go through too until there is another."""
        return self._filter

    def set_filter(self, value: Filter = EVERYTHING) -> None:
        """List the photos that match this filter."""
        if value != self._filter:
            self._filter = value
            self._fitting = None
            self.filtered.emit()

    @property
    def lists_unreadable(self) -> bool:
        """Whether the filter is for photos that cannot be read, among others: else `next` leaves them out."""
        return self._filter.statuses is not None and Status.UNREADABLE in self._filter.statuses

    @property
    def listed(self) -> Sequence[int]:
        """The indices of the photos that match the filter, in order."""
        return self.matching(self._filter)

    def is_listed(self, i: int) -> bool:
        """Return whether the photo at an index matches the filter."""
        return self.matches(i, self._filter)

    # Which one is next

    def following(self, name: str, step: int = 1) -> Iterator[str]:
        """Yield the listed photos after one (before it, if `step` is below zero), without unreadable ones.

        The photo itself need not be listed.
        """
        i = self._index[name]
        walked = self._mask(_ANY if self.lists_unreadable else _READABLE)
        while (i := walked.find(1, i + 1) if step > 0 else walked.rfind(1, 0, i)) >= 0:
            yield self._names[i]

    def next(self, name: str, step: int = 1) -> str | None:
        """Return the photo `step` further on of those `following` (back, if below zero), or None past the end."""
        return next(islice(self.following(name, step), abs(step) - 1, None), None)

    def next_not_done(self, name: str | None = None) -> str | None:
        """Return the next listed photo after `name` with work left, beginning again at the top; None if none other has.

        Without a name, the first of the list.
        """
        left = self._mask(_WORK_LEFT)
        start = -1 if name is None else self._index[name]
        i = left.find(1, start + 1)
        if i < 0 and start > 0:
            i = left.find(1, 0, start)
        return None if i < 0 else self._names[i]

    def _mask(self, table: bytes) -> bytearray:
        """Return 1 for each listed photo whose status has 1 in the table, else 0."""
        statuses = self._filter.statuses
        if statuses is not None:
            codes = {_CODES[status] for status in statuses}
            table = bytes(code in codes and wanted for code, wanted in enumerate(table))
        mask = self._codes.translate(table)
        if self._fitting is None:
            if not replace(self._filter, statuses=None).is_set:
                return mask
            self._fitting = bytearray(len(self))
            for i in self.matching(replace(self._filter, statuses=None)):
                self._fitting[i] = 1
        return bytearray(map(and_, mask, self._fitting))

    # Which ones match a filter

    def matches(self, i: int, wanted: Filter) -> bool:
        """Return whether `matching` with the same filter would list the photo at an index."""
        return (wanted.statuses is None or self.status(i) in wanted.statuses) and self._fits(i, wanted)

    def matching(self, wanted: Filter) -> Sequence[int]:
        """Return in order the indices of the photos that match a filter."""
        found: Sequence[int] = range(len(self))
        if wanted.statuses is not None:
            codes = {_CODES[status] for status in wanted.statuses}
            found = [i for i, code in enumerate(self._codes) if code in codes]
        for word in wanted.text.casefold().split():
            folded = self._folded_names()
            found = [i for i in found if word in folded[i]]
        if wanted.has_details:
            found = [i for i in found if self._has_details(i, wanted)]
        return found

    def _fits(self, i: int, wanted: Filter) -> bool:
        """Return whether the photo at an index matches a filter but for its status."""
        name = self._names[i].casefold()
        return all(word in name for word in wanted.text.casefold().split()) and self._has_details(i, wanted)

    def _has_details(self, i: int, wanted: Filter) -> bool:
        return (
            wanted.min_count <= self._counts[i]
            and (wanted.max_count is None or self._counts[i] <= wanted.max_count)
            and (wanted.category is None or wanted.category in self._categories[i])
            and (wanted.tag is None or wanted.tag in self._notes[i].tags)
            and (not wanted.has_note or self._notes[i].note != "")
            and (wanted.below_score is None or self._least_scores[i] < wanted.below_score)
        )

    def _folded_names(self) -> list[str]:
        if not self._folded:
            self._folded = [name.casefold() for name in self._names]
        return self._folded

    def _fill(self, names: Sequence[str]) -> dict[str, int]:
        index = {name: i for i, name in enumerate(names)}
        if len(index) != len(names):
            raise ValueError("A photo is listed twice.")
        self._names = list(names)
        self._by_name: Sequence[str] = self._names
        self._folded: list[str] = []
        self._fitting: bytearray | None = None  # 1 for each photo that matches the filter but for its status, else 0
        self._index = index
        self._codes = bytearray(len(names))
        self._counts = array("L", bytes(array("L").itemsize * len(names)))
        self._suggestions = array("l", [NOT_LOOKED_AT]) * len(names)
        self._categories: list[frozenset[int]] = [frozenset()] * len(names)
        self._least_scores = array("d", [inf]) * len(names)
        self._notes = [NO_NOTES] * len(names)
        self._errors: dict[int, str] = {}
        self._done = 0
        self._unreadable = 0
        self._skipped = 0
        return index


# For bytes.translate: 1 for each status that counts, else 0.
_ANY = bytes([1] * 256)
_READABLE = bytes(code != _CODES[Status.UNREADABLE] for code in range(256))
_FINISHED_CODES = {_CODES[status] for status in FINISHED}
_WORK_LEFT = bytes(0 if code in _FINISHED_CODES else 1 for code in range(256))
