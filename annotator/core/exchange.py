"""Between the records that file formats exchange and those of a project: what is exported, how an import is added."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from annotator.core.annotation import NOTHING, Annotation, Keypoint, Origin, Visibility
from annotator.core.categories import SHORTCUT, given_number
from annotator.core.photo_state import NO_NOTES
from annotator.core.store.coco_images import filled_notes, note_fields
from annotator.core.training_set import MODEL_CLASS, model_name
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    FormatError,
    ImageRecord,
    KnownIds,
    ObjectRecord,
    Point,
    no_progress,
    watched,
)
from dataset.formats.stored_images import Placed, match_images, only, rearranged, spooled
from dataset.i18n import plural, tr
from dataset.messages import listing
from dataset.photo_names import with_slashes
from dataset.pictures.images import PhotoError, is_turned, photo_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from annotator.core.categories import Categories
    from annotator.core.photo_state import PhotoState
    from annotator.core.store.additions import PhotoAddition
    from annotator.core.store.recorded import RecordedPhotos
    from annotator.core.store.store import Store
    from annotator.core.training_set import TrainingPhoto
    from dataset.coco.categories import Category
    from dataset.formats.base import Format, OnProgress
    from dataset.formats.recognition import FoundAnnotations

NO_IDS = KnownIds()
FIRST_IMPORTED = -500_000_000
"""Id of the first suggestion of a photo that was imported: far from those of models."""


def names_to_export(store: Store | RecordedPhotos, *, done_only: bool = False) -> list[str]:
    """Return the photos that have annotations or are done; a photo that is done may be without."""
    return [name for name in store.names if store.is_done(name) or (store.count(name) and not done_only)]


def left_out(lost: int, partly: Sequence[str]) -> list[str]:
    """Return sentences on what an export lacks: photos that cannot be read, and annotations that are not understood."""
    said = []
    if lost:
        said.append(
            plural("{n:,} photo cannot be read and is left out.", "{n:,} photos cannot be read and are left out.", lost)
        )
    if partly:
        said.append(tr("Annotations of {photos} that cannot be understood are left out.", photos=listing(partly)))
    return said


def to_dataset(
    folder: Path,
    photos: Iterable[TrainingPhoto],
    categories: Iterable[Category],
    ids: KnownIds = NO_IDS,
    recorded: RecordedPhotos | None = None,
) -> Dataset:
    """Return photos of a project as a format writes them; `ids` and the other fields `recorded` are the project's."""
    listed = list(categories)
    names = {c.id: c.name for c in listed}
    images = spooled(_to_image(p, names, recorded) for p in photos)
    extra = recorded.file_fields() if recorded else {}
    return Dataset(folder, tuple(_class_record(c) for c in listed), images, ids=ids, extra=extra or NOTHING)


def _to_image(photo: TrainingPhoto, names: Mapping[int, str], recorded: RecordedPhotos | None) -> ImageRecord:
    state = photo.state
    objects = tuple(_to_record(a, names[a.category_id]) for a in state.annotations)
    extra = {**(recorded.photo_fields(photo.name) if recorded else {}), **note_fields(state.notes or NO_NOTES)}
    return ImageRecord(photo.name, state.size, objects, extra=extra or NOTHING)


def _class_record(category: Category) -> ClassRecord:
    return ClassRecord(
        category.name,
        category.color,
        category.supercategory,
        category.keypoint_names,
        category.skeleton,
        category.extra or NOTHING,
    )


def known_ids(store: Store, categories: Iterable[Category]) -> KnownIds:
    """Return what ids mean in a file without lists of its own, such as COCO's results. From any thread.

    `categories` are the project's: where it has no COCO file yet, their ids are those that it will have.
    """
    classes = {c.id: _class_record(c) for c in categories}
    given = {key: classes[number] for key, number in store.class_ids_in_file().items() if number in classes}
    return KnownIds(store.photo_ids_in_file(), {**classes, **given})


