from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from dataset.check.contents import read_contents
from dataset.check.findings import KINDS
from dataset.check.repair import repair
from dataset.check.run import CheckOptions, DatasetCheck
from dataset.coco.raw_file import batches, chunks, load_raw
from tests.dataset.check.files import CHANGES, HEIGHT, WIDTH, Contents, changed, clean


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(folder / name)
    return folder


def checked(contents: Contents, folder: Path | None, tmp_path: Path, *, compares: bool = True) -> DatasetCheck:
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(contents))
    options = CheckOptions(cache=tmp_path / "fingerprints", compares_photos=compares)
    check = DatasetCheck(read_contents(load_raw(file), folder), options)
    steps = list(check.run())
    assert steps == sorted(steps)
    assert steps[-1] <= check.total
    return check


def kinds(check: DatasetCheck) -> list[str]:
    assert all(finding.text for finding in check.findings)
    return [finding.kind for finding in check.findings]


def test_a_clean_file_gives_nothing_and_stays_byte_for_byte(photos: Path, tmp_path: Path) -> None:
    check = checked(clean(), photos, tmp_path)
    assert check.findings == []
    assert (tmp_path / "fingerprints").exists()
    made = repair(check)
    assert (made.repaired, made.left) == ([], [])
    assert made.raw == check.contents.raw


def _set(*path: Any) -> Callable[[Contents], None]:
    *way, key, value = path

    def change(contents: Contents) -> None:
        place: Any = contents
        for step in way:
            place = place[step]
        place[key] = value

    return change


def _again(place: int, **fields: Any) -> Callable[[Contents], None]:
    def change(contents: Contents) -> None:
        contents["annotations"].append({**contents["annotations"][place], "id": 99, **fields})

    return change


def _without(*path: Any) -> Callable[[Contents], None]:
    *way, key = path

    def change(contents: Contents) -> None:
        place: Any = contents
        for step in way:
            place = place[step]
        del place[key]

    return change


NEAR = [[10.0, 10, 30, 10, 30, 31, 10, 31]]
FAULTS: list[tuple[list[str], Callable[[Contents], None]]] = [
    (["record"], lambda c: c["annotations"].append(7)),
    (["record"], lambda c: c["images"].append(None)),
    (["image_id"], lambda c: c["images"].append({**c["images"][0], "file_name": "d.png", "id": None})),
    (["image_id_twice"], lambda c: c["images"].extend({"id": 9, "file_name": f"{n}.png", "width": WIDTH,
                                                       "height": HEIGHT} for n in "de")),
    (["image_id_unclear"], lambda c: c["images"].append({**c["images"][0], "file_name": "d.png"})),
    (["image_twice"], lambda c: c["images"].append({**c["images"][0], "id": 9})),
    (["id"], _without("annotations", 0, "id")),
    (["id_twice"], _set("annotations", 1, "id", 1)),
    (["image_reference"], _set("annotations", 0, "image_id", 77)),
    (["class_reference"], _set("annotations", 3, "category_id", 77)),
    (["class_id"], lambda c: c["categories"].append({"id": 2, "name": "pot"})),
    (["class_name"], _without("categories", 1, "name")),
    (["class_alike"], _set("categories", 1, "name", "Per son")),
    (["skeleton"], _set("categories", 0, "skeleton", [[1, 3]])),
    (["outline"], lambda c: c["annotations"][0]["segmentation"].append([1, 2, 3, 4])),
    (["outline"], _set("annotations", 0, "segmentation", [[10, 10, 30, 30]])),
    (["degenerate"], lambda c: c["annotations"][0]["segmentation"].append([11, 11, 15, 15, 11, 11])),
    (["crossing"], _set("annotations", 4, "segmentation", [[10, 1, 50, 1, 10, 30, 50, 30]])),
    (["mask"], _set("annotations", 1, "segmentation", "counts", [40, 10])),
    (["mask_size"], _set("annotations", 1, "segmentation", {"size": [20, 120], "counts": [40, 10, 2350]})),
    (["outside"], lambda c: c["annotations"][3].update(bbox=[50, 5, 20, 10])),
    (["wholly_outside"], lambda c: c["annotations"][3].update(bbox=[70, 5, 20, 10])),
    (["fractions"], lambda c: c["annotations"][3].update(bbox=[0.1, 0.2, 0.3, 0.4])),
    (["box"], _set("annotations", 0, "bbox", [1, 2, "x"])),
    (["box_side"], lambda c: c["annotations"][3].update(bbox=[5, 5, 0, 10], area=0)),
    (["box_wrong"], _set("annotations", 0, "bbox", [10, 10, 30, 30])),
    (["area_wrong"], _set("annotations", 0, "area", 900)),
    (["area_wrong"], _without("annotations", 1, "area")),
    (["keypoints"], _set("annotations", 2, "keypoints", [1, 2, 2])),
    (["num_keypoints"], _set("annotations", 2, "num_keypoints", 2)),
    (["keypoint_outside_box"], _set("annotations", 2, "keypoints", [6, 35, 2, 0, 0, 0])),
    (["keypoint_outside"], _set("annotations", 2, "keypoints", [6, -5, 2, 0, 0, 0])),
    (["object_copy"], _again(0)),
    (["object_copy"], _again(1)),
    (["object_near"], _again(0, segmentation=NEAR, bbox=[10, 10, 20, 21], area=420)),
    (["object_near"], _again(0, attributes={"text": "left"})),
    (["object_near"], _again(0, group_id=7)),
    (["object_near"], _again(3, bbox=[5, 5, 20, 10.4], area=208)),
    (["photo_name"], _without("images", 2, "file_name")),
    (["photo_missing"], _set("images", 2, "file_name", "x.png")),
    (["size_missing"], _without("images", 0, "width")),
    (["size_wrong"], _set("images", 2, "width", 80)),
]  # fmt: skip


