"""Changing the records of every photo of a project at once, be it shown, worked on before, or only on disk."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from annotator.canvas.hit_testing import extent
from annotator.core import edits
from annotator.core.photo_state import NewStates
from annotator.session.photo_facts import show_stored
from annotator.session.time_slices import TimeSlicer
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from annotator.core.annotation import Annotation
    from annotator.core.document import BeforeAfter, Document
    from annotator.core.photo_state import PhotoState
    from annotator.core.store.store import Store
    from annotator.session.session import Session
    from dataset.coco.categories import Category

Difference = dict[int, "Annotation | None"]
"""id -> record, None where there is to be none."""
Log = dict[str, "dict[int, BeforeAfter]"]
"""By photo: what was changed, as in an `Edit`."""
Size = tuple[int, int]
NO_SIZE = (0, 0)
AT_ONCE = 50
"""So many photos that others have changed meanwhile are made again in the turn in which all is put on record."""
_LISTED = 500  # photos whose rows are shown together


def rewritten(records: Mapping[int, Annotation], change: Callable[[Annotation], Annotation | None]) -> Difference:
    """Return what a change makes of a photo's records, as far as it makes something else of them."""
    found = ((i, change(record)) for i, record in records.items())
    return {i: after for i, after in found if after is not records[i]}


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What is to become of the classes, and of the records of every photo with them."""

    photos: Mapping[str, PhotoState]
    """What is on record, with their sizes, for the photos in question; those with a history come anyway."""
    difference: Callable[[str, Mapping[int, Annotation]], Difference]
    """Returns what is to be otherwise in a photo, from its name and its records by id. It may be asked again."""
    change_classes: Callable[[], object]
    """Called first. A ValueError is a sentence for the person: then nothing is done."""
    rewrite: Callable[[Annotation], Annotation | None]
    """What becomes of the records in the undo history."""
    then: Callable[[Log], object]
    """Called when it is done."""
    given_up: Callable[[str], object] = lambda _sentence: None
    """Called when it is given up although the project is open; why, where the person does not know it."""
    step: str = ""
    """Where it is not empty, photos with a history have the change as a step of this name, which can be undone."""


class RecordChanges(QObject):
    """Does one such change at a time: makes the records in slices between events, and puts all on record in one turn.

    Until then nothing is changed, so that it can be given up: by `cancel`, or because the project is left. On disk it
    is one thing, whatever crashes.

    Signals:
        started: a change is being made.
        progressed: (share, from 0 to 1) so much of it is ready.
        ended: (sentence) it is done, or given up; why, or "".
    """

    started = Signal()
    progressed = Signal(float)
    ended = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._task: RecordChange | None = None
        self._classes: Sequence[Category] = ()  # before
        self._known: dict[str, PhotoState] = {}  # what was on record when they were made
        self._additions = 0  # how many there had been by then
        self._made = NewStates()
        self._log: Log = {}
        self._number = 0  # of photos that were looked at
        self._unlisted: deque[str] = deque()  # photos whose rows are behind
        self._spent: list[dict[str, Any]] = []  # what was on record before, and logs: to let go of it takes time, too
        self._slices, self._listing = TimeSlicer(self, of_project=True), TimeSlicer(self)
        self._slices.done.connect(self._finish)
        session.project_changed.connect(self._leave)

    @property
    def is_running(self) -> bool:
        """Whether a change is being made."""
        return self._task is not None

    def tell_running(self) -> None:
        """Say why another change cannot be begun now."""
        text = tr("The objects of every photo are being changed: try again when that is done.")
        self.session.message.emit(text, "info", "")

    def start(self, task: RecordChange) -> None:
        """Begin a change of the open project. One without photos to look at is done before this returns.

        While another one is being made, it is said that there can be no second one, which is given up.
        """
        if self._task is not None:
            self.tell_running()
            task.given_up("")
            return
        self._task, self._made, self._log, self._number = task, NewStates(), {}, 0
        self._classes = tuple(self.session.categories)
        self.started.emit()
        # With those that have a document now, which they may be left without: the photo shown has one until it is left.
        self._make(dict.fromkeys((*task.photos, *self.session.documents, *self._store.added)))
        if not task.photos:
            self._slices.stop()
            self._finish()

    def cancel(self) -> None:
        """Give up the change that is being made: nothing of it is done."""
        self._give_up("")

    def _give_up(self, sentence: str) -> None:
        task = self._task
        if task is not None:
            self._end(sentence)
            task.given_up(sentence)

    def _leave(self, _project: object) -> None:
        if self._task is not None:
            self._end("")
        self._listing.stop()
        self._unlisted.clear()
        self._spent.clear()

    def _end(self, sentence: str) -> None:
        self._slices.stop()
        self._task, self._known, self._made, self._log = None, {}, NewStates(), {}
        self.ended.emit(sentence)

    # Making

    @property
    def _store(self) -> Store:
        assert self.session.store is not None, "a change ends with the project"
        return self.session.store

    def _make(self, names: Iterable[str]) -> None:
        """Make the records of these photos, as they are now, in slices."""
        self._known, self._additions = self._store.all_changed(), len(self._store.added)
        self._slices.start(self._each(names))

    def _each(self, names: Iterable[str]) -> Iterator[None]:
        assert self._task is not None, "the slices end with the task"
        total = max(len(self._task.photos), 1)
        for name in names:
            self._make_one(self._task, name)
            self._number += 1
            if self._number % AT_ONCE == 0:
                self.progressed.emit(min(1.0, self._number / total))
            yield

    def _make_one(self, task: RecordChange, name: str) -> None:
        """Make what a photo becomes."""
        self._forget(name)
        counted = task.photos.get(name)
        # What the file had is as it was counted, but for what was imported since.
        as_counted = counted if counted and len(counted.annotations) == self._store.count(name) else None
        before = self._store.changed(name) or as_counted or self._store.load(name)
        known = {record.id: record for record in before.annotations}
        changed = task.difference(name, known)
        if changed:
            after = _following(before, changed, before.size if counted is None else counted.size)
            self._made.add(self._store.prepared(name, after, before=before))
            self._log[name] = {i: (known.get(i), record) for i, record in changed.items()}

    def _forget(self, name: str) -> None:
        self._made.discard(name)
        self._log.pop(name, None)

    # Putting on record

    def _finish(self, _made: object = None) -> None:
        """Put all that was made on record, in one turn; what was changed meanwhile is made again before."""
        self.session.end_gesture()
        task, documents = self._task, self.session.documents
        if task is None:
            return
        if tuple(self.session.categories) != self._classes:
            self._give_up(tr("The classes were changed meanwhile: the objects stay as they are."))
            return
        since = dict.fromkeys((*self._store.changed_since(self._known), *self._store.added[self._additions :]))
        late = [name for name in since if name not in documents]
        if len(late) > AT_ONCE:
            self._make(late)
            return
        for name in late:
            self._make_one(task, name)
        for name in documents:
            self._forget(name)
        try:
            log = self._put(task, documents)
        except ValueError as error:
            self._give_up(str(error))
            return
        self._end("")
        self.session.report_saved()
        self.session.edited.emit()
        task.then(log)

    def _put(self, task: RecordChange, documents: Mapping[str, Document]) -> Log:
        made, log = self._made, self._log
        with self._store.together():
            task.change_classes()
            for name, document in documents.items():
                known = {record.id: record for record in document.state.annotations}
                changed = task.difference(name, known)
                if changed:
                    log[name] = {i: (known.get(i), record) for i, record in changed.items()}
                    edit = edits.substitute(document, changed)
                    if task.step:
                        self.session.push_to(document, replace(edit, text=task.step))
                    else:
                        document.apply(edit)
            self._store.put_all(made)
            self.session.history.rewrite(task.rewrite)
        self._unlisted.extend(made.by_name)
        self._spent += [self._known, dict(log)]
        if not self._listing.is_running:
            self._listing.start(self._list())
        return log

    def _list(self) -> Iterator[None]:
        """Have the photo list show what is on record by now."""
        photos = self.session.photos
        while self._unlisted:
            with photos.together():
                for name in list(islice(self._unlisted, _LISTED)):
                    self._unlisted.popleft()
                    if name in photos:
                        show_stored(photos, self._store, name)
            yield
        while self._spent:
            for _ in range(min(_LISTED, len(self._spent[-1]))):
                self._spent[-1].popitem()
            if not self._spent[-1]:
                self._spent.pop()
            yield


def _following(state: PhotoState, changed: Difference, size: Size) -> PhotoState:
    known = {record.id: record for record in state.annotations}
    merged = known | changed
    if changed.keys() - known.keys():
        merged = dict(sorted(merged.items()))
    records = tuple(record for record in merged.values() if record is not None)
    if size == NO_SIZE:  # of a photo that is not there: as large as what is on it
        corners = [extent(record)[2:] for record in (*state.annotations, *records)]
        size = max(1, *(math.ceil(x) for x, _ in corners)), max(1, *(math.ceil(y) for _, y in corners))
    return replace(state, annotations=records, size=size)
