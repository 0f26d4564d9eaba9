"""The cases after public reports, `shared/cases`: the window and the commands read the same, and the right thing."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO

import main
from annotator.core.annotation import Annotation
from annotator.core.exchange import left_out, names_to_export, read_dataset, to_dataset
from annotator.core.photo_state import PhotoState
from annotator.core.store.coco_codec import CocoError
from annotator.core.store.store import Store
from annotator.core.training_set import labelled
from dataset import rle
from dataset.coco.reader import Source, load_coco
from dataset.folder import list_images
from dataset.formats import coco
from dataset.formats.exporting import export
from dataset.geometry import rectangle, to_parts
from dataset.masks import rasterize
from dataset.messages import UserError
from dataset.pictures.images import photo_size
from model.data.project_dataset import find_contradictions, read_project
from model.data.training_images import classes_of, instance_mask, read_photos
from model.evaluation.coco_eval import average_precision, usefulness
from model.evaluation.ground_truth import read_ground_truth

CASES = Path(__file__).parents[2] / "shared" / "cases"

Objects = dict[str, list[tuple[str, int]]]
"""Photo -> class and area in pixels of its objects that are no crowds; a box without a mask has its own area."""

CAT, DOG = ("cat", 3000), ("dog", 3000)
EXPECTED: dict[str, Objects] = {
    "03b-category-id-twice": {"a1.jpg": [CAT], "b1.jpg": [CAT]},
    "04-flat-polygon": {"a.jpg": [CAT, ("cat", 2390)], "b.jpg": [CAT]},
    "05-nested-polygon": {"a.jpg": [CAT, ("cat", 2400)], "b.jpg": [("cat", 2400)]},
    "06-ids-are-text": {"a.jpg": [CAT], "b.jpg": [CAT]},
    "06b-category-id-text": {"a.jpg": [CAT]},
    "06c-float-numbers": {"a.jpg": [CAT]},
    "06e-uuid-ids": {"a.jpg": [CAT]},
    "07-nan": {"a.jpg": [CAT], "b.jpg": [CAT]},
    "08-class-name-number": {"a.jpg": [("7", 3000)]},
    "08b-class-colour-fractions": {"a.jpg": [CAT]},
    "09-windows-paths": {"10.jpg": [CAT], "12.jpg": [DOG]},
    "09b-windows-absolute": {"10.jpg": [CAT], "sub/12.jpg": [DOG]},
    "10-exif-6-sizes-swapped": {"p.jpg": [("cat", 4500)]},
    "10b-exif-3-coordinates-raw": {"p.jpg": [("cat", 4500)]},
    "11-same-name-prefix": {"cam1/0001.jpg": [CAT], "cam2/0001.jpg": [DOG]},
    "12-skeleton-from-0": {"a.jpg": [("leg", 3000)]},
    "13-keypoints-v0-with-place": {"a.jpg": [("leg", 3000)]},
    "13c-keypoints-null": {"a.jpg": [("leg", 3000)]},
    "14-rle-half-size": {"a.jpg": [CAT]},
    "15-two-points": {"a.jpg": [("cat", 1500)], "b.jpg": [("cat", 800)]},
    "15b-odd-count": {"a.jpg": [CAT, CAT]},
    "16b-self-crossing": {"a.jpg": [("cat", 4000), ("cat", 7200)]},
    "17b-utf16": {"b.jpg": [("猫", 3000)], "图片.jpg": [("猫", 3000)]},
    "17c-utf8-bom": {"b.jpg": [("猫", 3000)], "图片.jpg": [("猫", 3000)]},
    "17e-escaped-half-character": {"a.jpg": [CAT]},
    "20-other-ending": {"a.png": [CAT], "IMG_2.JPG": [DOG]},
    "21-decomposed-name": {"b.jpg": [DOG], "Ba\u0308ckerei_\u1112\u1161\u11a8\u1100\u116d.jpg": [CAT]},
    "22c-digitalsreeni": {"a.jpg": [CAT]},
    "22e-roboflow-same-names": {"a.jpg": [CAT], "b.jpg": [CAT]},
    "24-crowd": {},
    "25-boxes-only": {"a.jpg": [CAT, ("cat", 400)]},
    "25b-no-category": {"a.jpg": [CAT], "b.jpg": [CAT]},
    "25c-text-numbers": {"a.jpg": [CAT, CAT], "b.jpg": [CAT]},
    "27-lvis-url-only": {"000000000007.jpg": [CAT]},
    "31-rle-odd-forms": {"a.jpg": [("cat", 50)], "b.jpg": [CAT], "c.jpg": [CAT]},
}
"""Objects without an area, which nobody can see or learn from, are left out of it."""
TOLD = {
    "02-same-image-id": ("several photos have", "several photos have", "id of another photo"),
    "03-two-exports-joined": ("two classes have the id 1: dog", "id that several photos have", "id of another photo"),
    "03b-category-id-twice": ("two classes have the id 1: dog", "two classes have the id 1: dog", ""),
    "11c-bare-names-two-folders": ("may be several photos", "may mean several photos", "may mean several photos"),
    "12-skeleton-from-0": ("counts from 0", "counts from 0", ""),
    "14-rle-half-size": ("made for 80 x 60 pixels", "no usable mask", "damaged mask"),
    "17-gbk": ("is not UTF-8", "is not UTF-8", "is not UTF-8"),
    "17d-latin1-class": ("is not UTF-8", "is not UTF-8", "is not UTF-8"),
    "22d-labelme": ("no list “images”", "not a COCO file", "not a COCO file"),
    "25b-no-category": ("is of no class", "no photo, category or box", "without a usable box or class"),
    "29-normalised": ("in fractions", "in fractions", "in fractions"),
}
"""What is said by the window, by `evaluate` and by `train`."""


def window(path: Path) -> tuple[Objects, str]:
    try:
        store = Store.open(Source(path).folder(), path, fallback=path.parent / "private")
    except CocoError as error:
        return {}, str(error)
    found: Objects = {}
    said = [*store.warnings]
    for name in store.names:
        said += store.problems(name)
        for a in store.load(name).annotations:
            size = store.size_in_file(name) or (0, 0)
            area = a.shape.area if a.is_box or min(size) == 0 else rle.area(rasterize(to_parts(a.shape), size))
            if area and not a.is_crowd:
                found.setdefault(name, []).append((store.categories[a.category_id].name, round(area)))
    store.close()
    return found, "\n".join(said)


def _objects(data: dict[str, Any]) -> Objects:
    classes = {c["id"]: c["name"] for c in data["categories"]}
    images = {i["id"]: i for i in data["images"]}
    found: Objects = {}
    for a in data["annotations"]:
        image, shape = images[a["image_id"]], a.get("segmentation")
        size = (image["height"], image["width"])
        area = rle.area(rle.from_coco(shape, size)) if shape else a["bbox"][2] * a["bbox"][3]
        if area and not a.get("iscrowd"):
            found.setdefault(image["file_name"], []).append((classes[a["category_id"]], round(area)))
    return found


def evaluated(path: Path) -> tuple[Objects, str]:
    data, said = read_ground_truth(path, Source(path).folder())
    photos = [image["id"] for image in data["images"]]
    for kind in ("box", "mask", "keypoints"):
        average_precision(data, [], kind, photos)
    usefulness(data, [], photos)
    return _objects(data), "\n".join(said)


def fine_tuned(path: Path) -> tuple[Objects, str]:
    project = read_project(path, None, lambda: None)
    return _objects(project.data), "\n".join(project.problems)


def trained(path: Path) -> tuple[Objects, str]:
    said: list[str] = []
    classes = classes_of([(path, load_coco(path))], by_supercategory=False)
    photos = read_photos([Source(path)], classes, by_supercategory=False, on_message=said.append)
    found: Objects = {}
    for photo in photos:
        name = photo.path.relative_to(Source(path).folder()).as_posix()
        for o in photo.instances:
            instance_mask(o, photo.width, photo.height)
            area = (o.box[2] - o.box[0]) * (o.box[3] - o.box[1])
            if o.segmentation:
                area = rle.area(rle.from_coco(o.segmentation, (photo.height, photo.width)))
            found.setdefault(name, []).append((classes[o.label - 1].name, round(area)))
    return found, "\n".join(said)


def imported(path: Path) -> tuple[Objects, str]:
    folder = Source(path).folder()
    data = read_dataset(coco.FORMAT, path, folder, list_images(folder))
    found: Objects = {}
    for image in data.images:
        for o in image.objects:
            area = o.shape.area if o.is_box else rle.area(rasterize(to_parts(o.shape), image.size))
            if area and not o.is_crowd:
                found.setdefault(image.name, []).append((o.class_name, round(area)))
    return found, "\n".join(data.problems)


def exported(path: Path) -> tuple[Objects, str]:
    """What pycocotools makes of an export."""
    store = Store.open(Source(path).folder(), path, fallback=path.parent / "private")
    partly: list[str] = []
    data = to_dataset(store.images, labelled(store, names_to_export(store), partly=partly), store.categories)
    target = path.parent / "private" / "export.json"
    export(coco.FORMAT, data, target)
    store.close()
    with contextlib.redirect_stdout(io.StringIO()):
        truth: Any = COCO(str(target))
    found: Objects = {}
    for record in truth.dataset["annotations"]:
        area = truth.annToMask(record).sum() if record["segmentation"] else record["area"]
        if area and not record["iscrowd"]:
            name = truth.imgs[record["image_id"]]["file_name"]
            found.setdefault(name, []).append((truth.cats[record["category_id"]]["name"], round(area)))
    return found, "\n".join(left_out(0, partly))


def said(command: Callable[[Path], tuple[Objects, str]], path: Path) -> tuple[Objects, str]:
    """Return what a command uses and says; an error is what it says of a file of which it uses nothing."""
    try:
        return command(path)
    except UserError as error:
        return {}, str(error)


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if not CASES.is_dir():
        pytest.skip("the cases after public reports, shared/cases, are not beside this copy")
    folder = tmp_path / request.param
    shutil.copytree(CASES / request.param, folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (file,) = folder.glob("*.json")
    return file


@pytest.mark.parametrize("case", EXPECTED, indirect=True)
def test_the_window_and_the_commands_read_what_a_file_means(case: Path) -> None:
    before = case.read_bytes()
    expected = EXPECTED[case.parent.name]
    for command in (window, evaluated, fine_tuned, trained, imported, exported):
        assert said(command, case)[0] == expected, command.__name__
    assert case.read_bytes() == before


@pytest.mark.parametrize("case", TOLD, indirect=True)
def test_what_is_not_understood_is_told_with_its_cause(case: Path) -> None:
    for command, words in zip((window, evaluated, trained), TOLD[case.parent.name], strict=True):
        assert words in said(command, case)[1], command.__name__


@pytest.mark.parametrize("case", ["26-shrunk-photo"], indirect=True)
def test_labels_of_another_size_are_learned_by_no_command(case: Path) -> None:
    for command in (evaluated, fine_tuned, trained):
        found, sentence = said(command, case)
        assert found == {}
        assert "size" in sentence or "It has 80 x 60 pixels, but 160 x 120 in the file" in sentence
        assert "folder" not in sentence


RESCALED = {
    "14-rle-half-size": ([], {"a.jpg": [CAT]}),
    "26-shrunk-photo": ([], {"a.jpg": [("cat", 750), ("cat", 600)]}),
    "26b-size-right-polygons-large": (["--scale", "0.5"], {"a.jpg": [("cat", 750), ("cat", 600)]}),
    "29-normalised": ([], {"a.jpg": [("cat", 1916)]}),
}


@pytest.mark.parametrize("case", RESCALED, indirect=True)
def test_what_was_made_for_another_size_is_offered_and_scaled(case: Path) -> None:
    options, expected = RESCALED[case.parent.name]
    store = Store.open(case.parent, case, fallback=case.parent / "private")
    assert store.size_mismatch("a.jpg", photo_size(case.parent / "a.jpg"))
    store.close()
    target = case.with_name("scaled.json")
    assert main.main(["rescale", str(case), "--images", str(case.parent), "--output", str(target), *options]) == 0
    for command in (window, evaluated, fine_tuned, trained, imported, exported):
        assert said(command, target)[0] == expected, command.__name__


@pytest.mark.parametrize("case", ["16-holes", "28-1500-classes"], indirect=True)
def test_an_edit_leaves_the_others_byte_for_byte(case: Path) -> None:
    before = json.loads(case.read_bytes())
    store = Store.open(case.parent, case, fallback=case.parent / "private")
    state = store.load("a.jpg")
    assert len(state.annotations) == len(before["annotations"])
    new = Annotation(store.new_id(), state.annotations[0].category_id, rectangle(1, 1, 9, 9))
    store.put("a.jpg", replace(state, size=(160, 120), annotations=(*state.annotations, new)))
    store.save().result()
    store.close()
    after = json.loads(case.read_bytes())
    assert after["annotations"].pop()["bbox"] == [1, 1, 8, 8]
    assert after == before


@pytest.mark.parametrize(
    ("name", "file_format", "source", "photos"),
    [
        ("22-roboflow", "coco", "train/_annotations.coco.json", "train"),
        ("22b-cvat", "coco", "annotations/instances_default.json", "images/default"),
        ("22d-labelme", "labelme", "", ""),
        ("23-results-list", "coco", "annotations.json", ""),
    ],
)
def test_files_of_other_tools_are_imported(
    name: str, file_format: str, source: str, photos: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not CASES.is_dir():
        pytest.skip("the cases after public reports, shared/cases, are not beside this copy")
    folder = tmp_path / name
    shutil.copytree(CASES / name, folder, copy_function=shutil.copyfile)
    folder.joinpath(photos).chmod(0o755)
    file = folder / ("truth.json" if name.startswith("23") else "new.json")
    command = ["import", file_format, str(folder / source), str(folder / photos), "--annotations", str(file)]
    assert main.main(command) == 0
    store = Store.open(folder / photos, file, fallback=folder / "private")
    (photo,) = store.names
    found = store.load(photo).annotations or store.pools.get(photo, store.imported_pool) or ()
    assert [round(a.shape.area) for a in found] == [3000]
    assert bool(store.load(photo).annotations) != name.startswith("23"), "results are suggestions"
    store.close()
    assert "1 " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["18-deep-pictures", "19-large"])
def test_every_picture_has_a_size_or_is_refused_in_a_sentence(name: str) -> None:
    for photo in list_images(CASES / name) if CASES.is_dir() else ():
        said = ""
        try:
            width, height = photo_size(CASES / name / photo)
        except UserError as error:
            width = height = 0
            said = str(error)
        assert min(width, height) > 0 or said.endswith("."), photo


@pytest.mark.skipif(sys.platform != "linux", reason="file names are UTF-8 here")
def test_a_photo_whose_name_is_not_utf8_is_worked_on_like_any_other(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.png")
    for name in (odd, "plain.png"):
        Image.new("RGB", (160, 120)).save(tmp_path / name)
    store = Store.open(tmp_path, fallback=tmp_path / "private")
    cat = store.categories.add("cat").id
    for name in store.names:
        store.put(name, PhotoState((160, 120), (Annotation(store.new_id(), cat, rectangle(20, 20, 80, 70)),)))
    store.save().result()
    store.close()
    file = tmp_path / "annotations.json"
    for command in (window, evaluated, fine_tuned, trained, imported, exported):
        assert said(command, file)[0] == {odd: [CAT], "plain.png": [CAT]}, command.__name__


HOSTILE = sorted(f.name for f in (CASES / "hostile").glob("*.json") if not f.name.startswith("ann"))


@pytest.mark.skipif(not HOSTILE, reason="shared/cases/hostile is not beside this copy")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_or_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    for photo in ("a.jpg", "b.jpg", "c.jpg"):
        shutil.copy(CASES / "hostile" / photo, tmp_path)
    shutil.copy(CASES / "hostile" / name, path)
    before = path.read_bytes()
    for command in (window, evaluated, fine_tuned, trained):
        found, sentence = said(command, path)
        assert found or sentence.endswith(".")
    assert path.read_bytes() == before


def noise(points: int, far: float) -> list[float]:
    return np.random.default_rng(0).uniform(-far, far, 2 * points).round(1).tolist()


@pytest.mark.parametrize(
    "shape",
    [
        [noise(50_000, 1e5)],
        [noise(50_000, 90)],
        [[-1e5, -1e5, 1e5, -1e5, 1e5, 1e5] * 2000],
        [[10 + i % 50, 10, 12 + i % 50, 10, 12 + i % 50, 12] for i in range(5_000)],
        {"size": [72, 96], "counts": [1, 0] * 6912},
        {"size": [72, 96], "counts": "0" * 1_000_000},
        {"size": [72, 96], "counts": "o" * 1_000_000},
        {"size": [2**20, 2**11], "counts": [0, 2**31]},
        [[[[[[[[[[1, 2, 3, 4, 5, 6]]]]]]]]]],
    ],
    ids=lambda _: "shape",
)
def test_outlines_that_take_memory_or_time_do_not(shape: Any, tmp_path: Path) -> None:
    Image.new("RGB", (96, 72)).save(tmp_path / "a.png")
    path = tmp_path / "annotations.json"
    record = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "segmentation": shape}
    image = {"id": 1, "file_name": "a.png", "width": 96, "height": 72}
    body = {"images": [image], "categories": [{"id": 1, "name": "cat"}], "annotations": [record]}
    path.write_text(json.dumps(body))
    start = time.process_time()
    for command in (window, evaluated, fine_tuned, trained):
        said(command, path)
    assert time.process_time() - start < 20, "it was minutes, or the end of the process"


def test_twenty_thousand_objects_in_a_photo_are_compared_without_a_matrix() -> None:
    boxes = torch.tensor([[1.0, 1.0, 6.0, 6.0]]).repeat(20_000, 1)
    classes = torch.ones(20_000, dtype=torch.int64)
    classes[7] = 2
    count, pairs = find_contradictions(boxes, classes)
    assert count == 19_999
    assert pairs == [(1, 2)]
