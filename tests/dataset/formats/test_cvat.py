from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.formats import cvat
from dataset.formats.base import ClassRecord, Dataset, FormatError, ImageRecord, ObjectRecord, Point
from dataset.formats.cvat import shapes as cvat_shapes
from dataset.formats.exporting import export
from dataset.geometry import from_parts, rectangle, to_parts
from dataset.masks import trace
from tests.strategies import SIZE, boxes, keypoints, masks, rings

CLASSES = (
    ClassRecord("cup", "#ff9f1c"),
    ClassRecord("Mensch ü", "#4cc9f0", "", ("nose", 'left "eye"', "rechts <ß>"), ((0, 1), (0, 2))),
    ClassRecord("hand", "#00ff00", "", ("a", "b", "c"), ((1, 2),)),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "sides": st.integers(-9, 999),
    "wear": st.floats(0.5, 1, width=16),
    "broken": st.booleans(),
    "Größe": st.text("aä<&\"' 1", min_size=1),
}


@st.composite
def objects(draw: st.DrawFn) -> ObjectRecord:
    name = draw(st.sampled_from([c.name for c in CLASSES]))
    points: tuple[Point, ...] = ()
    if name != "cup":
        points = tuple(Point(k.x, k.y, int(k.visibility)) for k in draw(keypoints()))
        if not any(point.visibility for point in points):
            points = (Point(1, 2, 2), *points[1:])
    outline: Any = MultiPolygon()
    is_box = name != "hand" and draw(st.booleans())
    if is_box:
        outline = draw(boxes())
    elif name != "hand":
        outline = draw(
            rings().map(lambda ring: from_parts([[ring]]))
            | masks.filter(np.any).map(lambda m: from_parts(trace(m, (5, 7))))
        )
    attributes = draw(st.fixed_dictionaries({}, optional=VALUES))
    if not outline.is_empty and draw(st.booleans()):
        attributes["occluded"] = True
    extra: dict[str, Any] = {"attributes": attributes} if attributes else {}
    if draw(st.booleans()):
        extra["z_order"] = draw(st.integers(1, 5))
    if outline.is_empty or not points:
        extra["group_id"] = draw(st.integers(1, 10**6))
    origin = draw(st.sampled_from(["drawn", "suggested", "edited"]))
    score = draw(st.none() | st.floats(0, 1))
    return ObjectRecord(name, outline, points, is_box, draw(st.booleans()), score, origin, extra)


def _write(folder: Path, data: Dataset) -> Path:
    target = folder / "annotations.xml"
    export(cvat.FORMAT, data, target)
    return target


@given(st.lists(objects(), max_size=4))
def test_there_and_back_is_the_same(found: list[ObjectRecord]) -> None:
    images = (ImageRecord("ä/1 ü.jpg", SIZE, tuple(found)), ImageRecord("2.jpg", SIZE))
    data = Dataset(Path("x"), CLASSES, images)
    assert cvat.losses(data) == []
    with TemporaryDirectory() as folder:
        assert cvat.read(_write(Path(folder), data), Path("x")) == data


def test_what_is_lost_is_counted(tmp_path: Path) -> None:
    ring = [(0.5, 0), (30, 0), (30, 30), (0, 30)]
    holed = from_parts([[ring, [(5, 5), (9, 5), (9, 9)]]])
    person = (Point(1, 2, 2),) * 3
    extra = {"group_id": 3, "track": 7, "attributes": {"path": [1, 2]}}
    records = (ObjectRecord("cup", holed), ObjectRecord("cup"), ObjectRecord("hand", rectangle(1, 2, 3, 4), person),
               ObjectRecord("hand", rectangle(1, 2, 3, 4), person, extra=extra))  # fmt: skip
    data = Dataset(Path("x"), CLASSES, (ImageRecord("1\udcff.jpg", SIZE, records),))
    assert cvat.losses(data) == [
        "1 object of several parts or with holes would be a mask of whole pixels.",
        "1 object with an outline and keypoints would lose its group.",
        "1 object without an outline would be left out.",
        "1 object has fields that would be left out.",
        "1 photo has characters in its name that XML cannot hold.",
    ]
    (image,) = cvat.read(_write(tmp_path, data), tmp_path).images
    assert [record.class_name for record in image.objects] == ["cup", "hand", "hand"]
    assert image.objects[0].shape.symmetric_difference(holed).area < 25
    assert [len(record.keypoints) for record in image.objects] == [0, 3, 3]


