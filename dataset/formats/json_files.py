"""JSON files of other tools that are read whole, and what their formats cannot hold of objects."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dataset.formats import losses as losses_of
from dataset.formats.base import FormatError, read_bytes
from dataset.geometry import to_parts
from dataset.i18n import plural, tr
from dataset.json_text import TextError, loads, to_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from dataset.formats.base import ObjectRecord

MAX_BYTES = 256 << 20


def load_json(source: Path, title: str) -> Any:  # noqa: ANN401 - whatever the file has
    """Return the value of a JSON file in any Unicode encoding.

    Raises:
        FormatError: It cannot be read, or is not JSON; then the sentence says that it is no file of `title`.
    """
    try:
        return loads(to_utf8(read_bytes(source, MAX_BYTES), source))
    except TextError as error:
        raise FormatError(str(error)) from None
    except ValueError as error:
        raise not_a_file_of(source, title, str(error)) from None


def not_a_file_of(source: Path, title: str, reason: str) -> FormatError:
    """Return the error for a file that is not of a format."""
    return FormatError(tr("{file} is not a file of {format}: {reason}.", file=source, format=title, reason=reason))


def attributes_of(record: ObjectRecord) -> dict[str, Any]:
    """Return a copy of an object's attributes."""
    given = record.extra.get("attributes")
    return dict(given) if isinstance(given, dict) else {}


def left_out(kinds: int, damaged: int) -> tuple[str, ...]:
    """Return sentences about shapes of a file that are not read: those without an inside, and damaged ones."""
    said = (
        (kinds, plural("{n:,} shape has no inside (a point or a line) and is left out.",
                       "{n:,} shapes have no inside (points or lines) and are left out.", kinds)),
        (damaged, plural("{n:,} shape cannot be read and is left out.",
                         "{n:,} shapes cannot be read and are left out.", damaged)),
    )  # fmt: skip
    return tuple(sentence for count, sentence in said if count)


def ring_losses(
    records: Iterable[ObjectRecord],
    is_kept: Callable[[ObjectRecord], bool],
    lost_fields: Callable[[ObjectRecord], Iterable[str]],
) -> list[str]:
    """Return sentences about what a format of one ring an object and no keypoints cannot hold.

    Args:
        records: The objects of a dataset.
        is_kept: Whether an object is written.
        lost_fields: The fields of an object that are not.
    """
    counts: Counter[str] = Counter()
    for record in records:
        kept = is_kept(record)
        counts["bare"] += not kept
        counts["keypoints"] += kept and any(point.visibility for point in record.keypoints)
        counts["holes"] += kept and sum(len(part) - 1 for part in to_parts(record.shape))
        counts["parts"] += kept and len(record.shape.geoms) > 1
        counts["fields"] += kept and any(True for _ in lost_fields(record))
    return _ring_sentences(counts)


def _ring_sentences(counts: Mapping[str, int]) -> list[str]:
    bare, points, holes, parts, fields = (counts[key] for key in ("bare", "keypoints", "holes", "parts", "fields"))
    said = (
        (bare, losses_of.without_outline(bare)),
        (points, losses_of.keypoints(points)),
        (holes, plural("{n:,} hole would be joined to its outline by a line.",
                       "{n:,} holes would be joined to their outlines by a line.", holes)),
        (parts, plural("{n:,} object of several parts would be one outline, joined by lines.",
                       "{n:,} objects of several parts would be one outline each, joined by lines.", parts)),
        (fields, losses_of.extra_fields(fields)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]
