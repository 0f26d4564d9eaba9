"""COCO's results: a list of what a model found, each with a score; images and categories are given by their ids."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dataset.coco.checks import Problem, sentences, short
from dataset.coco.codec import read_object
from dataset.coco.values import as_file_name, as_id, with_visibilities
from dataset.folder import FolderError, list_images
from dataset.formats.base import NOTHING, Dataset, FormatError, ImageRecord, ObjectRecord, Point, watched
from dataset.formats.stored_images import spooled
from dataset.i18n import plural, tr
from dataset.messages import listing
from dataset.photo_names import match_names
from dataset.pictures.images import PhotoError, photo_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dataset.coco.codec import ObjectFields
    from dataset.formats.base import KnownIds, OnProgress

_KNOWN = frozenset(
    (
        *("id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd"),
        *("num_keypoints", "keypoints", "score", "annotator"),
    )
)


def read_results(
    records: Sequence[object], source: Path, images: Path, ids: KnownIds, on_progress: OnProgress
) -> Dataset:
    """Return the suggestions of a list of results.

    An `image_id` is one of the project's COCO file, else the name of a photo without its ending, or the number in it
    (ultralytics and COCO write such); a `category_id` is one of the project's classes. What is of neither is left out
    and told.

    Raises:
        FormatError: None of it is of a photo and a class that are known.
    """
    usable = [record for record in records if isinstance(record, dict)]
    photos = _photos(usable, images, ids)
    sizes: dict[str, tuple[int, int] | None] = {}
    found: dict[str, list[ObjectRecord]] = {}
    problems: list[Problem] = []
    unknown: Counter[str] = Counter()  # classes
    lost = damaged = 0
    for record in watched(usable, on_progress):
        number = as_id(record.get("category_id"))  # which may be 0
        photo, label = photos.get(_photo_key(record), ""), None if number is None else ids.classes.get(number)
        if not photo or label is None:
            lost += not photo
            unknown[short(record.get("category_id"))] += bool(photo)
            continue
        if photo not in sizes:
            sizes[photo] = _size(images / photo)
        given = record | {"keypoints": with_visibilities(record.get("keypoints"))}
        read = read_object(given, sizes[photo], len(label.keypoint_names), photo)
        problems += read.problems
        if read.shape.is_empty and not read.keypoints:
            damaged += 1
        else:
            found.setdefault(photo, []).append(to_object(record, label.name, read))
    texts = (*sentences(problems, source.name), *_sentences(lost, unknown, damaged + len(records) - len(usable)))
    if not found:
        text = tr(
            "{file} is a list of results, and none of it is of a photo and a class of this project: open the COCO "
            "file that the model was given, then import the results.",
            file=source,
        )
        raise FormatError(" ".join((text, *texts)))
    records_of = (ImageRecord(photo, sizes[photo] or (0, 0), (), tuple(objects)) for photo, objects in found.items())
    return Dataset(images, tuple(dict.fromkeys(ids.classes.values())), spooled(records_of), tuple(texts))


def _sentences(lost: int, unknown: Counter[str], damaged: int) -> Iterable[str]:
    if lost:
        yield plural(
            "{n:,} result is of no photo of the project and is left out.",
            "{n:,} results are of no photo of the project and are left out.",
            lost,
        )
    if count := unknown.total():
        yield plural(
            "{n:,} result is of a class that the project does not have, and is left out (category_id {ids}).",
            "{n:,} results are of classes that the project does not have, and are left out (category_id {ids}).",
            count,
            ids=listing([text for text in unknown if unknown[text]]),
        )
    if damaged:
        yield plural(
            "{n:,} result cannot be read and is left out.", "{n:,} results cannot be read and are left out.", damaged
        )


def _photo_key(record: dict[str, Any]) -> int | str:
    """Return what names the photo of a result: its id, or a file name where a tool writes that instead."""
    key = as_id(record.get("image_id"))
    return as_file_name(record) if key is None else key


def _photos(records: Iterable[dict[str, Any]], images: Path, ids: KnownIds) -> dict[int | str, str]:
    """Return the photo that each result means, by `_photo_key`."""
    keys = dict.fromkeys(_photo_key(record) for record in records)
    found = {key: ids.photos[key] for key in keys if key in ids.photos}
    left = [key for key in keys if key not in found and key != ""]
    if not left:
        return found
    try:
        names = list_images(images)
    except FolderError:
        return found
    stems: dict[int | str, list[str]] = {}
    for name in names:
        stem = name.rpartition("/")[2].rpartition(".")[0]
        for key in {stem, as_id(stem) or stem}:
            stems.setdefault(key, []).append(name)
    matches = match_names([key for key in left if isinstance(key, str)], names, images.resolve().name).photos
    for key in left:
        meant = stems.get(key, [])
        name = matches.get(key) if isinstance(key, str) else None
        if name or len(meant) == 1:
            found[key] = name or meant[0]
    return found


def _size(path: Path) -> tuple[int, int] | None:
    try:
        return photo_size(path)
    except PhotoError:
        return None


def to_object(record: dict[str, Any], class_name: str, found: ObjectFields) -> ObjectRecord:
    """Return an annotation, or a result, of which this was understood."""
    flat = found.keypoints
    points = tuple(Point(x, y, int(v)) for x, y, v in zip(flat[::3], flat[1::3], flat[2::3], strict=True))
    extra = {key: value for key, value in record.items() if key not in _KNOWN}
    own = record.get("annotator")
    origin = own.get("origin") if isinstance(own, dict) else ""
    origin = origin if isinstance(origin, str) else ""
    return ObjectRecord(
        class_name, found.shape, points, found.is_box, found.is_crowd, found.score, origin, extra or NOTHING
    )
