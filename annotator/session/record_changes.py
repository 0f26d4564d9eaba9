"""Changing the records of every photo of a project at once, be it shown, worked on before, or only on disk."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.canvas.hit_testing import extent
from annotator.core import edits
from annotator.session.photo_facts import show_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from annotator.core.annotation import Annotation
    from annotator.core.document import BeforeAfter
    from annotator.core.photo_state import PhotoState
    from annotator.session.session import Session

Difference = dict[int, "Annotation | None"]
"""id -> record, None where there is to be none."""
Log = dict[str, dict[int, "BeforeAfter"]]
"""By photo: what was changed, as in an `Edit`."""
Size = tuple[int, int]
NO_SIZE = (0, 0)


def rewritten(records: Mapping[int, Annotation], change: Callable[[Annotation], Annotation | None]) -> Difference:
    """Return what a change makes of a photo's records, as far as it makes something else of them."""
    found = ((i, change(record)) for i, record in records.items())
    return {i: after for i, after in found if after is not records[i]}


def change_records(
    session: Session,
    photos: Mapping[str, PhotoState],
    difference: Callable[[str, Mapping[int, Annotation]], Difference],
    change_classes: Callable[[], object],
    rewrite: Callable[[Annotation], Annotation | None],
) -> Log:
    """Change classes, and records of every photo with them. On disk that is one thing, whatever crashes.

    Args:
        session: With a store; what was being drawn has been handed over.
        photos: What is on record, with their sizes, for the photos in question; those with a history come anyway.
        difference: Returns what is to be otherwise in a photo, from its name and its records by id.
        change_classes: Called first.
        rewrite: What becomes of the records in the undo history.
    """
    store = session.store
    assert store is not None
    documents = {document.name: document for document in session.history.documents}
    if session.document is not None:
        documents[session.document.name] = session.document
    log: Log = {}
    with store.together():
        change_classes()
        for name in dict.fromkeys((*photos, *documents)):
            document = documents.get(name)
            # What the file had is as it was counted.
            before = document.state if document is not None else store.changed(name) or photos[name]
            known = {record.id: record for record in before.annotations}
            changed = difference(name, known)
            if not changed:
                continue
            log[name] = {i: (known.get(i), record) for i, record in changed.items()}
            if document is not None:
                document.apply(edits.substitute(document, changed))
            else:
                store.put(name, _following(before, changed, photos[name].size), before=before)
                if name in session.photos:
                    show_stored(session.photos, store, name)
        session.history.rewrite(rewrite)
    session.report_saved()
    session.edited.emit()
    return log


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
