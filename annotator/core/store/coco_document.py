"""A whole COCO file: read without looking into its annotations, written back with what nobody touched byte for byte."""

from __future__ import annotations

import contextlib
import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from annotator.core.categories import PALETTE
from annotator.core.store.coco_codec import (
    CocoError,
    decode_categories,
    decode_json,
    encode_category,
    encode_category_change,
    with_id,
)
from annotator.core.store.coco_images import Image, read_images
from dataset.arrays import distinct
from dataset.coco.categories import MAX_ID, Category
from dataset.coco.checks import Problem, is_results, results_refused
from dataset.coco.raw_file import LISTS, batched, batches, chunks, read_ids
from dataset.coco.values import as_id
from dataset.i18n import tr
from dataset.json_records import JsonRecords, PieceError, split_lists
from dataset.json_text import TextError, decode_list, decode_object, encode, to_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataset.coco.raw_file import Ids
    from dataset.json_text import Raw


_DAMAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # msgspec lets the second through

_LONG = ("images", "annotations")


@dataclass(slots=True)
class CocoFile:
    """What a COCO file holds. Annotations are JSON still; the three lists of ids go with them place by place."""

    fields: dict[str, Raw] = field(default_factory=dict)
    """Every field of the file in order, as it came."""
    images: list[Image] = field(default_factory=list)
    """The entries of `images`."""
    unclear_images: frozenset[int | str] = frozenset()
    """Ids that several photos have: nobody knows to which of them the annotations with such an id belong."""
    categories: list[tuple[Category, Raw]] = field(default_factory=list)
    """The classes and the JSON they came as ("" for one that the file lacks)."""
    other_categories: list[Raw] = field(default_factory=list)
    """The JSON of entries of `categories` that are none."""
    class_ids: dict[int | str | None, int] = field(default_factory=dict)
    """The class that a `category_id` (`coco_values.as_id`) means."""
    written_class_ids: dict[int, Any] = field(default_factory=dict)
    """What the `category_id` of a class is in the file, where that is not the class's id."""
    annotations: JsonRecords | list[Raw] = field(default_factory=list)
    """The JSON of each annotation."""
    ids: Ids = field(default_factory=list)
    """Unique, above zero; new ones where the file has none, or the same twice. An array where they are numbers."""
    image_ids: Ids = field(default_factory=list)
    """What they are compared by (`coco_values.as_id`), None where the file gives none. An array as above."""
    category_ids: Ids = field(default_factory=list)
    """What they are compared by (`coco_values.as_id`), None where the file gives none. An array as above."""
    used_image_ids: frozenset[int | str | None] = frozenset()
    """Those that annotations have."""
    last_id: int = 0
    """The highest of `ids`; 0 without any."""
    changed_ids: int = 0
    """How many annotations were given a new id."""
    class_counts: Counter[int] = field(default_factory=Counter)
    """How many annotations each class has, by its id."""
    problems: list[Problem] = field(default_factory=list)
    """What of its images and classes is not as it should be."""

    def chunks(
        self,
        images: Iterable[Raw],
        categories: Iterable[Category],
        replaced: Mapping[int, Raw | None],
        added: Sequence[Raw],
    ) -> Iterator[bytes]:
        """The JSON of the file with changes, in pieces of about a megabyte.

        Args:
            images: All entries of `images`.
            categories: All classes.
            replaced: Place in `annotations` -> the JSON to write instead, or None for nothing.
            added: JSON of annotations that follow the others.
        """
        known = {category.id: (category, raw) for category, raw in self.categories if raw}
        classes = [
            encode_category_change(known[c.id][1], known[c.id][0], c) if c.id in known else encode_category(c)
            for c in categories
        ]
        classes += self.other_categories
        lists = {
            "images": batched(images),
            "annotations": self._annotation_batches(replaced, added),
            "categories": batches(classes),
        }
        return chunks(self.fields, lists)

    def _annotation_batches(self, replaced: Mapping[int, Raw | None], added: Sequence[Raw]) -> Iterator[Sequence[Raw]]:
        start = 0
        for place in sorted(replaced):
            yield from batches(self.annotations, start, place)
            start = place + 1
            raw = replaced[place]
            if raw is not None:
                yield [raw]
        yield from batches(self.annotations, start)
        yield from batches(added)


