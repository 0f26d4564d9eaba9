"""A whole COCO file: read without looking into its annotations, written back with what nobody touched byte for byte."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from annotator.core.categories import PALETTE
from annotator.core.photo_state import NO_NOTES, PhotoNotes
from annotator.core.store.coco_codec import (
    CocoError,
    change_fields,
    decode_categories,
    decode_json,
    encode_category,
    encode_category_change,
    with_id,
)
from dataset.coco.categories import MAX_ID, Category
from dataset.coco.checks import Problem, is_results, results_refused
from dataset.coco.raw_file import batches, chunks, read_ids
from dataset.coco.values import as_file_name, as_id, as_size
from dataset.i18n import tr
from dataset.json_text import TextError, decode_list, decode_object, encode, to_utf8
from dataset.photo_names import unique_ids, with_slashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataset.json_text import Raw

_DAMAGE = (msgspec.DecodeError, UnicodeDecodeError)  # msgspec lets the second through

MAX_FILE = 8 << 30  # bytes
TAGS, NOTE = "tags", "note"
"""Fields of an entry of `images`: a list of texts, and a text."""


class _ImageBody(msgspec.Struct, gc=False):
    id: int
    file_name: str
    width: int
    height: int
    tags: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    note: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_image = msgspec.json.Decoder(_ImageBody)


@dataclass(frozen=True, slots=True)
class Image:
    """An entry of `images`."""

    id: Any
    """As in the file, or a new one; what `image_id` is written as."""
    name: str
    """`file_name` with forward slashes."""
    size: tuple[int, int] | None
    """(width, height), None where the entry does not give both."""
    raw: Raw
    """The entry's JSON."""
    file_name: str = ""
    """As it stands, where the entry was read."""
    notes: PhotoNotes | None = None
    """Its tags and note; None where it has neither."""

    @classmethod
    def new(cls, image_id: int, name: str, size: tuple[int, int]) -> Image:
        """An entry for a photo that the file does not know."""
        body = {"id": image_id, "file_name": name, "width": size[0], "height": size[1]}
        return cls(image_id, name, size, encode(body))

    def resized(self, size: tuple[int, int]) -> Image:
        """The same entry with another size."""
        body = {**decode_object(self.raw), "width": size[0], "height": size[1]}
        return replace(self, size=size, raw=encode(body))

    def with_notes(self, notes: PhotoNotes) -> Image:
        """The same entry with other tags or another note; what of them is as it was stays as it stands."""
        raw = change_fields(self.raw, _note_fields(self.notes or NO_NOTES), _note_fields(notes))
        return replace(self, notes=notes, raw=raw)


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
    annotations: list[Raw] = field(default_factory=list)
    """The JSON of each annotation."""
    ids: list[int] = field(default_factory=list)
    """Unique, above zero; new ones where the file has none, or the same twice."""
    image_ids: list[int | str | None] = field(default_factory=list)
    """What they are compared by (`coco_values.as_id`), None where the file gives none."""
    category_ids: list[int | str | None] = field(default_factory=list)
    """What they are compared by (`coco_values.as_id`), None where the file gives none."""
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
            "images": batches(list(images)),
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
    if not data.strip():
        raise CocoError(tr("{file} is empty, not a COCO file; remove it or choose another one.", file=path))
    try:
        fields = decode_object(data)
    except msgspec.ValidationError:
        if _is_results(data):
            raise CocoError(results_refused(path)) from None
        text = tr("{file} is JSON but not a COCO file: it holds no object with “images”.", file=path)
        raise CocoError(text) from None
    except (*_DAMAGE, RecursionError) as error:
        raise CocoError(tr("{file} cannot be read: {reason}.", file=path, reason=_place(error, data))) from None
    if "images" not in fields:
        raise CocoError(tr("{file} is JSON but not a COCO file: it has no list “images”.", file=path))
    file = CocoFile(dict(fields))
    counts = _read_annotations(file, _list(fields, "annotations", path))
    _read_categories(file, _list(fields, "categories", path), counts)
    _read_images(file, _list(fields, "images", path))
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


def _read_images(file: CocoFile, raws: Sequence[Raw]) -> None:
    images = [_read_image(raw) for raw in raws]
    keys = [as_id(image.id) for image in images]
    ids, file.unclear_images = unique_ids(keys, [image.name for image in images], set(file.image_ids))
    for image, key, new_id in zip(images, keys, ids, strict=True):
        raw = image.raw
        if key == new_id:
            file.images.append(image)
        elif bytes(memoryview(raw)[:1]) == b"{":
            file.images.append(replace(image, id=new_id, raw=with_id(raw, int(new_id))))
        else:
            file.images.append(image)
            file.problems.append(Problem("record", "", tr("an entry of its images is no record")))
        if new_id in file.unclear_images:
            text = tr("{photo} has the id of another photo", photo=image.name)
            file.problems.append(Problem("image_unclear", image.name, text))


def _read_image(raw: Raw) -> Image:
    try:
        body = _image.decode(raw)
        record: dict[str, Any] = {"width": body.width, "height": body.height}
        notes = None
        if body.tags is not msgspec.UNSET or body.note is not msgspec.UNSET:
            notes = _read_notes(decode_json(raw))
        return _named(Image(body.id, as_file_name({"file_name": body.file_name}), as_size(record), raw, notes=notes))
    except _DAMAGE:
        record = decode_json(raw)
    if not isinstance(record, dict):
        return Image(None, "", None, raw)
    notes = _read_notes(record)
    return _named(Image(record.get("id"), as_file_name(record), as_size(record), raw, notes=notes))


def _read_notes(record: dict[str, Any]) -> PhotoNotes | None:
    """Return the tags and the note of an entry, as far as they are a list of texts and a text."""
    tags, note = record.get(TAGS), record.get(NOTE)
    are_tags = isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    notes = PhotoNotes(tuple(dict.fromkeys(tags)) if are_tags else (), note if isinstance(note, str) else "")
    return None if notes == NO_NOTES else notes


def _note_fields(notes: PhotoNotes) -> dict[str, Any]:
    fields = {TAGS: list(notes.tags), NOTE: notes.note}
    return {key: value for key, value in fields.items() if value}


def _named(image: Image) -> Image:
    return replace(image, name=with_slashes(image.name), file_name=image.name)


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


def _read_annotations(file: CocoFile, raws: list[Raw]) -> Counter[int | str | None]:
    """Read the ids of the annotations; return how many have each `category_id`."""
    file.annotations = raws
    found = read_ids(raws)
    own_ids = found.ids
    file.image_ids, file.category_ids = [*found.image_ids], [*found.category_ids]
    file.ids = [number if isinstance(number, int) else 0 for number in own_ids]
    if file.ids and (len(set(file.ids)) < len(file.ids) or min(file.ids) < 1 or max(file.ids) >= MAX_ID):
        _renumber(file, own_ids)
    return Counter(file.category_ids)


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


def _renumber(file: CocoFile, own_ids: Sequence[int | str | None]) -> None:
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
