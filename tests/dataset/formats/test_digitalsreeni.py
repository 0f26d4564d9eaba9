from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.formats import digitalsreeni
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
)
from dataset.formats.exporting import export
from dataset.formats.stored_images import match_images
from dataset.geometry import from_parts, rectangle
from tests.strategies import SIZE, boxes, keypoints, shapes

CLASSES = (
    ClassRecord("cup", "#ff9f1c"),
    ClassRecord("person", "#4cc9f0", "", ("nose", "left eye", "right eye"), ((0, 1), (0, 2))),
)


@st.composite
def records(draw: st.DrawFn) -> ObjectRecord:
    points = tuple(Point(k.x, k.y, int(k.visibility)) for k in draw(st.just(()) | keypoints()))
    is_posed = any(p.visibility for p in points)
    is_box = is_posed or draw(st.booleans())
    shape = draw(boxes()) if is_box else draw(shapes())
    extra = draw(st.just({}) | st.just({"source": "sam3"}))
    score = draw(st.none() | st.floats(0, 1))
    name = "person" if points else "cup"
    return ObjectRecord(name, shape, points if is_posed else (), is_box, False, score, extra=extra)


def _round_trip(data: Dataset) -> Dataset:
    with TemporaryDirectory() as folder:
        target = Path(folder) / "x.iap"
        export(digitalsreeni.FORMAT, data, target)
        return match_images(digitalsreeni.read(target, data.folder), [image.name for image in data.images])


@settings(max_examples=8)
@given(st.lists(records(), max_size=3))
def test_there_and_back_is_the_same(found: list[ObjectRecord]) -> None:
    found.sort(key=lambda record: record.class_name)  # it has them by class
    data = Dataset(Path("x"), CLASSES, (ImageRecord("a/1.jpg", SIZE, tuple(found)), ImageRecord("2.jpg", SIZE)))
    back = _round_trip(data)
    assert (back.classes, back.problems) == (CLASSES, ())
    for a, b in zip(back.images[0].objects, found, strict=True):
        assert (a.class_name, a.keypoints, a.is_box, a.score, a.extra) == (
            b.class_name,
            b.keypoints,
            b.is_box,
            b.score,
            b.extra,
        )
        assert a.shape.equals(b.shape) if b.shape.is_valid else True


def test_what_is_lost_is_said() -> None:
    ring = [(0, 0), (30, 0), (30, 30), (0, 30)]
    found = (
        ObjectRecord("cup", from_parts([[ring, [(5, 5), (9, 5), (9, 9)]], [[(40, 40), (41, 40), (41, 41)]]])),
        ObjectRecord("person", from_parts([[ring]]), (Point(1, 2, 2),) * 3),
        ObjectRecord("cup", MultiPolygon()),
    )
    data = Dataset(Path("x"), CLASSES, (ImageRecord("1.jpg", SIZE, found),))
    assert digitalsreeni.losses(data) == [
        "1 outline would become a box: an object with keypoints has no outline there.",
        "1 object without an outline would be left out.",
        "1 hole would be joined to its outline by a line.",
        "1 object of several parts would be one outline, joined by lines.",
    ]
    cup, person = _round_trip(data).images[0].objects
    assert cup.shape.equals(found[0].shape)
    assert (person.is_box, person.shape.bounds) == (True, (0, 0, 30, 30))


def test_a_project_as_the_tool_writes_it(tmp_path: Path) -> None:
    ring = {"segmentation": [20, 20, 80, 20, 80, 70], "category_id": 1, "category_name": "cat", "number": 1}
    body = {
        "classes": [{"name": "cat", "color": "#ff0000"}, {"name": 3}, "x"],
        "images": [
            {"file_name": "1.jpg", "width": 99, "height": 99, "is_multi_slice": False,
             "annotations": {"cat": [ring, {**ring, "segmentation": [1]}, 7], "dog": [{"bbox": [1, 2, 3, 4]}], "x": 3}},
            {"file_name": "s.tif", "width": 99, "height": 99, "is_multi_slice": True,
             "slices": [{"name": "s_Z1", "annotations": {"cat": [ring]}}, 5]},
            "y",
        ],
    }  # fmt: skip
    (tmp_path / "p.iap").write_text(json.dumps(body))
    data = digitalsreeni.read(tmp_path / "p.iap", tmp_path)
    one, part = data.images
    assert [(r.class_name, r.is_box, r.shape.bounds) for r in one.objects] == [
        ("cat", False, (20, 20, 80, 70)), ("dog", True, (1, 2, 4, 6)),
    ]  # fmt: skip
    assert (part.name, len(part.objects)) == ("s_Z1.png", 1)
    assert data.problems == ("2 shapes cannot be read and are left out.",)


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"images": 3}', b'{"images": [], "annotations": []}', b"[" * 10**5])
def test_what_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.iap").write_bytes(content)
    with pytest.raises(FormatError, match=r"p\.iap is not a file of DigitalSreeni image annotator: .*\.$"):
        digitalsreeni.read(tmp_path / "p.iap", tmp_path)


def test_its_box_is_a_box() -> None:
    data = Dataset(
        Path("x"), CLASSES, (ImageRecord("1.jpg", SIZE, (ObjectRecord("cup", rectangle(1, 2, 5, 8), is_box=True),)),)
    )
    (record,) = _round_trip(data).images[0].objects
    assert (record.is_box, record.shape.bounds) == (True, (1, 2, 5, 8))
