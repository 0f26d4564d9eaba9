"""A COCO file whose records are JSON still: what nobody changes is written back byte for byte."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from dataset.coco.reader import DataError
from dataset.coco.values import as_id
from dataset.i18n import tr
from dataset.json_records import check_count, check_piece, in_pieces
from dataset.json_text import RecordDecoder, TextError, decode, decode_list, decode_object, encode, to_utf8
from dataset.messages import os_reason
from dataset.regular_files import LargeFileError, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataset.json_text import Raw

    Ids = array[int] | list[Any]

LISTS = ("images", "annotations", "categories")
IMAGE_FIELDS = frozenset(("id", "file_name", "width", "height"))  # of an entry; others have no known meaning
_BATCH = 4096  # records joined at a time: about a megabyte, a millisecond without other threads
_DAMAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # msgspec lets the second through


class _Ids(msgspec.Struct, gc=False):
    id: int | None = None
    image_id: int | None = None
    category_id: int | None = None


_ids = RecordDecoder(list[_Ids])


@dataclass(frozen=True)
class RawCoco:
    """The parts of a COCO file, each as JSON."""

    fields: Mapping[str, Raw]
    """Every field of the file in order, as it came."""
    images: list[Raw]
    annotations: list[Raw]
    categories: list[Raw]


@dataclass(frozen=True)
class AnnotationIds:
    """The ids that annotations have, place by place, as they are compared (`coco_values.as_id`); None for none.

    Each is an array where all are numbers of 64 bits.
    """

    ids: Ids
    image_ids: Ids
    category_ids: Ids
    category_counts: Counter[int | str | None]
    """How many annotations have each of `category_ids`."""


def load_raw(path: Path) -> RawCoco:
    """Return a COCO file's records as JSON.

    Raises:
        DataError: The file cannot be read or is not a COCO file.
    """
    try:
        fields = decode_object(to_utf8(read_regular(path), path))
        lists: list[list[Raw]] = [[*decode_list(fields[key])] for key in LISTS if key in fields]
    except LargeFileError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise DataError(tr("{file} cannot be read: {reason}.", file=path, reason=os_reason(error))) from None
    except TextError as error:
        raise DataError(str(error)) from None
    except msgspec.ValidationError:
        raise _no_coco(path) from None
    except _DAMAGE:
        raise DataError(tr("{file} is not JSON.", file=path)) from None
    if len(lists) < len(LISTS):
        raise _no_coco(path)
    return RawCoco(fields, *lists)


def _no_coco(path: Path) -> DataError:
    return DataError(tr("{file} is not a COCO file: it needs the lists {lists}.", file=path, lists=", ".join(LISTS)))


def decode_record(raw: Raw) -> dict[str, Any] | None:
    """Return an entry of a list, None where it is no record."""
    try:
        record = decode(raw)
    except _DAMAGE:
        return None
    return record if isinstance(record, dict) else None


def read_ids(raws: Sequence[Raw]) -> AnnotationIds:
    """Return the ids of annotations, each given as JSON.

    Raises:
        PieceError: `JsonRecords` are no list of so many records.
    """
    columns: tuple[Ids, ...] = (array("q"), array("q"), array("q"))
    counts: Counter[int | str | None] = Counter()
    for part, piece in in_pieces(raws):
        found = _read_piece(raws, part, piece)
        counts.update(found[-1])
        columns = tuple(_extended(column, ids) for column, ids in zip(columns, found, strict=True))
    own, image, category = columns
    return AnnotationIds(own, image, category, counts)


def _read_piece(raws: Sequence[Raw], part: slice, piece: bytes) -> tuple[list[Any], list[Any], list[Any]]:
    """Return id, image_id and category_id of each record of a piece."""
    try:
        found = _ids.decode(piece)
    except _DAMAGE:
        check_piece(raws, part, piece)
        records = [decode_record(raw) or {} for raw in raws[part]]
        own, image, category = (
            [as_id(record.get(key)) for record in records] for key in ("id", "image_id", "category_id")
        )
        return own, image, category
    check_count(part, len(found))
    return [ids.id for ids in found], [ids.image_id for ids in found], [ids.category_id for ids in found]


def _extended(known: Ids, ids: list[Any]) -> Ids:
    if isinstance(known, array):
        try:
            known.fromlist(ids)
        except (TypeError, OverflowError):
            known = known.tolist()
        else:
            return known
    known += ids
    return known


def chunks(fields: Mapping[str, Raw], lists: Mapping[str, Iterable[Sequence[Raw]]]) -> Iterator[bytes]:
    """Yield a COCO file in pieces of about a megabyte.

    Args:
        fields: Every field in order, as it came.
        lists: What `images`, `annotations` and `categories` are to have, a batch of records at a time.
    """
    opening = b"{\n"
    for key in dict.fromkeys([*fields, *LISTS]):
        yield opening + encode(key) + b": "
        opening = b",\n"
        if key in lists:
            yield from _listed(lists[key])
        else:
            yield bytes(fields[key])
    yield b"\n}\n"


def batches(raws: Sequence[Raw], start: int = 0, stop: int | None = None) -> Iterator[Sequence[Raw]]:
    """Yield the records from `start` to `stop`, those at a time that `chunks` joins."""
    stop = len(raws) if stop is None else stop
    for at in range(start, stop, _BATCH):
        yield raws[at : min(at + _BATCH, stop)]


def batched(raws: Iterable[Raw]) -> Iterator[Sequence[Raw]]:
    """Yield all records, those at a time that `chunks` joins."""
    iterator = iter(raws)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _listed(found: Iterable[Sequence[Raw]]) -> Iterator[bytes]:
    opening = b"[\n"
    for batch in found:
        yield opening + b",\n".join(batch)
        opening = b",\n"
    yield b"[]" if opening == b"[\n" else b"\n]"