def read_dataset(
    file_format: Format,
    source: Path,
    folder: Path,
    names: Sequence[str],
    ids: KnownIds = NO_IDS,
    *,
    on_progress: OnProgress = no_progress,
) -> Dataset:
    """Return what a file holds for the photos of a folder, each with its size. Slow: for a thread of its own.

    `ids` are the project's, for files that need them.

    Raises:
        FormatError: The file cannot be read, or holds nothing for these photos.
    """

    def on_reading(done: int, total: int) -> None:
        on_progress(done, 2 * total)

    data = _read_matched(file_format, source, folder, names, ids, on_progress=on_reading)
    placed: list[Placed] = []
    unreadable: list[str] = []
    other = 0
    heads = data.heads
    for place, head in enumerate(heads):
        on_progress(len(heads) + place, 2 * len(heads))
        try:
            size = photo_size(folder / head.name)
        except PhotoError:
            unreadable.append(head.name)
            continue
        if head.object_count or head.suggestion_count:
            other += min(head.size) > 0 and head.size != size and not is_turned(folder / head.name, head.size, size)
        if head.object_count or head.suggestion_count or head.has_fields:
            placed.append(Placed(head.name, size, (place,)))
    problems = list(data.problems)
    if unreadable:
        problems.append(
            plural(
                "{names} cannot be read and is left out.",
                "{names} cannot be read and are left out.",
                len(unreadable),
                names=listing(unreadable),
            )
        )
    if other:
        problems.append(
            plural(
                "{n:,} photo has another size than its annotations were made for: check that they fit.",
                "{n:,} photos have another size than their annotations were made for: check that they fit.",
                other,
            )
        )
    if not placed:
        text = tr("{file} holds no annotations for the photos of {folder}.", file=source, folder=folder)
        raise FormatError(" ".join((text, *problems)))
    return replace(data, images=rearranged(data, placed), problems=tuple(problems))


def _read_matched(
    file_format: Format, source: Path, folder: Path, names: Sequence[str], ids: KnownIds, *, on_progress: OnProgress
) -> Dataset:
    """Return what a file holds for the photos of a folder, under their names.

    A name in a file among photos means the photo beside it, if there is one, and not one of the whole folder with that
    name; unless the file names photos beside it from the whole folder on.
    """
    assert file_format.read is not None, "a format of the import list"
    with_ids, read = file_format.read_with_ids, file_format.read
    scope = _scope(source, folder, names)
    readings = 2 if scope else 1

    def on_reading(done: int, total: int) -> None:
        on_progress(done, readings * total)

    def on_reading_again(done: int, total: int) -> None:
        on_progress(total + done, readings * total)

    whole = with_ids(source, folder, ids, on_reading) if with_ids else read(source, folder, on_reading)
    present, heads = set(names), whole.heads
    if not scope or any(name in present and name.startswith(scope) for name in (with_slashes(h.name) for h in heads)):
        return match_images(whole, names)
    try:  # once more, as formats look for the photos and their sizes themselves
        near = read(source, folder / scope, on_reading_again)
    except FormatError:  # also of results, which are not read without the project's ids
        return match_images(whole, names)
    beside = {
        place: Placed(scope + head.name, head.size, (place,))
        for place, (head, other) in enumerate(zip(near.heads, heads, strict=False))
        if scope + head.name in present and _stem(head.name) == _stem(other.name)
    }
    if not beside or len(near.images) != len(heads):
        return match_images(whole, names)
    left = [Placed(head.name, head.size, (place,)) for place, head in enumerate(heads) if place not in beside]
    found = replace(near, folder=folder, images=rearranged(near, list(beside.values())))
    if not left:
        return _joined([found], names)
    rest = match_images(replace(whole, images=rearranged(whole, left)), names)
    return _joined([replace(found, problems=()), rest], names)  # without the sizes of all photos it found others


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_suffix("") if path.name else path)


def _joined(parts: Sequence[Dataset], names: Sequence[str]) -> Dataset:
    """Return one dataset of parts of a folder: images in the order of the names, those of one name as one."""
    places: dict[str, list[int]] = {}
    heads = [head for part in parts for head in part.heads]
    for place, head in enumerate(heads):
        places.setdefault(head.name, []).append(place)
    placed = [Placed(name, heads[places[name][0]].size, tuple(places[name])) for name in names if name in places]
    classes = {record.name: record for part in reversed(parts) for record in reversed(part.classes)}
    problems = dict.fromkeys(problem for part in parts for problem in part.problems)
    images = spooled(image for part in parts for image in part.images) if len(parts) > 1 else parts[0].images
    whole = replace(parts[0], classes=tuple(reversed(classes.values())), images=images, problems=tuple(problems))
    return replace(whole, images=rearranged(whole, placed))


