"""The VGG Image Annotator's JSON: projects and annotations of VIA 1 and 2, which are written, and projects of VIA 3.

An object is one region; the class, and what there is of score and `is_crowd`, are attributes of it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dataset.coco.values import as_whole
from dataset.formats.base import ClassRecord, Dataset, Format, ImageRecord, no_progress, watched
from dataset.formats.json_files import left_out, load_json, not_a_file_of, ring_losses
from dataset.formats.photo_files import images_in
from dataset.formats.stored_images import spooled
from dataset.formats.via import version3
from dataset.formats.via.regions import (
    CLASS,
    class_attribute,
    lost_fields,
    outline,
    region_attributes,
    shape_attributes,
    to_object,
)
from dataset.i18n import tr
from dataset.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from shapely import MultiPolygon

    from dataset.formats.base import ObjectRecord, OnProgress

    Region = tuple[str, Callable[[], tuple[MultiPolygon | None, bool]], dict[str, Any]]
    """The name of an image, what returns the outline of a region and whether it is a box, and its attributes."""

TITLE = "VIA"


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the regions of a project, or of a file of annotations.

    Raises:
        FormatError: It cannot be read, or is none.
    """
    body = load_json(source, TITLE)
    if isinstance(body, dict) and version3.is_project(body):
        names = version3.images(body)
        regions: list[Region] = [
            (name, lambda xy=xy: version3.shape_of(xy), given) for name, xy, given in version3.regions(body)
        ]
    else:
        entries = _entries(body)
        if entries is None:
            raise not_a_file_of(source, TITLE, tr("it needs images with a filename and regions"))
        names = _photo_names(entries, images)
        regions = [region for entry, name in zip(entries, names, strict=True) for region in _regions(entry, name)]
    return dataset_of(images, names, regions, on_progress)


def dataset_of(
    images: Path, names: Iterable[str], regions: Iterable[Region], on_progress: OnProgress = no_progress
) -> Dataset:
    """Return the dataset of some images and regions; those without an inside, and damaged ones, are counted."""
    of_image: dict[str, list[Region]] = {name: [] for name in names}
    for region in regions:
        of_image.setdefault(region[0], []).append(region)
    of_class = class_attribute(given for listed in of_image.values() for _, _, given in listed)
    classes: dict[str, None] = {}
    counts: Counter[str] = Counter()

    def read_images() -> Iterator[ImageRecord]:
        for name in watched(list(of_image), on_progress):
            found = [_to_object(region, of_class, counts) for region in of_image[name]]
            records = tuple(record for record in found if record)
            classes.update(dict.fromkeys(record.class_name for record in records))
            yield ImageRecord(name, (0, 0), records)

    records = spooled(read_images())
    return Dataset(images, tuple(map(ClassRecord, classes)), records, left_out(counts["kinds"], counts["damaged"]))


def _to_object(region: Region, of_class: str, counts: Counter[str]) -> ObjectRecord | None:
    _, outline_of, given = region
    try:
        shape, is_box = outline_of()
    except (ValueError, TypeError, KeyError, OverflowError):
        counts["damaged"] += 1
        return None
    if shape is None:
        counts["kinds"] += 1
        return None
    return to_object(shape, given, of_class, is_box=is_box)


def _entries(body: object) -> list[dict[str, Any]] | None:
    """Return the images of a file of VIA 1 or 2, None where it is none."""
    if not isinstance(body, dict):
        return None
    given = body.get("_via_img_metadata", body)
    entries = list(given.values()) if isinstance(given, dict) else []
    good = [e for e in entries if isinstance(e, dict) and isinstance(e.get("filename"), str) and "regions" in e]
    return good if good or (given is not body and given == {}) else None