SKELETON = """<svg>&lt;line data-type="edge" data-node-from="2" data-node-to="1"&gt;&lt;/line&gt;
&lt;circle data-node-id="1" data-label-name="b"&gt;&lt;/circle&gt;
&lt;circle data-node-id="2" data-label-name="a"&gt;&lt;/circle&gt;</svg>"""
OF_CVAT = f"""<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><job><labels>
<label><name>car</name><color>#C06060</color><attributes>
 <attribute><name>doors</name><mutable>False</mutable><input_type>number</input_type></attribute>
 <attribute><name>parked</name><input_type>checkbox</input_type></attribute></attributes></label>
<label><name>dog</name><type>skeleton</type>{SKELETON}</label>
<label><name>a</name><type>points</type><parent>dog</parent></label>
<label><name>b</name><type>points</type><parent>dog</parent></label>
</labels></job></meta>
<image id="0" name="..\\\\..\\\\etc/1.jpg" width="64" height="48">
 <box label="car" source="manual" occluded="1" xtl="10" ytl="10" xbr="20" ybr="14" z_order="2" group_id="4">
  <attribute name="doors">4</attribute><attribute name="parked">true</attribute><attribute name="x">7</attribute></box>
 <box label="car" occluded="0" xtl="10" ytl="10" xbr="20" ybr="14" rotation="90.0" z_order="0"></box>
 <mask label="car" rle="1, 2, 0, 1, 2" left="3" top="4" width="3" height="2"></mask>
 <skeleton label="dog" z_order="0"><points label="b" outside="0" occluded="1" points="5.00,6.00"></points>
  <points label="a" outside="1" occluded="0" points="1.00,1.00"></points></skeleton>
 <points label="wheel" occluded="0" points="1.00,2.00;3.00,4.00"></points>
 <ellipse label="ball" cx="20" cy="20" rx="10" ry="5"></ellipse>
 <polyline label="car" points="1,2;3,4"></polyline>
 <tag label="night"></tag>
 <polygon label="car" points="1,2;3,4"></polygon>
 <polygon label="car" points="1,2;3,4;1e300,nan"></polygon>
 <polygon label="car"></polygon>
 <box label="car" xtl="1" ytl="x" xbr="2" ybr="3"></box>
 <mask label="car" rle="1, 2" left="3" top="4" width="3" height="2"></mask>
 <mask label="car" rle="4000000000000000000" left="0" top="0" width="2000000000" height="2000000000"></mask>
</image><track id="0" label="car"></track></annotations>"""


def test_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "x.xml"
    file.write_text(OF_CVAT)
    data = cvat.read(file, tmp_path)
    assert data.classes == (
        ClassRecord("car", "#c06060"),
        ClassRecord("dog", "", "", ("a", "b"), ((0, 1),)),
        ClassRecord("wheel", "", "", ("1", "2")),
        ClassRecord("ball"),
    )
    (image,) = data.images
    box, turned, mask, dog, wheel, ball = image.objects
    assert (box.is_box, box.shape.bounds, box.origin) == (True, (10, 10, 20, 14), "drawn")
    attributes = {"doors": 4, "parked": True, "x": "7", "occluded": True}
    assert box.extra == {"attributes": attributes, "group_id": 4, "z_order": 2}
    assert (turned.is_box, turned.shape.bounds) == (False, pytest.approx((13, 7, 17, 17)))
    assert mask.shape.equals(from_parts([[[(4, 4), (6, 4), (6, 5), (4, 5)]], [[(3, 5), (4, 5), (4, 6), (3, 6)]]]))
    assert dog.keypoints == (Point(0, 0, 0), Point(5, 6, 1))
    assert wheel.keypoints == (Point(1, 2, 2), Point(3, 4, 2))
    assert ball.shape.area == pytest.approx(np.pi * 50, rel=0.01)
    assert data.problems == (
        "1 box is rotated and becomes an outline.",
        "2 entries are neither boxes, outlines, masks nor points and are left out.",
        "6 shapes cannot be read and are left out.",
        "1 track of a video is left out.",
    )


def test_an_outline_and_a_skeleton_of_one_group_are_one_object_only_where_no_other_could_be_meant(
    tmp_path: Path,
) -> None:
    outline = '<box label="dog" xtl="1" ytl="1" xbr="9" ybr="9" group_id="1"></box>'
    skeleton = '<skeleton label="dog" group_id="1"><points label="a" points="5,6"></points></skeleton>'
    file = tmp_path / "x.xml"
    for shapes, count in ((skeleton + outline, 1), (skeleton + outline * 2, 3), (outline * 2, 2)):
        file.write_text(f'<annotations><image id="0" name="1.jpg">{shapes}</image></annotations>')
        assert len(cvat.read(file, tmp_path).images[0].objects) == count


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (OF_CVAT[:900], "cannot be read as XML"),
        ("<html/>", "holds no annotations of CVAT"),
        ("<annotations><track/></annotations>", "tracks of a video"),
        (f'<!DOCTYPE a [<!ENTITY x "y">]>{OF_CVAT[38:]}', "DOCTYPE"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "x.xml"
    file.write_text(content)
    with pytest.raises(FormatError, match=rf"x\.xml .*{reason}.*\.$"):
        cvat.read(file, tmp_path)


def test_runs_beyond_the_limit_take_no_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cvat_shapes, "MAX_NUMBERS", 3)
    file = tmp_path / "x.xml"
    file.write_text(OF_CVAT)
    assert "7 shapes cannot be read and are left out." in cvat.read(file, tmp_path).problems


def test_a_mask_at_the_border_is_cut_off_there() -> None:
    shape = from_parts([[[(-9, -9), (3, -9), (3, 3), (-9, 3)]], [[(60, 40), (99, 40), (99, 99), (60, 99)]]])
    kind, fields = cvat_shapes.outline_fields(ObjectRecord("cup", shape), SIZE)
    assert (kind, fields["left"], fields["top"], fields["width"], fields["height"]) == ("mask", "0", "0", "64", "48")
    runs = np.array(fields["rle"].split(","), int)
    inside = np.repeat(np.arange(len(runs)) % 2, runs).reshape(48, 64)
    assert inside[:3, :3].all()
    assert inside[40:, 60:].all()
    assert inside.sum() == 9 + 32
    assert len(to_parts(shape)) == 2
