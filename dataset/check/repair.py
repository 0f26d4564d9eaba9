"""A repaired copy of a COCO file: what nobody has to be asked about is made right, all else stays byte for byte."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.check.contents import read_contents
from dataset.check.findings import KINDS
from dataset.check.objects import read_batch
from dataset.check.repair_shapes import repair_shape
from dataset.check.run import DatasetCheck
from dataset.check.shapes import area_of, bounds_of
from dataset.coco.codec import encode_object
from dataset.coco.values import as_keypoints
from dataset.geometry import from_parts, to_parts
from dataset.json_text import decode_object, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataset.check.contents import Contents
    from dataset.check.findings import Finding
    from dataset.check.objects import ObjectBatch, ObjectEntry
    from dataset.coco.raw_file import RawCoco
    from dataset.json_text import Raw

_IMAGES = ("image_id", "image_id_twice", "size_missing", "size_turned")
_FIGURES = ("box", "box_wrong", "area_wrong", "num_keypoints")
_SHAPES = tuple(kind.name for kind in KINDS.values() if kind.repair == "shape")


@dataclass(frozen=True)
class Repaired:
    """What has become of a file."""

    raw: RawCoco
    repaired: list[Finding]
    """What is right now."""
    left: list[Finding]
    """What a check of the copy finds; about photos that look alike as the first check did."""


def repair(check: DatasetCheck) -> Repaired:
    """Return a repaired copy of what was checked."""
    findings = [finding for finding in check.findings if KINDS[finding.kind].repair and finding.place >= 0]
    contents = check.contents
    images, categories = _repaired_images(contents, findings), _repaired_classes(contents, findings)
    annotations, places = _repaired_objects(contents, findings)
    raw = replace(contents.raw, images=images, annotations=annotations, categories=categories)
    names = None if contents.folder is None else [image.photo for image in contents.images if image.is_found]
    again = DatasetCheck(read_contents(raw, contents.folder, names), replace(check.options, compares_photos=False))
    for _ in again.run():
        pass
    about_photos = ("photo_copy", "photo_near", "photo_unreadable")
    left = [finding for finding in again.findings if finding.kind not in about_photos]
    left += [finding for finding in check.findings if finding.kind in about_photos]
    wrong = {(f.kind, places[f.place] if KINDS[f.kind].repair and _is_of_object(f) else f.place) for f in left}
    return Repaired(raw, [finding for finding in findings if (finding.kind, finding.place) not in wrong], left)


def _is_of_object(finding: Finding) -> bool:
    return finding.kind in (*_SHAPES, *_FIGURES, "id", "id_twice", "object_copy")


def _changed(raw: Raw, fields: dict[str, Any]) -> Raw:
    """Return a record with other values of some fields, the others byte for byte."""
    return encode({**decode_object(raw), **fields})


def _repaired_images(contents: Contents, findings: list[Finding]) -> list[Raw]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.kind in _IMAGES:
            found[finding.place].add(finding.kind)
    keys = [image.key for image in contents.images]
    next_id = max((key for key in (*keys, *contents.ids.image_ids) if isinstance(key, int)), default=0)
    images = list(contents.raw.images)
    for image in contents.images:
        kinds, fields = found.get(image.place, set()), {}
        if kinds & {"image_id", "image_id_twice"}:
            next_id += 1
            fields["id"] = next_id
        if kinds & {"size_missing", "size_turned"} and image.size is not None:
            fields |= dict(zip(("width", "height"), image.size, strict=True))
        if fields:
            images[image.place] = _changed(images[image.place], fields)
    return images


def _repaired_classes(contents: Contents, findings: list[Finding]) -> list[Raw]:
    categories = list(contents.raw.categories)
    wanted = {finding.place for finding in findings if finding.kind == "class_id"}
    for category, place in zip(contents.table.categories, contents.table.places, strict=True):
        if place in wanted:
            categories[place] = _changed(categories[place], {"id": category.id})
    return categories


def _repaired_objects(contents: Contents, findings: list[Finding]) -> tuple[list[Raw], list[int]]:
    """Return the objects that are to be there, and the place that each had."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for finding in findings:
        if _is_of_object(finding):
            found[finding.place].add(finding.kind)
    annotations = list(contents.raw.annotations)
    for batch, entry in _entries(contents, found):
        fields = _fields(entry, batch, found[entry.place])
        if fields:
            annotations[entry.place] = _changed(annotations[entry.place], fields)
    next_id = max((key for key in contents.ids.ids if isinstance(key, int)), default=0)
    places = []
    for place in range(len(annotations)):
        kinds = found.get(place, set())
        if "object_copy" in kinds:
            continue
        if kinds & {"id", "id_twice"}:
            next_id += 1
            annotations[place] = _changed(annotations[place], {"id": next_id})
        places.append(place)
    return [annotations[place] for place in places], places


