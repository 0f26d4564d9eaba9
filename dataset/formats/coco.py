"""COCO's instance and keypoint annotations, one JSON file for all images."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from dataset.coco.categories import FIELDS, read_categories
from dataset.coco.checks import check_reference, is_results, sentences
from dataset.coco.codec import encode_object, read_object
from dataset.coco.raw_file import IMAGE_FIELDS, LISTS, decode_record, read_ids
from dataset.coco.values import as_color, as_file_name, as_id, as_size
from dataset.formats.base import (
    NOTHING,
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    KnownIds,
    ObjectRecord,
    no_progress,
    read_bytes,
    watched,
)
from dataset.formats.coco_results import read_results, to_object
from dataset.formats.stored_images import spooled
from dataset.geometry import to_parts
from dataset.i18n import plural, tr
from dataset.json_records import JsonRecords, split_lists
from dataset.json_text import TextError, encode, loads, to_utf8
from dataset.messages import listing
from dataset.photo_names import unique_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataset.coco.categories import Category
    from dataset.formats.base import OnProgress

WRITTEN_AT_ONCE = 1000  # records
_CLASS_PROBLEMS = ("category_twice", "keypoint_names", "skeleton", "skeleton_from_0", "record")


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the annotations of a COCO file; what of them cannot be understood is left out and told.

    Raises:
        FormatError: The file cannot be read, or is not COCO.
    """
    return read_with_ids(source, images, KnownIds(), on_progress)


def read_with_ids(source: Path, images: Path, ids: KnownIds, on_progress: OnProgress = no_progress) -> Dataset:
    """Return what `read` does, or the suggestions of a list of results, whose ids are those of the project's file."""
    contents = _load(source)
    if is_results(contents):
        return read_results(contents, source, images, ids, on_progress)
    return _read_file(_with_lists(contents, source), source, images, on_progress)


def _read_file(contents: dict[str, Any], source: Path, images: Path, on_progress: OnProgress) -> Dataset:
    records = contents["annotations"]
    image_ids, category_ids = _ids_of(records)
    table = read_categories(contents["categories"], set(category_ids))
    of_classes = Counter(table.ids.get(key) for key in category_ids)
    names = _class_names(sorted(table.categories, key=lambda c: not of_classes[c.id]))
    points = {c.id: len(c.keypoint_names) for c in table.categories}
    entries = [entry for entry in contents["images"] if isinstance(entry, dict)]
    keys = [as_id(entry.get("id")) for entry in entries]
    ids, unclear = unique_ids(keys, [as_file_name(entry) for entry in entries], set(image_ids))
    places: dict[int | str | None, array[int]] = {number: array("l") for number in ids if number not in unclear}
    left = shared = 0
    for place, key in enumerate(image_ids):
        if key in places:
            places[key].append(place)
        else:
            left += key not in unclear
            shared += key in unclear
    problems = [problem for problem in table.problems if problem.kind in _CLASS_PROBLEMS]

    def read_images() -> Iterator[ImageRecord]:
        nonlocal left
        given: set[int | str] = set()  # of an id that comes twice the first entry has the objects
        for number, entry in watched(list(zip(ids, entries, strict=True)), on_progress):
            size, objects = as_size(entry), []
            for place in () if number in given else places.get(number, ()):
                found_record: Any = records[place]
                record: Any = decode_record(found_record) if isinstance(found_record, bytes) else found_record
                category = None if check_reference(record, places) else table.ids.get(as_id(record.get("category_id")))
                if category is None:
                    left += 1
                    continue
                found = read_object(record, size, points[category])
                problems.extend(found.problems)
                if found.problems and found.shape.is_empty and not found.keypoints:
                    left += 1
                else:
                    objects.append(to_object(record, names[category], found))
            given.add(number)
            extra = _others(entry, IMAGE_FIELDS)
            yield ImageRecord(as_file_name(entry), size or (0, 0), tuple(objects), extra=extra)

    listed = spooled(read_images())
    same = [as_file_name(entry) for number, entry in zip(ids, entries, strict=True) if number in unclear]
    texts = [*sentences(problems, source.name), *_left_out(left, shared, same)]
    return Dataset(
        images,
        tuple(
            _to_class(c, names[c.id], contents["categories"][p])
            for c, p in zip(table.categories, table.places, strict=True)
        ),
        listed,
        tuple(texts),
        extra=_file_fields(contents),
    )


def _others(record: Mapping[str, Any], known: Collection[str]) -> Mapping[str, Any]:
    """Return the fields of a record that are not known."""
    return {key: value for key, value in record.items() if key not in known} or NOTHING


