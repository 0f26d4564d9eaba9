from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.formats import x_anylabeling
from dataset.formats.base import ClassRecord, Dataset, ImageRecord, ObjectRecord, Point
from dataset.formats.exporting import export
from dataset.formats.labelme import reading
from dataset.formats.stored_images import match_images
from dataset.geometry import from_parts, rectangle, to_parts
from tests.strategies import SIZE, boxes, keypoints, shapes

CLASSES = (ClassRecord("cup"), ClassRecord("person", keypoint_names=("nose", "left eye", "right eye")))
TURNED = from_parts([[[(10, 10), (20, 12), (18, 22), (8, 20)]]])


@st.composite
def records(draw: st.DrawFn) -> ObjectRecord:
    is_box, has_points = draw(st.booleans()), draw(st.booleans())
    shape = draw(boxes()) if is_box else from_parts([part[:1] for part in to_parts(draw(shapes()))])
    points = tuple(Point(k.x, k.y, int(k.visibility) or 2) for k in draw(keypoints())) if has_points else ()
    values = st.text(max_size=3) | st.booleans() | st.integers(0, 9)
    attributes = draw(st.dictionaries(st.sampled_from(["colour", "occluded"]), values))
    attributes |= {"difficult": True} if draw(st.booleans()) else {}
    extra: dict[str, Any] = {"attributes": attributes} if attributes else {}
    if draw(st.booleans()):
        extra["description"] = draw(st.text("abc ", min_size=1))
    score = draw(st.none() | st.floats(0, 1))
    return ObjectRecord("person" if has_points else "cup", shape, points, is_box, score=score, extra=extra)


def _round_trip(data: Dataset) -> Dataset:
    with TemporaryDirectory() as folder:
        export(x_anylabeling.FORMAT, data, Path(folder))
        return match_images(reading.read(Path(folder), data.folder), [image.name for image in data.images])


@settings(max_examples=8)
@given(st.lists(records(), max_size=3))
def test_there_and_back_is_the_same(found: list[ObjectRecord]) -> None:
    turned = ObjectRecord("cup", TURNED, extra={"direction": 0.2})
    data = Dataset(Path("x"), CLASSES, (ImageRecord("a/1.jpg", SIZE, (*found, turned)),))
    assert x_anylabeling.losses(data) == []
    assert _round_trip(data).images == data.images


def test_files_as_x_anylabeling_has_them(tmp_path: Path) -> None:
    def shape(kind: str, points: object, **more: object) -> dict[str, object]:
        return {"label": "cow", "points": points, "shape_type": kind, "flags": None, "kie_linking": [], **more}

    corners = [[10, 10], [20, 12], [18, 22], [8, 20]]
    found = [
        shape("rotation", corners, direction=0.2, difficult="true", attributes={"age": "2"}, score=0.5),
        shape("rectangle", [[1, 2], [5, 2], [5, 8], [1, 8]], difficult="false", score="none"),
        shape("rectangle", corners),
        shape("rectangle", [[1, 2], [5, 2], [5, 8]]),
        shape("circle", [[20, 20], [20, 25]], attributes=None),
        shape("line", [[1, 1], [2, 2]]),
        shape("linestrip", [[1, 1], [2, 2], [3, 3]]),
        shape("point", [[1, 1]]),
    ]
    body = {
        "version": "3.2.1",
        "checked": True,
        "shapes": found,
        "imagePath": "1.jpg",
        "imageHeight": 48,
        "imageWidth": 64,
    }
    (tmp_path / "1.json").write_text(json.dumps(body))
    data = reading.read(tmp_path, tmp_path)
    turned, box, outline, ball = data.images[0].objects
    assert (turned.extra, turned.score) == ({"attributes": {"age": "2", "difficult": True}, "direction": 0.2}, 0.5)
    assert turned.shape.equals(TURNED)
    assert (box.is_box, box.shape.bounds, dict(box.extra), box.score) == (True, (1, 2, 5, 8), {}, None)
    assert (outline.is_box, outline.shape.equals(TURNED)) == (False, True)
    assert ball.shape.area == pytest.approx(np.pi * 25, rel=0.01)
    assert data.problems == (
        "2 shapes are neither polygons, rectangles, circles nor masks and are left out.",
        "1 shape cannot be read and is left out.",
        "1 point belongs to no object and is left out.",
    )
    data = Dataset(
        tmp_path, CLASSES, (ImageRecord("1.jpg", SIZE, (ObjectRecord("cup", rectangle(1, 2, 5, 8), is_box=True),)),)
    )
    export(x_anylabeling.FORMAT, data, tmp_path / "out")
    (written,) = json.loads((tmp_path / "out/1.json").read_text())["shapes"]
    assert written["points"] == [[1, 2], [5, 2], [5, 8], [1, 8]]
    assert written | {"points": []} == {
        "label": "cup", "score": None, "points": [], "group_id": None, "description": "", "difficult": False,
        "shape_type": "rectangle", "flags": {}, "attributes": {}, "kie_linking": [],
    }  # fmt: skip


def test_a_difficult_point_is_occluded(tmp_path: Path) -> None:
    points = (Point(5, 5, 2), Point(6, 6, 1), Point(7, 7, 2))
    person = ObjectRecord("person", rectangle(1, 2, 9, 8), points, is_box=True)
    hard = replace(person, extra={"attributes": {"difficult": True}})
    for record in (person, hard):
        data = Dataset(tmp_path, CLASSES, (ImageRecord("1.jpg", SIZE, (record,)),))
        export(x_anylabeling.FORMAT, data, tmp_path / "out", overwrite=True)
        file = tmp_path / "out" / "1.json"
        body = json.loads(file.read_text())
        assert [shape["difficult"] for shape in body["shapes"]] == [record is hard, False, True, False]
        for shape in body["shapes"]:
            shape["flags"] = {}  # as X-AnyLabeling's own
        file.write_text(json.dumps(body))
        (back,) = reading.read(tmp_path / "out", tmp_path).images[0].objects
        assert back == record


def test_what_is_lost_is_said() -> None:
    record = ObjectRecord("cup", rectangle(1, 2, 5, 8), extra={"attributes": {"difficult": "very"}, "track": 1})
    data = Dataset(Path("x"), CLASSES, (ImageRecord("1.jpg", SIZE, (record,)),))
    assert x_anylabeling.losses(data) == [
        "1 object has fields that would be left out.",
        "The attribute “difficult” of 1 object would be left out: it is true or not there.",
    ]
