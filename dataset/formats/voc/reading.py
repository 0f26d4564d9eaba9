"""Reads a dataset of Pascal VOC: XML files with boxes or outlines, and masks of objects and classes if any."""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dataset.formats.base import (
    MAX_COORDINATE,
    NOTHING,
    ClassRecord,
    Dataset,
    FormatError,
    ImageRecord,
    ObjectRecord,
    UnreadableFileError,
    no_progress,
    read_bytes,
    watched,
)
from dataset.formats.label_map import NAME, read_label_map
from dataset.formats.mask_pictures import VOID, outlines
from dataset.formats.photo_files import PhotoPath, find_photos, images_in
from dataset.formats.safe_xml import XmlError, parse_xml
from dataset.formats.stored_images import spooled
from dataset.geometry import from_parts, rectangle
from dataset.i18n import plural, tr
from dataset.masks import MAX_DECODED
from dataset.messages import listing, os_reason
from dataset.photo_names import file_in, is_inside, with_slashes
from dataset.pictures.images import PhotoError, photo_size, read_indices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray
    from shapely import MultiPolygon

    from dataset.formats.base import OnProgress

PHOTOS, ANNOTATIONS = "JPEGImages", "Annotations"
OBJECT_MASKS, CLASS_MASKS = "SegmentationObject", "SegmentationClass"
MAX_XML_BYTES = 16 << 20
FLAGS = ("truncated", "occluded", "difficult")
POSE, NO_POSE = "pose", "Unspecified"
VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""Which the indices are without a `labelmap.txt`."""
ATTRIBUTES = "attributes"
"""In `extra`, as CVAT and the window have them."""


@dataclass(slots=True)
class _PhotoFiles:
    """A photo's files: its XML, or else its mask alone."""

    stem: str
    """Of all of them, relative to their folders."""
    xml: Path | None = None
    file_name: str = ""
    """Of the photo, as the XML has it."""
    path: PhotoPath = field(default_factory=lambda: PhotoPath("", ""))


@dataclass(slots=True)
class _VocProblems:
    objects: Counter[str] = field(default_factory=Counter)
    """By file: of them some are left out."""
    damaged: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)

    def sentences(self) -> tuple[str, ...]:
        found = list(self.unread)
        if self.damaged:
            found.append(plural("{names} is damaged and left out.", "{names} are damaged and left out.",
                                len(self.damaged), names=listing(self.damaged)))  # fmt: skip
        if n := self.objects.total():
            found.append(plural("{n:,} object of {files} cannot be read and is left out.",
                                "{n:,} objects of {files} cannot be read and are left out.", n,
                                files=listing(list(self.objects))))  # fmt: skip
        if self.masks:
            found.append(plural("{names} is no indexed mask of its photo and is left out.",
                                "{names} are no indexed masks of their photos and are left out.", len(self.masks),
                                names=listing(self.masks)))  # fmt: skip
        return tuple(found)


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the annotations of a dataset of Pascal VOC.

    Args:
        source: Its folder, a folder of XML files, or one XML file.
        images: The folder of photos.
        on_progress: Is called for each photo, twice: for the names of all, then for their objects.

    Raises:
        FormatError: It cannot be read, or is none.
    """
    problems = _VocProblems()
    folder, start, files = _xml_files(source)
    found = _parsed(start, files, problems, lambda done, total: on_progress(done, 2 * total))
    found += _masks_alone(folder, {entry.stem for entry in found}) if source.is_dir() else []
    if not found:
        text = tr("{file} holds no annotations of Pascal VOC.", file=source)
        raise FormatError(" ".join((text, *problems.sentences())))
    own = {str(PurePosixPath(name).with_suffix("")): name for name in images_in(folder / PHOTOS)}
    for entry in found:
        entry.path = _photo_path(entry, own)
    classes = read_label_map(folder / NAME).names or dict(enumerate(VOC_CLASSES, 1))
    names: dict[str, None] = {}

    def read_images() -> Iterator[ImageRecord]:
        entries = watched(found, lambda done, total: on_progress(total + done, 2 * total))
        for entry, photo in zip(entries, find_photos([e.path for e in found], folder, images), strict=True):
            root = _root(entry.xml, entry.stem, problems) if entry.xml else None
            if root is not None:
                size = _size(root) or photo.size
                objects = _objects(root, entry.stem, _mask(folder / OBJECT_MASKS, entry.stem, size, problems), problems)
            else:
                size = photo.size
                objects = iter(()) if entry.xml else _of_masks(folder, entry.stem, size, classes, problems)
            image = ImageRecord(photo.name, size, tuple(objects))
            names.update(dict.fromkeys(record.class_name for record in image.objects))
            yield image

    records = spooled(read_images())
    listed = [name for name in read_label_map(folder / NAME).names.values() if name not in names]
    return Dataset(images, tuple(map(ClassRecord, (*names, *listed))), records, problems.sentences())


def _xml_files(source: Path) -> tuple[Path, Path, list[str]]:
    """Return a dataset's folder, that of its XML files, and these, relative to it."""
    try:
        if not source.is_dir():
            if not source.exists():
                raise FormatError(tr("{file} does not exist.", file=source))
            folder = source.parent.parent if source.parent.name == ANNOTATIONS else source.parent
            return folder, source.parent, [source.name]
        start = source / ANNOTATIONS if (source / ANNOTATIONS).is_dir() else source
        return source.parent if source.name == ANNOTATIONS else source, start, list(_listed(start, ".xml"))
    except OSError as error:
        raise FormatError(tr("{file} cannot be read: {reason}.", file=source, reason=os_reason(error))) from None


