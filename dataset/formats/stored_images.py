"""Images of a dataset that would not all fit into memory: spooled to a temporary file, under other names."""

from __future__ import annotations

import tempfile
import threading
import weakref
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import shapely

from dataset.formats.base import NOTHING, FormatError, ImageHead, ImageRecord, ObjectRecord, Point, StoredImages
from dataset.i18n import plural, tr
from dataset.json_text import RecordDecoder, encode
from dataset.messages import listing, os_reason
from dataset.photo_names import match_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dataset.formats.base import Dataset

IN_MEMORY = 20_000
"""Objects that are not worth a file: some 20 MB."""
_BUFFER = 1 << 18


class _PackedObject(msgspec.Struct, array_like=True, gc=False):
    class_number: int
    shape: bytes  # WKB
    keypoints: list[tuple[float, float, int]]
    is_box: bool
    is_crowd: bool
    score: float | None
    origin_number: int
    extra: bytes  # JSON


_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(tuple[list[_PackedObject], list[_PackedObject], bytes])
_extra = RecordDecoder(dict[str, Any])


def spooled(images: Iterable[ImageRecord], in_memory: int = IN_MEMORY) -> Sequence[ImageRecord]:
    """Return images as a sequence: a tuple, or where they have more than so many objects, as they lie on the disk.

    Raises:
        FormatError: There is no room for temporary files.
    """
    listed: list[ImageRecord] = []
    left, iterator = in_memory, iter(images)
    for image in iterator:
        listed.append(image)
        left -= len(image.objects) + len(image.suggestions)
        if left < 0:
            return SpooledImages(listed, iterator)
    return tuple(listed)


class SpooledImages(StoredImages):
    """Images in a temporary file that nobody else sees and that is gone with this object."""

    def __init__(self, *images: Iterable[ImageRecord]) -> None:
        """Take all images of some sources in order. FormatError where there is no room for them."""
        try:
            self._file = tempfile.TemporaryFile(buffering=_BUFFER)  # noqa: SIM115 - closed with this object
        except OSError as error:
            raise _no_room(error) from None
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()  # held while the file is at a place
        self._ends = array("q", [0])
        self.heads = self._listed = list[ImageHead]()
        self._numbers: dict[str, int] = {}  # of the texts that many objects have
        self._sets: dict[frozenset[str], frozenset[str]] = {}  # few that differ
        for source in images:
            for image in source:
                self._add(image)
        self._texts = list(self._numbers)

    def _add(self, image: ImageRecord) -> None:
        head = ImageHead.of(image)
        self._listed.append(head._replace(class_names=self._sets.setdefault(head.class_names, head.class_names)))
        data = _packer.encode((self._packed(image.objects), self._packed(image.suggestions), _to_json(image.extra)))
        try:
            self._file.write(data)
        except OSError as error:
            raise _no_room(error) from None
        self._ends.append(self._ends[-1] + len(data))

    def _packed(self, records: Sequence[ObjectRecord]) -> list[_PackedObject]:
        shapes = shapely.to_wkb([record.shape for record in records]) if records else ()
        return [
            _PackedObject(
                self._number(record.class_name),
                shape,
                [tuple(point) for point in record.keypoints],
                record.is_box,
                record.is_crowd,
                record.score,
                self._number(record.origin),
                _to_json(record.extra),
            )
            for record, shape in zip(records, shapes, strict=True)
        ]

    def _number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def image(self, place: int) -> ImageRecord:
        """Read one."""
        head = self.heads[place]
        start, end = self._ends[place], self._ends[place + 1]
        with self._lock:
            self._file.seek(start)
            data = self._file.read(end - start)
        objects, suggestions, extra = _unpacker.decode(data)
        found = self._unpacked(objects), self._unpacked(suggestions)
        return ImageRecord(head.name, head.size, *found, _from_json(extra))

    def _unpacked(self, packed: Sequence[_PackedObject]) -> tuple[ObjectRecord, ...]:
        shapes = shapely.from_wkb([p.shape for p in packed]) if packed else ()
        return tuple(
            ObjectRecord(
                self._texts[p.class_number],
                shape,
                tuple(Point(*point) for point in p.keypoints),
                p.is_box,
                p.is_crowd,
                p.score,
                self._texts[p.origin_number],
                _from_json(p.extra),
            )
            for p, shape in zip(packed, shapes, strict=True)
        )


