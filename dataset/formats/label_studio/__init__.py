"""Label Studio's tasks, one JSON file for all images.

A region has coordinates in percent of the image. An object of one outline is a region of RectangleLabels or
PolygonLabels, one of several parts or with holes of BrushLabels; its keypoints are regions of KeyPointLabels with the
object's region as `parentID`. Regions and results of one id belong together.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import numpy as np

from dataset import rle
from dataset.affine import rotation
from dataset.coco.values import as_number, as_size
from dataset.formats import losses as losses_of
from dataset.formats.base import (
    MAX_COORDINATE,
    NOTHING,
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
    no_progress,
    watched,
)
from dataset.formats.label_studio.brush import decode_brush, encode_brush
from dataset.formats.label_studio.results import (
    LabelingTask,
    OmittedResult,
    RegionResult,
    as_score,
    raw_tasks,
    read_task,
    sentences,
)
from dataset.formats.label_studio.tasks import common_order, photo_names, region_label
from dataset.formats.stored_images import spooled
from dataset.geometry import bounds, ellipse, from_parts, rectangle, to_parts
from dataset.i18n import plural, tr
from dataset.json_text import encode
from dataset.masks import is_of_pixels, rasterize, trace
from dataset.photo_names import file_in
from dataset.pictures.images import PhotoError, photo_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from shapely import MultiPolygon

    from dataset.formats.base import OnProgress

ELLIPSE_SIDES = 64
UNNAMED = "object"
DECIMALS = 4
"""Of coordinates in pixels: what percent have beyond is rounding."""
_ORIGINS = {"manual": "drawn", "prediction": "suggested", "prediction-changed": "edited"}
_ORIGIN_NAMES = {origin: name for name, origin in _ORIGINS.items()}
_NOTES = ("choices", "textarea", "number", "rating", "taxonomy")
"""Results that say something of a region: its attributes."""


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the annotations of the tasks of a file: of a task with several, the ground truth, else the last one.

    What its last prediction has are suggestions.

    Raises:
        FormatError: The file cannot be read, or has no tasks of Label Studio's.
    """
    counts: Counter[OmittedResult] = Counter()
    raws, urls = [], []
    for raw in watched(raw_tasks(source), lambda done, total: on_progress(done, 3 * total)):
        if task := read_task(raw, Counter()):
            raws.append(raw)
            urls.append(task.url)
    if not raws:
        text = tr("{file} holds no tasks of Label Studio: have it export JSON, not JSON-MIN.", file=source)
        raise FormatError(text)
    names = photo_names(urls, images)
    classes: dict[str, dict[tuple[str, ...], None]] = {}

    def read_tasks(
        omitted: Counter[OmittedResult], third: int
    ) -> Iterator[tuple[LabelingTask, tuple[int, int], list[_Region], list[_Region]]]:
        """Yield each task, its size, its regions and those predicted. All take several times what the file does."""
        for raw in watched(raws, lambda done, total: on_progress(third * total + done, 3 * total)):
            if task := read_task(raw, omitted):
                size = _size(task, images, names[task.url])
                regions, predicted = (_regions(r, size, classes, omitted) for r in (task.results, task.predicted))
                yield task, size, regions, predicted

    for _ in read_tasks(Counter(), 1):  # all classes, and all of their keypoints
        pass
    made = {name: ClassRecord(name, keypoint_names=common_order(points)) for name, points in classes.items()}
    found = spooled(
        ImageRecord(
            names[task.url],
            size,
            tuple(_to_object(region, made[region.label]) for region in regions),
            tuple(_to_object(region, made[region.label], task.score) for region in predicted),
        )
        for task, size, regions, predicted in read_tasks(counts, 2)
    )
    return Dataset(images, tuple(made.values()), found, sentences(counts))


def _size(task: LabelingTask, images: Path, name: str) -> tuple[int, int]:
    """Return the size that results give, else that of the photo; (0, 0) where neither is known."""
    for result in (*task.results, *task.predicted):
        size = as_size({"width": result.original_width, "height": result.original_height})
        if size:
            return size
    path = file_in(images, name)
    try:
        return photo_size(path) if path else (0, 0)
    except PhotoError:
        return 0, 0


class _Region(msgspec.Struct):
    """What results of one id are together."""

    label: str
    shape: MultiPolygon
    points: dict[str, Point]
    result: RegionResult
    is_box: bool
    notes: dict[str, str]


