"""GeoJSON in pixels, as QuPath writes it: a FeatureCollection for each photo, or one whose features name their photos.

A feature is an object: its geometry is the outline, with holes and parts, its class is in `properties`, and everything
else that there is of an object lies there, too.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.coco.values import as_color, as_flag, as_number
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
from dataset.formats.json_files import left_out, load_json
from dataset.formats.stored_images import spooled
from dataset.geometry import bounds, from_parts, rectangle, to_parts
from dataset.i18n import plural, tr
from dataset.json_text import encode
from dataset.messages import listing, os_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shapely import MultiPolygon

    from dataset.formats.base import OnProgress

TITLE = "GeoJSON"
SUFFIX = ".geojson"
SUFFIXES = (SUFFIX, ".json")
UNNAMED = "object"
_IMAGE = ("image", "image_name", "filename", "file_name", "image_id", "photo")
_LABEL = ("class", "label", "name", "class_name", "category", "annotation_type")
_OWN = frozenset(
    (
        *("image", "classification", "objectType", "isLocked", "is_box", "is_crowd", "score", "origin"),
        *("keypoints", "keypoint_names", "name"),
    )
)
"""Properties that have a place of their own."""


@dataclass(slots=True)
class _Feature:
    image: str
    geometry: Any
    properties: dict[str, Any] = field(default_factory=dict)


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the features of a file, or of those in a folder.

    A feature is of the photo that it names, else that its file names, else that its file is called like.

    Raises:
        FormatError: It cannot be read, or has no features.
    """
    counts: Counter[str] = Counter()
    damaged: list[str] = []
    classes: dict[str, ClassRecord] = {}
    folder = source if source.is_dir() else source.parent

    def read_images() -> Iterator[ImageRecord]:
        for path in watched(_files(source), on_progress):
            try:
                body = load_json(path, TITLE)
            except FormatError:
                damaged.append(path.name)
                continue
            listed = _listed(body)
            if listed is None:
                continue
            named = body.get("image") if isinstance(body, dict) else None
            stem = path.relative_to(folder).with_suffix(".jpg").as_posix()  # photos are found whatever their ending
            of_image: dict[str, list[_Feature]] = {named if isinstance(named, str) else stem: []}
            for feature in listed:
                made = _feature(feature, next(iter(of_image)))
                of_image.setdefault(made.image, []).append(made)
            for image, features in of_image.items():
                if features or len(of_image) == 1:
                    yield ImageRecord(image, (0, 0), tuple(_objects(features, classes, counts)))

    records = spooled(read_images())
    text = plural("{names} is damaged and left out.", "{names} are damaged and left out.", len(damaged),
                  names=listing(damaged))  # fmt: skip
    problems = (*([text] if damaged else ()), *left_out(counts["kinds"], counts["damaged"]))
    if not records:
        raise FormatError(" ".join((tr("{file} holds no features of GeoJSON.", file=source), *problems)))
    return Dataset(images, tuple(classes.values()), records, problems)


def _files(source: Path) -> list[Path]:
    found: list[Path] = []
    try:
        if not source.is_dir():
            if source.exists():
                return [source]
            raise FormatError(tr("{file} does not exist.", file=source))
        for here, folders, names in os.walk(source):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found += [Path(here, n) for n in sorted(names) if n.lower().endswith(SUFFIXES) and not n.startswith(".")]
    except OSError as error:
        raise FormatError(tr("{file} cannot be read: {reason}.", file=source, reason=os_reason(error))) from None
    return found


def _listed(body: object) -> list[Any] | None:
    """Return the features of a file, None where it is no GeoJSON."""
    if isinstance(body, dict) and body.get("type") == "FeatureCollection":
        features = body.get("features")
        return features if isinstance(features, list) else []
    if isinstance(body, dict) and body.get("type") == "Feature":
        return [body]
    is_list = isinstance(body, list) and any(isinstance(e, dict) and e.get("type") == "Feature" for e in body)
    return body if is_list else None  # as QuPath wrote it before version 0.3


def _feature(feature: object, image: str) -> _Feature:
    entry = feature if isinstance(feature, dict) else {}
    given = entry.get("properties")
    properties = dict(given) if isinstance(given, dict) else {}
    named = next((properties[key] for key in _IMAGE if isinstance(properties.get(key), str) and properties[key]), image)
    return _Feature(named, entry.get("geometry"), properties)


def _objects(
    features: Sequence[_Feature], classes: dict[str, ClassRecord], counts: Counter[str]
) -> Iterator[ObjectRecord]:
    for feature in features:
        name, color = _class(feature.properties)
        try:
            shape = from_parts(_parts(feature.geometry))
            points, names = _keypoints(feature.properties)
        except (ValueError, TypeError, KeyError, RecursionError):
            counts["damaged"] += 1
            continue
        if shape.is_empty and not points:
            counts["kinds"] += 1
            continue
        before = classes.setdefault(name, ClassRecord(name, color, keypoint_names=names))
        if names and not before.keypoint_names:
            classes[name] = ClassRecord(name, before.color, keypoint_names=names)
        yield _object(feature.properties, name, shape, points)