def _to_json(extra: Mapping[str, Any]) -> bytes:
    return encode(dict(extra)) if extra else b""


def _from_json(extra: bytes) -> Mapping[str, Any]:
    return _extra.decode(extra) if extra else NOTHING


def _no_room(error: OSError) -> FormatError:
    folder = tempfile.gettempdir()
    return FormatError(tr("{folder} takes no temporary files: {reason}.", folder=folder, reason=os_reason(error)))


class Placed(NamedTuple):
    """An image that is made of some of a dataset's."""

    name: str
    size: tuple[int, int]
    places: tuple[int, ...]
    """Of the images whose objects it has, in order; one at least."""


def rearranged(data: Dataset, placed: Sequence[Placed]) -> Sequence[ImageRecord]:
    """Return images that are made of a dataset's, in memory if those are."""
    made = RearrangedImages(data, placed)
    return made if isinstance(data.images, StoredImages) else tuple(made)


def only(data: Dataset, names: Collection[str]) -> Dataset:
    """Return the dataset with no other images than those of some names."""
    heads = enumerate(data.heads)
    placed = [Placed(head.name, head.size, (place,)) for place, head in heads if head.name in names]
    return replace(data, images=rearranged(data, placed))


class RearrangedImages(StoredImages):
    """Images of a dataset in another order, under other names, and several in one."""

    def __init__(self, data: Dataset, placed: Sequence[Placed]) -> None:
        self._images, self._placed = data.images, placed
        heads = data.heads
        self.heads = [_joined(image, [heads[place] for place in image.places]) for image in placed]

    def image(self, place: int) -> ImageRecord:
        """Put one together."""
        name, size, places = self._placed[place]
        images = [self._images[i] for i in places]
        objects = tuple(record for image in images for record in image.objects)
        suggestions = tuple(record for image in images for record in image.suggestions)
        extra = {key: value for image in reversed(images) for key, value in image.extra.items()}
        return ImageRecord(name, size, objects, suggestions, extra or NOTHING)


def _joined(image: Placed, heads: Sequence[ImageHead]) -> ImageHead:
    names = heads[0].class_names
    return ImageHead(
        image.name,
        image.size,
        sum(head.object_count for head in heads),
        sum(head.suggestion_count for head in heads),
        names.union(*(head.class_names for head in heads[1:])) if len(heads) > 1 else names,
        any(head.has_fields for head in heads),
    )


def match_images(data: Dataset, names: Sequence[str]) -> Dataset:
    """Return the dataset with its images under the names of the folder's; those of no image are left out and counted.

    Which image a name means: see `dataset.photo_names.match_names`. Paths that lead out of the folder are never
    followed.
    """
    heads = data.heads
    meant = match_names([head.name for head in heads], names, data.folder.name)
    matches = meant.photos
    found: dict[str, list[int]] = {}
    for place, head in enumerate(heads):
        if name := matches.get(head.name, ""):
            found.setdefault(name, []).append(place)
    unclear = [head.name for head in heads if head.name in meant.ambiguous and head.name not in matches]
    missing = len(heads) - sum(map(len, found.values())) - len(unclear)
    said = []
    if unclear:
        said.append(
            plural(
                "{names} may be several photos of the folder, and is left out.",
                "{names} may be several photos of the folder, and are left out.",
                len(unclear),
                names=listing(unclear),
            )
        )
    if missing:
        said.append(
            plural(
                "{n:,} image of the file is not in the folder.",
                "{n:,} images of the file are not in the folder.",
                missing,
            )
        )
    placed = [Placed(name, heads[found[name][0]].size, tuple(found[name])) for name in names if name in found]
    return replace(data, images=rearranged(data, placed), problems=(*data.problems, *said))
