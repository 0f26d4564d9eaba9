from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.formats import label_studio
from dataset.formats.base import ClassRecord, Dataset, FormatError, ImageRecord, ObjectRecord, Point
from dataset.formats.exporting import export
from dataset.formats.label_studio.brush import decode_brush, encode_brush
from dataset.formats.label_studio.tasks import common_order, photo_names
from dataset.geometry import from_parts, rectangle
from dataset.masks import trace
from tests.strategies import SIZE, boxes, keypoints, masks, rings

CLASSES = (ClassRecord("Täßchen"), ClassRecord("person", "", "", ("nose", "left eye", "ß")))


@st.composite
def objects(draw: st.DrawFn) -> ObjectRecord:
    is_box = draw(st.booleans())
    outlines = rings().map(lambda ring: from_parts([[ring]])) | masks.filter(np.any).map(
        lambda mask: from_parts(trace(mask, (5, 7)))
    )
    points = tuple(Point(k.x, k.y, 2 if k.visibility else 0) for k in draw(keypoints()))
    has_points = any(p.visibility for p in points) and draw(st.booleans())
    return ObjectRecord(
        "person" if has_points else "Täßchen",
        draw(boxes() if is_box else outlines),
        points if has_points else (),
        is_box,
        score=draw(st.none() | st.floats(0, 1)),
        origin=draw(st.sampled_from(["drawn", "suggested", "edited"])),
    )


@given(st.lists(objects(), max_size=4))
def test_there_and_back_is_the_same(found: list[ObjectRecord]) -> None:
    images = (ImageRecord("ä b/1 100%+ü&.jpg", SIZE, tuple(found)), ImageRecord("2\udcff.jpg", (0, 0)))
    with TemporaryDirectory() as folder:
        data = Dataset(Path(folder), CLASSES, images)
        assert label_studio.losses(data) == []
        target = Path(folder, "out.json")
        export(label_studio.FORMAT, data, target)
        back = label_studio.read(target, Path(folder))
    assert [image.name.partition("/")[2] for image in back.images] == [image.name for image in images]
    assert back.images[0].size == (SIZE if found else (0, 0)), "only regions have it"
    named = {c.name: c.keypoint_names for c in CLASSES}
    for before, after in zip(found, back.images[0].objects, strict=True):
        assert after.keypoints == _in_order(before, named[before.class_name], back)
        assert (after.class_name, after.shape, after.is_box) == (before.class_name, before.shape, before.is_box)
        assert (after.score, after.origin, after.extra) == (before.score, before.origin, {})


def _in_order(record: ObjectRecord, names: tuple[str, ...], data: Dataset) -> tuple[Point, ...]:
    """The keypoints in the order of the class that was read: the file has no list of them."""
    found = dict(zip(names, record.keypoints, strict=False))
    (known,) = (c.keypoint_names for c in data.classes if c.name == record.class_name)
    return tuple(found[name] for name in known) if found else ()


@pytest.mark.parametrize(
    ("lists", "order"),
    [(["bd", "abc", "cd"], "abcd"), (["ab", "ba", "c"], "abc"), ([], ""), (["a", ""], "a")],
)
def test_keypoints_are_in_the_order_that_all_objects_have(lists: list[str], order: str) -> None:
    assert "".join(common_order(lists)) == order


@given(masks)
def test_a_brush_there_and_back_is_the_same_mask(mask: np.ndarray) -> None:
    assert (decode_brush(encode_brush(mask.astype(np.uint8)), mask.shape[::-1]) == mask).all()


OF_ITS_CONVERTER = [0, 0, 0, 24, 57, 27, 252, 96, 17, 255, 198, 1, 63, 252, 96, 0]
SINGLE_VALUES = [0, 0, 0, 16, 57, 27, 248, 1, 32, 4, 0, 14, 0, 4, 121, 19, 128, 0]
LITERAL = "".join(
    (f"{8:032b}", f"{7:05b}", "0010" * 4, "0", "00", "111", *(f"{v:08b}" for v in (9, 9, 9, 0, 9, 9, 9, 1)))
)