def _entries(contents: Contents, found: dict[int, set[str]]) -> Iterator[tuple[ObjectBatch, ObjectEntry]]:
    for image in contents.images:
        wanted = [place for place in image.annotations if found.get(place, set()) & {*_SHAPES, *_FIGURES}]
        if wanted:
            batch = read_batch(contents, [replace(image, annotations=wanted)])
            for entry in batch.objects:
                yield batch, entry


def _fields(entry: ObjectEntry, batch: ObjectBatch, kinds: set[str]) -> dict[str, Any]:
    """Return the fields of an object that are to be otherwise."""
    fields = _shape_fields(entry, kinds) if kinds & {*_SHAPES} else {}
    if not fields:
        fields = _figures(entry, batch, kinds)
    if "num_keypoints" in kinds:
        points = as_keypoints(entry.record.get("keypoints")) or []
        fields["num_keypoints"] = sum(v > 0 for v in points[2::3])
    return fields


def _shape_fields(entry: ObjectEntry, kinds: set[str]) -> dict[str, Any]:
    size, box = entry.image.size, entry.box
    if size is None or entry.mask is not None:
        return {}
    if entry.rings:
        shape = repair_shape(from_parts([[ring] for ring in entry.rings]), size)
        if shape.is_empty:
            return {}
        body = encode_object(to_parts(shape), (), size, is_crowd=entry.is_crowd)
        fields = {key: body[key] for key in ("segmentation", "area", "bbox")}
        own = entry.record.get("annotator")
        if "annotator" in body or isinstance(own, dict):
            kept = {key: value for key, value in own.items() if key != "parts"} if isinstance(own, dict) else {}
            fields["annotator"] = {**kept, **body.get("annotator", {})}
        return fields
    if box is None or min(box[2:]) <= 0:
        return {}
    x0, y0 = max(0.0, box[0]), max(0.0, box[1])
    x1, y1 = min(float(size[0]), box[0] + box[2]), min(float(size[1]), box[1] + box[3])
    if x1 <= x0 or y1 <= y0:
        return {}
    fields: dict[str, Any] = {"area": round((x1 - x0) * (y1 - y0), 2)}
    if "outline" in kinds:
        fields["segmentation"] = []
    return {**fields, "bbox": [round(v, 2) for v in (x0, y0, x1 - x0, y1 - y0)]}


def _figures(entry: ObjectEntry, batch: ObjectBatch, kinds: set[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if kinds & {"box", "box_wrong"}:
        around = bounds_of(entry, batch.outlines)
        points = np.reshape(as_keypoints(entry.record.get("keypoints")) or [], (-1, 3))
        labelled = points[points[:, 2] > 0, :2]
        if around is None and len(labelled):
            around = (*labelled.min(axis=0).tolist(), *labelled.max(axis=0).tolist())
        if around is not None:
            x0, y0, x1, y1 = around
            fields["bbox"] = [round(v, 2) for v in (x0, y0, x1 - x0, y1 - y0)]
    if "area_wrong" in kinds:
        area = area_of(entry, batch.outlines)
        if area is not None:
            fields["area"] = area
    return fields
