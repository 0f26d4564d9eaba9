"""Projects of VIA 3: files, views of them, attributes with numbered options, and metadata with numbered shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.formats.joined_rings import join_rings
from dataset.formats.via.regions import numbers, outline, polygon, region_attributes
from dataset.geometry import bounds, rectangle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapely import MultiPolygon

    from dataset.formats.base import Dataset, ObjectRecord

POINT, RECTANGLE, CIRCLE, ELLIPSE, LINE, POLYLINE, POLYGON, EXTREME_RECTANGLE = range(1, 9)
TEXT, CHECKBOX, RADIO, SELECT = range(1, 5)
_VIDEO = (4, 8)
"""Kinds of files that are no images: video and sound."""


def is_project(body: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a project of VIA 3."""
    return all(isinstance(body.get(key), dict) for key in ("project", "file", "view", "metadata"))


def regions(body: Mapping[str, Any]) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Yield for each shape of a project the name of its image, its numbers, and its attributes by their names."""
    files, views = body["file"], body["view"]
    names = {number: _image(view, files) for number, view in views.items()}
    attributes = body.get("attribute")
    declared = {k: v for k, v in attributes.items() if isinstance(v, dict)} if isinstance(attributes, dict) else {}
    for entry in body["metadata"].values():
        if not isinstance(entry, dict) or not isinstance(entry.get("xy"), list) or not entry["xy"]:
            continue
        name = names.get(str(entry.get("vid")), "")
        given = entry.get("av")
        values = given if isinstance(given, dict) else {}
        if name:
            yield name, entry["xy"], dict(_named(key, value, declared) for key, value in values.items())


def images(body: Mapping[str, Any]) -> list[str]:
    """Return the names of a project's images."""
    return [name for view in body["view"].values() if (name := _image(view, body["file"]))]


def _image(view: object, files: Mapping[str, Any]) -> str:
    listed = view.get("fid_list") if isinstance(view, dict) else None
    entry = files.get(str(listed[0])) if isinstance(listed, list) and listed else None
    if not isinstance(entry, dict) or entry.get("type") in _VIDEO:
        return ""
    return next((entry[key] for key in ("fname", "src") if isinstance(entry.get(key), str)), "")


def _named(key: str, value: object, declared: Mapping[str, Any]) -> tuple[str, Any]:
    attribute = declared.get(key, {})
    options = attribute.get("options")
    if attribute.get("type") in (CHECKBOX, RADIO, SELECT) and isinstance(options, dict) and isinstance(value, str):
        value = options.get(value.split(",")[0], value)
    return str(attribute.get("aname") or key), value


def shape_of(xy: list[Any]) -> tuple[MultiPolygon | None, bool]:
    """Return the outline of a shape's numbers, None where it has no inside, and whether it is a box.

    Raises:
        ValueError, TypeError: It is damaged.
    """
    kind, *rest = numbers(xy).tolist()
    if kind == RECTANGLE:
        x, y, width, height = rest
        return rectangle(x, y, round(x + width, 6), round(y + height, 6)), True
    if kind == EXTREME_RECTANGLE:
        points = np.reshape(rest, (-1, 2))
        return rectangle(*points.min(axis=0).tolist(), *points.max(axis=0).tolist()), True
    if kind in (CIRCLE, ELLIPSE):
        x, y, across, *down = rest
        return outline({"name": "ellipse", "cx": x, "cy": y, "rx": across, "ry": (down or [across])[0]}), False
    return (polygon(np.reshape(rest, (-1, 2))), False) if kind == POLYGON else (None, False)


def _numbers_of(record: ObjectRecord) -> list[float]:
    if record.is_box:
        x0, y0, x1, y1 = bounds(record.shape)
        return [RECTANGLE, x0, y0, round(x1 - x0, 6), round(y1 - y0, 6)]
    return [POLYGON, *join_rings(record.shape).ravel().tolist()]


def project(data: Dataset) -> dict[str, Any]:
    """Return a project with the objects of a dataset that have outlines."""
    keys: dict[str, str] = {}
    metadata = {}
    for number, image in enumerate(data.images, 1):
        for record in image.objects:
            if not record.shape.is_empty:
                values = region_attributes(record)
                av = {keys.setdefault(name, str(len(keys) + 1)): value for name, value in values.items()}
                mid = f"{number}_{len(metadata) + 1}"
                metadata[mid] = {"vid": str(number), "flg": 0, "z": [], "xy": _numbers_of(record), "av": av}
    attributes = {
        key: {
            "aname": name,
            "anchor_id": "FILE1_Z0_XY1",
            "type": TEXT,
            "desc": "",
            "options": {},
            "default_option_id": "",
        }
        for name, key in keys.items()
    }
    views = {str(number): image.name for number, image in enumerate(data.images, 1)}
    return {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "__VIA_PROJECT_REV_ID__",
            "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
            "pname": data.folder.name,
            "creator": "VIA",
            "created": 0,
            "data_format_version": "3.1.2",
            "vid_list": list(views),
        },
        "config": {
            "file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}},
            "ui": {
                "file_content_align": "center",
                "file_metadata_editor_visible": True,
                "spatial_metadata_editor_visible": True,
                "spatial_region_label_attribute_id": keys.get("class", ""),
            },
        },
        "attribute": attributes,
        "file": {
            number: {"fid": number, "fname": name, "type": 2, "loc": 3, "src": name} for number, name in views.items()
        },
        "metadata": metadata,
        "view": {number: {"fid_list": [number]} for number in views},
    }
