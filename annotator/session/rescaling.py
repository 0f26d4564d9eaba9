"""Scaling the annotations of photos that have another size than these were made for, and taking that back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.session.record_changes import Difference, Log, RecordChange
from annotator.session.time_slices import TimeSlicer
from dataset.i18n import tr
from dataset.pictures.images import PhotoError, is_turned, photo_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoState
    from annotator.core.store.rescaling import Size, SizeMismatch
    from annotator.core.store.store import Store
    from annotator.session.record_changes import RecordChanges

AT_ONCE = 50  # photos from one report to the next


@dataclass(slots=True)
class Rescaled:
    """Photos whose annotations were scaled, with all that is needed to take that back."""

    photos: Mapping[str, PhotoState]
    """What was on record for them, with their own sizes."""
    log: Log = field(default_factory=dict)
    """What was done to them."""
    kept: dict[str, int] = field(default_factory=dict)
    """By photo: how many annotations stayed as they were, for a size of other proportions, or damaged."""

    @property
    def objects(self) -> int:
        """How many objects were scaled."""
        return sum(len(changed) for changed in self.log.values())

    @property
    def refused(self) -> int:
        """How many annotations stayed as they were."""
        return sum(self.kept.values())


class Rescaler(QObject):
    """Finds the photos whose annotations were made for another size in the way of one of them, and scales them.

    Signals:
        done: (Rescaled) it is done.
        looked: (share, from 0 to 1) so many of the photos were looked at; what comes then is a change of records.
    """

    done = Signal(object)
    looked = Signal(float)
    _read = Signal(int, object, object)
    _progressed = Signal(int, float)

    def __init__(self, changes: RecordChanges, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changes, self._session = changes, changes.session
        self._number = 0  # of the question: answers to earlier ones are late
        self._is_reading = False  # the sizes
        self._sizes: dict[str, Size] = {}
        self._made_for: dict[str, Size] = {}
        self._found: dict[str, PhotoState] = {}
        self._slices = TimeSlicer(self, of_project=True)
        self._slices.done.connect(self._start)
        self._read.connect(self._take_sizes)
        self._progressed.connect(self._pass_progress)
        self._session.project_changed.connect(self._leave)

    @property
    def is_running(self) -> bool:
        """Whether photos are looked for or changed."""
        return self._is_reading or self._slices.is_running or self._changes.is_running

    def scale(self, mismatch: SizeMismatch, names: Iterable[str]) -> None:
        """Scale the annotations of those of the photos that do not fit in the same way; the sizes are read first."""
        folder, store = self._session.folder, self._session.store
        if folder is None or store is None:
            return
        if self.is_running:
            self._changes.tell_running()
            return
        self._number += 1
        self._is_reading = True
        number = self._number
        listed = [name for name in names if name in self._session.photos and store.count(name)]
        entries = {name: store.size_in_file(name) for name in listed}

        def read() -> None:
            sizes: dict[str, Size] = {}
            for place, name in enumerate(entries):
                if number != self._number:
                    return
                if place % AT_ONCE == 0:
                    self._progressed.emit(number, place / (2 * len(entries)))
                size = _size(folder, name, entries[name])
                if size is not None:
                    sizes[name] = size
            self._read.emit(number, mismatch, sizes)

        self._session.on_disk(read)

    def take_back(self, rescaled: Rescaled) -> None:
        """Put the objects of photos back where they were, as far as nobody has changed them since."""
        if self.is_running or self._session.store is None:
            return

        def difference(name: str, records: Mapping[int, Annotation]) -> Difference:
            changed = rescaled.log.get(name, {})
            return {
                i: before for i, (before, after) in changed.items() if after is not None and records.get(i) == after
            }

        self._changes.start(
            RecordChange(
                rescaled.photos,
                difference,
                lambda: None,
                lambda record: record,
                lambda _log: None,
                step=tr("scale objects back"),
            )
        )

    def cancel(self) -> None:
        """Look at no more photos: nothing is scaled."""
        self._number += 1
        self._is_reading = False
        self._slices.stop()

    def _leave(self, _project: object) -> None:
        self.cancel()

    def _pass_progress(self, number: int, share: float) -> None:
        if number == self._number:
            self.looked.emit(share)

    def _take_sizes(self, number: int, mismatch: SizeMismatch, sizes: dict[str, Size]) -> None:
        store = self._session.store
        if number != self._number or store is None:
            return
        self._is_reading = False
        self._sizes, self._found, self._made_for = sizes, {}, {}
        self._slices.start(self._look(store, mismatch))

    def _look(self, store: Store, like: SizeMismatch) -> Iterator[None]:
        """Find the photos that do not fit in the same way, one each time."""
        factor = like.made_for[0] // like.size[0] if like.kind == "reach" else 0
        for place, (name, size) in enumerate(self._sizes.items()):
            if place % AT_ONCE == 0:
                self.looked.emit(0.5 + place / (2 * len(self._sizes)))
            found = store.size_mismatch(name, size)
            if found is not None and found.kind == like.kind and found.keeps_aspect:
                self._found[name] = replace(store.load(name), size=size)
                if factor:
                    self._made_for[name] = (factor * size[0], factor * size[1])
            yield

    def _start(self, _looked: object) -> None:
        store, made_for = self._session.store, self._made_for
        self.looked.emit(1)
        if store is None:
            return
        rescaled = Rescaled(self._found)

        def difference(name: str, records: Mapping[int, Annotation]) -> Difference:
            photo = rescaled.photos.get(name)
            if photo is None:
                return {}
            made = store.scaled(name, photo.size, records, made_for.get(name))
            rescaled.kept[name] = made.refused
            return dict(made.records)

        def done(log: Log) -> None:
            rescaled.log = log
            self.done.emit(rescaled)

        self._changes.start(
            RecordChange(self._found, difference, lambda: None, lambda record: record, done, step=tr("scale objects"))
        )


def _size(folder: Path, name: str, entry: Size | None) -> Size | None:
    """Return the size of a photo; None where it cannot be read, or its entry has the size before it was turned."""
    try:
        size = photo_size(folder / name)
        return None if entry is not None and is_turned(folder / name, entry, size) else size
    except PhotoError:
        return None
