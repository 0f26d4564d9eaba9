"""Values as they are shown in panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.core.annotation import Origin
from annotator.core.document import Status
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation

_ORIGINS = {Origin.DRAWN: mark("drawn"), Origin.SUGGESTED: mark("accepted"), Origin.EDITED: mark("corrected")}
_STATUSES = {
    Status.NEW: mark("new"),
    Status.SUGGESTED: mark("has suggestions"),
    Status.STARTED: mark("in progress"),
    Status.DONE: mark("done"),
    Status.SKIPPED: mark("skipped"),
    Status.UNREADABLE: mark("unreadable"),
}


def average_precision(value: float | None) -> str:
    """Return an average precision, 0 to 1, with three digits; a dash where there is none."""
    return "–" if value is None or not 0 <= value <= 1 else f"{value:.3f}"


def origin_text(record: Annotation) -> str:
    """Return how an object came on record, in a word."""
    return tr(_ORIGINS[record.origin])


def status_text(status: Status) -> str:
    """Return how far the work on a photo is, in a word or two."""
    return tr(_STATUSES[status])
