"""Class masks (semantic segmentation): for each photo a PNG whose pixels are numbers of classes, and `labelmap.txt`.

0 is background and 255 belongs to nothing. Masks in colours are read by the colours of the label map, as CVAT has them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

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
from dataset.formats.label_map import NAME, class_indices, find_label_map, label_map, read_label_map
from dataset.formats.mask_files import (
    MaskProblems,
    PhotoSizes,
    find_masks,
    mask_names,
    masks_folder,
    read_mask,
    shapes_in,
)
from dataset.formats.mask_pictures import MAX_INDEX, VOID, colours, distinct_colors, encode, in_painting_order, paint
from dataset.formats.stored_images import spooled
from dataset.geometry import bounds
from dataset.i18n import mark, plural, tr
from dataset.pictures.images import PhotoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from shapely import MultiPolygon

    from dataset.formats.base import OnProgress
    from dataset.formats.label_map import LabelMap

MASKS = "masks"
FOREGROUND = "object"
"""The class of masks of nothing but black and white."""
VOID_COLOR = 0xE0E0C0
"""VOC's, of what belongs to nothing."""


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the classes in the masks of a folder, or in one mask: an object of each class in a photo.

    Raises:
        FormatError: It cannot be read, or there are none.
    """
    problems = MaskProblems()
    files, folder, sizes = find_masks(source, images), masks_folder(source), PhotoSizes(images)
    labels = find_label_map(dict.fromkeys((folder, source if source.is_dir() else folder, folder.parent)))
    names: dict[int, str] = {}

    def read_images() -> Iterator[ImageRecord]:
        for file in watched(files, on_progress):
            if not file.photo:
                problems.missing += 1
                continue
            try:
                mask = read_mask(folder / file.name, sizes[file.photo])
                void = None if not labels.names and not np.any((mask > 0) & (mask < VOID)) else VOID
                shapes = shapes_in(mask, void)
                if len(shapes) > MAX_INDEX:
                    raise ValueError("more than there are classes")  # noqa: TRY301 - it is no mask of classes
            except (PhotoError, ValueError):
                problems.damaged.append(file.name)
                continue
            shapes = _by_index(shapes, labels) if mask.itemsize == 4 else shapes
            names.update({index: _class_name(index, labels) for index in shapes})
            objects = tuple(ObjectRecord(names[index], shape) for index, shape in shapes.items())
            yield ImageRecord(file.photo, sizes[file.photo], objects)

    records = spooled(read_images())
    if not records:
        text = tr("{file} holds no masks of these photos.", file=source)
        raise FormatError(" ".join((text, *problems.sentences())))
    listed = sorted((names | labels.names).items())
    classes = {name: ClassRecord(name, labels.colors.get(i, "")) for i, name in listed}
    return Dataset(images, tuple(classes.values()), records, problems.sentences())


def _class_name(index: int, labels: LabelMap) -> str:
    if index in labels.names:
        return labels.names[index]
    if index > VOID:  # a colour, see `_by_index`
        return f"#{index - VOID - 1:06x}"
    return FOREGROUND if index == VOID else f"class {index}"


def _by_index(shapes: Mapping[int, MultiPolygon], labels: LabelMap) -> dict[int, MultiPolygon]:
    """Return what has the colour of a class by the class's index, and other colours by numbers over 255."""
    known = {int(color[1:], 16): index for index, color in labels.colors.items()}
    found = {known.get(color, VOID + 1 + color): shape for color, shape in shapes.items() if color != VOID_COLOR}
    return dict(sorted(found.items()))


def write(data: Dataset, target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a mask of each image, and the label map.

    Classes that the target's `labelmap.txt` has already keep their index and colour.

    Raises:
        FormatError: That cannot be read.
    """
    indices = class_indices(data.classes, target / NAME)
    given = dict.fromkeys(indices.values(), "") | {indices[c.name]: c.color for c in data.classes if c.name in indices}
    colors = distinct_colors(given | read_label_map(target / NAME).colors)
    palette = colours()
    for index, color in colors.items():
        palette[index] = list(bytes.fromhex(color[1:]))
    for image, name in zip(data.images, mask_names(data.names), strict=True):
        unclear = [(VOID, record.shape) for record in image.objects if _is_void(record)]
        shapes = [
            (indices[record.class_name], record)
            for record in image.objects
            if not _is_void(record) and record.class_name in indices
        ]
        yield f"{MASKS}/{name}", encode(paint([*unclear, *in_painting_order(shapes)], image.size), palette)
    yield NAME, label_map({index: name for name, index in indices.items()}, colors)


def _is_void(record: ObjectRecord) -> bool:
    return record.is_crowd or record.is_box


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the files cannot hold."""
    counts: Counter[str] = Counter()
    known = {c.name for c in data.classes[:MAX_INDEX]}
    for image in data.images:
        kept = [r for r in image.objects if not _is_void(r) and bounds(r.shape) != (0, 0, 0, 0)]
        counts["crowds"] += sum(record.is_crowd for record in image.objects)
        counts["boxes"] += sum(record.is_box and not record.is_crowd for record in image.objects)
        counts["bare"] += sum(record.shape.is_empty for record in image.objects)
        counts["outlines"] += len(kept)
        counts["joined"] += len(kept) - len({record.class_name for record in kept})
        counts["unknown"] += sum(record.class_name not in known for record in kept)
        counts["keypoints"] += sum(any(p.visibility for p in record.keypoints) for record in image.objects)
        counts["fields"] += sum(bool(record.extra) for record in kept)
    crowds, boxes, bare, outlined, joined, unknown, points, fields = (
        counts[key] for key in ("crowds", "boxes", "bare", "outlines", "joined", "unknown", "keypoints", "fields")
    )
    said = (
        (crowds, plural("{n:,} crowd would become pixels that belong to nothing.",
                        "{n:,} crowds would become pixels that belong to nothing.", crowds)),
        (boxes, plural("{n:,} box would become pixels that belong to nothing: it has no mask.",
                       "{n:,} boxes would become pixels that belong to nothing: they have no masks.", boxes)),
        (bare, losses_of.without_outline(bare)),
        (outlined, plural("{n:,} outline would become a mask of whole pixels, which smaller ones cover.",
                          "{n:,} outlines would become masks of whole pixels, which smaller ones cover.", outlined)),
        (joined, plural("{n:,} object would be one with another of its class: a class mask has no objects.",
                        "{n:,} objects would be one with others of their class: a class mask has no objects.", joined)),
        (unknown, plural("{n:,} object would be left out: a mask has at most 254 classes.",
                         "{n:,} objects would be left out: a mask has at most 254 classes.", unknown)),
        (points, losses_of.keypoints(points)),
        (fields, losses_of.extra_fields(fields)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


FORMAT = Format("class_masks", mark("Class masks (PNG)"), "", read, write, losses=losses)
