from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.formats import geojson
from dataset.formats.base import ClassRecord, Dataset, FormatError, ImageRecord, ObjectRecord, Point, no_progress
from dataset.formats.exporting import export
from dataset.formats.stored_images import match_images
from tests.strategies import SIZE, boxes, keypoints, shapes

CLASSES = (ClassRecord("cup", "#ff9f1c"), ClassRecord("person", "#4cc9f0", "", ("nose", "left eye", "right eye")))
NAMES = ["a/1.jpg", "a/1.png"]


@st.composite
def records(draw: st.DrawFn) -> ObjectRecord:
    is_box = draw(st.booleans())
    points = tuple(Point(k.x, k.y, int(k.visibility)) for k in draw(st.just(()) | keypoints()))
    bare = any(p.visibility for p in points) and draw(st.booleans())
    shape = MultiPolygon() if bare else draw(boxes()) if is_box else draw(shapes())
    extra = draw(st.just({}) | st.builds(lambda n: {"attributes": {"age": n}, "group_id": n}, st.integers(1, 9)))
    return ObjectRecord(
        "person" if points else "cup", shape, points, is_box and not bare, draw(st.booleans()),
        draw(st.none() | st.floats(0, 1)), draw(st.sampled_from(["", "drawn", "edited"])), extra,
    )  # fmt: skip


def _round_trip(data: Dataset) -> Dataset:
    with TemporaryDirectory() as folder:
        export(geojson.FORMAT, data, Path(folder))
        return match_images(geojson.read(Path(folder), data.folder), data.names)


@settings(max_examples=8)
@given(st.lists(records(), max_size=3))
def test_there_and_back_is_the_same(found: list[ObjectRecord]) -> None:
    data = Dataset(Path("x"), CLASSES, tuple(ImageRecord(name, (0, 0), tuple(found)) for name in NAMES))
    assert geojson.losses(data) == []
    back = _round_trip(data)
    assert (back.images, back.problems) == (data.images, ())
    assert {c.name for c in back.classes} == {record.class_name for record in found}


def test_what_is_lost_is_said() -> None:
    bare = ObjectRecord("cup", MultiPolygon(), extra={"label": "x"})
    data = Dataset(Path("x"), CLASSES, (ImageRecord("1.jpg", SIZE, (bare,)),))
    assert geojson.losses(data) == [
        "1 object without an outline would be left out.", "1 object has fields that would be left out.",
    ]  # fmt: skip
    assert _round_trip(data).images[0].objects == ()


RING = [[0, 0], [9, 0], [9, 9], [0, 0]]


def _feature(geometry: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_files_of_qupath_and_others(tmp_path: Path) -> None:
    polygon = {"type": "Polygon", "coordinates": [RING, [[5, 1], [8, 1], [8, 4], [5, 1]]]}
    features = [
        _feature(polygon, classification={"name": "Tumor", "color": [200, 0, 0]}, objectType="annotation"),
        _feature({"type": "MultiPolygon", "coordinates": [[RING], [[[20, 20], [30, 20], [30, 30]]]]}, label="cell"),
        _feature({"type": "GeometryCollection", "geometries": [polygon, {"type": "Point", "coordinates": [1, 2]}]}),
        _feature(polygon, image="sub/2.jpg", name="cell"),
        _feature({"type": "LineString", "coordinates": RING}),
        _feature({"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], [2, 2]]]}),
        _feature({"type": "Polygon", "coordinates": [[[0, 0], [1e300, 1], [2, 2]]]}),
        _feature({"type": "Polygon", "coordinates": [[[0, 0], [1], [2, 2]]]}),
        _feature({"type": "Polygon", "coordinates": [[[0], [1], [2]]]}),
        _feature(None),
        7,
    ]
    (tmp_path / "1.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (tmp_path / "3.json").write_text(json.dumps([_feature(polygon, classification="Tumor")]))
    (tmp_path / "4.json").write_text("{")
    (tmp_path / "other.json").write_text('{"images": []}')
    data = geojson.read(tmp_path, tmp_path)
    assert [(image.name, [r.class_name for r in image.objects]) for image in data.images] == [
        ("1.jpg", ["Tumor", "cell", "object"]), ("sub/2.jpg", ["cell"]), ("3.jpg", ["Tumor"]),
    ]  # fmt: skip
    tumor, cell, _ = data.images[0].objects
    assert (len(tumor.shape.geoms[0].interiors), len(cell.shape.geoms)) == (1, 2)
    assert data.classes[0] == ClassRecord("Tumor", "#c80000")
    assert data.problems == (
        "4.json is damaged and left out.",
        "3 shapes have no inside (points or lines) and are left out.",
        "4 shapes cannot be read and are left out.",
    )


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"type": "FeatureCollection2"}', b"[" * 10**5])
def test_what_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.geojson").write_bytes(content)
    for source in (tmp_path, tmp_path / "x.geojson", tmp_path / "gone"):
        with pytest.raises(FormatError, match=r"\.$"):
            geojson.read(source, tmp_path, no_progress)
