"""COCO files with boxes, checked record by record: what is wrong with one is said before any work is done on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from model.data.training_images import DataError, read_coco

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_boxes(path: Path) -> dict[str, Any]:
    """Return the contents of a COCO file in which every annotation has a box, or a mask already, or is a crowd.

    Raises:
        DataError: The file cannot be read, or a record of it is not as COCO has it.
    """
    data = read_coco(path)
    _check_numbers(path, data)
    checks: dict[str, Callable[[dict[str, Any]], str]] = {
        "categories": _category_problem,
        "images": _image_problem,
        "annotations": _annotation_problem,
    }
    for kind, problem_of in checks.items():
        for number, record in enumerate(data[kind], 1):
            problem = problem_of(record) if isinstance(record, dict) else "is not a record"
            if problem:
                raise DataError(f"{path} is not a proper COCO file: {_name(kind, number, record)} {problem}.")
    files: dict[Any, str] = {}
    for image in data["images"]:
        if files.setdefault(image["id"], image["file_name"]) != image["file_name"]:
            raise DataError(f"{path} is not a proper COCO file: two photos have the id {image['id']}.")
    return data


def _check_numbers(path: Path, data: dict[str, Any]) -> None:
    """Refuse numbers that Python reads though JSON has none such, and that could not be written again."""
    try:
        json.dumps(data, allow_nan=False)
    except ValueError:
        for kind in ("categories", "images", "annotations"):
            for number, record in enumerate(data[kind], 1):
                if not _is_json(record):
                    where = _name(kind, number, record)
                    raise DataError(f"{path} is not JSON: {where} has a number that is NaN or infinite.") from None
        raise DataError(f"{path} is not JSON: it has a number that is NaN or infinite.") from None


def _is_json(record: object) -> bool:
    try:
        json.dumps(record, allow_nan=False)
    except ValueError:
        return False
    return True


def _name(kind: str, number: int, record: object) -> str:
    """Return what people find a record by: its id, or else its place."""
    if isinstance(record, dict) and _is_id(record.get("id")):
        single = {"categories": "category", "images": "image", "annotations": "annotation"}[kind]
        return f"the {single} with the id {record['id']}"
    return f"entry {number} of its {kind}"


def _is_id(value: object) -> bool:
    return isinstance(value, int | str)


def _category_problem(record: dict[str, Any]) -> str:
    if not _is_id(record.get("id")) or not isinstance(record.get("name"), str):
        return "lacks an id or a name"
    if not isinstance(record.get("supercategory") or "", str):
        return "has a supercategory that is not text"
    points = record.get("keypoints") or []
    if not isinstance(points, list) or not all(isinstance(point, str) for point in points):
        return "has keypoints that are not a list of names"
    return ""


def _image_problem(record: dict[str, Any]) -> str:
    if not _is_id(record.get("id")) or not isinstance(record.get("file_name"), str):
        return "lacks an id or a file_name"
    return "has a width or a height without the other" if ("width" in record) != ("height" in record) else ""


def _annotation_problem(record: dict[str, Any]) -> str:
    for key in ("image_id", "category_id"):
        if not _is_id(record.get(key)):
            return f"lacks its {key}"
    if not isinstance(record.get("keypoints") or [], list):
        return "has keypoints that are not a list"
    if "bbox" not in record:
        return "" if record.get("segmentation") or record.get("iscrowd") else "lacks its bbox"
    box = record["bbox"]
    if not isinstance(box, list) or len(box) != 4 or any(type(value) not in (int, float) for value in box):
        return "has a bbox that is not four numbers"
    return ""
