"""Instance masks: for each photo a PNG of 16 bits whose pixels are numbers of objects, and `objects.csv` of classes.

Masks of other tools are read without that file, too, indexed and in colours, and as a file for each object.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from dataset.coco.values import as_whole
from dataset.formats import losses as losses_of
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    no_progress,
    watched,
)
from dataset.formats.csv_text import CsvError, encode_rows, read_rows
from dataset.formats.mask_files import (
    MaskProblems,
    PhotoSizes,
    find_masks,
    mask_names,
    masks_folder,
    read_mask,
    shapes_in,
)
from dataset.formats.mask_pictures import MAX_OBJECTS, VOID, encode, in_painting_order, paint
from dataset.formats.stored_images import spooled
from dataset.i18n import mark, plural, tr
from dataset.pictures.images import PhotoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataset.formats.base import OnProgress
    from dataset.formats.mask_files import MaskFile

MASKS = "masks"
NAME = "objects.csv"
HEADER = ("mask", "value", "class")
UNNAMED = "object"


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the objects in the masks of a folder, or in one mask.

    The class of an object is as `objects.csv` has it, else as its own file is called, else "object".

    Raises:
        FormatError: It cannot be read, or there are none.
    """
    problems = MaskProblems()
    files, folder, sizes = find_masks(source, images), masks_folder(source), PhotoSizes(images)
    names = _class_names(folder if (folder / NAME).exists() else folder.parent)
    classes = dict.fromkeys(names.values())

    def read_images() -> Iterator[ImageRecord]:
        for file in watched(files, on_progress):
            if not file.photo:
                problems.missing += 1
                continue
            try:
                objects = _objects(folder, file, sizes[file.photo], names)
            except (PhotoError, ValueError):
                problems.damaged.append(file.name)
                continue
            classes.update(dict.fromkeys(record.class_name for record in objects))
            yield ImageRecord(file.photo, sizes[file.photo], objects)

    records = spooled(read_images())
    if not records:
        text = tr("{file} holds no masks of these photos.", file=source)
        raise FormatError(" ".join((text, *problems.sentences())))
    return Dataset(images, tuple(map(ClassRecord, classes)), records, problems.sentences())


def _objects(
    folder: Path, file: MaskFile, size: tuple[int, int], names: dict[tuple[str, int], str]
) -> tuple[ObjectRecord, ...]:
    mask = read_mask(folder / file.name, size)
    is_binary = not np.any((mask > 0) & (mask < VOID))
    shapes = shapes_in(mask, None if is_binary else VOID)
    fallback = (file.class_name if file.of_object else "") or UNNAMED
    return tuple(ObjectRecord(names.get((file.name, value), fallback), shape) for value, shape in shapes.items())


def _class_names(folder: Path) -> dict[tuple[str, int], str]:
    """Return the classes of objects, by mask and value; none where there is no file of them."""
    if not (folder / NAME).exists():
        return {}
    try:
        rows = [row for row in read_rows(folder / NAME) if len(row) == len(HEADER)]
    except CsvError as error:
        raise FormatError(str(error)) from None
    pairs = ((mask, as_whole(value), name.strip()) for mask, value, name in rows)
    return {(mask, value): name for mask, value, name in pairs if value is not None and name}


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a mask of each image, and the classes of the objects."""
    rows: list[tuple[str | int, ...]] = [HEADER]
    for image, name in zip(data.images, mask_names(data.names), strict=True):
        kept = [record for record in image.objects if _is_kept(record)][:MAX_OBJECTS]
        yield f"{MASKS}/{name}", encode(paint(in_painting_order(enumerate(kept, 1)), image.size, np.uint16))
        rows += [(str(PurePosixPath(name)), i, record.class_name) for i, record in enumerate(kept, 1)]
    yield NAME, encode_rows(rows)


def _is_kept(record: ObjectRecord) -> bool:
    return not (record.is_crowd or record.is_box or record.shape.is_empty)


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the files cannot hold."""
    counts: Counter[str] = Counter()
    for image in data.images:
        kept = [record for record in image.objects if _is_kept(record)]
        counts["crowds"] += sum(record.is_crowd for record in image.objects)
        counts["boxes"] += sum(record.is_box and not record.is_crowd for record in image.objects)
        counts["bare"] += sum(record.shape.is_empty and not record.is_crowd for record in image.objects)
        counts["outlines"] += len(kept[:MAX_OBJECTS])
        counts["many"] += len(kept[MAX_OBJECTS:])
        counts["keypoints"] += sum(any(p.visibility for p in record.keypoints) for record in kept)
        counts["fields"] += sum(bool(record.extra) for record in kept)
    crowds, boxes, bare, outlined, many, points, fields = (
        counts[key] for key in ("crowds", "boxes", "bare", "outlines", "many", "keypoints", "fields")
    )
    said = (
        (crowds, losses_of.crowds(crowds)),
        (boxes, plural("{n:,} box would be left out: it has no mask.",
                       "{n:,} boxes would be left out: they have no masks.", boxes)),
        (bare, losses_of.without_outline(bare)),
        (outlined, plural("{n:,} outline would become a mask of whole pixels, which smaller ones cover.",
                          "{n:,} outlines would become masks of whole pixels, which smaller ones cover.", outlined)),
        (many, plural("{n:,} object would be left out: a mask has at most 65,535.",
                      "{n:,} objects would be left out: a mask has at most 65,535.", many)),
        (points, losses_of.keypoints(points)),
        (fields, losses_of.extra_fields(fields)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


FORMAT = Format("instance_masks", mark("Instance masks (PNG)"), "", read, write, losses=losses)
