"""Boolean operations on objects: each an edit of one step, that only looks at the document.

The first of several objects is the one that was selected first. It keeps its id, class and keypoints; a suggestion that
gets another outline is accepted, what is left without one is deleted. Outlines stay inside the photo.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shapely import MultiPolygon

from annotator.core import edits
from annotator.core.annotation import Z_ORDER, Origin
from dataset.geometry import SLIVER, CombineMode, clip, combine, separate_parts, split, valid, without_holes
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike

    from annotator.core.annotation import Annotation
    from annotator.core.document import Document, Edit

NOTHING = MultiPolygon()


def draw_into(
    document: Document, target: int, drawn: MultiPolygon, mode: CombineMode, new_id: Callable[[], int]
) -> Edit | None:
    """Return the edit that adds what is drawn to an object, cuts it out, or keeps only what is inside.

    None where that leaves the object as it is.
    """
    after = combine(document[target].shape, drawn, mode, document.size)
    if _same(document, target, after):
        return None
    texts = {
        CombineMode.ADD: tr("add to object"),
        CombineMode.SUBTRACT: tr("cut from object"),
        CombineMode.INTERSECT: tr("intersect with object"),
    }
    return edits.reshape(document, texts[mode], {target: after}, new_id)


def unite(document: Document, ids: Sequence[int], new_id: Callable[[], int]) -> Edit:
    """Make one object of several."""
    first, *others = ids
    shape = _united(document, ids)
    return edits.reshape(
        document,
        plural("unite object", "unite {n} objects", len(ids)),
        {first: shape, **dict.fromkeys(others, NOTHING)},
        new_id,
    )


def subtract(document: Document, ids: Sequence[int], new_id: Callable[[], int]) -> Edit | None:
    """Cut the others out of the first; they stay. None where none of them overlaps it."""
    first, *others = ids
    after = combine(document[first].shape, _united(document, others), CombineMode.SUBTRACT, document.size)
    if _same(document, first, after):
        return None
    return edits.reshape(document, tr("cut the others out"), {first: after}, new_id)


def intersect(document: Document, ids: Sequence[int], new_id: Callable[[], int]) -> Edit | None:
    """Make one object of what all of them share. None where that is nothing."""
    first, *others = ids
    shape = document[first].shape
    for other in others:
        shape = combine(shape, document[other].shape, CombineMode.INTERSECT, document.size)
    if shape.is_empty:
        return None
    return edits.reshape(document, tr("intersect"), {first: shape, **dict.fromkeys(others, NOTHING)}, new_id)


def separate(document: Document, ids: Iterable[int], new_id: Callable[[], int]) -> Edit | None:
    """Make every part an object of its own; the largest keeps id and keypoints. None where each is one part."""
    parted = {i: separate_parts(document[i].shape) for i in ids}
    return _in_pieces(document, tr("separate parts"), parted, new_id)


def slice_along(document: Document, ids: Iterable[int], line: ArrayLike, new_id: Callable[[], int]) -> Edit | None:
    """Cut objects into pieces along a line (N, 2); the largest keeps id and keypoints. None if it crosses none."""
    return _in_pieces(document, tr("slice"), {i: split(document[i].shape, line) for i in ids}, new_id)


def fill_holes(document: Document, ids: Iterable[int], new_id: Callable[[], int]) -> Edit | None:
    """Fill the holes of objects. None where there are none."""
    holed = {i: document[i].shape for i in ids if has_holes(document[i].shape)}
    filled = {i: without_holes(shape) for i, shape in holed.items()}
    return edits.reshape(document, tr("fill holes"), filled, new_id) if filled else None


def has_holes(shape: MultiPolygon) -> bool:
    """Return whether any part has a hole."""
    return any(part.interiors for part in shape.geoms)


def _in_pieces(
    document: Document, text: str, pieces: dict[int, list[MultiPolygon]], new_id: Callable[[], int]
) -> Edit | None:
    parted = {i: shapes for i, shapes in pieces.items() if len(shapes) > 1}
    if not parted:
        return None
    new = [_piece(document[i], shape, new_id()) for i, shapes in parted.items() for shape in shapes[1:]]
    return edits.reshape(document, text, {i: shapes[0] for i, shapes in parted.items()}, new_id, new)


def _piece(record: Annotation, shape: MultiPolygon, piece_id: int) -> Annotation:
    """Return a piece of an object as another one, as high as that: all else that is known of the whole is not of it."""
    origin = Origin.DRAWN if record.origin is Origin.DRAWN else Origin.EDITED
    height = {Z_ORDER: record.extra[Z_ORDER]} if Z_ORDER in record.extra else {}
    return replace(record, id=piece_id, shape=shape, keypoints=(), origin=origin, is_box=False, extra=height)


def _united(document: Document, ids: Iterable[int]) -> MultiPolygon:
    shape = NOTHING
    for i in ids:
        shape = combine(shape, document[i].shape, CombineMode.ADD, document.size)
    return shape


def _same(document: Document, annotation_id: int, after: MultiPolygon) -> bool:
    """Return whether a combination has left what is painted of an object as it was."""
    before = clip(valid(document[annotation_id].shape), document.size)
    return abs(before.area - after.area) <= SLIVER
