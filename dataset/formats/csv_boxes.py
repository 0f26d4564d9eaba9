"""Boxes as CSV, a row each: with TensorFlow's header, which is written, with other names, RetinaNet's, and VIA's.

Coordinates are pixels; those of a file in which all are from 0 to 1, as Open Images has them, are fractions.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from dataset.coco.values import as_number
from dataset.formats import losses as losses_of
from dataset.formats import via
from dataset.formats.base import (
    MAX_COORDINATE,
    NOTHING,
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    no_progress,
    watched,
)
from dataset.formats.csv_text import SEPARATORS, CsvError, encode_rows, read_rows
from dataset.formats.json_files import left_out
from dataset.formats.photo_files import PhotoPath, find_photos
from dataset.formats.stored_images import spooled
from dataset.formats.via.regions import UNNAMED
from dataset.geometry import bounds, rectangle
from dataset.i18n import mark, plural, tr
from dataset.json_text import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from dataset.formats.base import OnProgress

HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
"""TensorFlow's object detection scripts have it so."""
MAX_BYTES = 512 << 20
_IMAGE = ("filename", "image", "file_name", "image_name", "image_path", "path", "image_id", "imageid", "img", "file")
_LABEL = ("class", "label", "class_name", "labelname", "label_name", "category", "name")
_CORNERS = (
    ("xmin", "x1", "x_min", "left", "bbox_x1"),
    ("ymin", "y1", "y_min", "top", "bbox_y1"),
    ("xmax", "x2", "x_max", "right", "bbox_x2"),
    ("ymax", "y2", "y_max", "bottom", "bbox_y2"),
)
_SIDES = (("x", "bbox_x"), ("y", "bbox_y"), ("width", "w", "bbox_width"), ("height", "h", "bbox_height"))
_SCORE = ("score", "confidence")
_SHAPE, _ATTRIBUTES = "region_shape_attributes", "region_attributes"


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column has what; -1 where none has."""

    image: int
    label: int
    box: tuple[int, ...]
    """Of two corners, or of a corner and two sides."""
    has_sides: bool = False
    score: int = -1
    others: tuple[tuple[int, str], ...] = ()
    """Columns that become attributes, and their names."""


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the boxes of a file, or the regions of VIA's.

    Raises:
        FormatError: It cannot be read, or has no such columns.
    """
    try:
        rows = read_rows(source, MAX_BYTES)
        first = next(rows, [])
        names = [cell.strip().lstrip("#").strip().casefold() for cell in first]
        if _SHAPE in names:
            return _read_via(names, rows, images, on_progress)
        columns = _columns(names)
        if columns is None and _is_retinanet(first):
            columns, rows = _Columns(0, 5, (1, 2, 3, 4)), chain([first], rows)
        if columns is None:
            text = tr("{file} is no CSV of boxes: its first line needs names such as {names}.",
                      file=source, names=",".join(HEADER))  # fmt: skip
            raise FormatError(text)
        return _read_boxes(columns, rows, images, on_progress)
    except CsvError as error:
        raise FormatError(str(error)) from None


def _columns(names: Sequence[str]) -> _Columns | None:
    def find(wanted: Iterable[str]) -> int:
        return next((names.index(name) for name in wanted if name in names), -1)

    image, label = find(_IMAGE), find(_LABEL)
    corners, sides = tuple(map(find, _CORNERS)), tuple(map(find, _SIDES))
    box = corners if min(corners) >= 0 else sides
    if image < 0 or min(box) < 0 or label == image:
        return None
    score = find(_SCORE)
    known = {image, label, score, *box, *(find((name,)) for name in ("width", "height"))}
    others = tuple((i, name) for i, name in enumerate(names) if i not in known and name)
    return _Columns(image, label, box, box is sides, score, others)


def is_header(line: str) -> bool:
    """Return whether the first line of a file names columns of boxes, or is one of VIA's."""
    separator = max(SEPARATORS, key=line.count)
    names = [cell.strip().strip('"').lstrip("#").casefold() for cell in line.split(separator)]
    return _SHAPE in names or _columns(names) is not None


def _is_retinanet(row: Sequence[str]) -> bool:
    """Return whether a row is path, x1, y1, x2, y2, class; all but the path may be empty."""
    return len(row) == 6 and (not any(row[1:]) or all(as_number(cell) is not None for cell in row[1:5]))


def _read_boxes(columns: _Columns, rows: Iterator[list[str]], images: Path, on_progress: OnProgress) -> Dataset:
    listed: dict[str, list[list[str]]] = {}
    for row in rows:
        if columns.image < len(row) and row[columns.image].strip():
            listed.setdefault(row[columns.image].strip(), []).append(row)
    is_in_fractions = _are_fractions(columns, listed.values())
    photos = find_photos([PhotoPath(name, name) for name in listed], images, images)
    classes: dict[str, None] = {}
    counts: Counter[str] = Counter()

    def read_images() -> Iterator[ImageRecord]:
        for name, photo in watched(list(zip(listed, photos, strict=True)), on_progress):
            size = photo.size if is_in_fractions else (1, 1)
            found = [_to_object(row, columns, size) for row in listed[name] if not _is_empty(row, columns)]
            records = tuple(record for record in found if record)
            counts["damaged"] += len(found) - len(records)
            classes.update(dict.fromkeys(record.class_name for record in records))
            yield ImageRecord(photo.name, photo.size, records)

    records = spooled(read_images())
    return Dataset(images, tuple(map(ClassRecord, classes)), records, left_out(0, counts["damaged"]))


