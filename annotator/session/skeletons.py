"""Changing the keypoints of a class, with those of every object in the project."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.annotation import Visibility
from annotator.session.record_changes import NO_SIZE, RecordChange, rewritten
from annotator.session.time_slices import TimeSlicer
from dataset.pictures.images import PhotoError, photo_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoState
    from annotator.core.skeleton import SkeletonChange
    from annotator.core.store.store import Store
    from annotator.session.record_changes import Difference, Log, RecordChanges
    from annotator.session.session import Session


@dataclass(slots=True)
class KeypointUse:
    """What a project has of a class's keypoints, or of all its objects."""

    objects: int = 0
    """How many objects have keypoints, or are of the class."""
    labelled: Counter[int] = field(default_factory=Counter)
    """How many of them have each keypoint on the photo, by its index."""
    photos: dict[str, PhotoState] = field(default_factory=dict)
    """What is on record for the photos that they are in, with their (width, height)."""


class KeypointCounter(QObject):
    """Counts the keypoints of a class in slices between events, and reads what sizes of photos are not on record.

    Signals:
        done: (KeypointUse) all of it.
    """

    done = Signal(object)
    _read = Signal(int, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._number = 0  # of the question: answers to earlier ones are late
        self._use = KeypointUse()
        self._slices = TimeSlicer(self, of_project=True)
        self._slices.done.connect(self._read_sizes)
        self._read.connect(self._take_sizes)

    def start(self, store: Store, category_id: int, *, every: bool = False) -> None:
        """Begin to count the objects of a class that have keypoints, or every one of it."""
        self._number += 1
        self._use = KeypointUse()
        self._slices.start(_counted(store, category_id, self._use, every=every))

    def stop(self) -> None:
        """It is not wanted any more."""
        self._number += 1
        self._slices.stop()

    def _read_sizes(self, _counted: object) -> None:
        unknown = {name: state for name, state in self._use.photos.items() if state.size == NO_SIZE}
        folder, number = self._session.folder, self._number
        if unknown and folder is not None:
            self._session.on_disk(lambda: self._read.emit(number, _with_sizes(folder, unknown)))
        else:
            self.done.emit(self._use)

    def _take_sizes(self, number: int, states: Mapping[str, PhotoState]) -> None:
        if number == self._number:
            self._use.photos |= states
            self.done.emit(self._use)


def _counted(store: Store, category_id: int, use: KeypointUse, *, every: bool) -> Iterator[None]:
    """Count into `use`, a photo each time."""
    for name in store.annotated:
        state = store.load(name)
        records = [a for a in state.annotations if a.category_id == category_id and (every or a.keypoints)]
        if records:
            size = store.size_in_file(name) if state.size == NO_SIZE else None
            use.photos[name] = state if size is None else replace(state, size=size)
            use.objects += len(records)
        for record in records:
            use.labelled.update(
                i for i, point in enumerate(record.keypoints) if point.visibility is not Visibility.UNLABELLED
            )
        yield


def _with_sizes(folder: Path, states: Mapping[str, PhotoState]) -> dict[str, PhotoState]:
    """Return these states with the sizes of the photos from their headers, of those that can be read."""
    found = {}
    for name, state in states.items():
        with suppress(PhotoError):
            found[name] = replace(state, size=photo_size(folder / name))
    return found


def change_skeleton(
    changes: RecordChanges,
    change: SkeletonChange,
    photos: Mapping[str, PhotoState],
    then: Callable[[], object] = lambda: None,
    given_up: Callable[[str], object] = lambda _sentence: None,
) -> None:
    """Give a class another skeleton, and every record of it, undone and copied ones too, its keypoints in that order.

    On disk that is one thing: no crash leaves objects with the keypoints of another skeleton. `photos` are those of a
    `KeypointUse`: what the class's objects with keypoints are in. `then` is called when it is done,
    `given_up` if it is not.
    """
    session = changes.session
    if session.store is None or change.category_id not in session.categories:
        return

    def difference(_name: str, records: Mapping[int, Annotation]) -> Difference:
        return rewritten(records, change)

    def change_class() -> None:
        session.categories.set_skeleton(change.category_id, change.after.names, change.after.edges)

    def done(_log: Log) -> None:
        session.skeleton_changed.emit(change)
        then()

    changes.start(RecordChange(photos if change.moves else {}, difference, change_class, change, done, given_up))
