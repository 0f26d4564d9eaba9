"""Projects of the DigitalSreeni image annotator: `.iap`, one JSON file for all images.

Its COCO export is read as COCO. An object is one ring, or a box with keypoints.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dataset.coco.codec import read_object
from dataset.coco.values import as_color, as_number, as_size
from dataset.formats.base import (
    NOTHING,
    ClassRecord,
    Dataset,
    Format,
    ImageRecord,
    ObjectRecord,
    Point,
    no_progress,
    watched,
)
from dataset.formats.joined_rings import join_rings, separate_rings
from dataset.formats.json_files import left_out, load_json, not_a_file_of, ring_losses
from dataset.formats.stored_images import spooled
from dataset.geometry import bounds, rectangle, to_parts
from dataset.i18n import mark, plural, tr
from dataset.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dataset.formats.base import OnProgress

TITLE = mark("DigitalSreeni image annotator")
BOX = "rectangle"
_OWN = frozenset(
    (
        *("segmentation", "bbox", "keypoints", "num_keypoints", "category_id", "category_name", "number", "type"),
        *("score", "iscrowd", "area", "id", "image_id"),
    )
)


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the annotations of a project.

    Raises:
        FormatError: It cannot be read, or is none.
    """
    body = load_json(source, tr(TITLE))
    listed = body.get("images") if isinstance(body, dict) else None
    if not isinstance(listed, list) or "annotations" in body or not isinstance(body.get("classes"), list):
        raise not_a_file_of(source, tr(TITLE), tr("it needs a list of images and one of classes"))
    classes = {record.name: record for record in map(_to_class, body["classes"]) if record}
    damaged = 0

    def read_images() -> Iterator[ImageRecord]:
        nonlocal damaged
        for image in watched(listed, on_progress):
            for part in _parts(image) if isinstance(image, dict) else ():
                objects, wrong = _to_objects(part.get("annotations"), as_size(image), classes)
                damaged += wrong
                yield ImageRecord(str(part.get("file_name", "")), as_size(image) or (0, 0), objects)

    records = spooled(read_images())
    return Dataset(images, tuple(classes.values()), records, left_out(0, damaged))


