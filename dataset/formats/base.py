"""What every file format exchanges: plain records of images, classes and objects, and the description of a format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from shapely import MultiPolygon

import dataset.formats
from dataset.i18n import tr
from dataset.messages import UserError, os_reason
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    OnProgress = Callable[[int, int], object]
    """Is called with how many things of how many are done, often; what it raises ends the work."""
    Content = bytes | Path | Iterable[bytes]

MAX_FILE_BYTES = 1 << 30
"""A larger file is refused before memory is taken for it."""
MAX_COORDINATE = 1e7
"""Pixels; coordinates beyond are damage."""
_PIECE = 1 << 20

Item = TypeVar("Item")

NOTHING: Mapping[str, Any] = MappingProxyType({})


class FormatError(UserError):
    """A file that cannot be imported, or a target that cannot be written; the text is one sentence."""


class UnreadableFileError(FormatError):
    """A file cannot be opened or read."""


class FilesExistError(FormatError):
    """Files would be replaced that nobody has agreed to lose."""


class CancelledError(UserError):
    """Raised by the caller's `OnProgress`: whoever waits for the work does so no longer. Nothing is left of it."""


def no_progress(_done: int, _total: int) -> None:
    """Be the `OnProgress` of a caller that does not look."""


class Point(NamedTuple):
    """A keypoint in pixels of the upright image; visibility is COCO's v: 0 unlabelled, 1 occluded, 2 visible."""

    x: float
    y: float
    visibility: int


@dataclass(frozen=True, slots=True)
class ClassRecord:
    """A class of objects."""

    name: str
    """Unique in its dataset."""
    color: str = ""
    """"#rrggbb", or ""."""
    supercategory: str = ""
    keypoint_names: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    """Pairs of keypoints to join, 0-based."""
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False)
    """As that of an object."""


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """An object in an image."""

    class_name: str
    shape: MultiPolygon = field(default_factory=MultiPolygon)
    """Parts and holes in pixels of the upright image; empty where there are only keypoints."""
    keypoints: tuple[Point, ...] = ()
    """As many as its class names, or none."""
    is_box: bool = False
    """The shape is the outline of a box, and there is no mask."""
    is_crowd: bool = False
    score: float | None = None
    origin: str = ""
    """`drawn`, `suggested` or `edited`; "" where the file does not have it."""
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """Fields of the file that have no place here, as they came."""

    @property
    def needs_mask(self) -> bool:
        """Whether no single ring is the outline: it has several parts, or holes."""
        parts = self.shape.geoms
        return not self.is_box and (len(parts) > 1 or any(len(part.interiors) for part in parts))


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image with its objects."""

    name: str
    """Path relative to the folder of images, with forward slashes. In a dataset that was read: as the file has it."""
    size: tuple[int, int]
    """(width, height) of the upright image; (0, 0) where the file does not give it."""
    objects: tuple[ObjectRecord, ...] = ()
    suggestions: tuple[ObjectRecord, ...] = ()
    """What a model found and nobody has accepted, with its `score`, None where the file gives none."""
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """As that of an object, with tags and the note as COCO's files have them."""


@dataclass(frozen=True, slots=True)
class KnownIds:
    """What ids mean in a file that has no lists of its own: those of the project's COCO file."""

    photos: Mapping[int | str, str] = field(default_factory=dict)
    """Id of an image (`dataset.coco.values.as_id`) -> path of the photo relative to the folder."""
    classes: Mapping[int | str, ClassRecord] = field(default_factory=dict)
    """Id of a category, as above -> the project's class."""


class ImageHead(NamedTuple):
    """What is known of an image without its objects."""

    name: str
    size: tuple[int, int]
    object_count: int
    suggestion_count: int
    class_names: frozenset[str]
    """Of its objects and suggestions."""
    has_fields: bool = False
    """Whether it has fields of its own (`ImageRecord.extra`)."""

    @property
    def has_only_fields(self) -> bool:
        """Whether it has such fields, and neither objects nor suggestions."""
        return self.has_fields and not (self.object_count or self.suggestion_count)

    @classmethod
    def of(cls, image: ImageRecord) -> ImageHead:
        """Return that of an image."""
        names = frozenset(record.class_name for record in (*image.objects, *image.suggestions))
        return cls(image.name, image.size, len(image.objects), len(image.suggestions), names, bool(image.extra))


