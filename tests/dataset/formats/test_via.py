from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.formats import via, via3
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
)
from dataset.formats.exporting import export
from dataset.formats.stored_images import match_images
from dataset.geometry import from_parts
from tests.strategies import SIZE, boxes, shapes

CLASSES = (ClassRecord("cup"), ClassRecord("чашка"))


@st.composite
def records(draw: st.DrawFn) -> ObjectRecord:
    is_box = draw(st.booleans())
    values = st.text("ab", min_size=1) | st.integers(0, 9)
    attributes = draw(st.dictionaries(st.sampled_from(["colour", "age"]), values))
    extra: dict[str, Any] = {"attributes": attributes} if attributes else {}
    score = draw(st.none() | st.floats(0, 1))
    name = draw(st.sampled_from([c.name for c in CLASSES]))
    return ObjectRecord(
        name, draw(boxes()) if is_box else draw(shapes()), (), is_box, draw(st.booleans()), score, extra=extra
    )


def _round_trip(file_format: Format, data: Dataset) -> Dataset:
    with TemporaryDirectory() as folder:
        target = Path(folder) / "out.json"
        export(file_format, data, target)
        return match_images(via.read(target, data.folder), [image.name for image in data.images])


@settings(max_examples=10)
@given(st.lists(records(), max_size=3), st.sampled_from([via.FORMAT, via3.FORMAT]))
def test_there_and_back_is_the_same(found: list[ObjectRecord], file_format: Format) -> None:
    data = Dataset(Path("x"), CLASSES, (ImageRecord("a/1.jpg", SIZE, tuple(found)), ImageRecord("2.jpg", SIZE)))
    back = _round_trip(file_format, data)
    assert ([image.name for image in back.images], back.problems) == (["a/1.jpg", "2.jpg"], ())
    for a, b in zip(back.images[0].objects, found, strict=True):
        assert (a.class_name, a.is_box, a.is_crowd, a.score, dict(a.extra)) == (
            b.class_name, b.is_box, b.is_crowd, b.score, b.extra,
        )  # fmt: skip
        assert a.shape.equals(b.shape) or not b.shape.is_valid


def test_what_is_lost_is_said() -> None:
    ring = [(0, 0), (30, 0), (30, 30), (0, 30)]
    found = (
        ObjectRecord("cup", from_parts([[ring, [(5, 5), (9, 5), (9, 9)]]]), (Point(1, 2, 2),), extra={"group_id": 3}),
        ObjectRecord("cup", from_parts([[ring]]), extra={"attributes": {"class": "x", "list": [1]}}),
        ObjectRecord("cup", MultiPolygon()),
    )
    data = Dataset(Path("x"), CLASSES, (ImageRecord("1.jpg", SIZE, found),))
    assert via.losses(data) == [
        "1 object without an outline would be left out.",
        "The keypoints of 1 object would be left out.",
        "1 hole would be joined to its outline by a line.",
        "2 objects have fields that would be left out.",
    ]
    assert len(_round_trip(via.FORMAT, data).images[0].objects) == 2


def _region(shape: object, **attributes: object) -> dict[str, object]:
    return {"shape_attributes": shape, "region_attributes": attributes}


RING = {"name": "polygon", "all_points_x": [0, 9, 9, 0], "all_points_y": [0, 0, 9, 0]}


