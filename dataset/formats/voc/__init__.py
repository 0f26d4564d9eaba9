"""Pascal VOC: an XML file of boxes for each photo, and masks of outlines as indexed pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from dataset.formats import losses as losses_of
from dataset.formats import mask_pictures as masks
from dataset.formats.base import Format
from dataset.formats.label_map import NAME, class_indices, label_map
from dataset.formats.photo_files import separate_stems
from dataset.formats.safe_xml import xml_text
from dataset.formats.voc.reading import (
    ANNOTATIONS,
    ATTRIBUTES,
    CLASS_MASKS,
    FLAGS,
    NO_POSE,
    OBJECT_MASKS,
    PHOTOS,
    POSE,
    read,
)
from dataset.geometry import bounds
from dataset.i18n import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dataset.formats.base import Content, Dataset, ImageRecord, ObjectRecord


def write(data: Dataset, target: Path) -> Iterator[tuple[str, Content]]:
    """Yield the label map, and photo, XML and masks of each image, and the lists of images.

    Classes that the target's `labelmap.txt` has already keep their index.

    Raises:
        FormatError: That cannot be read.
    """
    indices = class_indices(data.classes, target / NAME)
    stems: dict[str, bool] = {}  # whether there are masks
    for image, path in zip(data.images, separate_stems(data.names), strict=True):
        stem = str(PurePosixPath(path).with_suffix(""))
        kept = [record for record in image.objects if _is_kept(record, image.size)]
        stems[stem] = has_masks = any(not record.is_box for record in kept)
        yield f"{PHOTOS}/{path}", data.folder / image.name
        yield f"{ANNOTATIONS}/{stem}.xml", _xml(image, path, kept, has_masks=has_masks)
        if has_masks:
            crowds = [(masks.VOID, record.shape) for record in image.objects if record.is_crowd]
            shapes = [(i, r) for i, r in enumerate(kept, 1) if not r.is_box and i <= masks.MAX_INDEX]
            of_objects = [*crowds, *((i, record.shape) for i, record in shapes)]
            yield f"{OBJECT_MASKS}/{stem}.png", masks.encode(masks.paint(of_objects, image.size))
            of_classes = [*crowds, *((indices[r.class_name], r.shape) for _, r in shapes if r.class_name in indices)]
            yield f"{CLASS_MASKS}/{stem}.png", masks.encode(masks.paint(of_classes, image.size))
    for name, listed in (("Main", list(stems)), ("Segmentation", [stem for stem, has in stems.items() if has])):
        yield f"ImageSets/{name}/train.txt", "".join(f"{stem}\n" for stem in listed).encode(errors="surrogateescape")
    yield NAME, label_map({index: name for name, index in indices.items()})


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the files cannot hold."""
    counts: Counter[str] = Counter()
    for image in data.images:
        kept = [record for record in image.objects if _is_kept(record, image.size)]
        counts["crowds"] += sum(record.is_crowd for record in image.objects)
        counts["bare"] += sum(not record.is_crowd for record in image.objects) - len(kept)
        counts["many"] += sum(not record.is_box for record in kept[masks.MAX_INDEX :])
        for record in kept:
            counts["keypoints"] += any(point.visibility for point in record.keypoints)
            counts["outlines"] += not record.is_box
            counts["boxes"] += record.is_box and any(value % 1 for value in bounds(record.shape))
            counts["fields"] += bool(_lost_fields(record))
    crowds, bare, many, keypoints, outlines, boxes, fields = (
        counts[key] for key in ("crowds", "bare", "many", "keypoints", "outlines", "boxes", "fields")
    )
    said = (
        (crowds, plural("{n:,} crowd would become pixels that belong to nothing.",
                        "{n:,} crowds would become pixels that belong to nothing.", crowds)),
        (bare, losses_of.without_outline(bare)),
        (outlines, plural("{n:,} outline would become a mask of whole pixels, which later ones cover.",
                          "{n:,} outlines would become masks of whole pixels, which later ones cover.", outlines)),
        (many, plural("{n:,} outline would become a box: a photo has at most 254 masks.",
                      "{n:,} outlines would become boxes: a photo has at most 254 masks.", many)),
        (boxes, plural("{n:,} box would be rounded to whole pixels.",
                       "{n:,} boxes would be rounded to whole pixels.", boxes)),
        (keypoints, losses_of.keypoints(keypoints)),
        (fields, losses_of.extra_fields(fields)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


def _is_kept(record: ObjectRecord, size: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = bounds(record.shape)
    return not record.is_crowd and min(x1, size[0]) > max(x0, 0) and min(y1, size[1]) > max(y0, 0)


def _attributes(record: ObjectRecord) -> Mapping[str, Any]:
    given = record.extra.get(ATTRIBUTES)
    return given if isinstance(given, dict) else {}


def _lost_fields(record: ObjectRecord) -> set[str]:
    return (set(record.extra) - {ATTRIBUTES}) | (set(_attributes(record)) - {*FLAGS, POSE})


def _xml(image: ImageRecord, path: str, kept: Sequence[ObjectRecord], *, has_masks: bool) -> bytes:
    root = Element("annotation")
    _add(root, folder=PHOTOS, filename=PurePosixPath(path).name)
    _add(SubElement(root, "size"), width=image.size[0], height=image.size[1], depth=3)
    _add(root, segmented=int(has_masks))
    for record in kept:
        attributes = _attributes(record)
        item = SubElement(root, "object")
        _add(item, name=record.class_name, pose=attributes.get(POSE, NO_POSE))
        _add(item, **{flag: int(attributes.get(flag) is True) for flag in FLAGS})
        _add(SubElement(item, "bndbox"), **_sides(record, image.size))
    indent(root)
    return tostring(root, "utf-8")


def _add(parent: Element, **values: object) -> None:
    """Add an element of text for each value."""
    for tag, value in values.items():
        SubElement(parent, tag).text = xml_text(str(value))


def _sides(record: ObjectRecord, size: tuple[int, int]) -> dict[str, int]:
    """Return the first and the last pixel of a box along each axis, counted from 1."""
    x0, y0, x1, y1 = bounds(record.shape)
    left, top = (min(max(round(low), 0), length - 1) for low, length in ((x0, size[0]), (y0, size[1])))
    right, bottom = min(max(round(x1), left + 1), size[0]), min(max(round(y1), top + 1), size[1])
    return {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}


FORMAT = Format("voc", "Pascal VOC", "", read, write, losses=losses)