def _object(properties: Mapping[str, Any], name: str, shape: MultiPolygon, points: tuple[Point, ...]) -> ObjectRecord:
    is_box = as_flag(properties.get("is_box")) and not shape.is_empty
    score = as_number(properties.get("score"))
    origin = properties.get("origin")
    extra = {key: value for key, value in properties.items() if key not in _OWN and key not in (*_IMAGE, *_LABEL)}
    return ObjectRecord(
        name,
        rectangle(*bounds(shape)) if is_box else shape,
        points,
        is_box,
        as_flag(properties.get("is_crowd")),
        score if score is not None and 0 <= score <= 1 else None,
        origin if isinstance(origin, str) else "",
        extra or NOTHING,
    )


def _class(properties: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name and the colour of a feature's class."""
    given = properties.get("classification")
    if isinstance(given, dict):
        names = given.get("name"), *(given["names"][:1] if isinstance(given.get("names"), list) else ())
        name = next((value for value in names if isinstance(value, str) and value.strip()), "")
        return name.strip() or UNNAMED, as_color(given.get("color"))
    named = next((value for key in _LABEL if isinstance(value := properties.get(key), str) and value.strip()), "")
    return (given if isinstance(given, str) and given.strip() else named).strip() or UNNAMED, ""


def _parts(geometry: object) -> list[list[np.ndarray]]:
    """Return the parts of a geometry; none where it has no inside. Raises ValueError, TypeError or KeyError."""
    if not isinstance(geometry, dict):
        return []
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        return [part for each in geometry["geometries"] for part in _parts(each)]
    if kind not in ("Polygon", "MultiPolygon"):
        return []
    listed = [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]
    return [[_ring(ring) for ring in part] for part in listed if part]


def _ring(ring: Iterable[Sequence[float]]) -> np.ndarray:
    points = np.array([point[:2] for point in ring], float)  # a third number is a height
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not (np.abs(points) <= MAX_COORDINATE).all():
        raise ValueError("no ring of points in an image")
    return points[:-1] if len(points) > 3 and (points[0] == points[-1]).all() else points


def _keypoints(properties: Mapping[str, Any]) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    """Return keypoints as they are written here, and their names. Raises ValueError or TypeError."""
    points, names = properties.get("keypoints"), properties.get("keypoint_names")
    if not isinstance(points, list) or not isinstance(names, list) or len(points) != len(names) or not points:
        return (), ()
    values = np.array(points, float).reshape(-1, 3)
    if not (np.abs(values) <= MAX_COORDINATE).all():
        raise ValueError("keypoints far outside any image")
    made = tuple(Point(x, y, int(min(max(v, 0), 2))) for x, y, v in values.tolist())
    return made, tuple(map(str, names))


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file for each image, under the image's name in the target folder."""
    taken: set[str] = set()
    classes = {c.name: c for c in data.classes}
    for image in data.images:
        name = str(PurePosixPath(image.name).with_suffix(SUFFIX))
        if name.casefold() in taken:
            name = f"{image.name}{SUFFIX}"
        taken.add(name.casefold())
        features = [_from_object(record, classes[record.class_name], image.name) for record in image.objects]
        kept = [feature for feature in features if feature]
        yield name, encode({"type": "FeatureCollection", "image": image.name, "features": kept})


def _from_object(record: ObjectRecord, of: ClassRecord, image: str) -> dict[str, Any]:
    """Return an object as a feature; an empty one where it has neither an outline nor keypoints."""
    classification: dict[str, Any] = {"name": of.name}
    if of.color:
        classification["color"] = list(bytes.fromhex(of.color[1:]))
    properties = {key: value for key, value in record.extra.items() if _is_free(key)}
    properties |= {"objectType": "annotation", "image": image, "classification": classification}
    if record.is_box:
        properties["is_box"] = True
    if record.is_crowd:
        properties["is_crowd"] = True
    if record.score is not None:
        properties["score"] = record.score
    if record.origin:
        properties["origin"] = record.origin
    if record.keypoints:
        properties |= {"keypoints": [list(point) for point in record.keypoints], "keypoint_names": of.keypoint_names}
    geometry = _geometry(record)
    return {"type": "Feature", "geometry": geometry, "properties": properties} if geometry else {}


def _geometry(record: ObjectRecord) -> dict[str, Any]:
    parts = [[_closed(ring) for ring in part] for part in to_parts(record.shape)]
    if not parts:
        points = [(point.x, point.y) for point in record.keypoints if point.visibility]
        return {"type": "MultiPoint", "coordinates": points} if points else {}
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _closed(ring: np.ndarray) -> list[list[float]]:
    return [*ring.tolist(), ring[0].tolist()]


def _is_free(key: str) -> bool:
    return key not in _OWN and key not in (*_IMAGE, *_LABEL)


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the files cannot hold."""
    bare = fields = 0
    for record in data.objects():
        bare += not _geometry(record)
        fields += not all(map(_is_free, record.extra))
    said = (
        (bare, losses_of.without_outline(bare)),
        (fields, losses_of.extra_fields(fields)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


FORMAT = Format("geojson", TITLE, "", read, write, losses=losses)