def read_found(
    found: FoundAnnotations,
    folder: Path,
    names: Sequence[str],
    ids: KnownIds = NO_IDS,
    *,
    on_progress: OnProgress = no_progress,
) -> Dataset:
    """Return what annotations found in a folder hold for its photos: that of all sources as one dataset.

    A file among photos, such as that of a split, is of the photos beside it.

    Raises:
        FormatError: None can be read, or none holds anything for these photos.
    """
    parts: list[Dataset] = []
    unread: list[str] = []
    for source in found.sources:
        scope = _scope(source, folder, names)
        own = [name.removeprefix(scope) for name in names if name.startswith(scope)]
        try:
            part = read_dataset(found.format, source, folder / scope, own, ids, on_progress=on_progress)
        except FormatError as error:
            unread.append(str(error))
            continue
        placed = [Placed(scope + head.name, head.size, (place,)) for place, head in enumerate(part.heads)]
        parts.append(replace(part, folder=folder, images=rearranged(part, placed)))
    if not parts:
        raise FormatError(" ".join(unread))
    whole = _joined(parts, names)
    return replace(whole, problems=(*unread, *whole.problems))


def _scope(source: Path, folder: Path, names: Sequence[str]) -> str:
    """Return the folder that a source is of, with a slash at the end: its own, if photos are in it, else "": all."""
    own, root = (source if source.is_dir() else source.parent).resolve(), folder.resolve()
    scope = f"{own.relative_to(root).as_posix()}/" if own != root and own.is_relative_to(root) else ""
    return scope if any(name.startswith(scope) for name in names) else ""


def add_classes(categories: Categories, data: Dataset) -> None:
    """Add the classes of the dataset's objects that the project does not have.

    None takes a number key that the project's classes were given, nor the model's class that one of them stands for.
    """
    used = {name for head in data.heads for name in head.class_names}
    numbers = {given_number(category) for category in categories} - {None}
    models = {name.casefold() for category in categories for name in (category.name, model_name(category))} - {""}
    with categories.one_change():
        for record in data.classes:
            if record.name in used and record.name.strip() and categories.find(record.name) is None:
                taken = {SHORTCUT} if given_number(record) in numbers else set()
                taken |= {MODEL_CLASS} if model_name(record).casefold() in models else set()
                categories.add(
                    record.name,
                    color=record.color,
                    supercategory=record.supercategory,
                    keypoint_names=record.keypoint_names,
                    skeleton=record.skeleton,
                    extra={key: value for key, value in record.extra.items() if key not in taken} or NOTHING,
                )


def to_additions(
    data: Dataset,
    places: Sequence[int],
    store: Store,
    categories: Categories,
    on_progress: OnProgress = no_progress,
) -> dict[str, PhotoAddition]:
    """Return what `Store.add` takes for the images at some places of a dataset. Slow: for a thread of its own.

    `categories` are a copy of the project's. Nothing is on record before it is added.
    """
    found = {}
    for place in watched(places, on_progress):
        image = data.images[place]
        annotations = to_annotations(image, data, categories, store.new_id)
        found[image.name] = store.addition(image.name, image.size, annotations, image.extra)
    return found


def without_known_fields(data: Dataset, store: Store) -> Dataset:
    """Return the dataset without images that have nothing but fields, all of which their photos have. Slow.

    Raises:
        FormatError: None is left.
    """
    left = {
        head.name
        for place, head in enumerate(data.heads)
        if not head.has_only_fields or store.lacks(head.name, data.images[place].extra)
    }
    if not left:
        text = tr("Nothing was imported: there are no objects, and the photos have all tags, notes and other fields.")
        raise FormatError(" ".join((text, *data.problems)))
    return data if len(left) == len(data.heads) else only(data, left)


def put_image(store: Store, image: ImageRecord, annotations: Sequence[Annotation]) -> None:
    """Put an image's objects, and those of its fields that the photo lacks, on record for one that is no document."""
    fields = store.lacks(image.name, image.extra)
    store.put(image.name, with_objects(store.load(image.name), replace(image, extra=fields), annotations))
    store.add_fields(image.name, image.size, fields)


def with_objects(state: PhotoState, image: ImageRecord, annotations: Sequence[Annotation]) -> PhotoState:
    """Return what is on record for a photo with an image's objects, and its tags and note where there are none."""
    annotations = (*state.annotations, *annotations)
    return replace(state, size=image.size, annotations=annotations, notes=filled_notes(state.notes, image.extra))


