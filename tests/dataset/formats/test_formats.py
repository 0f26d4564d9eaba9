from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shapely import MultiPolygon

from dataset.formats import coco, labelme
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
    formats,
    no_progress,
)
from dataset.formats.exporting import export
from dataset.formats.stored_images import match_images
from dataset.geometry import from_parts, rectangle, to_parts
from tests.strategies import SIZE, boxes, keypoints, shapes

CLASSES = (
    ClassRecord("cup", "#ff9f1c", "thing"),
    ClassRecord("person", "#4cc9f0", "", ("nose", "left eye", "right eye"), ((0, 1), (0, 2))),
)


@st.composite
def objects(draw: st.DrawFn, *, for_labelme: bool) -> ObjectRecord:
    is_box = draw(st.booleans())
    shape = draw(boxes()) if is_box else draw(shapes())
    points = tuple(Point(k.x, k.y, int(k.visibility)) for k in draw(keypoints()))
    has_points = draw(st.booleans())
    extra: dict[str, Any] = {"track": draw(st.integers())}
    if for_labelme:
        shape = from_parts([part[:1] for part in to_parts(shape)])
        points = tuple(Point(p.x, p.y, p.visibility or 2) for p in points)
        extra = {"flags": {"blurred": draw(st.booleans())}, "description": draw(st.text("abc ", min_size=1))}
        if not has_points and len(shape.geoms) == 1:
            extra["group_id"] = draw(st.integers(1000, 2000))
    return ObjectRecord(
        "person" if has_points else "cup",
        shape,
        points if has_points else (),
        is_box,
        draw(st.booleans()) and not is_box,
        None if for_labelme else draw(st.none() | st.floats(0, 1)),
        "" if for_labelme else draw(st.sampled_from(["drawn", "suggested", "edited"])),
        extra,
    )


def _round_trip(file_format: Format, data: Dataset) -> Dataset:
    with TemporaryDirectory() as folder:
        target = Path(folder) / ("out" + file_format.suffix)
        export(file_format, data, target)
        assert file_format.read
        return match_images(file_format.read(target, data.folder, no_progress), [image.name for image in data.images])


@given(st.lists(objects(for_labelme=False), max_size=4))
def test_coco_there_and_back_is_the_same(found: list[ObjectRecord]) -> None:
    extra = {"tags": ["night"], "license": 3}
    images = (ImageRecord("a/1.jpg", SIZE, tuple(found), extra=extra), ImageRecord("2.jpg", SIZE))
    classes = (*CLASSES, ClassRecord("spoon", extra={"attributes": [{"name": "side"}]}))
    data = Dataset(Path("x"), classes, images, extra={"info": {"year": 2024}, "licenses": [{"id": 3}]})
    assert _round_trip(coco.FORMAT, data) == data


@given(st.lists(objects(for_labelme=True), max_size=4, unique_by=lambda r: r.extra.get("group_id", id(r))))
def test_labelme_there_and_back_is_the_same_within_its_limits(found: list[ObjectRecord]) -> None:
    data = Dataset(Path("x"), CLASSES, (ImageRecord("2.jpg", SIZE), ImageRecord("a/1.jpg", SIZE, tuple(found))))
    assert labelme.losses(data) == []
    back = _round_trip(labelme.FORMAT, data)
    assert back.images == data.images
    assert {c.name for c in back.classes} == {record.class_name for record in found}


def test_what_labelme_cannot_hold_is_counted() -> None:
    ring = [(0, 0), (30, 0), (30, 30), (0, 30)]
    holed = from_parts([[ring, [(5, 5), (9, 5), (9, 9)], [(15, 15), (19, 15), (19, 19)]]])
    records = (ObjectRecord("cup", holed), ObjectRecord("person", MultiPolygon(), (Point(1, 2, 2),) * 3))
    data = Dataset(Path("x"), CLASSES, (ImageRecord("1.jpg", SIZE, records),))
    assert labelme.losses(data) == ["2 holes would be filled.", "1 object without an outline would be left out."]
    (kept,) = _round_trip(labelme.FORMAT, data).images[0].objects
    assert kept.shape.equals(from_parts([[ring]]))