class StoredImages(Sequence[ImageRecord], ABC):
    """Images that are not in memory: each is made when it is asked for, be it again, which takes time."""

    heads: Sequence[ImageHead]
    """Those of the images, which are in memory."""

    @abstractmethod
    def image(self, place: int) -> ImageRecord:
        """Make one."""

    def __len__(self) -> int:
        return len(self.heads)

    @overload
    def __getitem__(self, place: int) -> ImageRecord: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[ImageRecord, ...]: ...
    def __getitem__(self, place: int | slice) -> ImageRecord | tuple[ImageRecord, ...]:
        if isinstance(place, slice):
            return tuple(self.image(i) for i in range(len(self))[place])
        return self.image(range(len(self))[place])


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images and classes, as a format reads and writes them."""

    folder: Path
    """The folder of images."""
    classes: tuple[ClassRecord, ...]
    images: Sequence[ImageRecord]
    """Go over them one by one, and keep none: there may be more than memory holds (`StoredImages`)."""
    problems: tuple[str, ...] = ()
    """Sentences about what the file has and could not be read."""
    splits: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """"train", "val" or "test" of images, by name, where that was decided."""
    ids: KnownIds = field(default_factory=KnownIds)
    """Those of the project's COCO file, for formats that have such ids."""
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """As that of an object: fields of the file as a whole, such as `info`."""

    @property
    def heads(self) -> Sequence[ImageHead]:
        """Those of the images, at once."""
        images = self.images
        return images.heads if isinstance(images, StoredImages) else [ImageHead.of(image) for image in images]

    @property
    def names(self) -> list[str]:
        """The names of the images, at once."""
        return [head.name for head in self.heads]

    @property
    def object_count(self) -> int:
        """The number of objects in all images."""
        return sum(head.object_count for head in self.heads)

    @property
    def suggestion_count(self) -> int:
        """The number of suggestions in all images."""
        return sum(head.suggestion_count for head in self.heads)

    def objects(self) -> Iterator[ObjectRecord]:
        """Yield the objects of all images."""
        for image in self.images:
            yield from image.objects


@dataclass(frozen=True, slots=True)
class Format:
    """A file format. A module of `dataset.formats` that defines one as `FORMAT` is listed everywhere."""

    name: str
    """For the command line and object names: lower-case letters, digits and underscores."""
    title: str
    """For menus; a text given to `mark`, or a name that is not translated."""
    suffix: str = ""
    """Of its one file, such as ".json"; "" where a dataset is a folder of files."""
    read: Callable[[Path, Path, OnProgress], Dataset] | None = None
    """`read(source, images, on_progress)` returns what a file or folder holds for a folder of images; it raises
    FormatError, and lets pass what `on_progress` raises. Its images are `spooled` where there may be many."""
    write: Callable[[Dataset, Path], Iterator[tuple[str, Content]]] | None = None
    """`write(dataset, target)` yields files, one by one: the path relative to `target` ("" for `target` itself) and its
    content: the bytes, pieces of them in order, or the file that is copied there."""
    has_splits: bool = False
    """Whether `write` has places for training, validation and tests (`Dataset.splits`)."""
    passes: int = 1
    """How often `write` goes over the images."""
    losses: Callable[[Dataset], Sequence[str]] = lambda _dataset: ()
    """Returns sentences, with numbers, about what the format cannot hold of a dataset."""
    read_with_ids: Callable[[Path, Path, KnownIds, OnProgress], Dataset] | None = None
    """As `read`, with the ids before `on_progress`, and asked instead of it where there is a project: for files that
    need its ids to be understood."""


def read_pieces(path: Path, limit: int = MAX_FILE_BYTES) -> Iterator[bytes]:
    """Yield a file's content in pieces of about a megabyte. Raises as `read_bytes` does."""
    left = limit
    try:
        with open_regular(path) as file:
            while data := file.read(_PIECE):
                left -= len(data)
                if left < 0:
                    raise FormatError(tr("{file} is larger than {n} MB; split it.", file=path, n=limit >> 20))
                yield data
    except OSError as error:
        raise UnreadableFileError(tr("{file} cannot be read: {reason}.", file=path, reason=os_reason(error))) from None


def watched(items: Sequence[Item], on_progress: OnProgress) -> Iterator[Item]:
    """Yield the items, and say so before each."""
    for number, item in enumerate(items):
        on_progress(number, len(items))
        yield item


def formats() -> list[Format]:
    """Return the formats of this folder by title."""
    names = sorted(module.name for module in iter_modules(dataset.formats.__path__))
    found = (getattr(import_module(f"{dataset.formats.__name__}.{name}"), "FORMAT", None) for name in names)
    return sorted((f for f in found if isinstance(f, Format)), key=lambda f: f.title.casefold())


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return a file's content.

    Raises:
        UnreadableFileError: It cannot be read.
        FormatError: It is larger than `limit` bytes.
    """
    try:
        with open_regular(path) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UnreadableFileError(tr("{file} cannot be read: {reason}.", file=path, reason=os_reason(error))) from None
    if len(data) > limit:
        raise FormatError(tr("{file} is larger than {n} MB; split it.", file=path, n=limit >> 20))
    return data