def test_the_box_of_a_detection_is_what_was_detected(photos: Path, tmp_path: Path) -> None:
    contents = copy.deepcopy(clean())
    contents["annotations"][0].update(bbox=[10, 10, 30, 30], score=0.9)
    assert kinds(checked(contents, photos, tmp_path, compares=False)) == []


@pytest.mark.parametrize(("expected", "fault"), FAULTS, ids=[" ".join(names) for names, _ in FAULTS])
def test_each_fault_is_found_and_what_is_said_to_be_repaired_is(
    expected: list[str], fault: Callable[[Contents], None], photos: Path, tmp_path: Path
) -> None:
    contents = copy.deepcopy(clean())
    fault(contents)
    by_itself = {"photo_missing", "photo_unlisted"} - set(expected)  # a fault of one photo's entry
    if {"photo_name", "photo_missing"} & set(expected):
        by_itself.add("photo_unlisted")
    check = checked(contents, photos, tmp_path, compares=False)
    found = [kind for kind in kinds(check) if kind not in by_itself]
    assert found == expected or (expected == ["image_id_unclear"] and set(found) == {*expected, "image_reference"})
    made = repair(check)
    repaired = {finding.kind for finding in made.repaired}
    assert repaired <= {name for name, kind in KINDS.items() if kind.repair}
    if KINDS[expected[0]].repair:
        assert repaired == set(expected)
        assert not {finding.kind for finding in made.left} - by_itself


def test_a_crowd_is_no_copy_of_an_object(photos: Path, tmp_path: Path) -> None:
    for place in (0, 1):
        contents = copy.deepcopy(clean())
        _again(place, iscrowd=1)(contents)
        assert kinds(checked(contents, photos, tmp_path, compares=False)) == []


def test_a_class_that_no_object_has_is_no_fault(photos: Path, tmp_path: Path) -> None:
    contents = copy.deepcopy(clean())
    contents["categories"].append({"id": 3, "name": "pot"})
    assert not kinds(checked(contents, photos, tmp_path))


def test_photos_that_are_missing_unreadable_unlisted_or_alike_are_found(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.png").write_bytes((photos / f"{name}.png").read_bytes())
    (folder / "c.png").write_bytes(b"no picture")
    (folder / "copy.png").write_bytes((photos / "a.png").read_bytes())
    Image.open(photos / "b.png").resize((30, 20)).save(folder / "near.png")
    check = checked(clean(), folder, tmp_path)
    assert [(f.kind, f.photo) for f in check.findings] == [
        ("photo_unreadable", "c.png"),
        ("photo_unlisted", "copy.png"),
        ("photo_unlisted", "near.png"),
    ]
    contents = clean()
    contents["images"] += [
        {"id": 8, "file_name": "copy.png", "width": WIDTH, "height": HEIGHT},
        {"id": 9, "file_name": "near.png", "width": 30, "height": 20},
    ]
    check = checked(contents, folder, tmp_path)
    alike = [(f.kind, f.photo, f.values) for f in check.findings[1:]]
    assert alike == [("photo_copy", "copy.png", {"other": "a.png"}), ("photo_near", "near.png", {"other": "b.png"})]


def test_what_a_repair_does_not_touch_is_kept_byte_for_byte(photos: Path, tmp_path: Path) -> None:
    contents = clean()
    contents["annotations"][4] |= {"segmentation": [[10, 1, 50, 1, 10, 30, 50, 30]], "note": 1.230}
    check = checked(contents, photos, tmp_path)
    made = repair(check)
    before, after = check.contents.raw.annotations, made.raw.annotations
    assert [bytes(raw) for raw in before[:4]] == [bytes(raw) for raw in after[:4]]
    record = json.loads(bytes(after[4]))
    assert record["note"] == 1.23
    assert record["iscrowd"] == 1
    lists = {key: batches(getattr(made.raw, key)) for key in ("images", "annotations", "categories")}
    assert json.loads(b"".join(chunks(made.raw.fields, lists)))["info"] == {"year": 2024}


@settings(max_examples=30, deadline=None)
@given(changes=CHANGES)
def test_any_file_is_checked_and_its_copy_is_as_it_says(changes: list[tuple[Any, ...]], tmp_path_factory: Any) -> None:
    contents = changed(changes)
    tmp_path = tmp_path_factory.mktemp("any")
    check = checked(contents, None, tmp_path)
    if not changes:
        assert check.findings == []
    made = repair(check)
    lists = {key: batches(getattr(made.raw, key)) for key in ("images", "annotations", "categories")}
    (tmp_path / "copy.json").write_bytes(b"".join(chunks(made.raw.fields, lists)))
    again = DatasetCheck(read_contents(load_raw(tmp_path / "copy.json")))
    list(again.run())
    # The copy itself, read anew, has exactly what is said to be left.
    assert sorted((f.kind, f.text) for f in again.findings) == sorted((f.kind, f.text) for f in made.left)
    assert len(made.repaired) <= len(check.findings)
