"""The entries of `images` in a COCO file."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from annotator.core.photo_state import NO_NOTES, PhotoNotes
from annotator.core.store.coco_codec import change_fields, decode_json, with_id
from dataset.coco.checks import Problem
from dataset.coco.raw_file import IMAGE_FIELDS
from dataset.coco.values import as_file_name, as_id, as_size
from dataset.i18n import tr
from dataset.json_records import check_count, check_piece, in_pieces
from dataset.json_text import decode_object, encode
from dataset.photo_names import unique_ids, with_slashes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dataset.json_text import Raw

TAGS, NOTE = "tags", "note"
"""Fields of an entry of `images`: a list of texts, and a text."""


class Image(msgspec.Struct, frozen=True, gc=False):
    """An entry of `images`."""

    id: Any
    """As in the file, or a new one; what `image_id` is written as."""
    name: str
    """`file_name` with forward slashes."""
    size: tuple[int, int] | None
    """(width, height), None where the entry does not give both."""
    records: Any
    """Sequence[Raw]: among these is the entry's JSON,"""
    place: int = 0
    """at this place: entries that are as they were lie in the file's text."""
    file_name: str = ""
    """As it stands, where the entry was read."""
    notes: PhotoNotes | None = None
    """Its tags and note; None where it has neither."""

    @property
    def fields(self) -> dict[str, Any]:
        """Its fields of no known meaning, and what stands for tags or a note and is none."""
        record = decode_json(self.raw)
        known = {*IMAGE_FIELDS, *note_fields(self.notes or NO_NOTES)}
        return {key: value for key, value in record.items() if key not in known} if isinstance(record, dict) else {}

    @classmethod
    def new(cls, image_id: int, name: str, size: tuple[int, int]) -> Image:
        """An entry for a photo that the file does not know."""
        body = {"id": image_id, "file_name": name, "width": size[0], "height": size[1]}
        return cls(image_id, name, size, (encode(body),))

    @property
    def raw(self) -> Raw:
        """The entry's JSON."""
        return self.records[self.place]

    def resized(self, size: tuple[int, int]) -> Image:
        """The same entry with another size."""
        body = {**decode_object(self.raw), "width": size[0], "height": size[1]}
        return msgspec.structs.replace(self, size=size, records=(encode(body),), place=0)

    def with_fields(self, fields: Mapping[str, Any]) -> Image:
        """The same entry with fields that it lacks, tags and note among them."""
        body = decode_object(self.raw)
        new = lacking_fields(body, fields)
        if not new:
            return self
        notes = filled_notes(self.notes, new)
        return msgspec.structs.replace(self, notes=notes, records=(encode({**body, **new}),), place=0)

    def with_notes(self, notes: PhotoNotes) -> Image:
        """The same entry with other tags or another note; what of them is as it was stays as it stands."""
        raw = change_fields(self.raw, note_fields(self.notes or NO_NOTES), note_fields(notes))
        return msgspec.structs.replace(self, notes=notes, records=(raw,), place=0)

    def with_id(self, new_id: int | str) -> Image:
        """The same entry with another id."""
        return msgspec.structs.replace(self, id=new_id, records=(with_id(self.raw, int(new_id)),), place=0)


class _ImageBody(msgspec.Struct, gc=False):
    id: int
    file_name: str
    width: int
    height: int
    tags: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    note: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_bodies = msgspec.json.Decoder(list[_ImageBody])


def read_images(
    records: Sequence[Raw], used: Collection[int | str | None]
) -> tuple[list[Image], frozenset[int | str], list[Problem]]:
    """Return the entries, ids that several photos have, and what is wrong.

    Args:
        records: JSON of the entries.
        used: Ids that annotations have.

    Raises:
        PieceError: what `records` stand for is no list of so many records.
    """
    images: list[Image] = []
    for part, piece in in_pieces(records):
        images += _read_piece(records, part, piece)
    keys = [as_id(image.id) for image in images]
    ids, unclear = unique_ids(keys, [image.name for image in images], used)
    problems = []
    for place, (image, key, new_id) in enumerate(zip(images, keys, ids, strict=True)):
        if key != new_id:
            if bytes(memoryview(image.raw)[:1]) == b"{":
                images[place] = image.with_id(new_id)
            else:
                problems.append(Problem("record", "", tr("an entry of its images is no record")))
        if new_id in unclear:
            text = tr("{photo} has the id of another photo", photo=image.name)
            problems.append(Problem("image_unclear", image.name, text))
    return images, unclear, problems


def _read_piece(records: Sequence[Raw], part: slice, piece: bytes) -> list[Image]:
    places = range(part.start, part.stop)
    try:
        bodies = _bodies.decode(piece)
    except (msgspec.DecodeError, UnicodeDecodeError):
        check_piece(records, part, piece)
        return [_read_loosely(records, place) for place in places]
    check_count(part, len(bodies))
    return [
        Image(body.id, with_slashes(body.file_name), _size(body.width, body.height), records, place, body.file_name)
        if body.tags is body.note is msgspec.UNSET and body.file_name.strip()
        else _read_loosely(records, place)
        for place, body in zip(places, bodies, strict=True)
    ]


@lru_cache(maxsize=1 << 12)
def _size(width: int, height: int) -> tuple[int, int] | None:
    return as_size({"width": width, "height": height})


def _read_loosely(records: Sequence[Raw], place: int) -> Image:
    record = decode_json(records[place])
    if not isinstance(record, dict):
        return Image(None, "", None, records, place)
    name = as_file_name(record)
    return Image(record.get("id"), with_slashes(name), as_size(record), records, place, name, read_notes(record))


def read_notes(record: Mapping[str, Any]) -> PhotoNotes | None:
    """Return the tags and the note of an entry, as far as they are a list of texts and a text."""
    tags, note = record.get(TAGS), record.get(NOTE)
    are_tags = isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    notes = PhotoNotes(tuple(dict.fromkeys(tags)) if are_tags else (), note if isinstance(note, str) else "")
    return None if notes == NO_NOTES else notes


def filled_notes(notes: PhotoNotes | None, fields: Mapping[str, Any]) -> PhotoNotes | None:
    """Return a photo's tags and note; that of them which is empty as fields of another entry have it."""
    own, other = notes or NO_NOTES, read_notes(fields) or NO_NOTES
    filled = PhotoNotes(own.tags or other.tags, own.note or other.note)
    return notes if filled == own else filled


def lacking_fields(there: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of another entry's fields that are not there; tags or a note that are empty are not."""
    return {
        key: value
        for key, value in fields.items()
        if key not in IMAGE_FIELDS and (key not in there or (key in (TAGS, NOTE) and value and not there[key]))
    }


def note_fields(notes: PhotoNotes) -> dict[str, Any]:
    """Return the fields of an entry that are a photo's tags and note, without what is empty."""
    fields = {TAGS: list(notes.tags), NOTE: notes.note}
    return {key: value for key, value in fields.items() if value}