def parse(data: bytes, path: Path) -> CocoFile:
    """Read a COCO file from its bytes.

    Raises:
        CocoError: it is not COCO; one sentence that names `path` and where.
    """
    try:
        data = to_utf8(data, path)
    except TextError as error:
        raise CocoError(str(error)) from None
    if not data or data.isspace():
        raise CocoError(tr("{file} is empty, not a COCO file; remove it or choose another one.", file=path))
    split = split_lists(data, _LONG)
    if split is not None:
        with contextlib.suppress(PieceError, CocoError):  # what is wrong, and where, is found in the text as a whole
            return _parse(split.skeleton, split.lists, path)
    return _parse(data, {}, path)


def _parse(data: bytes, lists: Mapping[str, JsonRecords], path: Path) -> CocoFile:
    """Return the file with this text, of whose long lists the records are in `lists` instead.

    Raises:
        CocoError: see `parse`.
        PieceError: what is in `lists` is not as it seems.
    """
    try:
        fields = decode_object(data)
    except msgspec.ValidationError:
        if _is_results(data):
            raise CocoError(results_refused(path)) from None
        text = tr("{file} is JSON but not a COCO file: it holds no object with “images”.", file=path)
        raise CocoError(text) from None
    except _DAMAGE as error:
        raise CocoError(tr("{file} cannot be read: {reason}.", file=path, reason=_place(error, data))) from None
    if "images" not in fields:
        raise CocoError(tr("{file} is JSON but not a COCO file: it has no list “images”.", file=path))
    file = CocoFile({key: b"[]" if key in LISTS else raw for key, raw in fields.items()})
    counts = _read_annotations(file, lists.get("annotations") or _list(fields, "annotations", path))
    _read_categories(file, _list(fields, "categories", path), counts)
    images = lists.get("images") or _list(fields, "images", path)
    file.images, file.unclear_images, problems = read_images(images, file.used_image_ids)
    file.problems += problems
    return file


def _is_results(data: bytes) -> bool:
    try:
        return is_results([decode_json(raw) for raw in decode_list(data)[:1]])
    except _DAMAGE:
        return False


def _list(fields: Mapping[str, Raw], key: str, path: Path) -> list[Raw]:
    raw = fields.get(key, b"[]")
    if bytes(memoryview(raw)[:4]) == b"null":
        return []
    try:
        return [*decode_list(raw)]
    except _DAMAGE:
        text = tr("{file} is JSON but not a COCO file: “{key}” is not a list.", file=path, key=key)
        raise CocoError(text) from None


def _read_categories(file: CocoFile, raws: Sequence[Raw], counts: Counter[int | str | None]) -> None:
    """Read the classes; `counts` is how many annotations have each `category_id`."""
    table, classes = decode_categories(raws, counts)
    file.class_ids = dict(table.ids)
    file.problems += table.problems
    for category, place in zip(classes, table.places, strict=True):
        raw = raws[place]
        record = decode_json(raw)
        own = record.get("id")
        if table.ids.get(as_id(own)) != category.id:
            raw = with_id(raw, category.id)
        elif own != category.id:
            file.written_class_ids[category.id] = own
        if not record.get("name"):
            raw = encode({**decode_object(raw), "name": category.name})
        file.categories.append((category, raw))
    placed = set(table.places)
    file.other_categories = [raw for place, raw in enumerate(raws) if place not in placed]
    _add_unknown_classes(file, [key for key in counts if key is not None and key not in file.class_ids])
    for key, n in counts.items():
        if key is not None:
            file.class_counts[file.class_ids[key]] += n