def _regions(
    results: Sequence[RegionResult],
    size: tuple[int, int],
    classes: dict[str, dict[tuple[str, ...], None]],
    counts: Counter[OmittedResult],
) -> list[_Region]:
    regions: dict[str | int, _Region] = {}
    points: dict[str | int, tuple[RegionResult, Point]] = {}
    labels = {r.id: label for r in results if (label := region_label(r.type, r.value))}
    notes, drawn = _notes(results)
    for place, result in enumerate(drawn):
        key = result.id or -place
        if key in regions or key in points:  # its label, which is known
            continue
        try:
            made = None if result.image_rotation else _shape(result.value, size)
        except (ValueError, TypeError, OverflowError):
            counts[OmittedResult.DAMAGED] += 1
            continue
        if made is None:
            counts[OmittedResult.TURNED if result.image_rotation else OmittedResult.KIND] += 1
        elif isinstance(made, Point):
            points[key] = result, made
        else:
            is_box = "height" in result.value and not as_number(result.value.get("rotation"))
            regions[key] = _Region(labels.get(result.id, UNNAMED), made, {}, result, is_box, {})
    for key, (result, point) in points.items():
        owner = regions.get(result.parentID or "")
        label = labels.get(result.id, UNNAMED)
        if owner is None or owner.shape.is_empty or label in owner.points:
            regions[key] = _Region(label, from_parts([]), {"1": point}, result, is_box=False, notes={})
        else:
            owner.points[label] = point
    counts[OmittedResult.KIND] += len(notes.keys() - regions.keys())
    for key, region in regions.items():
        region.notes = notes.get(key, {})
        classes.setdefault(region.label, {})[tuple(region.points)] = None
    return list(regions.values())


def _notes(results: Iterable[RegionResult]) -> tuple[dict[str | int, dict[str, str]], list[RegionResult]]:
    """Return what results say of regions, by id, and the results that are regions."""
    notes: dict[str | int, dict[str, str]] = {}
    drawn = []
    for result in results:
        if result.type in _NOTES:
            given = result.value.get(result.type)
            notes.setdefault(result.id, {})[result.from_name] = _note(given)
        else:
            drawn.append(result)
    return notes, drawn


def _note(given: object) -> str:
    values = given if isinstance(given, list) else [given]
    return ", ".join(" / ".join(map(str, v)) if isinstance(v, list) else str(v) for v in values)


def _to_object(region: _Region, record: ClassRecord, score: float | None = None) -> ObjectRecord:
    """Return the object of a region; `score` is that of the whole, where the region has none of its own."""
    names = record.keypoint_names if region.points else ()
    points = tuple(region.points.get(name, Point(0, 0, 0)) for name in names)
    own = as_score(region.result.score)
    score = score if own is None else own
    extra = {"attributes": region.notes} if region.notes else NOTHING
    origin = _ORIGINS.get(region.result.origin, "")
    return ObjectRecord(region.label, region.shape, points, region.is_box, False, score, origin, extra)


# Shapes


def _shape(value: Mapping[str, Any], size: tuple[int, int]) -> MultiPolygon | Point | None:
    """Return the outline or the point of a region, None for what is neither. Raises ValueError or TypeError."""
    if "rle" in value:
        parts = trace(decode_brush(value["rle"], size))
        if not parts:
            raise ValueError("an empty mask")
        return from_parts(parts)
    if not any(key in value for key in ("points", "x")):
        return None
    if min(size) < 1:
        raise ValueError("the size of its image is not known")
    if "points" in value:
        ring = _pixels(value["points"], size)
        if len(ring) < 3:
            raise ValueError("fewer than three points")
        return from_parts([[ring]])
    x, y = _pixels([(value["x"], value.get("y"))], size)[0].tolist()
    if "radiusX" in value:
        ((across, down),) = _pixels([(value["radiusX"], value.get("radiusY"))], size).tolist()
        shape = from_parts([[ellipse((x, y), (across, down))]])
    elif "height" in value:
        ((width, height),) = _pixels([(value.get("width"), value["height"])], size).tolist()
        shape = rectangle(x, y, round(x + width, DECIMALS), round(y + height, DECIMALS))
    else:
        return Point(x, y, 2)
    degrees = as_number(value.get("rotation")) or 0
    return rotation(degrees, (x, y)).shape(shape) if degrees else shape