def _are_fractions(columns: _Columns, listed: Iterable[list[list[str]]]) -> bool:
    """Return whether all coordinates are from 0 to 1, and some are neither."""
    is_any = False
    for row in (row for rows in listed for row in rows if not _is_empty(row, columns)):
        for at in columns.box:
            value = as_number(row[at]) if at < len(row) else None
            if value is not None and not 0 <= value <= 1:
                return False
            is_any |= value is not None and 0 < value < 1
    return is_any


def _is_empty(row: Sequence[str], columns: _Columns) -> bool:
    """Return whether a row says of an image that nothing is in it."""
    return not any(row[at].strip() for at in columns.box if at < len(row))


def _to_object(row: Sequence[str], columns: _Columns, size: tuple[int, int]) -> ObjectRecord | None:
    """Return the object of a row, None where it has no box. Coordinates are multiplied by `size`."""

    def number(at: int) -> float:
        value = as_number(row[at].strip()) if 0 <= at < len(row) else None
        return math.nan if value is None else value

    x0, y0, x1, y1 = (number(at) * side for at, side in zip(columns.box, (*size, *size), strict=True))
    if columns.has_sides:
        x1, y1 = round(x0 + x1, 6), round(y0 + y1, 6)
    label = row[columns.label].strip() if 0 <= columns.label < len(row) else UNNAMED
    if not label or not (x0 < x1 and y0 < y1) or max(map(abs, (x0, y0, x1, y1))) > MAX_COORDINATE:
        return None
    score = number(columns.score)
    attributes: dict[str, Any] = {name: row[at] for at, name in columns.others if at < len(row) and row[at].strip()}
    extra = {"attributes": attributes} if attributes else NOTHING
    return ObjectRecord(
        label, rectangle(x0, y0, x1, y1), (), True, score=score if 0 <= score <= 1 else None, extra=extra
    )


def _read_via(names: Sequence[str], rows: Iterable[list[str]], images: Path, on_progress: OnProgress) -> Dataset:
    shape, given = names.index(_SHAPE), names.index(_ATTRIBUTES) if _ATTRIBUTES in names else -1
    image = next((names.index(name) for name in _IMAGE if name in names), 0)
    listed: dict[str, None] = {}
    regions: list[via.Region] = []
    for row in rows:
        cells = [*row, *[""] * (len(names) - len(row))]
        listed[cells[image]] = None
        if cells[shape].strip() not in ("", "{}"):
            attributes = _object(cells[given]) if given >= 0 else {}
            regions.append((cells[image], lambda text=cells[shape]: via.shape_of(_object(text)), attributes))
    return via.dataset_of(images, listed, regions, on_progress)


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object of a cell; an empty one where it has none."""
    try:
        value = loads(text.encode())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the one file of a dataset."""
    yield "", _rows(data)


def _rows(data: Dataset) -> Iterator[bytes]:
    yield encode_rows([HEADER])
    for image in data.images:
        kept = [record for record in image.objects if _is_kept(record)]
        yield encode_rows(
            [(image.name, *image.size, r.class_name, *(_short(v) for v in bounds(r.shape))) for r in kept]
        )


def _short(value: float) -> float:
    return int(value) if value.is_integer() else round(value, 2)


def _is_kept(record: ObjectRecord) -> bool:
    return not record.is_crowd and not record.shape.is_empty


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the file cannot hold."""
    counts: Counter[str] = Counter(empty=sum(head.object_count == 0 for head in data.heads))
    for record in data.objects():
        counts["crowds"] += record.is_crowd
        counts["bare"] += record.shape.is_empty
        if _is_kept(record):
            counts["outlines"] += not record.is_box
            counts["keypoints"] += any(point.visibility for point in record.keypoints)
            counts["fields"] += bool(record.extra)
    keys = ("empty", "crowds", "bare", "outlines", "keypoints", "fields")
    empty, crowds, bare, outlined, points, fields = (counts[key] for key in keys)
    said = (
        (empty, plural("{n:,} photo without objects would not be in the file.",
                       "{n:,} photos without objects would not be in the file.", empty)),
        (crowds, losses_of.crowds(crowds)),
        (bare, losses_of.without_outline(bare)),
        (outlined, plural("{n:,} outline would become a box.", "{n:,} outlines would become boxes.", outlined)),
        (points, losses_of.keypoints(points)),
        (fields, losses_of.extra_fields(fields)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


FORMAT = Format("csv", mark("CSV of boxes"), ".csv", read, write, losses=losses)
