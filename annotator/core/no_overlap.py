"""Objects that share no pixel: an edit is turned into one after which nothing that it shapes overlaps a neighbour.

Neighbours are the objects on record. Boxes and crowds are no outlines, and overlap what they like. No object vanishes:
one that would be covered entirely is cut out of the other instead.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

import shapely
from shapely import STRtree

from dataset.geometry import SLIVER, CombineMode, clip, combine, share_vertices, valid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely import MultiPolygon

    from annotator.core.annotation import Annotation
    from annotator.core.document import BeforeAfter, Edit


class OverlapRule(StrEnum):
    """What becomes of an overlap of a new or changed outline with its neighbours."""

    OFF = "off"
    """It stays."""
    YIELD = "yield"
    """The neighbours keep it."""
    CUT = "cut"
    """It is cut out of the neighbours."""


def without_overlap(edit: Edit, before: Mapping[int, Annotation], rule: OverlapRule, size: tuple[int, int]) -> Edit:
    """Return an edit that does the same and resolves the overlaps of what it shapes, in the same step.

    Several objects that one edit shapes yield to those of them that come earlier.

    Args:
        edit: For the state `before`.
        before: What is on record, by id.
        rule: Who keeps an overlap.
        size: (width, height) of the photo.
    """
    shaped = [i for i, change in edit.annotations.items() if _is_shaped(*change)]
    if rule is OverlapRule.OFF or not shaped:
        return edit
    after = dict(before) | {i: new for i, (_, new) in edit.annotations.items() if new is not None}
    gone = {i for i, (_, new) in edit.annotations.items() if new is None}
    resting = [i for i, r in after.items() if i not in gone and i not in shaped and _has_outline(r)]
    border = _Border({i: after[i].shape for i in (*resting, *shaped)}, size)
    ids = list(border.shapes)
    tree = STRtree(list(border.shapes.values()))  # shapes only lose, so it goes on finding all that overlap
    for turn, one in enumerate(shaped, len(resting)):
        for place in sorted(tree.query(after[one].shape)):
            if place < turn:
                yields = rule is OverlapRule.YIELD or place >= len(resting)
                border.resolve(*((one, ids[place]) if yields else (ids[place], one)))
    border.share()
    annotations: dict[int, BeforeAfter] = dict(edit.annotations)
    for i, shape in border.shapes.items():
        if shape is not after[i].shape:
            annotations[i] = (annotations[i][0] if i in annotations else before[i], _with(after[i], shape))
    return replace(edit, annotations=annotations)


class _Border:
    """Outlines by id, of which one after another loses what it shares."""

    def __init__(self, shapes: dict[int, MultiPolygon], size: tuple[int, int]) -> None:
        self.shapes = shapes
        self._size = size
        self._touching: list[tuple[int, int]] = []

    def resolve(self, loser: int, winner: int) -> None:
        """Cut one out of the other, or the other way round where nothing would be left."""
        for small, large in ((winner, loser), (loser, winner)):
            whole = valid(self.shapes[large])
            if not shapely.intersects(whole, valid(self.shapes[small])):
                return
            rest = combine(self.shapes[large], self.shapes[small], CombineMode.SUBTRACT, self._size)
            if whole.area - rest.area <= SLIVER:
                return
            if not rest.is_empty:
                self.shapes[large] = rest
                if not self.shapes[small].is_valid:
                    self.shapes[small] = clip(valid(self.shapes[small]), self._size)
                self._touching.append((small, large))
                return

    def share(self) -> None:
        """Give both sides of every new border the same vertices: masks are painted from vertices, rounded."""
        for a, b in self._touching:
            self.shapes[a] = share_vertices(self.shapes[a], self.shapes[b])
            self.shapes[b] = share_vertices(self.shapes[b], self.shapes[a])


def _has_outline(record: Annotation) -> bool:
    return not (record.is_box or record.is_crowd or record.shape.is_empty)


def _is_shaped(before: Annotation | None, after: Annotation | None) -> bool:
    """Return whether a change makes an outline, or another one."""
    return after is not None and _has_outline(after) and (before is None or before.shape != after.shape)


def _with(record: Annotation, shape: MultiPolygon) -> Annotation:
    """Return the record with that shape; one that is painted as before is no other outline."""
    if abs(shape.area - valid(record.shape).area) <= SLIVER:
        return replace(record, shape=shape)
    return record.with_shape(shape)
