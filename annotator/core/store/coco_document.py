"""A whole COCO file: read without looking into its annotations, written back with what nobody touched byte for byte."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from annotator.core.categories import PALETTE, Categories
from annotator.core.store.coco_codec import NO_ID, CocoError, decode_category, encode_category, with_id
from dataset.i18n import tr
from dataset.json_text import RecordDecoder, decode_list, decode_object, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataset.categories import Category
    from dataset.json_text import Raw

_DAMAGE = (msgspec.DecodeError, UnicodeDecodeError)  # msgspec lets the second through

MAX_FILE = 8 << 30  # bytes
_BATCH = 4096  # records joined at a time: about a megabyte, a millisecond without other threads


class _Header(msgspec.Struct, gc=False):
    id: int | None = None
    image_id: int | None = None
    category_id: int | None = None


class _ImageBody(msgspec.Struct, gc=False):
    id: int | None = None
    file_name: str | None = None
    width: int | None = None
    height: int | None = None


_headers = RecordDecoder(list[_Header])
_header = RecordDecoder(_Header)
_image = RecordDecoder(_ImageBody)


@dataclass(frozen=True, slots=True)
class Image:
    """An entry of `images`."""

    id: int
    """Unique in the file."""
    name: str
    """`file_name` with forward slashes."""
    size: tuple[int, int] | None
    """(width, height), None where the entry does not give both."""
    raw: Raw
    """The entry's JSON."""

    @classmethod
    def new(cls, image_id: int, name: str, size: tuple[int, int]) -> Image:
        """An entry for a photo that the file does not know."""
        body = {"id": image_id, "file_name": name, "width": size[0], "height": size[1]}
        return cls(image_id, name, size, encode(body))

    def resized(self, size: tuple[int, int]) -> Image:
        """The same entry with another size."""
        body = {**decode_object(self.raw), "width": size[0], "height": size[1]}
        return Image(self.id, self.name, size, encode(body))


@dataclass(slots=True)
class CocoFile:
    """What a COCO file holds. Annotations are JSON still; `ids` and `image_ids` go with them place by place."""

    fields: dict[str, Raw] = field(default_factory=dict)
    """Every field of the file in order, as it came."""
    images: list[Image] = field(default_factory=list)
    """The entries of `images`."""
    categories: list[tuple[Category, Raw]] = field(default_factory=list)
    """The classes and the JSON they came as ("" for one that the file lacks)."""
    annotations: list[Raw] = field(default_factory=list)
    """The JSON of each annotation."""
    ids: list[int] = field(default_factory=list)
    """Unique, above zero; new ones where the file has none, or the same twice."""
    image_ids: list[int | None] = field(default_factory=list)
    """None where the file gives none."""
    changed_ids: int = 0
    """How many annotations were given a new id."""
    class_counts: Counter[int] = field(default_factory=Counter)
    """How many annotations each class has, by its id."""

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
        known = {category.id: (category, raw) for category, raw in self.categories}
        classes = [
            known[c.id][1] if c.id in known and known[c.id][0] == c and known[c.id][1] else encode_category(c)
            for c in categories
        ]
        keys = dict.fromkeys([*self.fields, "images", "annotations", "categories"])
        opening = b"{\n"
        for key in keys:
            yield opening + encode(key) + b": "
            opening = b",\n"
            if key == "images":
                yield from _listed(_batches(list(images)))
            elif key == "annotations":
                yield from _listed(self._annotation_batches(replaced, added))
            elif key == "categories":
                yield from _listed(_batches(classes))
            else:
                yield bytes(self.fields[key])
        yield b"\n}\n"

    def _annotation_batches(self, replaced: Mapping[int, Raw | None], added: Sequence[Raw]) -> Iterator[Sequence[Raw]]:
        start = 0
        for place in sorted(replaced):
            yield from _batches(self.annotations, start, place)
            start = place + 1
            raw = replaced[place]
            if raw is not None:
                yield [raw]
        yield from _batches(self.annotations, start)
        yield from _batches(added)