def test_labelme_files_of_its_own(tmp_path: Path) -> None:
    def shape(label: str, points: object, kind: str = "polygon", **more: object) -> dict[str, object]:
        return {"label": label, "points": points, "shape_type": kind, "flags": {}, **more}

    shapes_of = [
        shape("cat", [[0, 0], [10, 0], [10, 10]], group_id=3),
        shape("cat", [[20, 0], [30, 0], [30, 10]], group_id=3),
        shape("nose", [[4, 2]], "point", group_id=3),
        shape("nose", [[4, 2]], "point"),
        shape("cat", [[40, 40], [30, 20]], "rectangle"),
        shape("ball", [[20, 20], [20, 25]], "circle"),
        shape("edge", [[1, 1], [2, 2]], "line"),
        shape("cat", [[1, 1], [2, 2]]),
        shape("cat", [[1, 1], [2, 2], [1e300, 4]]),
        shape("cat", "everywhere"),
    ]
    body = {"version": "4.5", "shapes": shapes_of, "imagePath": "..\\..\\secret\\1.jpg", "imageHeight": 48,
            "imageWidth": 64}  # fmt: skip
    (tmp_path / "1.json").write_text(json.dumps(body))
    (tmp_path / "annotations.json").write_text('{"images": [], "annotations": []}')
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "2.json").write_text('{"shapes": [')
    data = labelme.read(tmp_path, tmp_path)
    (image,) = data.images
    assert image.name == "1.jpg", "a name that leads elsewhere is no more than a name"
    cat, box, ball = image.objects
    assert len(cat.shape.geoms) == 2
    assert cat.keypoints == (Point(4, 2, 2),)
    assert (box.is_box, box.shape.bounds) == (True, (30, 20, 40, 40))
    assert ball.shape.area == pytest.approx(np.pi * 25, rel=0.01)
    assert data.problems == (
        "2.json is damaged and left out.",
        "1 shape is neither a polygon, a rectangle, a circle nor a mask and is left out.",
        "3 shapes cannot be read and are left out.",
        "1 point belongs to no object and is left out.",
    )


HOSTILE = [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"shapes": 3}', b'{"images": [{"id": 1}]}', b"\0" * 9]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_not_of_the_format_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    for file_format in formats():
        if file_format.read is None:
            continue
        for source in (file, tmp_path / "gone"):
            with pytest.raises(FormatError, match=r"\.$"):
                file_format.read(source, tmp_path, no_progress)


def test_damaged_annotations_of_a_coco_file_are_counted(tmp_path: Path) -> None:
    good = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
    bad = [{"image_id": 9}, {"category_id": 7}, {"bbox": [1, 2]}, {"bbox": [1e99, 0, 1, 1]}, {"keypoints": [1, 2, 2]},
           {"segmentation": {"size": [9**9, 9**9], "counts": "x"}},
           {"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}]  # fmt: skip
    body = {
        "images": [{"id": 1, "file_name": "../../etc/1.jpg", "width": 9, "height": 9}],
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": [good, *(good | wrong for wrong in bad)],
    }
    file = tmp_path / "x.json"
    file.write_text(json.dumps(body))
    data = match_images(coco.read(file, tmp_path), ["a/1.jpg"])
    understood = ObjectRecord("cup", rectangle(1, 2, 4, 6), is_box=True)  # whatever is wrong with its mask or keypoints
    assert data.images == (ImageRecord("a/1.jpg", (9, 9), (understood,) * 4),)
    assert data.problems[-1] == "4 annotations cannot be read and are left out."
    assert len(data.problems) == 4, "its box, runs and rings are told, too"
    assert match_images(coco.read(file, tmp_path), ["a/1.jpg", "b/1.jpg"]).images == (), "either could be meant"


def test_nothing_is_replaced_or_written_outside(tmp_path: Path) -> None:
    data = Dataset(tmp_path, CLASSES, (ImageRecord("annotations.jpg", SIZE), ImageRecord("1.jpg", SIZE)))
    assert export(labelme.FORMAT, data, tmp_path) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.json", "annotations.jpg.json"]
    with pytest.raises(FormatError, match=r"annotations\.jpg\.json would be replaced"):
        export(labelme.FORMAT, data, tmp_path)
    export(labelme.FORMAT, data, tmp_path, overwrite=True)
    escaping = Format("toy", "Toy", write=lambda _data, _target: iter([("../out", b"x")]))
    with pytest.raises(FormatError, match="outside"):
        export(escaping, data, tmp_path / "folder")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "file"), [("yolo", "data.yaml"), ("voc", "labelmap.txt"), ("class_masks", "labelmap.txt")]
)
def test_classes_have_their_numbers_whichever_photos_are_exported(tmp_path: Path, name: str, file: str) -> None:
    file_format = next(f for f in formats() if f.name == name)
    (tmp_path / "photos").mkdir()
    images = []
    for photo, class_name in (("1.jpg", "person"), ("2.jpg", "cup")):
        Image.new("RGB", SIZE).save(tmp_path / "photos" / photo)
        images.append(ImageRecord(photo, SIZE, (ObjectRecord(class_name, rectangle(1, 1, 5, 5)),)))
    written = set()
    for number, some in enumerate((images, images[:1], images[1:])):
        target = tmp_path / "out" / str(number)
        export(file_format, Dataset(tmp_path / "photos", CLASSES, tuple(some)), target)
        written.add((target / file).read_bytes())
    assert len(written) == 1