def _file_fields(contents: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a file as a whole, without the mark by which commands know what they may replace."""
    fields = _others(contents, LISTS)
    info = fields.get("info")
    if not isinstance(info, dict) or not str(info.get("generator", "")).startswith("annotator "):
        return fields
    return {**fields, "info": {key: value for key, value in info.items() if key not in ("generator", "digest")}}


def _left_out(left: int, shared: int, same: Sequence[str]) -> Iterator[str]:
    """Yield what is left out: of records that cannot be read, and of an image_id that the photos `same` share."""
    if shared:
        yield plural(
            "{n:,} annotation has an image_id that several photos have ({photos}), and is left out.",
            "{n:,} annotations have image_ids that several photos have ({photos}), and are left out.",
            shared,
            photos=listing(same),
        )
    if left:
        yield plural(
            "{n:,} annotation cannot be read and is left out.",
            "{n:,} annotations cannot be read and are left out.",
            left,
        )


def _ids_of(records: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return image_id and category_id of each annotation as they are compared, None where it has none."""
    if isinstance(records, JsonRecords):
        found = read_ids(records)
        return found.image_ids, found.category_ids
    fields = [record if isinstance(record, dict) else {} for record in records]
    return [as_id(f.get("image_id")) for f in fields], [as_id(f.get("category_id")) for f in fields]


def _load(source: Path) -> Any:  # noqa: ANN401 - whatever the file has
    try:
        text = to_utf8(read_bytes(source), source)
        return _without_annotations(text) or loads(text)
    except TextError as error:
        raise FormatError(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(tr("{file} is not a COCO file: {reason}.", file=source, reason=error)) from None


def _without_annotations(text: bytes) -> dict[str, Any] | None:
    """Return the contents of a large file with its annotations as JSON still; None where it is none, or damaged."""
    split = split_lists(text, ("annotations",))
    if split is None:
        return None
    try:
        contents = loads(split.skeleton)
        read_ids(split.lists["annotations"])  # which shows whether they are JSON
    except (ValueError, RecursionError):
        return None
    return {**contents, **split.lists} if isinstance(contents, dict) else None


def _with_lists(contents: object, source: Path) -> dict[str, Any]:
    lists = ("images", "categories", "annotations")
    if not isinstance(contents, dict) or any(not isinstance(contents.get(key), list | JsonRecords) for key in lists):
        reason = tr("it needs the lists {lists}", lists=", ".join(lists))
        raise FormatError(tr("{file} is not a COCO file: {reason}.", file=source, reason=reason))
    return contents


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the one file of a dataset, in pieces."""
    yield "", _pieces(data)


def _pieces(data: Dataset) -> Iterator[bytes]:
    """Yield the file, with the entries of images after the annotations: both are of one way over the images."""
    heads = data.heads
    ids = _ids([c.name for c in data.classes], {key: c.name for key, c in data.ids.classes.items()})
    photos = _ids([head.name for head in heads], data.ids.photos)
    entries: list[bytes] = []
    yield b"{" + b"".join(encode(key) + b":" + encode(value) + b"," for key, value in _file_fields(data.extra).items())
    yield b'"annotations":['
    yield from _joined(_annotations(data, photos, ids, entries))
    yield b'],"images":['
    yield from _joined(entries)
    yield b'],"categories":' + encode([_from_class(c, ids[c.name]) for c in data.classes]) + b"}"


def _ids(names: Sequence[str], given: Mapping[int | str, str]) -> dict[str, int | str]:
    """Return the id of each name: what is given, of which the last counts, or else a number that is none of those."""
    own = {name: key for key, name in given.items()}
    free = (number for number in count(1) if number not in given)
    return {name: own[name] if name in own else next(free) for name in names}


def _annotations(
    data: Dataset, photos: Mapping[str, int | str], classes: Mapping[str, int | str], entries: list[bytes]
) -> Iterator[bytes]:
    """Yield the annotations, and put the entry of each image into a list."""
    number = count(1)
    for image in data.images:
        own = {"id": photos[image.name], "file_name": image.name, "width": image.size[0], "height": image.size[1]}
        entries.append(encode({**image.extra, **own}))
        for record in image.objects:
            head = {"id": next(number), "image_id": photos[image.name], "category_id": classes[record.class_name]}
            yield encode({**record.extra, **head, **_from_object(record, image.size)})


def _joined(items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield items with a comma between them, many at a time."""
    iterator, opening = iter(items), b""
    while batch := list(islice(iterator, WRITTEN_AT_ONCE)):
        yield opening + b",".join(batch)
        opening = b","


def _class_names(categories: Iterable[Category]) -> dict[int, str]:
    names: dict[int, str] = {}
    taken: set[str] = set()
    for category in categories:
        name = category.name
        while name.casefold() in taken:
            name += "'"
        taken.add(name.casefold())
        names[category.id] = name
    return names


def _to_class(category: Category, name: str, record: dict[str, Any]) -> ClassRecord:
    color = as_color(record.get("color"))
    extra = _others(record, FIELDS)
    return ClassRecord(name, color, category.supercategory, category.keypoint_names, category.skeleton, extra)


def _from_class(record: ClassRecord, category_id: int | str) -> dict[str, Any]:
    body: dict[str, Any] = {
        **record.extra,
        "id": category_id,
        "name": record.name,
        "supercategory": record.supercategory,
        "color": record.color,
    }
    if record.keypoint_names:
        body["keypoints"] = record.keypoint_names
        body["skeleton"] = [(a + 1, b + 1) for a, b in record.skeleton]
    return body


def _from_object(record: ObjectRecord, size: tuple[int, int]) -> dict[str, Any]:
    body = encode_object(to_parts(record.shape), record.keypoints, size, is_box=record.is_box, is_crowd=record.is_crowd)
    if record.keypoints:  # one that is not labelled keeps its place
        body["keypoints"] = [v for p in record.keypoints for v in (round(p.x, 2), round(p.y, 2), p.visibility)]
    if record.score is not None:
        body["score"] = record.score
    if record.origin:
        body["annotator"] = {"origin": record.origin, **body.get("annotator", {})}
    return body


FORMAT = Format("coco", "COCO JSON", ".json", read, write, read_with_ids=read_with_ids)
