"""Raising and lowering objects in painting order, which `z_order` in the COCO file keeps."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.core import edits
from annotator.core.annotation import Z_ORDER, painting_key
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from annotator.core.annotation import Annotation
    from annotator.core.document import Document, Edit


def restack(document: Document, ids: Collection[int], *, up: bool) -> Edit | None:
    """Raise objects over the next one above that overlaps them, or lower them; None where there is none."""
    chosen = {i for i in ids if i > 0}
    order = list(document.annotations) if up else list(reversed(document.annotations))
    for record in [r for r in reversed(order) if r.id in chosen]:
        place = next(i for i, other in enumerate(order) if other is record)
        above = range(place + 1, len(order))
        found = next((i for i in above if order[i].id not in chosen and _overlap(order[i], record)), None)
        if found is not None:
            order.insert(found, order.pop(place))
    changed = _numbered(order if up else order[::-1])
    if not changed:
        return None
    return edits.change(document, tr("raise") if up else tr("lower"), changed, _no_new_id)


def _no_new_id() -> int:
    raise AssertionError("suggestions have no order")


def _overlap(a: Annotation, b: Annotation) -> bool:
    return bool(a.shape.intersects(b.shape))


def _numbered(order: Sequence[Annotation]) -> list[Annotation]:
    """Return the records that need another number to lie in that order, as few as counting from either end leaves."""
    upward, last = [], (-math.inf, 0)
    for record in order:
        key = painting_key(record)
        if key <= last:
            key = (last[0] if record.id > last[1] else math.floor(last[0]) + 1, record.id)
            upward.append(_with(record, key[0]))
        last = key
    downward, last = [], (math.inf, 0)
    for record in reversed(order):
        key = painting_key(record)
        if key >= last:
            key = (last[0] if record.id < last[1] else math.ceil(last[0]) - 1, record.id)
            downward.append(_with(record, key[0]))
        last = key
    return min(upward, downward, key=len)


def _with(record: Annotation, z: float) -> Annotation:
    extra = {name: value for name, value in record.extra.items() if name != Z_ORDER}
    return replace(record, extra={**extra, Z_ORDER: z} if z else extra)
