"""What every file format exchanges: plain records of images, classes and objects, and the description of a format."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from shapely import MultiPolygon

import dataset.formats
from dataset.atomic_files import replace_file
from dataset.i18n import plural, tr
from dataset.messages import UserError, listing, os_reason
from dataset.photo_names import match_names
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

MAX_FILE_BYTES = 1 << 30
"""A larger file is refused before memory is taken for it."""
MAX_COORDINATE = 1e7
"""Pixels; coordinates beyond are damage."""
COPIED_AT_ONCE = 1 << 20
"""Bytes of a photo that is copied."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


class FormatError(UserError):
    """A file that cannot be imported, or a target that cannot be written; the text is one sentence."""


class UnreadableFileError(FormatError):
    """A file cannot be opened or read."""


class FilesExistError(FormatError):
    """Files would be replaced that nobody has agreed to lose."""


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


@dataclass(frozen=True, slots=True)
class KnownIds:
    """What ids mean in a file that has no lists of its own: those of the project's COCO file."""

    photos: Mapping[int | str, str] = field(default_factory=dict)
    """Id of an image (`dataset.coco.values.as_id`) -> path of the photo relative to the folder."""
    classes: Mapping[int | str, ClassRecord] = field(default_factory=dict)
    """Id of a category, as above -> the project's class."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images and classes, as a format reads and writes them."""

    folder: Path
    """The folder of images."""
    classes: tuple[ClassRecord, ...]
    images: tuple[ImageRecord, ...]
    problems: tuple[str, ...] = ()
    """Sentences about what the file has and could not be read."""

    @property
    def object_count(self) -> int:
        """The number of objects in all images."""
        return sum(len(image.objects) for image in self.images)

    @property
    def suggestion_count(self) -> int:
        """The number of suggestions in all images."""
        return sum(len(image.suggestions) for image in self.images)


@dataclass(frozen=True, slots=True)
class Format:
    """A file format. A module of `dataset.formats` that defines one as `FORMAT` is listed everywhere."""

    name: str
    """For the command line and object names: lower-case letters, digits and underscores."""
    title: str
    """For menus; a text given to `mark`, or a name that is not translated."""
    suffix: str = ""
    """Of its one file, such as ".json"; "" where a dataset is a folder of files."""
    read: Callable[[Path, Path], Dataset] | None = None
    """`read(source, images)` returns what a file or folder holds for a folder of images; raises FormatError."""
    write: Callable[[Dataset, Path], Iterator[tuple[str, bytes | Path]]] | None = None
    """`write(dataset, target)` yields files: the path relative to `target` ("" for `target` itself) and its content, or
    the file that is copied there."""
    losses: Callable[[Dataset], Sequence[str]] = lambda _dataset: ()
    """Returns sentences, with numbers, about what the format cannot hold of a dataset."""
    read_with_ids: Callable[[Path, Path, KnownIds], Dataset] | None = None
    """As `read`, and asked instead of it where there is a project: for files that need its ids to be understood."""


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


def export(file_format: Format, data: Dataset, target: Path, *, overwrite: bool = False) -> int:
    """Write a dataset and return the number of files. Each is written whole or not at all.

    Raises:
        FilesExistError: A file is there already and `overwrite` is false.
        FormatError: A file cannot be written.
    """
    assert file_format.write is not None, "a format of the export list"
    listed = [(target / name if name else target, content) for name, content in file_format.write(data, target)]
    files = [(path, content) for path, content in listed if not _is_itself(path, content)]
    copies = [path for path, content in files if not isinstance(content, bytes)]
    if copies and any(path.resolve().is_relative_to(data.folder.resolve()) for path in copies):
        text = tr(
            "Photos would be copied into {folder}, where they are; choose a folder elsewhere.", folder=data.folder
        )
        raise FormatError(text)
    taken = [path.name for path, _ in files if path.exists()]
    if taken and not overwrite:
        raise FilesExistError(tr("{files} would be replaced; choose another place.", files=listing(taken)))
    path = target
    try:
        for path, content in files:
            if not path.resolve().is_relative_to(target.resolve()):
                raise FormatError(tr("{file} lies outside {target} and is not written.", file=path, target=target))
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, _chunks(content))
    except OSError as error:
        raise FormatError(tr("{file} cannot be written: {reason}.", file=path, reason=os_reason(error))) from None
    return len(files)


def _is_itself(path: Path, content: bytes | Path) -> bool:
    """Return whether a file would be copied to where it is."""
    return not isinstance(content, bytes) and path.exists() and path.samefile(content)


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with open_regular(content) as file:
        while chunk := file.read(COPIED_AT_ONCE):
            yield chunk


def match_images(data: Dataset, names: Sequence[str]) -> Dataset:
    """Return the dataset with its images under the names of the folder's; those of no image are left out and counted.

    Which image a name means: see `dataset.photo_names.match_names`. Paths that lead out of the folder are never
    followed.
    """
    matches = match_names([image.name for image in data.images], names, data.folder.name)
    found: dict[str, ImageRecord] = {}
    missing = 0
    for image in data.images:
        name = matches.photos.get(image.name, "")
        if not name:
            missing += 1
        elif name in found:
            objects, suggestions = found[name].objects + image.objects, found[name].suggestions + image.suggestions
            found[name] = replace(found[name], objects=objects, suggestions=suggestions)
        else:
            found[name] = replace(image, name=name)
    text = plural(
        "{n:,} image of the file is not in the folder.", "{n:,} images of the file are not in the folder.", missing
    )
    order = {name: at for at, name in enumerate(names)}
    images = tuple(sorted(found.values(), key=lambda image: order[image.name]))
    return replace(data, images=images, problems=data.problems + ((text,) if missing else ()))
