"""What a round of fine-tuning could learn from, found out while its dialog is open: on record, and on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.image_filter import FINISHED, Filter
from annotator.core.training_runs import weights_file
from annotator.core.training_set import labelled
from annotator.session.time_slices import TimeSlicer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from annotator.core.store.store import Store
    from annotator.core.store.suggestion_pools import Pool, SuggestionPools
    from annotator.core.training_set import TrainingPhoto
    from annotator.session.session import Session


@dataclass(frozen=True, slots=True)
class CollectedPhotos:
    """What there is to learn from."""

    photos: list[TrainingPhoto]
    """Those that are done, and there."""
    lost: list[str]
    """Names of those that are done, but deleted, damaged or not COCO."""
    gone: Path | None
    """The file of the weights to start from, where that is not there any more."""


class PhotoCollector(QObject):
    """Collects the photos that are done from the store, in slices between events, and looks whether they are there.

    Signals:
        done: (CollectedPhotos) all of it.
    """

    done = Signal(object)
    _looked = Signal(int, object, object, object)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._slices = TimeSlicer(self)
        self._slices.done.connect(self._take_photos)
        self._looked.connect(self._take_look)
        self._number = 0  # of the question: answers to earlier ones are late
        self._names: list[str] = []
        self._store: Store | None = None
        self._lost: set[str] = set()
        self._gone: Path | None = None

    def start(self, store: Store, weights: str, offers: Callable[[str], Pool]) -> None:
        """Begin for the photos of this store and a round that starts from these weights.

        `offers` reads what the model offers in a photo, and is for those that were marked done before it answered.
        """
        self._number += 1
        self._slices.stop()
        self._store = store
        photos = self._session.photos
        self._names = [
            photos.names[i] for i in photos.matching(Filter(statuses=FINISHED)) if store.is_done(photos.names[i])
        ]
        damaged = {name for name in self._names if photos.error(photos.index(name))}
        number, names, images, file = self._number, self._names, store.images, weights_file(weights)
        pools = store.pools

        def work() -> None:
            gone = {name for name in names if not _is_there(images / name)}
            offered = {name: _offered(pools, name, offers) for name in names if name not in gone}
            self._looked.emit(number, gone | damaged, None if file is None or _is_there(file) else file, offered)

        self._session.on_disk(work)

    def stop(self) -> None:
        """It is not wanted any more."""
        self._number += 1
        self._slices.stop()

    def _take_look(self, number: int, lost: set[str], gone: Path | None, offered: dict[str, Pool]) -> None:
        if number == self._number and self._store:
            self._lost, self._gone = lost, gone
            self._slices.start(labelled(self._store, self._names, offered))

    def _take_photos(self, found: list[TrainingPhoto]) -> None:
        photos = [photo for photo in found if photo.name not in self._lost]
        self.done.emit(CollectedPhotos(photos, _others(self._names, photos), self._gone))


def _offered(pools: SuggestionPools, name: str, offers: Callable[[str], Pool]) -> Pool:
    kept = pools.unanswered(name)
    return offers(name) if kept is None else kept


def _others(names: Sequence[str], photos: Sequence[TrainingPhoto]) -> list[str]:
    found = {photo.name for photo in photos}
    return [name for name in names if name not in found]


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is none
        return False