def test_files_of_via_1_and_2(tmp_path: Path) -> None:
    regions = {
        "0": _region(RING, kind={"cat": True, "dog": False}, note="big"),
        "1": _region({"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, kind="dog"),
        "2": _region({"name": "circle", "cx": 20, "cy": 20, "r": 5}, kind=""),
        "3": _region({"name": "ellipse", "cx": 20, "cy": 20, "rx": 8, "ry": 2, "theta": np.pi / 2}, kind="cat"),
        "4": _region({"name": "point", "cx": 1, "cy": 1}),
        "5": _region({"name": "polyline", "all_points_x": [1], "all_points_y": [2]}),
        "6": _region({"name": "rect", "x": 1, "y": "z", "width": 3, "height": 4}),
        "7": _region({"name": "circle"}),
        "8": 3,
        "9": _region({**RING, "all_points_x": [1e300, 1, 2, 1e300]}),
    }
    (tmp_path / "v.json").write_text(json.dumps({"1.jpg55": {"filename": "1.jpg", "size": 55, "regions": regions}}))
    data = via.read(tmp_path / "v.json", tmp_path)
    ring, box, ball, oval = data.images[0].objects
    assert [r.class_name for r in (ring, box, ball, oval)] == ["cat", "dog", "object", "cat"]
    assert (ring.shape.bounds, dict(ring.extra)) == ((0, 0, 9, 9), {"attributes": {"note": "big"}})
    assert (box.is_box, box.shape.bounds) == (True, (1, 2, 4, 6))
    assert oval.shape.bounds == pytest.approx((18, 12, 22, 28), abs=0.1)
    assert data.problems == (
        "2 shapes have no inside (points or lines) and are left out.",
        "4 shapes cannot be read and are left out.",
    )


def test_photos_of_one_name_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    for number, name in enumerate(("1.jpg", "a/1.jpg", "b/1.jpg", "c/1.jpg", "2.jpg"), 1):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * min(number, 3))
    entries = [("1.jpg", 1), ("1.jpg", "2"), ("1.jpg", 3), ("1.jpg", 9), ("1.jpg", -1), ("2.jpg", 7), ("2.jpg", None)]
    body = {
        str(number): {"filename": name, "size": size, "regions": [_region(RING, kind=str(size))]}
        for number, (name, size) in enumerate(entries)
    }
    (tmp_path / "v.json").write_text(json.dumps(body))
    data = via.read(tmp_path / "v.json", tmp_path)
    assert {image.name: [record.class_name for record in image.objects] for image in data.images} == {
        "1.jpg": ["1", "3", "9", "-1"], "a/1.jpg": ["2"], "2.jpg": ["7", "None"],
    }, "two have 3 bytes, and none 9; without another size, it says nothing"  # fmt: skip


def test_a_project_of_via_3(tmp_path: Path) -> None:
    def entry(xy: object, **av: object) -> dict[str, object]:
        return {"vid": "1", "flg": 0, "z": [], "xy": xy, "av": av}

    options = {"7": {"aname": "Class", "type": 4, "options": {"K": "sky", "B": "building"}}}
    metadata = {
        "a": entry([7, 0, 0, 9, 0, 9, 9], **{"7": "K"}),
        "b": entry([2, 1, 2, 3, 4], **{"7": "B"}),
        "c": entry([3, 20, 20, 5], **{"7": "?"}),
        "d": entry([8, 5, 0, 9, 5, 5, 9, 0, 5], **{"7": "B"}),
        "e": entry([1, 2, 3]),
        "f": entry([2, 1]),
        "g": entry([]),
        "h": {"vid": "2", "xy": [2, 1, 2, 3, 4]},
    }
    files = {"5": {"fid": 5, "fname": "sub/1.jpg", "type": 2}, "6": {"fname": "film.mp4", "type": 4}}
    body = {"project": {}, "config": {}, "attribute": options, "file": files, "metadata": metadata,
            "view": {"1": {"fid_list": [5]}, "2": {"fid_list": [6]}}}  # fmt: skip
    (tmp_path / "v.json").write_text(json.dumps(body))
    data = via.read(tmp_path / "v.json", tmp_path)
    (image,) = data.images
    assert image.name == "sub/1.jpg"
    assert [(r.class_name, r.is_box) for r in image.objects] == [
        ("sky", False), ("building", True), ("?", False), ("building", True),
    ]  # fmt: skip
    assert image.objects[3].shape.bounds == (0, 0, 9, 9)
    assert data.problems == (
        "1 shape has no inside (a point or a line) and is left out.",
        "1 shape cannot be read and is left out.",
    )


@pytest.mark.parametrize("content", [b"", b"{}", b'{"a": {"filename": 3}}', b"[" * 10**5, b'{"_via_img_metadata": 3}'])
def test_what_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(FormatError, match=r"v\.json is not a file of VIA: .*\.$"):
        via.read(tmp_path / "v.json", tmp_path)