def _listed(folder: Path, suffix: str) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(suffix) and not name.startswith("."):
                yield Path(here, name).relative_to(folder).as_posix()


def _parsed(start: Path, files: list[str], problems: _VocProblems, on_progress: OnProgress) -> list[_PhotoFiles]:
    """Return the XML files that are of Pascal VOC; what they hold is read again, because all would take gigabytes."""
    found = []
    for name in watched(files, on_progress):
        root = _root(start / name, name, problems)
        if root is not None and root.tag == "annotation":
            stem = str(PurePosixPath(name).with_suffix(""))
            found.append(_PhotoFiles(stem, start / name, _value(root, "filename")))
    return found


def _root(path: Path, name: str, problems: _VocProblems) -> Element | None:
    try:
        return parse_xml(read_bytes(path, MAX_XML_BYTES), path)
    except UnreadableFileError as error:
        problems.unread.append(str(error))
    except (FormatError, XmlError):
        problems.damaged.append(name)
    return None


def _masks_alone(folder: Path, stems: set[str]) -> list[_PhotoFiles]:
    names = {str(PurePosixPath(name).with_suffix("")) for name in _listed(folder / CLASS_MASKS, ".png")}
    return [_PhotoFiles(stem) for stem in sorted(names - stems)]


def _photo_path(entry: _PhotoFiles, own: Mapping[str, str]) -> PhotoPath:
    """Return where an entry's photo is: of the same name in the folder of photos, else as the XML names it."""
    if name := own.get(entry.stem, ""):
        return PhotoPath(f"{PHOTOS}/{name}", name)
    given = PurePosixPath(with_slashes(entry.file_name)).name
    name = str(PurePosixPath(entry.stem).parent / given) if given and is_inside(given) else f"{entry.stem}.xml"
    return PhotoPath(f"{PHOTOS}/{name}", name)


