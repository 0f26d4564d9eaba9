"""What a check has found and a person has repaired at once: edits of a document like any other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.core import edits
from dataset.check.repair_shapes import repair_shape
from dataset.geometry import clip, rectangle, to_parts
from dataset.i18n import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from annotator.core.annotation import Annotation
    from annotator.core.document import Document, Edit
    from dataset.check.findings import Finding

REPAIRABLE = ("crossing", "degenerate", "outside", "object_copy")
"""Kinds of findings that an edit repairs. Figures of the file, such as areas, are no part of a document."""


def repair(document: Document, findings: Iterable[Finding]) -> Edit:
    """Return the edit that repairs what was found in a photo, as far as it is still so."""
    changed: list[Annotation] = []
    gone: list[int] = []
    for finding in findings:
        record = document.get(finding.annotation) if isinstance(finding.annotation, int) else None
        if record is None:
            continue
        if finding.kind == "object_copy":
            if _is_copy(document, record, finding, gone):
                gone.append(record.id)
        elif (repaired := _repaired(record, document.size)) is not record:
            changed.append(repaired)
    if gone:
        return edits.delete(document, gone)
    text = plural("repair object", "repair {n} objects", len(changed))
    return edits.change(document, text, changed, lambda: 0)


def _repaired(record: Annotation, size: tuple[int, int]) -> Annotation:
    if record.shape.is_empty:
        return record
    if record.is_box:
        inside = clip(record.shape, size)
        made = inside if inside.is_empty else rectangle(*inside.bounds)
    else:
        made = repair_shape(record.shape, size)
    return record if made.is_empty or made.equals_exact(record.shape) else replace(record, shape=made)


def _is_copy(document: Document, record: Annotation, finding: Finding, gone: list[int]) -> bool:
    """Return whether the object is still what another one is that stays."""
    key = str((finding.values or {}).get("other"))
    other = document.get(int(key)) if key.isdecimal() else None
    return (
        other is not None
        and other.id != record.id
        and other.id not in gone
        and replace(other, id=record.id, shape=record.shape) == record
        and _rings(other) == _rings(record)
    )


def _rings(record: Annotation) -> list[list[list[list[float]]]]:
    return [[ring.tolist() for ring in part] for part in to_parts(record.shape)]