def _photo_names(entries: Sequence[Mapping[str, Any]], images: Path) -> list[str]:
    """Return the name of each entry's photo.

    VIA has no folders: of entries of one name and several sizes, each is of the one photo called so that has its bytes,
    and of the plain name where none has them, or several.
    """
    sizes: dict[str, set[int]] = {}
    for entry in entries:
        sizes.setdefault(entry["filename"], set()).add(_bytes(entry))
    shared = {name for name, found in sizes.items() if len(found - {-1}) > 1}
    of_size: dict[tuple[str, int], list[str]] = {}
    for photo in images_in(images) if shared else ():
        if (name := photo.rpartition("/")[2]) in shared:
            of_size.setdefault((name, file_size(images / photo)), []).append(photo)
    found = [of_size.get((entry["filename"], _bytes(entry)), []) for entry in entries]
    return [photos[0] if len(photos) == 1 else entry["filename"] for entry, photos in zip(entries, found, strict=True)]


def _bytes(entry: Mapping[str, Any]) -> int:
    """Return the size of an entry's photo in bytes; -1 where it has none."""
    size = as_whole(entry.get("size"))
    return -1 if size is None or size < 0 else size


def _regions(entry: Mapping[str, Any], name: str) -> Iterator[Region]:
    given = entry["regions"]
    listed = list(given.values()) if isinstance(given, dict) else given  # of VIA 1 they have numbers
    for region in listed if isinstance(listed, list) else ():
        shape = region.get("shape_attributes") if isinstance(region, dict) else None
        attributes = region.get("region_attributes") if isinstance(region, dict) else None
        yield name, lambda shape=shape: shape_of(shape), attributes if isinstance(attributes, dict) else {}


def shape_of(shape: Any) -> tuple[MultiPolygon | None, bool]:  # noqa: ANN401 - whatever the file has
    """Return the outline of `shape_attributes` and whether it is a box. Raises ValueError, TypeError or KeyError."""
    return outline(shape), shape["name"] == "rect"


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the project of VIA 2."""
    metadata = {}
    attributes: dict[str, dict[str, Any]] = {CLASS: _dropdown([c.name for c in data.classes])}
    for image in data.images:
        regions = [
            {"shape_attributes": shape_attributes(record), "region_attributes": region_attributes(record)}
            for record in image.objects
            if not record.shape.is_empty
        ]
        for region in regions:
            for name in region["region_attributes"]:
                attributes.setdefault(name, {"type": "text", "description": "", "default_value": ""})
        size = file_size(data.folder / image.name)
        entry = {"filename": image.name, "size": size, "regions": regions, "file_attributes": {}}
        metadata[f"{image.name}{size}"] = entry
    body = {
        "_via_settings": {
            "ui": {
                "annotation_editor_height": 25,
                "annotation_editor_fontsize": 0.8,
                "leftsidebar_width": 18,
                "image_grid": {
                    "img_height": 80,
                    "rshape_fill": "none",
                    "rshape_fill_opacity": 0.3,
                    "rshape_stroke": "yellow",
                    "rshape_stroke_width": 2,
                    "show_region_shape": True,
                    "show_image_policy": "all",
                },
                "image": {
                    "region_label": CLASS,
                    "region_color": CLASS,
                    "region_label_font": "10px Sans",
                    "on_image_annotation_editor_placement": "NEAR_REGION",
                },
            },
            "core": {"buffer_size": 18, "filepath": {}, "default_filepath": ""},
            "project": {"name": data.folder.name},
        },
        "_via_img_metadata": metadata,
        "_via_attributes": {"region": attributes, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(metadata),
    }
    yield "", encode(body)


def _dropdown(names: list[str]) -> dict[str, Any]:
    options = dict.fromkeys(names, "")
    return {"type": "dropdown", "description": "", "options": options, "default_options": {}}


def file_size(path: Path) -> int:
    """Return a photo's bytes, which VIA names it by; -1 where it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def losses(data: Dataset) -> list[str]:
    """Return sentences about what the file cannot hold."""
    return ring_losses(data.objects(), lambda record: not record.shape.is_empty, lost_fields)


FORMAT = Format("via", "VIA JSON", ".json", read, write, losses=losses)