def to_annotations(
    image: ImageRecord, data: Dataset, categories: Categories, new_id: Callable[[], int]
) -> list[Annotation]:
    """Return an image's objects as new annotations of a project that has their classes."""
    return list(_converted(image.objects, data, categories, new_id))


def to_suggestions(image: ImageRecord, data: Dataset, categories: Categories) -> tuple[Annotation, ...]:
    """Return what a model found in an image as suggestions in the project's classes, for `SuggestionPools`.

    A score beyond 0 to 1 counts as the nearer of them, and what has none counts as 1: what nobody doubts is offered.
    """
    ids = count(FIRST_IMPORTED, -1)
    return tuple(
        replace(found, origin=Origin.SUGGESTED, score=1.0 if found.score is None else min(max(found.score, 0.0), 1.0))
        for found in _converted(image.suggestions, data, categories, lambda: next(ids))
    )


def with_replaced(data: Dataset, store: Store) -> Dataset:
    """Return the dataset with a sentence on imported suggestions whose place it takes, if any. Reads the disk."""
    before = store.pools.names(store.imported_pool)
    taken = sum(head.suggestion_count > 0 and head.name in before for head in data.heads)
    text = plural(
        "The suggestions that were imported before for {n:,} photo are replaced.",
        "The suggestions that were imported before for {n:,} photos are replaced.",
        taken,
    )
    return replace(data, problems=(*data.problems, text)) if taken else data


def suggestions_added(number: int) -> str:
    """Return what is shown after suggestions were imported."""
    return plural(
        "{n:,} suggestion added: it is shown dashed until it is accepted or rejected.",
        "{n:,} suggestions added: they are shown dashed until they are accepted or rejected.",
        number,
    )


def fields_added(number: int) -> str:
    """Return what is shown after so many photos got fields and no objects."""
    return plural(
        "{n:,} photo got tags, a note or other fields alone.",
        "{n:,} photos got tags, notes or other fields alone.",
        number,
    )


def _converted(
    records: Iterable[ObjectRecord], data: Dataset, categories: Categories, new_id: Callable[[], int]
) -> Iterator[Annotation]:
    names = {record.name: record.keypoint_names for record in data.classes}
    for record in records:
        category = categories.find(record.class_name)
        if category is None:
            continue
        yield Annotation(
            new_id(),
            category.id,
            record.shape,
            _in_order(record.keypoints, names.get(record.class_name, ()), category.keypoint_names),
            Origin(record.origin) if record.origin in list(Origin) else Origin.DRAWN,
            record.score,
            record.is_box,
            record.is_crowd,
            record.extra or NOTHING,
        )


def lost_keypoints(data: Dataset, categories: Categories) -> int:
    """Return the number of labelled keypoints whose name the project's class of the same name does not have.

    Slow, if there may be any.
    """
    unknown: dict[str, list[bool]] = {}  # by class, of each of its keypoints
    for record in data.classes:
        category = categories.find(record.name)
        if category is not None:
            known = {name.casefold() for name in category.keypoint_names}
            unknown[record.name] = [name.casefold() not in known for name in record.keypoint_names]
    if not any(map(any, unknown.values())):
        return 0
    return sum(
        gone and point.visibility > 0
        for record in data.objects()
        for gone, point in zip(unknown.get(record.class_name, ()), record.keypoints, strict=False)
    )


def _in_order(points: Sequence[Point], names: Sequence[str], wanted: Sequence[str]) -> tuple[Keypoint, ...]:
    """Return keypoints in the order of the project's class, by their names; none where no name is known."""
    found = {name.casefold(): point for name, point in zip(names, points, strict=False)}
    if not any(name.casefold() in found for name in wanted):
        return ()
    ordered = (found.get(name.casefold(), Point(0, 0, 0)) for name in wanted)
    return tuple(Keypoint(p.x, p.y, Visibility(p.visibility)) for p in ordered)


def _to_record(annotation: Annotation, class_name: str) -> ObjectRecord:
    return ObjectRecord(
        class_name,
        annotation.shape,
        tuple(Point(k.x, k.y, int(k.visibility)) for k in annotation.keypoints),
        annotation.is_box,
        annotation.is_crowd,
        annotation.score,
        annotation.origin.value,
        annotation.extra,
    )