def _pixels(percent: object, size: tuple[int, int]) -> np.ndarray:
    """Return points (N, 2) in pixels. Raises ValueError or TypeError."""
    points = np.array(percent, float).reshape(-1, 2) * size / 100
    if not (np.abs(points) <= MAX_COORDINATE).all():
        raise ValueError("coordinates far outside any image")
    return np.round(points, DECIMALS)


# Writing


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the one file of a dataset. Images are named as files of a local storage that has the folder."""
    yield "", _tasks(data)


def _tasks(data: Dataset) -> Iterator[bytes]:
    opening = b"["
    names = {c.name: c.keypoint_names for c in data.classes}
    for number, image in enumerate(data.images, 1):
        path = f"{data.folder.resolve().name}/{image.name}"
        url = "/data/local-files/?d=" + quote(path, errors="surrogateescape")
        results = [
            r for place, o in enumerate(image.objects, 1) for r in _results(o, f"{number}-{place}", image, names)
        ]
        annotation = {"id": number, "result": results, "was_cancelled": False, "ground_truth": False}
        yield opening + encode({"id": number, "data": {"image": url}, "annotations": [annotation], "predictions": []})
        opening = b","
    yield b"]" if data.images else b"[]"


def _results(
    record: ObjectRecord, region: str, image: ImageRecord, names: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    if record.shape.is_empty:
        return
    kind, value = _region_value(record, image.size)
    common: dict[str, Any] = {
        "to_name": "image",
        "original_width": image.size[0],
        "original_height": image.size[1],
        "image_rotation": 0,
        "origin": _ORIGIN_NAMES.get(record.origin, "manual"),
    }
    labels = {"id": region, "type": kind, "from_name": kind, "value": value | {kind: [record.class_name]}}
    yield labels | common | ({} if record.score is None else {"score": record.score})
    for place, (name, point) in enumerate(zip(names[record.class_name], record.keypoints, strict=False), 1):
        if point.visibility:
            ((x, y),) = _percent([(point.x, point.y)], image.size)
            kind = "keypointlabels"
            value = {"x": x, "y": y, "width": 0.5, kind: [name]}
            yield {
                "id": f"{region}-{place}",
                "type": kind,
                "from_name": kind,
                "parentID": region,
                "value": value,
            } | common


def _region_value(record: ObjectRecord, size: tuple[int, int]) -> tuple[str, dict[str, Any]]:
    """Return the type of an object's region, and its value without labels."""
    if record.is_box:
        x0, y0, x1, y1 = bounds(record.shape)
        (x, y), (width, height) = _percent([(x0, y0), (x1 - x0, y1 - y0)], size)
        return "rectanglelabels", {"x": x, "y": y, "width": width, "height": height, "rotation": 0}
    parts = to_parts(record.shape)
    if record.needs_mask:
        mask = rle.decode(rasterize(parts, size))
        if mask.any():
            return "brushlabels", {"format": "rle", "rle": encode_brush(mask)}
    return "polygonlabels", {"points": _percent(parts[0][0], size), "closed": True}


def _percent(points: Iterable[Any], size: tuple[int, int]) -> list[list[float]]:
    return (np.array(points, float).reshape(-1, 2) * 100 / size).tolist()


def losses(data: Dataset) -> list[str]:
    """Return sentences about what Label Studio's tasks cannot hold."""
    masks = bare = occluded = crowds = unknown = 0
    for r in data.objects():
        masks += r.needs_mask and not is_of_pixels(to_parts(r.shape))
        bare += r.shape.is_empty
        occluded += 0 if r.shape.is_empty else sum(p.visibility == 1 for p in r.keypoints)
        crowds += r.is_crowd
        unknown += bool(r.extra)
    said = (
        (masks, plural("{n:,} object of several parts or with holes would be a mask of whole pixels.",
                       "{n:,} objects of several parts or with holes would be masks of whole pixels.", masks)),
        (bare, losses_of.without_outline(bare)),
        (occluded, plural("{n:,} keypoint would no longer be occluded.",
                          "{n:,} keypoints would no longer be occluded.", occluded)),
        (crowds, plural("{n:,} crowd would be an object like any other.",
                        "{n:,} crowds would be objects like any others.", crowds)),
        (unknown, plural("{n:,} object has attributes or other fields that would be left out.",
                         "{n:,} objects have attributes or other fields that would be left out.", unknown)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


FORMAT = Format("label_studio", "Label Studio JSON", ".json", read, write, losses=losses)
