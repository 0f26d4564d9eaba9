"""The commands take the same records of a file."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset.coco.reader import DataError, Source, check_coco, load_coco, read_coco, read_image
from dataset.pictures.images import PhotoError
from model.commands.fill_masks import clean_records
from model.commands.missing_labels import find_missing_labels
from model.data.project_dataset import read_project
from model.data.training_images import classes_of, read_photos
from model.evaluation.ground_truth import read_ground_truth

CASES = Path(__file__).parents[4] / "shared" / "cases"
FILES = sorted(file for file in CASES.rglob("*.json") if "hostile" not in file.parts)
TRAINING_ONLY = ("box_range", "box_side", "box_outside")

Objects = Counter[tuple[str, tuple[float, ...]]]
"""Photo and box, xyxy, of the objects that a command uses, crowds apart."""


def _objects(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> Objects:
    names: dict[Any, str] = {}
    for image in images:
        names.setdefault(image["id"], image["file_name"])
    found: Objects = Counter()
    for record in annotations:
        if not record.get("iscrowd"):
            x, y, w, h = record["bbox"]
            found[names[record["image_id"]], (x, y, x + w, y + h)] += 1
    return found


def evaluated(path: Path) -> Objects:
    data, _ = read_ground_truth(path, Source(path).folder())
    return _objects(data["images"], data["annotations"])


def fine_tuned(path: Path) -> Objects:
    data = read_project(path, None, lambda: None).data
    return _objects(data["images"], data["annotations"])


def trained(path: Path) -> Objects:
    classes = classes_of([(path, load_coco(path))], by_supercategory=False)
    photos = read_photos([Source(path)], classes, by_supercategory=False, on_message=lambda _: None)
    folder = Source(path).folder()
    return Counter((str(p.path.relative_to(folder)), i.box) for p in photos for i in p.instances)


def given_masks(path: Path) -> Objects:
    data = clean_records(check_coco(load_coco(path), "boxes", Source(path).folder()))
    missing = find_missing_labels(data, (), replace=True)
    names: dict[Any, str] = {}
    for image in data["images"]:
        names.setdefault(image["id"], image["file_name"])
    return Counter((names[number], label.box) for number, labels in missing.of_image.items() for label in labels)


COMMANDS: dict[str, Callable[[Path], Objects]] = {
    "evaluate": evaluated,
    "fine-tuning": fine_tuned,
    "train": trained,
    "masks": given_masks,
}


def answers(path: Path) -> dict[str, Objects]:
    """What each command uses that does not refuse the file, of the photos that can be read."""
    images = [image.record for image in read_coco(path, "labels", Source(path).folder()).images]
    readable = {image["file_name"] for image in images if can_be_read(path, image)}
    too_small = _unfit_for_training(path)
    found = {}
    for name, command in COMMANDS.items():
        with contextlib.suppress(DataError):
            used = command(path) - too_small
            found[name] = Counter({key: n for key, n in used.items() if key[0] in readable})
    return found


def can_be_read(path: Path, image: dict[str, Any]) -> bool:
    try:
        read_image(Source(path).folder(), image)
    except (PhotoError, KeyError):
        return False
    return True


def _unfit_for_training(path: Path) -> Objects:
    """Boxes that are measured but not trained on: those of a pixel or less, and those outside of their photo."""
    try:
        data = read_coco(path, "labels", Source(path).folder())
    except DataError:
        return Counter()
    unfit = [a for a in data.annotations if a.problem and a.problem.kind in TRAINING_ONLY]
    return _objects([i.record for i in data.images], [a.record for a in unfit])


@pytest.mark.skipif(not FILES, reason="the cases after public reports, shared/cases, are not beside this copy")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_all_commands_use_the_same_records_of_a_case(path: Path) -> None:
    try:
        load_coco(path)
    except DataError as error:
        for command in COMMANDS.values():
            with pytest.raises(DataError, match=f"^{re.escape(str(error))}$"):
                command(path)
        return
    found = answers(path)
    assert all(used == next(iter(found.values())) for used in found.values()), found


def test_all_commands_use_the_same_records_of_a_damaged_file(coco_file: Callable[..., Path]) -> None:
    path = coco_file(4)
    data = json.loads(path.read_text())
    good = data["annotations"][-1]
    bad: list[Any] = ["text", {**good, "image_id": [1]}, {**good, "image_id": 99}, {**good, "category_id": {}}]
    bad += [{**good, "bbox": box} for box in ([1, 2], "wide", None, [float("nan"), 1, 5, 5], [10**400, 1, 5, 5])]
    data["annotations"] += [*bad, {**good, "bbox": ["1", "2", "30", "30"]}]
    path.write_text(json.dumps(data))
    found = answers(path)
    assert list(found) == list(COMMANDS)
    for used in found.values():
        assert used - found["masks"] == Counter()  # which has the class that the file does not name, too
    assert found["evaluate"] == found["fine-tuning"] == found["train"]
    assert found["evaluate"].total() == 8 + 1
    masks, labels = (read_coco(path, need).problems for need in ("masks", "labels"))
    assert masks == labels
    assert len(masks) == len(bad)


def test_photos_with_one_id_are_used_by_none(coco_file: Callable[..., Path]) -> None:
    path = coco_file(3)
    data = json.loads(path.read_text())
    data["images"][2]["id"] = 1
    path.write_text(json.dumps(data))
    found = answers(path)
    assert list(found) == list(COMMANDS)
    assert all(used == found["train"] for used in found.values())
    assert {name for name, _ in found["train"]} == {"photo 2.png"}
    lines: list[str] = []
    classes = classes_of([(path, load_coco(path))], by_supercategory=False)
    read_photos([Source(path)], classes, by_supercategory=False, on_message=lines.append)
    assert lines == [f"{path}: left out 4 records with an id of several photos, 2 annotations of no photo."]
