"""Changing the keypoints of a class, with those of every object in the project."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.annotation import Visibility
from annotator.session.record_changes import NO_SIZE, Size, change_records, rewritten
from annotator.session.time_slices import TimeSlicer
from dataset.images import PhotoError, photo_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoState
    from annotator.core.skeleton import SkeletonChange
    from annotator.core.store.store import Store
    from annotator.session.record_changes import Difference
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
        self._slices = TimeSlicer(self)
        self._slices.done.connect(self._take_photos)
        self._read.connect(self._take_sizes)

    def start(self, store: Store, category_id: int, *, every: bool = False) -> None:
        """Begin to count the objects of a class that have keypoints, or every one of it."""
        self._number += 1
        self._use = KeypointUse()
        self._slices.start(_photos(store, category_id, every=every))

    def stop(self) -> None:
        """It is not wanted any more."""
        self._number += 1
        self._slices.stop()

    def _take_photos(self, found: Sequence[tuple[str, PhotoState, list[Annotation]]]) -> None:
        for name, state, records in found:
            if records:
                self._use.photos[name] = state
            self._use.objects += len(records)
            for record in records:
                self._use.labelled.update(
                    i for i, point in enumerate(record.keypoints) if point.visibility is not Visibility.UNLABELLED
                )
        unknown = [name for name, state in self._use.photos.items() if state.size == NO_SIZE]
        folder, number = self._session.folder, self._number
        if unknown and folder is not None:
            self._session.on_disk(lambda: self._read.emit(number, _sizes(folder, unknown)))
        else:
            self.done.emit(self._use)

    def _take_sizes(self, number: int, sizes: Mapping[str, Size]) -> None:
        if number == self._number:
            for name, size in sizes.items():
                self._use.photos[name] = replace(self._use.photos[name], size=size)
            self.done.emit(self._use)


def _photos(store: Store, category_id: int, *, every: bool) -> Iterator[tuple[str, PhotoState, list[Annotation]]]:
    for name in store.annotated:
        state = store.load(name)
        records = [a for a in state.annotations if a.category_id == category_id and (every or a.keypoints)]
        if state.size == NO_SIZE:
            state = replace(state, size=store.size_in_file(name) or NO_SIZE)
        yield name, state, records


def _sizes(folder: Path, names: Iterable[str]) -> dict[str, Size]:
    """Return the sizes of photos from their headers, of those that can be read."""
    found = {}
    for name in names:
        try:
            found[name] = photo_size(folder / name)
        except PhotoError:
            continue
    return found


def change_skeleton(session: Session, change: SkeletonChange, photos: Mapping[str, PhotoState]) -> None:
    """Give a class another skeleton, and every record of it, undone and copied ones too, its keypoints in that order.

    On disk that is one thing: no crash leaves objects with the keypoints of another skeleton. `photos` are those of a
    `KeypointUse`: what the class's objects with keypoints are in.
    """
    if session.store is None or change.category_id not in session.categories:
        return
    session.end_gesture()

    def difference(_name: str, records: Mapping[int, Annotation]) -> Difference:
        return rewritten(records, change)

    def change_class() -> None:
        session.categories.set_skeleton(change.category_id, change.after.names, change.after.edges)

    change_records(session, photos if change.moves else {}, difference, change_class, change)
    session.skeleton_changed.emit(change)