def _read_annotations(file: CocoFile, raws: JsonRecords | list[Raw]) -> Counter[int | str | None]:
    """Read the ids of the annotations; return how many have each `category_id`."""
    file.annotations = raws
    found = read_ids(raws)
    file.image_ids, file.category_ids = found.image_ids, found.category_ids
    file.used_image_ids = frozenset(_distinct(found.image_ids))
    if isinstance(found.ids, array):
        file.ids = found.ids
        in_order = np.sort(np.frombuffer(found.ids, np.int64))
        is_good = not len(raws) or (in_order[0] > 0 and in_order[-1] < MAX_ID and bool((np.diff(in_order) > 0).all()))
    else:
        file.ids, is_good = [number if isinstance(number, int) else 0 for number in found.ids], False
    if not is_good:
        file.ids = list(file.ids)
        _renumber(file, found.ids)
    file.last_id = int(np.max(file.ids)) if len(raws) else 0
    return found.category_counts


def _distinct(ids: Ids) -> Iterable[int | str | None]:
    return distinct(np.frombuffer(ids, np.int64)).tolist() if isinstance(ids, array) and ids else ids


def _add_unknown_classes(file: CocoFile, keys: Sequence[int | str]) -> None:
    """Add a class for each `category_id` that the file does not name."""
    taken = {category.name.casefold() for category, _ in file.categories}
    used = {category.id for category, _ in file.categories}
    next_id = max(used, default=0)
    for key in sorted(keys, key=lambda key: (isinstance(key, str), key)):
        is_own = isinstance(key, int) and 0 <= key < MAX_ID and key not in used
        number = int(key) if is_own else next_id + 1
        next_id = max(next_id, number)
        used.add(number)
        name = f"class {str(key)[:60]}"
        while name.casefold() in taken:
            name += "'"
        taken.add(name.casefold())
        file.class_ids[key] = number
        if not is_own:
            file.written_class_ids[number] = key
        color = PALETTE[len(file.categories) % len(PALETTE)]
        file.categories.append((Category(number, name, color=color), b""))


def _renumber(file: CocoFile, own_ids: Ids) -> None:
    """Give new ids where there is none, and to all but the first that have the same.

    An id that is text, not above zero or beyond what every program reads stays in the file: its annotation goes by
    another number here.
    """
    next_id = max((number for number in file.ids if number < MAX_ID), default=0)
    next_id = max(next_id, 0)
    taken: set[int | str] = set()
    for place, own in enumerate(own_ids):
        number = file.ids[place]
        is_odd = own is not None and (isinstance(own, str) or not 0 < number < MAX_ID)
        if is_odd or number < 1 or number in taken:
            next_id += 1
            file.ids[place] = next_id
            if not (is_odd and own not in taken):
                file.changed_ids += _give_id(file, place, next_id)
        taken.add(file.ids[place])
        if own is not None:
            taken.add(own)


def _give_id(file: CocoFile, place: int, new_id: int) -> bool:
    """Write an id into an annotation; return whether it is a record that can have one."""
    try:
        file.annotations[place] = with_id(file.annotations[place], new_id)
    except msgspec.DecodeError:
        return False
    return True


def _place(error: Exception, data: bytes) -> str:
    """Where a file stops being JSON: "line 3, byte 14: invalid character"."""
    found = re.search(r"\(byte (\d+)\)", str(error))
    reason = re.sub(r"^JSON is malformed: | \(byte \d+\)$", "", str(error))
    if not found:
        reason = reason[:1].lower() + reason[1:]
        return tr("{reason} after {n} bytes", reason=reason, n=len(data))
    at = int(found[1])
    line = data.count(b"\n", 0, at) + 1
    return tr("line {line}, byte {byte}: {reason}", line=line, byte=at, reason=reason)
