"""What the photo list shows of a project that was opened, all of it at once: for the thread that opens it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from annotator.core.document import Status
from annotator.core.image_list import KnownPhotos, code_of
from annotator.core.photo_state import NO_NOTES

if TYPE_CHECKING:
    from annotator.core.store.store import Store

_NOTHING: frozenset[int] = frozenset()


def known_photos(store: Store) -> KnownPhotos:
    """Return what is on record for each of a project's photos. Takes its time where there are many."""
    names = list(store.names)
    places = {name: place for place, name in enumerate(names)}
    statuses = bytearray([code_of(Status.NEW)]) * len(names)
    counts = array("L", bytes(array("L").itemsize * len(names)))
    categories, notes = [_NOTHING] * len(names), [NO_NOTES] * len(names)
    for name in store.on_record:
        place = places.get(name)
        if place is not None:
            statuses[place] = code_of(store.status(name))
            counts[place] = store.count(name)
            categories[place] = store.category_ids(name)
            notes[place] = store.notes(name)
    return KnownPhotos(names, bytes(statuses), counts, categories, notes)
