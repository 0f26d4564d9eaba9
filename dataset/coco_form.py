"""Checks of a COCO file that is completed and written again: every record must be as COCO has it."""

from __future__ import annotations

import json
from typing import Any

from dataset.coco_checks import Problem
from dataset.i18n import tr

LISTS = ("categories", "images", "annotations")


def check_numbers(contents: dict[str, Any]) -> list[Problem]:
    """Return where numbers stand that Python reads though JSON has none such, and that could not be written again."""
    if _is_json(contents):
        return []
    records = [(record_name(kind, n, record), record) for kind in LISTS for n, record in enumerate(contents[kind], 1)]
    named = [where for where, record in records if not _is_json(record)]
    if not named:
        return [Problem("number", "", tr("it has a number that is NaN or infinite"))]
    return [
        Problem("number", where, tr("{record} has a number that is NaN or infinite", record=where)) for where in named
    ]


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def check_records(contents: dict[str, Any]) -> list[Problem]:
    """Return what is wrong with the categories, the images and the annotations, in this order."""
    checks = {"categories": _check_category, "images": _check_image, "annotations": _check_annotation}
    problems = []
    for kind, check in checks.items():
        for number, record in enumerate(contents[kind], 1):
            where = record_name(kind, number, record)
            text = check(record, where) if isinstance(record, dict) else tr("{record} is not a record", record=where)
            if text:
                problems.append(Problem("form", where, text))
    return problems or _check_image_ids(contents["images"])


def record_name(kind: str, number: int, record: object) -> str:
    """Return what people find a record by: its id, or else its place, which counts from 1."""
    if isinstance(record, dict) and _is_id(record.get("id")):
        return {
            "categories": tr("the category with the id {id}", id=record["id"]),
            "images": tr("the image with the id {id}", id=record["id"]),
            "annotations": tr("the annotation with the id {id}", id=record["id"]),
        }[kind]
    return tr("entry {n} of its {list}", n=number, list=kind)


def _is_id(value: object) -> bool:
    return isinstance(value, int | str)


def _check_category(record: dict[str, Any], where: str) -> str:
    if not _is_id(record.get("id")) or not isinstance(record.get("name"), str):
        return tr("{record} lacks an id or a name", record=where)
    if not isinstance(record.get("supercategory") or "", str):
        return tr("{record} has a supercategory that is not text", record=where)
    points = record.get("keypoints") or []
    if not isinstance(points, list) or not all(isinstance(point, str) for point in points):
        return tr("{record} has keypoints that are not a list of names", record=where)
    return ""


def _check_image(record: dict[str, Any], where: str) -> str:
    if not _is_id(record.get("id")) or not isinstance(record.get("file_name"), str):
        return tr("{record} lacks an id or a file_name", record=where)
    if ("width" in record) != ("height" in record):
        return tr("{record} has a width or a height without the other", record=where)
    return ""


def _check_image_ids(images: list[dict[str, Any]]) -> list[Problem]:
    files: dict[Any, str] = {}
    return [
        Problem("image_twice", image["file_name"], tr("two photos have the id {id}", id=image["id"]))
        for image in images
        if files.setdefault(image["id"], image["file_name"]) != image["file_name"]
    ]


def _check_annotation(record: dict[str, Any], where: str) -> str:
    for key in ("image_id", "category_id"):
        if not _is_id(record.get(key)):
            return tr("{record} lacks its {field}", record=where, field=key)
    if not isinstance(record.get("keypoints") or [], list):
        return tr("{record} has keypoints that are not a list", record=where)
    if "bbox" not in record:
        sound = record.get("segmentation") or record.get("iscrowd")
        return "" if sound else tr("{record} lacks its bbox", record=where)
    box = record["bbox"]
    if not isinstance(box, list) or len(box) != 4 or any(type(value) not in (int, float) for value in box):
        return tr("{record} has a bbox that is not four numbers", record=where)
    return ""
