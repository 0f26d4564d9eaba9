"""The photo being worked on: its annotations, the suggestions, what is selected. The only truth about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING

from shapely import STRtree

from annotator.core.annotation import Annotation, Origin, painting_key
from annotator.core.event import Event
from annotator.core.photo_state import NO_NOTES, Mark, PhotoNotes, PhotoState
from dataset.geometry import valid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SAME_OBJECT_IOU = 0.7  # a suggestion that overlaps more than this with one of its class adds nothing
PART_SHARE = 0.85  # nor does one that lies so far inside one on record

BeforeAfter = tuple[Annotation | None, Annotation | None]


class Status(StrEnum):
    """How far the work on a photo is."""

    NEW = "new"
    SUGGESTED = "has suggestions"
    STARTED = "in progress"
    DONE = "done"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"


MARKED = {Mark.DONE: Status.DONE, Mark.SKIPPED: Status.SKIPPED}
"""How far the work on a photo is that is marked, whatever is on it."""


@dataclass(frozen=True, slots=True)
class ShownRecords:
    """What of a document is shown. What is hidden cannot be selected, and no command acts on it."""

    annotations: bool = True
    """Whether what is on record is."""
    suggestions: bool = True
    """Whether what the model offers is."""


@dataclass(frozen=True, slots=True)
class ObjectMarks:
    """What a person has set aside on a photo, by id. Of the session, not of the file."""

    hidden: frozenset[int] = frozenset()
    """Not shown: cannot be selected, and no command acts on them."""
    locked: frozenset[int] = frozenset()
    """Shown, but cannot be selected or changed."""

    @property
    def spared(self) -> frozenset[int]:
        """What no edit changes."""
        return self.hidden | self.locked

    def without(self, ids: set[int]) -> ObjectMarks:
        """Return the marks of all others."""
        return ObjectMarks(self.hidden - ids, self.locked - ids)

    def without_suggestions(self) -> ObjectMarks:
        """Return the marks of what is on record."""
        return self.without({i for i in self.spared if i < 0})


@dataclass(frozen=True, slots=True)
class Edit:
    """A difference between two states of a document: index False (0) is before, True (1) is after."""

    text: str
    """For the menu, completing "Undo …": "delete person"."""
    annotations: Mapping[int, BeforeAfter]
    """id -> (record before, record after); None where there is none."""
    reviewed: tuple[tuple[Annotation, ...], tuple[Annotation, ...]]
    """Suggestions accepted or rejected, before and after."""
    mark: tuple[Mark, Mark]
    """What is decided about the photo, before and after."""
    selection: tuple[tuple[int, ...], tuple[int, ...]]
    """Selected ids, before and after."""
    merge: str = ""
    """Edits with the same non-empty key that follow one another become one step (a held arrow key)."""
    notes: tuple[PhotoNotes | None, PhotoNotes | None] | None = None
    """The photo's tags and note, before and after; None where it is not about them."""

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing on record."""
        changes = any(before != after for before, after in self.annotations.values())
        pairs = (self.reviewed, self.mark, self.notes or (None, None))
        return not changes and all(before == after for before, after in pairs)

    @property
    def draws(self) -> bool:
        """Whether it puts something on record that a person drew, pasted or corrected."""
        return any(
            before is None and after and after.origin is not Origin.SUGGESTED
            for before, after in self.annotations.values()
        )

    def sparing(self, ids: frozenset[int]) -> Edit:
        """Return the edit without changes to these records."""
        touched = {i for i, (before, _) in self.annotations.items() if before is not None and i in ids}
        if not touched:
            return self
        return replace(self, annotations={i: change for i, change in self.annotations.items() if i not in touched})

    def then(self, later: Edit) -> Edit:
        """Return one edit that does this one and then `later`."""
        annotations = dict(self.annotations)
        for annotation_id, (before, after) in later.annotations.items():
            annotations[annotation_id] = (annotations.get(annotation_id, (before,))[0], after)
        notes = later.notes if self.notes is None else (self.notes[0], (later.notes or self.notes)[1])
        return replace(
            self,
            notes=notes,
            annotations=annotations,
            reviewed=(self.reviewed[0], later.reviewed[1]),
            mark=(self.mark[0], later.mark[1]),
            selection=(self.selection[0], later.selection[1]),
        )


class Document:
    """One photo's annotations, suggestions and selection.

    Widgets read it, subscribe to its events and never keep a copy. It changes through `apply` and `revert` (edits,
    which can be undone), and through `set_suggestions`, `select`, `threshold`, `shown` and `marks` (which are not
    part of the history).
    """

    def __init__(
        self,
        name: str,
        state: PhotoState,
        *,
        threshold: float = 0.5,
    ) -> None:
        self.name = name
        """The photo's path relative to the image folder, with forward slashes."""
        self.size = state.size
        """(width, height) of the upright photo in pixels."""
        self.changed: Event[[frozenset[int]]] = Event()
        """After annotations changed, with the ids whose record is new, other or gone."""
        self.suggestions_changed: Event[[]] = Event()
        """After the suggestions on offer changed, or what is shown did."""
        self.selection_changed: Event[[]] = Event()
        """After the selection changed."""
        self._annotations = {a.id: a for a in sorted(state.annotations, key=painting_key)}
        self._reviewed = state.reviewed
        self._mark = state.mark
        self._notes = state.notes
        self._pool: dict[int, Annotation] = {}
        self._has_pool = False
        self._threshold = threshold
        self._shown = ShownRecords()
        self._marks = ObjectMarks()
        self._unreviewed: tuple[Annotation, ...] | None = ()  # of the pool, whatever the score; None: to be found
        self._offered: tuple[float, tuple[Annotation, ...], tuple[Annotation, ...]] = (0.0, (), ())  # from a score, of
        self._selection: tuple[int, ...] = ()

    # What there is

    @property
    def state(self) -> PhotoState:
        """All that is on record."""
        return PhotoState(self.size, self.annotations, self._reviewed, self._mark, self._notes)

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """What is on record, in painting order: the newest on top, unless it was lowered."""
        return tuple(self._annotations.values())

    @property
    def reviewed(self) -> tuple[Annotation, ...]:
        """Suggestions that the person has accepted or rejected: they are not shown again."""
        return self._reviewed

    @property
    def mark(self) -> Mark:
        """What the person has decided about the photo."""
        return self._mark

    @property
    def done(self) -> bool:
        """Whether the person has marked the photo done."""
        return self._mark is Mark.DONE

    @property
    def notes(self) -> PhotoNotes:
        """What the person has noted about the photo."""
        return self._notes or NO_NOTES

    @property
    def status(self) -> Status:
        """How far the work is."""
        if self._mark is not Mark.NONE:
            return MARKED[self._mark]
        if self._annotations or self._reviewed:
            return Status.STARTED
        return Status.SUGGESTED if self.suggestions else Status.NEW

    @property
    def suggestions(self) -> tuple[Annotation, ...]:
        """The suggestions on offer, best first: over the threshold, not reviewed, not there already."""
        if self._unreviewed is None:
            self._unreviewed = new_objects(tuple(self._pool.values()), self.annotations, self._reviewed)
        threshold, of, offered = self._offered
        if of is not self._unreviewed or threshold != self._threshold:
            offered = tuple(s for s in self._unreviewed if (s.score or 0.0) >= self._threshold)
            self._offered = self._threshold, self._unreviewed, offered
        return offered

    @property
    def least_score(self) -> float:
        """The lowest score of a suggestion on offer; infinite where there is none."""
        return min((s.score or 0.0 for s in self.suggestions), default=inf)

    @property
    def threshold(self) -> float:
        """The score from which suggestions are on offer."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        if value != self._threshold:
            self._threshold = value
            self._on_suggestions_changed()

    @property
    def shown(self) -> ShownRecords:
        """What is shown."""
        return self._shown

    @shown.setter
    def shown(self, value: ShownRecords) -> None:
        if value != self._shown:
            self._shown = value
            self._on_suggestions_changed()

    @property
    def marks(self) -> ObjectMarks:
        """Which objects are hidden or locked, each by itself."""
        return self._marks

    @marks.setter
    def marks(self, value: ObjectMarks) -> None:
        if value != self._marks:
            self._marks = value
            self._on_suggestions_changed()

    @property
    def shown_annotations(self) -> tuple[Annotation, ...]:
        """`annotations`, but for those that are hidden."""
        return self._not_hidden(self.annotations) if self._shown.annotations else ()

    @property
    def shown_suggestions(self) -> tuple[Annotation, ...]:
        """`suggestions`, but for those that are hidden."""
        return self._not_hidden(self.suggestions) if self._shown.suggestions else ()

    def _not_hidden(self, records: tuple[Annotation, ...]) -> tuple[Annotation, ...]:
        hidden = self._marks.hidden
        return tuple(record for record in records if record.id not in hidden) if hidden else records

    def __contains__(self, annotation_id: int) -> bool:
        return annotation_id in self._annotations or annotation_id in self._pool

    def __getitem__(self, annotation_id: int) -> Annotation:
        """Return the annotation, or the suggestion, with that id. KeyError if there is none."""
        return self._pool[annotation_id] if annotation_id < 0 else self._annotations[annotation_id]

    def get(self, annotation_id: int) -> Annotation | None:
        """Return the annotation, or the suggestion, with that id, or None."""
        return self._pool.get(annotation_id) if annotation_id < 0 else self._annotations.get(annotation_id)

    def is_open(self, record: Annotation) -> bool:
        """Return whether the record is still as it is, on record or on offer, and neither hidden nor locked."""
        if self.get(record.id) != record or record.id in self.marks.spared:
            return False
        return record.id > 0 or any(offered.id == record.id for offered in self.suggestions)

    # What the model offers, what is selected

    @property
    def has_pool(self) -> bool:
        """Whether there is an answer of the model for this photo, be it that it sees nothing."""
        return self._has_pool

    def set_suggestions(self, suggestions: Iterable[Annotation]) -> None:
        """Replace the pool of suggestions (all scores; the threshold chooses). Their ids are below zero.

        What was selected or hidden stays so where it is the same object still: every answer has the same ids.
        """
        self._has_pool = True
        self._replace_pool({s.id: s for s in sorted(suggestions, key=lambda s: -(s.score or 0.0))})

    def forget_suggestions(self) -> None:
        """Offer nothing, until there is an answer of the model that is in use by now."""
        self._has_pool = False
        self._replace_pool({})

    def _replace_pool(self, pool: dict[int, Annotation]) -> None:
        others = {i for i in (*self._selection, *self._marks.spared) if not _is_same(self._pool.get(i), pool.get(i))}
        if others:
            self.select(i for i in self._selection if i not in others)
            self._marks = self._marks.without(others)
        self._pool = pool
        self._unreviewed = None
        self._on_suggestions_changed()

    @property
    def selection(self) -> tuple[int, ...]:
        """Ids of the selected annotations and suggestions; the last is the one with handles."""
        return self._selection

    @property
    def selected(self) -> tuple[Annotation, ...]:
        """The selected records."""
        return tuple(self[i] for i in self._selection)

    def select(self, ids: Iterable[int]) -> None:
        """Select these and no others. Ids that are not shown, or are locked, are left out."""
        shown = {record.id for record in (*self.shown_annotations, *self.shown_suggestions)}
        chosen = tuple(dict.fromkeys(i for i in ids if i in shown and i not in self._marks.locked))
        if chosen != self._selection:
            self._selection = chosen
            self.selection_changed.emit()

    # Edits

    def apply(self, edit: Edit) -> None:
        """Do an edit that was made for the state the document is in."""
        self._set(edit, after=True)

    def revert(self, edit: Edit) -> None:
        """Undo the edit that was applied last."""
        self._set(edit, after=False)

    def _set(self, edit: Edit, *, after: bool) -> None:
        reorder = False
        for annotation_id, change in edit.annotations.items():
            record = change[after]
            if record is None:
                self._annotations.pop(annotation_id, None)
            else:
                old = self._annotations.get(annotation_id)
                reorder |= old is None or painting_key(old) != painting_key(record)
                self._annotations[annotation_id] = record
        if reorder:
            self._annotations = {a.id: a for a in sorted(self._annotations.values(), key=painting_key)}
        self._reviewed = edit.reviewed[after]
        self._mark = edit.mark[after]
        if edit.notes is not None:
            self._notes = edit.notes[after]
        self._unreviewed = None
        self.changed.emit(frozenset(edit.annotations))
        self._on_suggestions_changed()
        self.select(edit.selection[after])

    def _on_suggestions_changed(self) -> None:
        self.suggestions_changed.emit()
        self.select(self._selection)  # drops what is no longer shown


def _is_same(before: Annotation | None, now: Annotation | None) -> bool:
    """Return whether a suggestion is the same object still, be it in another class by now; true of one not known."""
    return before is None or (now is not None and (before.shape, before.score) == (now.shape, now.score))


def new_objects(
    pool: tuple[Annotation, ...], recorded: tuple[Annotation, ...], reviewed: tuple[Annotation, ...]
) -> tuple[Annotation, ...]:
    """Return those of the pool that say something new.

    Not new is what overlaps with one of its class that is on record or was reviewed, and a part of one on record: a
    mask leaves out what stands before its object, so what is inside another's mask is no object. Crowds have objects.
    """
    known = (*recorded, *reviewed)
    if not pool or not known:
        return pool
    offered, there = [valid(s.shape) for s in pool], [valid(k.shape) for k in known]
    pairs = STRtree(there).query(offered)
    seen = set()
    for i, j in pairs.T.tolist():
        if i in seen or pool[i].category_id != known[j].category_id:
            continue
        small, large = sorted((offered[i].area, there[j].area))
        has_parts = j < len(recorded) and not known[j].is_crowd
        # The areas' ratio bounds the IoU from above, and costs nothing.
        if small > SAME_OBJECT_IOU * large or has_parts:
            shared = offered[i].intersection(there[j]).area
            same = shared > SAME_OBJECT_IOU * (small + large - shared)
            if same or (has_parts and shared > PART_SHARE * offered[i].area):
                seen.add(i)
    return tuple(s for i, s in enumerate(pool) if i not in seen)