def test_brushes_as_others_pack_them() -> None:
    mask = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
    assert encode_brush(mask) == OF_ITS_CONVERTER
    assert (decode_brush(OF_ITS_CONVERTER, (3, 2)) == mask).all()
    assert decode_brush(SINGLE_VALUES, (4, 1)).tolist() == [[False, True, False, False]]
    bits = LITERAL + "0" * (-len(LITERAL) % 8)
    assert decode_brush(list(int(bits, 2).to_bytes(len(bits) // 8)), (2, 1)).tolist() == [[False, True]]


@pytest.mark.parametrize("packed", [[], [0, 0, 0, 24], OF_ITS_CONVERTER[:-6], [300], [255] * 60, [1.5], ["a"]])
def test_a_damaged_brush_is_refused(packed: list[Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode_brush(packed, (3, 2))


def _result(kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    size = {"original_width": 200, "original_height": 100, "image_rotation": 0}
    return {"type": kind, "value": value, "from_name": "tag", "to_name": "image", **size, **more}


def test_a_file_of_its_own(tmp_path: Path) -> None:
    box = {"x": 10, "y": 10, "width": 20, "height": 50, "rotation": 0}
    results = [
        _result("rectanglelabels", box | {"rectanglelabels": ["car"]}, id="a", origin="prediction"),
        _result("choices", box | {"choices": ["red", "old"]}, id="a", from_name="look"),
        _result("keypointlabels", {"x": 15, "y": 20, "width": 1, "keypointlabels": ["wheel"]}, id="b", parentID="a"),
        _result("keypointlabels", {"x": 1, "y": 2, "width": 1, "keypointlabels": ["nose"]}, id="c"),
        _result("rectangle", box | {"rotation": 90}, id="d"),
        _result("labels", box | {"rotation": 90, "labels": ["bus"]}, id="d"),
        _result("ellipselabels", {"x": 50, "y": 50, "radiusX": 5, "radiusY": 10, "ellipselabels": ["ball"]}, id="e"),
        _result("brushlabels", {"format": "rle", "rle": OF_ITS_CONVERTER, "brushlabels": ["car"]}, id="f"),
        _result("polygonlabels", {"points": [[1, 1], [2, 2]], "polygonlabels": ["car"]}, id="g"),
        _result("polygonlabels", {"points": [[1, 1], [2, 2], [1e300, 3]], "polygonlabels": ["car"]}, id="h"),
        _result("polygonlabels", {"points": [[1, 1], [2, 2], [9, 3]]}, id="i", image_rotation=90),
        _result("choices", {"choices": ["night"]}, id="j"),
        {"type": "relation", "from_id": "a", "to_id": "b"},
        {"type": 7},
    ]
    other = {"result": results[:1]}
    task = {
        "data": {"text": "no", "image": "/data/upload/1/ab12cd34-photo.jpg"},
        "annotations": [{"result": results, "ground_truth": True}, other, other | {"was_cancelled": True}],
        "predictions": [{"result": results[:2]}, 7, {"score": 0.5, "result": results[:2]}],
    }
    file = tmp_path / "x.json"
    file.write_text(json.dumps([task, 3, {"data": 7}]))
    data = label_studio.read(file, tmp_path)
    (image,) = data.images
    assert (image.name, image.size) == ("photo.jpg", (200, 100))
    assert [(s.class_name, s.shape.bounds, s.score) for s in image.suggestions] == [("car", (20, 10, 60, 60), 0.5)]
    car, turned, ball, nose = image.objects
    assert (car.class_name, car.shape.bounds, car.is_box, car.origin) == ("car", (20, 10, 60, 60), True, "suggested")
    assert (car.keypoints, car.extra) == ((Point(30, 20, 2),), {"attributes": {"look": "red, old"}})
    assert (turned.class_name, turned.is_box) == ("bus", False)
    assert turned.shape.bounds == pytest.approx((-30, 10, 20, 50)), "about its upper left corner, clockwise"
    assert ball.shape.area == pytest.approx(np.pi * 100, rel=0.01)
    assert (nose.class_name, nose.keypoints) == ("nose", (Point(2, 2, 2),))
    assert data.classes[0] == ClassRecord("car", keypoint_names=("wheel",))
    assert data.problems == (
        "2 results are no regions with an inside and are left out.",
        "4 regions cannot be read and are left out.",
        "1 region was made on a rotated image and is left out.",
        "2 regions of earlier predictions of the same tasks are left out.",
        "1 further annotation of the same task is left out.",
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a/my photo (1).jpg", "a/2.png", "b/2.png", "ab12cd34-3.png", "4ä.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, np.zeros((10, 20, 3), np.uint8))[1].tobytes())
    return tmp_path


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/data/upload/7/0a1b2c3d-my_photo_1.jpg", "a/my photo (1).jpg"),
        ("/data/upload/7/ab12cd34-3.png", "ab12cd34-3.png"),
        ("/data/upload/7/ffffffff-4%C3%A4.png", "4ä.png"),
        ("upload/7/ffffffff-4ä.png", "4ä.png"),
        ("/data/local-files/?d=set%2Fb/2.png", "b/2.png"),
        ("https://host/x/a/my%20photo%20(1).jpg?X-Token=1/2.png", "a/my photo (1).jpg"),
        ("s3://bucket/b/2.png", "b/2.png"),
        ("C:\\set\\b\\2.png", "b/2.png"),
        ("/data/upload/7/ffffffff-2.png", "2.png"),
        ("/data/local-files/?d=../../etc/passwd", "../../etc/passwd"),
        ("http://[", "http://["),
    ],
)
def test_which_photo_an_address_means(photos: Path, url: str, name: str) -> None:
    assert photo_names([url], photos) == {url: name}


def test_two_uploads_of_one_name_mean_neither(photos: Path) -> None:
    urls = ["/data/upload/1/00000001-4ä.png", "/data/upload/1/00000002-4ä.png"]
    assert list(photo_names(urls, photos).values()) == ["00000001-4ä.png", "00000002-4ä.png"]


def test_the_size_of_the_photo_is_taken_where_no_result_has_it(photos: Path) -> None:
    result = {"type": "rectanglelabels", "value": {"x": 0, "y": 0, "width": 50, "height": 50}}
    task = {"data": {"image": "4ä.png"}, "annotations": [{"result": [result]}]}
    file = photos / "x.json"
    file.write_text(json.dumps([task]))
    (image,) = label_studio.read(file, photos).images
    assert image.objects[0].shape.equals(rectangle(0, 0, 10, 5))


def test_what_is_lost_is_counted() -> None:
    ring = [(0.5, 0), (30, 0), (30, 30), (0, 30)]
    records = (
        ObjectRecord("person", from_parts([[ring, [(5, 5), (9, 5), (9, 9)]]]), (Point(1, 2, 1), Point(1, 2, 2))),
        ObjectRecord("person", from_parts([])),
        ObjectRecord("person", rectangle(0, 0, 2, 2), is_crowd=True, extra={"group_id": 3}),
    )
    assert label_studio.losses(Dataset(Path("x"), CLASSES, (ImageRecord("1.jpg", SIZE, records),))) == [
        "1 object of several parts or with holes would be a mask of whole pixels.",
        "1 object without an outline would be left out.",
        "1 keypoint would no longer be occluded.",
        "1 crowd would be an object like any other.",
        "1 object has attributes or other fields that would be left out.",
    ]


@pytest.mark.parametrize(
    "content",
    ["[]", '[{"image": "1.jpg", "label": []}]', '[{"image_id": 1, "score": 1}]', '[{"data": {"image": "1', "7"],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(FormatError, match=r"x\.json .*Label Studio.*\.$"):
        label_studio.read(file, tmp_path)
