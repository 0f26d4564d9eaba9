from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from dataset.formats import recognition
from dataset.formats.base import ClassRecord, Dataset, ImageRecord, ObjectRecord, formats
from dataset.formats.exporting import export
from dataset.formats.recognition import MAX_HEADS, find_annotations
from dataset.geometry import rectangle
from dataset.regular_files import open_regular
from model.commands import suggest
from tests.strategies import SIZE


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    photos = tmp_path_factory.mktemp("photos")
    Image.new("RGB", SIZE).save(photos / "1.jpg")
    found = (ObjectRecord("cup", rectangle(1, 2, 9, 9)), ObjectRecord("cup", rectangle(1, 2, 5, 8), is_box=True))
    return Dataset(photos, (ClassRecord("cup", "#ff9f1c"),), (ImageRecord("1.jpg", SIZE, found),))


IN_PLACE = ("labelme", "x_anylabeling")  # beside the photos
READ_BY = {"via3": "via"}


@pytest.mark.parametrize("name", [f.name for f in formats() if f.write])
def test_what_is_exported_is_found(data: Dataset, tmp_path: Path, name: str) -> None:
    file_format = next(f for f in formats() if f.name == name)
    (tmp_path / "1.jpg").write_bytes((data.folder / "1.jpg").read_bytes())
    target = tmp_path if name in IN_PLACE else tmp_path / f"out{file_format.suffix}"
    export(file_format, data, target)
    (found,) = find_annotations(tmp_path)
    assert found.format.name == READ_BY.get(name, name)
    assert found.format.read
    assert any(found.format.read(source, tmp_path, lambda *_: None).object_count for source in found.sources)


def test_layouts_of_other_tools(tmp_path: Path) -> None:
    coco = '{"info": {}, "images": [{"id": 1, "file_name": "1.jpg"}]}'
    for name in ("train", "valid"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "_annotations.coco.json").write_text(coco)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "1.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (tmp_path / "labels" / "classes.txt").write_text("cup\n")
    (tmp_path / ".hidden.json").write_text(coco)
    (tmp_path / "annotations.json").write_text(coco)
    found = find_annotations(tmp_path, [tmp_path / "annotations.json"])
    assert [(each.format.name, each.names(tmp_path)) for each in found] == [
        ("coco", "train/_annotations.coco.json and 1 more"),
        ("yolo", ""),
    ]
    assert find_annotations(tmp_path, cancelled=lambda: True) == []


def test_what_is_none_is_not_found(tmp_path: Path) -> None:
    for name, text in (("package.json", '{"name": "x", "images": 3}'), ("notes.txt", "7 pictures of cups"),
                       ("list.csv", "name,count\na,3\n"), ("feed.xml", "<rss/>"), ("x.yaml", "a: names"),
                       ("bad.json", "\0\xff"), ("conf.json", "[1, 2]")):  # fmt: skip
        (tmp_path / name).write_text(text)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
    assert find_annotations(tmp_path) == []
    assert find_annotations(tmp_path / "gone") == []


def test_a_file_of_all_photos_is_found_among_many_of_one_photo(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.jpg").touch()
        (tmp_path / f"{number}.json").write_text(json.dumps({"shapes": [], "imagePath": f"{number}.jpg"}))
    (tmp_path / "instances.json").write_text(json.dumps({"images": [{"file_name": "1.jpg"}], "annotations": []}))
    assert {found.format.name for found in find_annotations(tmp_path)} == {"labelme", "coco"}


def test_our_own_suggestions_are_of_no_other_tool(tmp_path: Path) -> None:
    file = {"info": {"generator": suggest.GENERATOR}, "images": [{"file_name": "1.jpg"}], "annotations": []}
    (tmp_path / "suggestions.json").write_text(json.dumps(file))
    assert find_annotations(tmp_path) == []


def test_few_files_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (tmp_path / f"{number}").mkdir()
        for name in range(5):
            (tmp_path / f"{number}" / f"{name}.json").write_text(json.dumps({"x": 1}))
    opened: list[Path] = []
    monkeypatch.setattr(recognition, "open_regular", lambda path: opened.append(path) or open_regular(path))
    assert find_annotations(tmp_path) == []
    assert len(opened) == MAX_HEADS
