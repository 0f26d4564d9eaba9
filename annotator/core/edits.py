"""What a person can do to a document: each an `Edit`, a difference that can be applied and reverted without a window.

Every function here only looks at the document and returns the edit; `Document.apply` does it. Records are never changed
in place, so an edit costs as much as what it touches, and undo brings back the very same records.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.core.annotation import Origin
from annotator.core.document import Edit
from annotator.core.photo_state import Mark
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shapely import MultiPolygon

    from annotator.core.annotation import Annotation
    from annotator.core.document import BeforeAfter, Document
    from annotator.core.photo_state import PhotoNotes


def add(document: Document, annotations: Iterable[Annotation], text: str = "") -> Edit:
    """Put new annotations on record and select them. Their ids are above zero and free."""
    added = tuple(annotations)
    return _edit(
        document,
        text or plural("add object", "add {n} objects", len(added)),
        {a.id: (None, a) for a in added},
        selection=tuple(a.id for a in added),
    )


def substitute(document: Document, records: Mapping[int, Annotation | None]) -> Edit:
    """Have these on record by id, None where there is to be none, under no name of its own."""
    return _edit(document, "", {i: (document.get(i), record) for i, record in records.items()})


def delete(document: Document, ids: Iterable[int]) -> Edit:
    """Delete annotations and reject suggestions."""
    ids = tuple(dict.fromkeys(ids))
    rejected = tuple(document[i] for i in ids if i < 0)
    deleted = {i: (document[i], None) for i in ids if i > 0}
    if deleted:
        text = plural("delete object", "delete {n} objects", len(ids))
    else:
        text = plural("reject object", "reject {n} objects", len(ids))
    return _edit(document, text, deleted, reviewed=rejected, selection=())


def accept(document: Document, ids: Iterable[int], new_id: Callable[[], int]) -> Edit:
    """Put suggestions on record as they are and select them."""
    suggestions = tuple(document[i] for i in dict.fromkeys(ids) if i < 0)
    accepted = tuple(replace(s, id=new_id()) for s in suggestions)
    return _edit(
        document,
        plural("accept suggestion", "accept {n} suggestions", len(accepted)),
        {a.id: (None, a) for a in accepted},
        reviewed=suggestions,
        selection=tuple(a.id for a in accepted),
    )


def accept_and_finish(document: Document, ids: Iterable[int], new_id: Callable[[], int]) -> Edit:
    """Put suggestions on record as they are, and mark the photo done."""
    accepted = accept(document, ids, new_id)
    text = tr("accept all, mark done")
    return replace(accepted, text=text, mark=(document.mark, Mark.DONE), selection=(document.selection, ()))


def change(
    document: Document, text: str, records: Iterable[Annotation], new_id: Callable[[], int], *, merge: str = ""
) -> Edit:
    """Replace records by changed ones with the same ids; a changed suggestion is thereby accepted."""
    annotations: dict[int, BeforeAfter] = {}
    reviewed: list[Annotation] = []
    ids: dict[int, int] = {}
    for record in records:
        if record.id < 0:
            reviewed.append(document[record.id])
            ids[record.id] = new_id()
            origin = Origin.EDITED
            annotations[ids[record.id]] = (None, replace(record, id=ids[record.id], origin=origin))
        else:
            annotations[record.id] = (document[record.id], record)
    selection = tuple(ids.get(i, i) for i in document.selection)
    return _edit(document, text, annotations, reviewed=tuple(reviewed), selection=selection, merge=merge)


def reshape(
    document: Document,
    text: str,
    shapes: Mapping[int, MultiPolygon],
    new_id: Callable[[], int],
    pieces: Iterable[Annotation] = (),
) -> Edit:
    """Give objects other outlines, all in one step; one that has none left is deleted, or rejected.

    Args:
        document: Whose objects they are.
        text: Name of the step.
        shapes: The new outlines by id.
        new_id: Ids for suggestions, which are thereby accepted.
        pieces: Objects that came off, as new records; they are selected with what was selected before.
    """
    gone = delete(document, [i for i, shape in shapes.items() if shape.is_empty])
    left = [document[i].with_shape(shape) for i, shape in shapes.items() if not shape.is_empty]
    changed = change(document, text, left, new_id)
    accepted = changed.reviewed[1][len(document.reviewed) :]
    added = {piece.id: (None, piece) for piece in pieces}
    selection = tuple(i for i in changed.selection[1] if i not in shapes or (i > 0 and i not in gone.annotations))
    return _edit(
        document,
        text,
        {**gone.annotations, **changed.annotations, **added},
        reviewed=(*gone.reviewed[1][len(document.reviewed) :], *accepted),
        selection=(*selection, *added),
    )


def relabel(document: Document, ids: Iterable[int], category_id: int, new_id: Callable[[], int]) -> Edit:
    """Give annotations and suggestions another class. Keypoints belong to a class and go with the old one."""
    records = [
        replace(record, category_id=category_id, keypoints=())
        for record in (document[i] for i in ids)
        if record.category_id != category_id
    ]
    return change(document, tr("change class"), records, new_id)


def mark_done(document: Document, *, done: bool) -> Edit:
    """Say that nothing is left to do on this photo, or take it back."""
    text = tr("mark done") if done else tr("mark not done")
    return replace(_edit(document, text, {}), mark=(document.mark, Mark.DONE if done else Mark.NONE))


def mark_skipped(document: Document, *, skipped: bool) -> Edit:
    """Leave this photo out of the work and of what is learned from, or take it back."""
    text = tr("skip photo") if skipped else tr("do not skip photo")
    return replace(_edit(document, text, {}), mark=(document.mark, Mark.SKIPPED if skipped else Mark.NONE))


def set_notes(document: Document, text: str, notes: PhotoNotes, merge: str = "") -> Edit:
    """Give the photo these tags and this note."""
    return replace(_edit(document, text, {}, merge=merge), notes=(document.state.notes, notes))


def _edit(
    document: Document,
    text: str,
    annotations: Mapping[int, BeforeAfter],
    *,
    reviewed: tuple[Annotation, ...] = (),
    selection: tuple[int, ...] | None = None,
    merge: str = "",
) -> Edit:
    return Edit(
        text,
        annotations,
        (document.reviewed, (*document.reviewed, *reviewed)),
        (document.mark, document.mark),
        (document.selection, document.selection if selection is None else selection),
        merge,
    )