def parse(data: bytes, path: Path) -> CocoFile:
    """Read a COCO file from its bytes.

    Raises:
        CocoError: it is not COCO; one sentence that names `path` and where.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise CocoError(tr("{file} is empty, not a COCO file; remove it or choose another one.", file=path))
    try:
        fields = decode_object(data)
    except msgspec.ValidationError:
        text = tr("{file} is JSON but not a COCO file: it holds no object with “images”.", file=path)
        raise CocoError(text) from None
    except (*_DAMAGE, RecursionError) as error:
        raise CocoError(tr("{file} cannot be read: {reason}.", file=path, reason=_place(error, data))) from None
    if "images" not in fields:
        raise CocoError(tr("{file} is JSON but not a COCO file: it has no list “images”.", file=path))
    raws = {key: _list(fields.get(key, b"[]"), key, path) for key in ("images", "annotations", "categories")}
    file = CocoFile(dict(fields))
    file.images = _images(raws["images"], path)
    file.categories = _categories(raws["categories"], path)
    _read_annotations(file, fields.get("annotations", b"[]"), raws["annotations"], path)
    return file


def _list(raw: Raw, key: str, path: Path) -> list[msgspec.Raw]:
    if bytes(raw) == b"null":
        return []
    try:
        return decode_list(raw)
    except _DAMAGE:
        text = tr("{file} is JSON but not a COCO file: “{key}” is not a list.", file=path, key=key)
        raise CocoError(text) from None


def _images(raws: Sequence[msgspec.Raw], path: Path) -> list[Image]:
    images: list[Image] = []
    taken: set[int] = set()
    homeless: list[tuple[int, _ImageBody, msgspec.Raw]] = []
    for place, raw in enumerate(raws):
        try:
            body = _image.decode(raw)
        except _DAMAGE as error:
            text = tr(
                "{file} cannot be read: entry number {number} of “images”: {reason}.",
                file=path,
                number=place + 1,
                reason=_mistake(error),
            )
            raise CocoError(text) from None
        if body.id is None or body.id in taken:
            homeless.append((place, body, raw))
            images.append(Image(NO_ID, "", None, b""))
        else:
            taken.add(body.id)
            images.append(_entry(body.id, body, raw))
    for new_id, (place, body, raw) in enumerate(homeless, max(taken, default=0) + 1):
        images[place] = _entry(new_id, body, with_id(raw, new_id))
    return images


def _entry(image_id: int, body: _ImageBody, raw: Raw) -> Image:
    name = (body.file_name or "").replace("\\", "/").removeprefix("./")
    size = (body.width, body.height) if body.width and body.height else None
    return Image(image_id, name, size, raw)


def _categories(raws: Sequence[msgspec.Raw], path: Path) -> list[tuple[Category, Raw]]:
    categories: dict[int, tuple[Category, Raw]] = {}
    try:
        decoded = [(decode_category(raw, place), raw) for place, raw in enumerate(raws)]
    except CocoError as error:
        raise CocoError(tr("{file} cannot be read: {problem}", file=path, problem=error)) from None
    next_id = max((category.id for category, _ in decoded), default=0)
    for category, raw in decoded:
        category_id, name = category.id, category.name
        if category_id == NO_ID:
            next_id += 1
            category_id = next_id
        if category_id in categories:
            continue  # the same id twice: the first one counts
        name = name or f"class {category_id}"  # goes into the file
        named = replace(category, id=category_id, name=name)
        categories[category_id] = (named, raw if named == category else b"")
    return list(categories.values())


def _read_annotations(file: CocoFile, data: Raw, raws: list[msgspec.Raw], path: Path) -> None:
    try:
        headers = _headers.decode(data) if raws else []
    except _DAMAGE:
        raise CocoError(tr("{file} cannot be read: {reason}.", file=path, reason=_first_bad(raws))) from None
    file.annotations = list(raws)
    file.ids = [header.id or 0 for header in headers]
    file.image_ids = [header.image_id for header in headers]
    if len(set(file.ids)) < len(file.ids) or min(file.ids, default=1) < 1:
        _renumber(file)
    known = {category.id for category, _ in file.categories}
    file.class_counts = Counter(header.category_id for header in headers if header.category_id is not None)
    unknown = file.class_counts.keys() - known
    categories = Categories(category for category, _ in file.categories)
    for category_id in sorted(unknown):
        name = f"class {category_id}"
        while categories.find(name):
            name += "'"
        color = PALETTE[len(categories) % len(PALETTE)]
        file.categories.append((categories.add(name, color=color, category_id=category_id), b""))


def _renumber(file: CocoFile) -> None:
    """Give new ids where there is none above zero, and to all but the first that have the same."""
    next_id = max(*file.ids, 0)
    taken: set[int] = set()
    for place, annotation_id in enumerate(file.ids):
        if annotation_id < 1 or annotation_id in taken:
            next_id += 1
            file.ids[place] = next_id
            file.annotations[place] = with_id(file.annotations[place], next_id)
            file.changed_ids += 1
        taken.add(file.ids[place])


def _first_bad(raws: Sequence[msgspec.Raw]) -> str:
    for place, raw in enumerate(raws):
        try:
            _header.decode(raw)
        except _DAMAGE as error:
            return tr(
                "annotation number {number}, {start!r}: {reason}",
                number=place + 1,
                start=bytes(raw)[:60].decode(errors="replace"),
                reason=_mistake(error),
            )
    return tr("its annotations are not objects")


def _mistake(error: Exception) -> str:
    """What is wrong with a record, for a person: "“id” is text, where a whole number belongs"."""
    found = re.match(r"Expected `([^`]*)`, got `([^`]*)`(?: - at `\$\.?(.*)`)?$", str(error))
    if not found:
        return str(error)
    expected, got = (_kind(kind.removesuffix(" | null")) for kind in found.group(1, 2))
    if not found[3]:
        return tr("it is {got}, where {expected} belongs", got=got, expected=expected)
    return tr("“{field}” is {got}, where {expected} belongs", field=found[3], got=got, expected=expected)


def _kind(name: str) -> str:
    """Return what people call a JSON type."""
    kinds = {
        "int": tr("a whole number"), "float": tr("a number"), "str": tr("text"), "bool": tr("true or false"),
        "null": tr("nothing"), "array": tr("a list"), "object": tr("an object"),
    }  # fmt: skip
    return kinds.get(name, name)


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


def _batches(raws: Sequence[Raw], start: int = 0, stop: int | None = None) -> Iterator[Sequence[Raw]]:
    stop = len(raws) if stop is None else stop
    for at in range(start, stop, _BATCH):
        yield raws[at : min(at + _BATCH, stop)]


def _listed(batches: Iterable[Sequence[Raw]]) -> Iterator[bytes]:
    opening = b"[\n"
    for batch in batches:
        yield opening + b",\n".join(batch)
        opening = b",\n"
    yield b"[]" if opening == b"[\n" else b"\n]"
