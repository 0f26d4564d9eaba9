"""YOLO datasets as Ultralytics reads them: `data.yaml`, and for each photo boxes, outlines or poses in a text file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dataset.formats import losses as losses_of
from dataset.formats.base import Format
from dataset.formats.photo_files import separate_stems
from dataset.formats.yolo.data_yaml import NAME, SPLITS, data_yaml, read_data_yaml
from dataset.formats.yolo.lines import box_around, box_line, outline_line, pose_line, within
from dataset.formats.yolo.reading import IMAGES, label_path, read
from dataset.geometry import bounds, to_parts
from dataset.i18n import plural
from dataset.photo_names import file_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dataset.formats.base import Content, Dataset, ImageRecord, ObjectRecord


def write(data: Dataset, target: Path) -> Iterator[tuple[str, Content]]:
    """Yield `data.yaml`, and photo and labels of each image.

    Classes that the target has already keep their index; a photo that is in its split for validation or tests stays
    there, and all others go where `data.splits` has them, or train.

    Raises:
        FormatError: The target's `data.yaml` is damaged.
    """
    names = _class_names(data, target / NAME)
    indices = {name: index for index, name in names.items()}
    is_posed = _is_posed(data)
    is_segmented = not is_posed and _is_segmented(data)
    count = max((len(c.keypoint_names) for c in data.classes), default=0) if is_posed else 0
    splits = {split: {f"{IMAGES}/{split}"} for split in SPLITS if (target / IMAGES / split).is_dir()}
    folder, root = data.folder.resolve(), target.resolve()
    for image, path in zip(data.images, separate_stems(data.names), strict=True):
        own = folder / image.name
        if own.is_relative_to(root / IMAGES):  # it is one of the target's photos
            photo = own.relative_to(root).as_posix()
            base = "/".join(photo.split("/")[:-1][:2])
            split = next((s for s in SPLITS if base.startswith(f"{IMAGES}/{s}")), "train")
        else:
            own_split = data.splits.get(image.name, "train")
            split = next((s for s in ("val", "test") if file_in(target, f"{IMAGES}/{s}/{path}")), own_split)
            base = f"{IMAGES}/{split}"
            photo = f"{base}/{path}"
        splits.setdefault(split, set()).add(base)
        lines = [f"{line}\n" for line in _lines(image, indices, count, is_segmented=is_segmented)]
        yield photo, own
        yield label_path(photo), "".join(lines).encode()
    train = splits.get("train") or {base for bases in splits.values() for base in bases}
    splits = {"train": train, "val": train, **splits}  # Ultralytics wants both
    folders = {split: next(iter(bases)) if len(bases) == 1 else sorted(bases) for split, bases in splits.items()}
    yield NAME, data_yaml(data.classes if is_posed else (), indices, names, folders)


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the files cannot hold."""
    is_posed = _is_posed(data)
    counts = _count_losses(data, is_posed=is_posed)
    crowds, bare, cut, fields = (counts[key] for key in ("crowds", "bare", "cut", "fields"))
    holes, parts, boxes, outlines = (counts[key] for key in ("holes", "parts", "boxes", "outlines"))
    skeletons = sum(bool(c.skeleton) for c in data.classes) if is_posed else 0
    said = (
        (crowds, losses_of.crowds(crowds)),
        (bare, losses_of.without_outline(bare)),
        (cut, plural("{n:,} object would be cut off at the photo's border.",
                     "{n:,} objects would be cut off at the photo's border.", cut)),
        (outlines, plural("{n:,} outline would become a box: with keypoints there are no outlines.",
                          "{n:,} outlines would become boxes: with keypoints there are no outlines.", outlines)),
        (boxes, plural("{n:,} box would become an outline: with outlines there are no boxes.",
                       "{n:,} boxes would become outlines: with outlines there are no boxes.", boxes)),
        (holes, plural("{n:,} hole would be joined to its outline by a line.",
                       "{n:,} holes would be joined to their outlines by a line.", holes)),
        (parts, plural("{n:,} object of several parts would be one outline, joined by lines.",
                       "{n:,} objects of several parts would be one outline each, joined by lines.", parts)),
        (skeletons, plural("The lines of {n:,} skeleton would be left out.",
                           "The lines of {n:,} skeletons would be left out.", skeletons)),
        (fields, losses_of.extra_fields(fields)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


def _count_losses(data: Dataset, *, is_posed: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    is_segmented = not is_posed and _is_segmented(data)
    for image in data.images:
        for record in image.objects:
            if record.is_crowd:
                counts["crowds"] += 1
                continue
            fits = within(record.shape, image.size) is record.shape
            if not _is_kept(record, image.size, is_posed=is_posed):
                counts["bare" if fits else "cut"] += 1
                continue
            counts["cut"] += not fits
            counts["fields"] += bool(record.extra)
            if is_posed:
                counts["outlines"] += not record.is_box and not record.shape.is_empty
            elif is_segmented:
                counts["boxes"] += record.is_box
                counts["holes"] += sum(len(part) - 1 for part in to_parts(record.shape))
                counts["parts"] += len(record.shape.geoms) > 1
    return counts


def _is_kept(record: ObjectRecord, size: tuple[int, int], *, is_posed: bool) -> bool:
    if is_posed:
        return box_around(record, size) is not None
    return not within(record.shape, size).is_empty


def _is_posed(data: Dataset) -> bool:
    """Return whether there are keypoints: all lines are poses then."""
    if not any(c.keypoint_names for c in data.classes):
        return False
    return any(p.visibility for r in data.objects() if not r.is_crowd for p in r.keypoints)


def _is_segmented(data: Dataset) -> bool:
    """Return whether there are outlines. Boxes become some then: Ultralytics drops all outlines of a dataset else."""
    return any(not (r.is_box or r.is_crowd or r.shape.is_empty) for r in data.objects())


def _class_names(data: Dataset, file: Path) -> dict[int, str]:
    """Return the names of classes by index: first those of the target's `data.yaml`, as they are."""
    names = read_data_yaml(file).names if file.exists() else {}
    known = set(names.values())
    first = max(names, default=-1) + 1
    new = [c.name for c in data.classes if c.name not in known]
    return names | dict(enumerate(new, first))


def _lines(image: ImageRecord, indices: Mapping[str, int], keypoints: int, *, is_segmented: bool) -> Iterator[str]:
    """Yield an image's lines: poses of so many keypoints, or without any outlines or boxes."""
    for record in image.objects:
        if record.is_crowd or not _is_kept(record, image.size, is_posed=keypoints > 0):
            continue
        index, shape = indices[record.class_name], within(record.shape, image.size)
        if keypoints:
            corners = box_around(record, image.size)
            assert corners is not None, "of one that is kept"
            yield pose_line(index, corners, record.keypoints, keypoints, image.size)
        elif is_segmented:
            yield outline_line(index, shape, image.size)
        else:
            yield box_line(index, bounds(shape), image.size)


FORMAT = Format("yolo", "YOLO (Ultralytics)", "", read, write, losses=losses, has_splits=True)