def _size(root: Element) -> tuple[int, int] | None:
    try:
        width, height = (int(_number(_value(root, f"size/{side}"))) for side in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if min(width, height) > 0 else None


def _value(parent: Element, path: str) -> str:
    """Return the text of the first element at a path, without spaces around it; "" where there is none."""
    return (parent.findtext(path) or "").strip()


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > MAX_COORDINATE:
        raise ValueError(text)
    return value


def _mask(folder: Path, stem: str, size: tuple[int, int], problems: _VocProblems) -> dict[int, MultiPolygon]:
    """Return the outlines of a mask by index; none where there is no mask, or no good one."""
    path = file_in(folder, f"{stem}.png")
    if path is None:
        return {}
    try:
        return _outlines(_indices(path, size))
    except (PhotoError, ValueError):
        problems.masks.append(f"{folder.name}/{stem}.png")
        return {}


def _outlines(indices: NDArray[Any]) -> dict[int, MultiPolygon]:
    return outlines(indices, VOID if indices.itemsize == 1 else None)


def _indices(path: Path, size: tuple[int, int]) -> NDArray[Any]:
    """Return a mask's indices [H, W]. Raises PhotoError, or ValueError where it is not of that size."""
    if photo_size(path) != size or size[0] * size[1] > MAX_DECODED:
        raise ValueError(size)
    return read_indices(path)


def _objects(
    root: Element, stem: str, shapes: Mapping[int, MultiPolygon], problems: _VocProblems
) -> Iterator[ObjectRecord]:
    """Yield the objects of an XML; the first one has index 1 in the mask, the next one 2."""
    for index, item in enumerate(root.findall("object"), 1):
        name, shape = _value(item, "name"), shapes.get(index) or _polygon(item)
        try:
            box = None if shape else _box(item)
        except ValueError:
            problems.objects[f"{stem}.xml"] += 1
            continue
        if not name:
            problems.objects[f"{stem}.xml"] += 1
            continue
        yield ObjectRecord(name, shape or box or rectangle(0, 0, 0, 0), is_box=shape is None, extra=_extra(item))


def _polygon(item: Element) -> MultiPolygon | None:
    """Return the outline x1, y1, x2, y2, ... of an object, as X-AnyLabeling, Roboflow and supervision write it.

    None where it has none of 3 points or more. It is taken as it stands: X-AnyLabeling's has its pixels counted from 0.
    """
    texts = {each.tag: each.text or "" for each in item.iterfind("polygon/*")}
    numbers = takewhile(lambda n: f"x{n}" in texts, count(1))
    try:
        ring = [[_number(texts.get(f"{side}{n}", "")) for side in "xy"] for n in numbers]
    except ValueError:
        return None
    return from_parts([[ring]]) if len(ring) >= 3 else None


def _box(item: Element) -> MultiPolygon:
    """Return the box of an object: its first pixel is 1, and the last one lies in it."""
    x0, y0, x1, y1 = (_number(_value(item, f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax"))
    x0, y0 = max(x0 - 1, 0), max(y0 - 1, 0)  # other tools count from 0
    if x1 <= x0 or y1 <= y0:
        raise ValueError("a box without an area")
    return rectangle(x0, y0, x1, y1)


def _extra(item: Element) -> Mapping[str, Any]:
    flags: dict[str, Any] = {flag: True for flag in FLAGS if _value(item, flag) in ("1", "true")}
    if _value(item, POSE) not in ("", NO_POSE):
        flags[POSE] = _value(item, POSE)
    return {ATTRIBUTES: flags} if flags else NOTHING


def _of_masks(
    folder: Path, stem: str, size: tuple[int, int], classes: Mapping[int, str], problems: _VocProblems
) -> Iterator[ObjectRecord]:
    """Yield the objects of masks without an XML: of the mask of objects each, else one of each class."""
    try:
        kinds = _indices(folder / CLASS_MASKS / f"{stem}.png", size)
    except (PhotoError, ValueError):
        problems.masks.append(f"{CLASS_MASKS}/{stem}.png")
        return
    for shape in _mask(folder / OBJECT_MASKS, stem, size, problems).values() or _outlines(kinds).values():
        point = shape.representative_point()
        index = int(kinds[int(point.y), int(point.x)])
        yield ObjectRecord(classes.get(index, f"class {index}"), shape)