def _parts(image: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an image, or the slices that it consists of, which the tool exports as PNG."""
    slices = image.get("slices")
    if not isinstance(slices, list):
        return [image]
    return [{**entry, "file_name": f"{entry.get('name')}.png"} for entry in slices if isinstance(entry, dict)]


def _to_class(entry: object) -> ClassRecord | None:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not isinstance(entry, dict) or not name.strip():
        return None
    given = entry.get("keypoint_schema")
    schema = given if isinstance(given, dict) else {}
    names = schema.get("names")
    points = tuple(map(str, names)) if isinstance(names, list) else ()
    edges = schema.get("skeleton")
    skeleton = tuple(
        (edge[0], edge[1])
        for edge in (edges if isinstance(edges, list) else ())
        if isinstance(edge, list) and len(edge) == 2 and all(isinstance(n, int) and 0 <= n < len(points) for n in edge)
    )
    return ClassRecord(name, as_color(entry.get("color")), keypoint_names=points, skeleton=skeleton)


def _to_objects(
    annotations: object, size: tuple[int, int] | None, classes: dict[str, ClassRecord]
) -> tuple[tuple[ObjectRecord, ...], int]:
    """Return the objects of an image, and the number of those that cannot be read."""
    made = []
    damaged = 0
    for name, listed in annotations.items() if isinstance(annotations, dict) else ():
        record = classes.setdefault(name, ClassRecord(name))
        for entry in listed if isinstance(listed, list) else ():
            found = _to_object(entry, record, size) if isinstance(entry, dict) and name.strip() else None
            damaged += found is None
            made += [found] if found else []
    return tuple(made), damaged


def _to_object(entry: dict[str, Any], record: ClassRecord, size: tuple[int, int] | None) -> ObjectRecord | None:
    found = read_object(entry, size, len(record.keypoint_names))
    shape, is_box = found.shape, found.is_box
    if entry.get("type") == BOX and not shape.is_empty:
        shape, is_box = rectangle(*bounds(shape)), True
    elif len(shape.geoms) == 1 and not is_box:
        shape = separate_rings(to_parts(shape)[0][0])
    flat = found.keypoints
    points = tuple(Point(x, y, int(v)) for x, y, v in zip(flat[::3], flat[1::3], flat[2::3], strict=True))
    if shape.is_empty and not points:
        return None
    score = as_number(entry.get("score"))
    extra = {key: value for key, value in entry.items() if key not in _OWN}
    return ObjectRecord(record.name, shape, points, is_box, found.is_crowd, score, extra=extra or NOTHING)


def write(data: Dataset, target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the one file of a project."""
    numbers = {c.name: number for number, c in enumerate(data.classes, 1)}
    folder = data.folder.resolve()
    paths = {name: str(folder / name) for name in data.names}
    body = {
        "classes": [_from_class(c) for c in data.classes],
        "images": [
            {
                "file_name": image.name,
                "width": image.size[0],
                "height": image.size[1],
                "is_multi_slice": False,
                "annotations": _from_objects(image, numbers),
            }
            for image in data.images
        ],
        "image_paths": paths,
        "image_paths_rel": {name: relative for name, path in paths.items() if (relative := _relative(path, target))},
        "notes": "",
    }
    yield "", encode(body)


def _relative(path: str, target: Path) -> str:
    try:
        return os.path.relpath(path, target.resolve().parent).replace(os.sep, "/")
    except ValueError:  # another drive
        return ""


def _from_class(record: ClassRecord) -> dict[str, Any]:
    body: dict[str, Any] = {"name": record.name, "color": record.color or "#ff0000"}
    if record.keypoint_names:
        names = list(record.keypoint_names)
        body["keypoint_schema"] = {"names": names, "skeleton": record.skeleton, "flip_idx": list(range(len(names)))}
    return body


def _from_objects(image: ImageRecord, numbers: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {}
    for record in filter(_is_kept, image.objects):
        listed = made.setdefault(record.class_name, [])
        head = {
            "category_id": numbers[record.class_name],
            "category_name": record.class_name,
            "number": len(listed) + 1,
        }
        listed.append({**record.extra, **head, **_from_object(record)})
    return made


def _from_object(record: ObjectRecord) -> dict[str, Any]:
    x0, y0, x1, y1 = bounds(record.shape)
    body: dict[str, Any] = {} if record.score is None else {"score": record.score}
    if record.is_crowd:
        body["iscrowd"] = 1
    if _is_posed(record):
        labelled = [(p.x, p.y) for p in record.keypoints if p.visibility]
        if record.shape.is_empty:
            (x0, y0), (x1, y1) = map(min, zip(*labelled, strict=True)), map(max, zip(*labelled, strict=True))
        body["keypoints"] = [value for point in record.keypoints for value in point]
        body["num_keypoints"] = len(labelled)
        return body | {"bbox": _box(x0, y0, x1, y1)}
    body["segmentation"] = join_rings(record.shape).ravel().tolist()
    return body | {"type": BOX, "bbox": _box(x0, y0, x1, y1)} if record.is_box else body


def _box(x0: float, y0: float, x1: float, y1: float) -> list[float]:
    return [x0, y0, round(x1 - x0, 6), round(y1 - y0, 6)]


def _is_posed(record: ObjectRecord) -> bool:
    return any(point.visibility for point in record.keypoints)


def _is_kept(record: ObjectRecord) -> bool:
    return not record.shape.is_empty or _is_posed(record)


def losses(data: Dataset) -> list[str]:
    """Return sentences about what a project cannot hold."""
    posed = (record for record in data.objects() if _is_posed(record))
    outlined = sum(not record.is_box and not record.shape.is_empty for record in posed)
    text = plural("{n:,} outline would become a box: an object with keypoints has no outline there.",
                  "{n:,} outlines would become boxes: an object with keypoints has no outline there.",
                  outlined)  # fmt: skip
    rest = (record for record in data.objects() if not _is_posed(record))
    found = ring_losses(rest, _is_kept, lambda record: set(record.extra) & _OWN)
    return [*([text] if outlined else []), *found]


FORMAT = Format("digitalsreeni", TITLE, ".iap", read, write, losses=losses)
