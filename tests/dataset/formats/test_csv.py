from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from shapely import MultiPolygon

from dataset.formats import csv_boxes
from dataset.formats.base import ClassRecord, Dataset, FormatError, ImageRecord, ObjectRecord, Point
from dataset.formats.csv_text import MAX_CELL, encode_rows, read_rows
from dataset.formats.exporting import export
from dataset.formats.stored_images import match_images
from dataset.geometry import rectangle
from tests.strategies import SIZE, boxes

NAMES = ["a, b/1.jpg", '"2" 3.jpg']
CLASSES = [ClassRecord(name) for name in ('=HYPERLINK("x")', "-1", "'cup", "чашка;\n,", "'=x")]


def _read(tmp_path: Path, content: bytes | str) -> Dataset:
    file = tmp_path / "x.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return csv_boxes.read(file, tmp_path)


def _boxes(data: Dataset) -> list[tuple[str, tuple[float, ...]]]:
    return [(record.class_name, record.shape.bounds) for record in data.objects()]


records = st.builds(
    lambda name, box: ObjectRecord(name, box, is_box=True), st.sampled_from([c.name for c in CLASSES]), boxes()
)


@settings(max_examples=8)
@given(st.lists(records, min_size=1, max_size=3))
def test_there_and_back_is_the_same(found: list[ObjectRecord]) -> None:
    data = Dataset(Path("x"), tuple(CLASSES), tuple(ImageRecord(name, (0, 0), tuple(found)) for name in NAMES))
    with TemporaryDirectory() as folder:
        target = Path(folder) / "out.csv"
        export(csv_boxes.FORMAT, data, target)
        back = match_images(csv_boxes.read(target, data.folder), NAMES)
    assert (back.images, back.problems) == (data.images, ())


def test_the_header_is_tensorflow_s_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    found = (ObjectRecord("=1+1", rectangle(1, 2.5, 5, 8), is_box=True),)
    data = Dataset(tmp_path, tuple(CLASSES), (ImageRecord("1.jpg", SIZE, found),))
    export(csv_boxes.FORMAT, data, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().splitlines() == [
        b"filename,width,height,class,xmin,ymin,xmax,ymax", b"1.jpg,64,48,'=1+1,1,2.5,5,8",
    ]  # fmt: skip


def test_what_is_lost_is_said() -> None:
    found = (
        ObjectRecord("cup", rectangle(0, 0, 9, 9), (Point(1, 2, 2),), extra={"group_id": 3}),
        ObjectRecord("cup", rectangle(0, 0, 9, 9), is_crowd=True),
        ObjectRecord("cup", MultiPolygon()),
    )
    data = Dataset(Path("x"), (), (ImageRecord("1.jpg", SIZE, found), ImageRecord("2.jpg", SIZE)))
    assert csv_boxes.losses(data) == [
        "1 photo without objects would not be in the file.",
        "1 crowd would be left out.",
        "1 object without an outline would be left out.",
        "1 outline would become a box.",
        "The keypoints of 1 object would be left out.",
        "1 object has fields that would be left out.",
    ]


FILES = [
    "/data/1.jpg,1,2,5,8,cat\n/data/2.jpg,,,,,\n/data/1.jpg,1,2,x,8,cat\n",
    "sep=;\nImage;X;Y;W;H;Label\n1.jpg;1;2;4;6;cat\n1.jpg;1;2;;6;cat\n",
    "filename\twidth\theight\tclass\txmin\tymin\txmax\tymax\n1.jpg\t64\t48\tcat\t1\t2\t5\t8\n1.jpg\t64\t48\t\t1\t2\t5\t8\n",
    "ImageID,LabelName,XMin,XMax,YMin,YMax\n1,cat,0.015625,0.078125,0.041667,0.166667\n1,cat,0.5,0.4,0,1\n",
]


@pytest.mark.parametrize("content", FILES, ids=["RetinaNet", "Excel", "TensorFlow", "Open Images"])
def test_files_of_other_tools(tmp_path: Path, content: str) -> None:
    Image.new("RGB", SIZE).save(tmp_path / "1.jpg")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        data = match_images(_read(tmp_path, content.encode(encoding)), ["1.jpg"])
        ((name, box),) = _boxes(data)
        assert (name, box) == ("cat", pytest.approx((1, 2, 5, 8), abs=1e-3))
        assert data.problems[0] == "1 shape cannot be read and is left out."


def test_columns_that_nobody_knows_are_attributes(tmp_path: Path) -> None:
    text = "image,xmin,ymin,xmax,ymax,label,confidence,colour\r\n1.jpg,1,2,5,8,cat,0.5,red\r\n1.jpg,1,2,5,8,cat,,\r\n"
    red, other = _read(tmp_path, text).objects()
    assert (red.score, dict(red.extra), other.score, dict(other.extra)) == (
        0.5,
        {"attributes": {"colour": "red"}},
        None,
        {},
    )


def test_via_s_csv(tmp_path: Path) -> None:
    head = "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    rows = [
        head.split(","),
        ["1.jpg", "9", "{}", "2", "0", '{"name":"rect","x":1,"y":2,"width":4,"height":6}', '{"kind":"cat"}'],
        ["1.jpg", "9", "{}", "2", "1", '{"name":"circle"}', "{}"],
        ["2.jpg", "9", "{}", "0", "0", "{}", "{}"],
    ]  # fmt: skip
    data = _read(tmp_path, encode_rows(rows))
    assert (_boxes(data), data.names) == ([("cat", (1, 2, 5, 8))], ["1.jpg", "2.jpg"])
    assert data.problems == ("1 shape cannot be read and is left out.",)


BAD = [b"", b"a,b,c\n1,2,3\n", b"\xff\xfe\x00", "filename,class,é\n".encode("latin-1"), b"\0" * 99,
       b'filename,class,xmin,ymin,xmax,ymax\n"' + b"x" * (MAX_CELL + 9)]  # fmt: skip


@pytest.mark.parametrize("content", BAD, ids=range(len(BAD)))
def test_what_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError, match=r"x\.csv .*\.$"):
        _read(tmp_path, content)


@given(st.lists(st.text("'=+-@\t ab;,\"\n", max_size=4), min_size=2, max_size=3))
@settings(max_examples=15)
def test_any_text_comes_back(cells: list[str]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "x.csv"
        file.write_bytes(b"a,b\n" + encode_rows([["x", *cells]]))
        assert list(read_rows(file)) == [["a", "b"], ["x", *cells]]
