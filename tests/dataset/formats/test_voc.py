from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from shapely import MultiPolygon

from dataset.formats import mask_pictures, voc
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
from dataset.masks import trace
from tests.strategies import SIZE

CLASSES = (ClassRecord("чашка <&>"), ClassRecord("cup"))
NAMES = ["a/1.jpg", "Ω 2.png"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "a").mkdir()
    for name in NAMES:
        Image.new("RGB", SIZE).save(folder / name)
    return folder


def _round_trip(data: Dataset) -> Dataset:
    with TemporaryDirectory() as target:
        export(voc.FORMAT, data, Path(target))
        return match_images(voc.read(Path(target), data.folder), [image.name for image in data.images])


@st.composite
def records(draw: st.DrawFn) -> list[ObjectRecord]:
    """Boxes of whole pixels, and masks that share no pixel, in any order."""
    labels = draw(hnp.arrays(np.uint8, (9, 13), elements=st.integers(0, 3), fill=st.just(0)))
    shapes = [(from_parts(trace(labels == i, (5, 7))), False) for i in (1, 2, 3) if (labels == i).any()]
    corners = st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(31, 64), st.integers(21, 48))
    boxes = [(rectangle(*each), True) for each in draw(st.lists(corners, max_size=2))]
    flags = st.dictionaries(st.sampled_from(["difficult", "truncated", "occluded"]), st.just(value=True), min_size=1)
    extra = st.just({}) | st.builds(lambda given: {"attributes": given}, flags)
    name = st.sampled_from([c.name for c in CLASSES])
    return [
        ObjectRecord(draw(name), shape, is_box=is_box, extra=draw(extra))
        for shape, is_box in draw(st.permutations(shapes + boxes))
    ]


@settings(max_examples=12)
@given(records(), records())
def test_there_and_back_is_the_same(photos: Path, some: list[ObjectRecord], more: list[ObjectRecord]) -> None:
    data = Dataset(
        photos, CLASSES, (ImageRecord(NAMES[0], SIZE, tuple(some)), ImageRecord(NAMES[1], SIZE, tuple(more)))
    )
    back = _round_trip(data)
    assert back.problems == ()
    for there, here in zip(back.images, data.images, strict=True):
        assert (there.name, there.size) == (here.name, here.size)
        for a, b in zip(there.objects, here.objects, strict=True):
            assert (a.class_name, a.is_box, dict(a.extra)) == (b.class_name, b.is_box, dict(b.extra))
            assert a.shape.equals(b.shape)


def test_what_is_lost_is_said(photos: Path) -> None:
    ring = [(0.5, 0), (30, 0), (30, 30), (0, 30)]
    found = (
        ObjectRecord("cup", from_parts([[ring]]), (Point(1, 1, 2),), extra={"track": 1}),
        ObjectRecord("cup", rectangle(1.2, 2, 8.6, 9), is_box=True),
        ObjectRecord("cup", rectangle(40, 0, 50, 10), is_crowd=True),
        ObjectRecord("cup", MultiPolygon(), (Point(1, 1, 2),)),
    )
    data = Dataset(photos, CLASSES, (ImageRecord(NAMES[0], SIZE, found),))
    assert voc.losses(data) == [
        "1 crowd would become pixels that belong to nothing.",
        "1 object without an outline would be left out.",
        "1 outline would become a mask of whole pixels, which later ones cover.",
        "1 box would be rounded to whole pixels.",
        "The keypoints of 1 object would be left out.",
        "1 object has fields that would be left out.",
    ]
    outline, box = _round_trip(data).images[0].objects
    assert outline.shape.bounds == (0, 0, 30, 30)
    assert box.shape.bounds == (1, 2, 9, 9)


def test_files_as_the_devkit_has_them(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\ndog:128,0,0::\n")
    shape = ObjectRecord("cup", rectangle(0, 0, 2, 3))
    crowd = ObjectRecord("cup", rectangle(10, 10, 12, 12), is_crowd=True)
    data = Dataset(photos, CLASSES, (ImageRecord(NAMES[1], SIZE, (shape, crowd)), ImageRecord(NAMES[0], SIZE)))
    export(voc.FORMAT, data, tmp_path, overwrite=True)
    assert (tmp_path / "labelmap.txt").read_text("utf-8").splitlines()[2:] == [
        "dog:128,0,0::", "чашка <&>:0,128,0::", "cup:128,128,0::",
    ]  # fmt: skip
    assert (tmp_path / "ImageSets/Main/train.txt").read_text("utf-8") == "Ω 2\na/1\n"
    assert (tmp_path / "ImageSets/Segmentation/train.txt").read_text("utf-8") == "Ω 2\n"
    xml = (tmp_path / "Annotations/Ω 2.xml").read_text("utf-8")
    assert [f"<{side}>{at}</{side}>" in xml for side, at in (("xmin", 1), ("xmax", 2), ("ymax", 3))] == [True] * 3
    kinds = Image.open(tmp_path / "SegmentationClass/Ω 2.png")
    assert (kinds.mode, kinds.getpixel((0, 0)), kinds.getpixel((2, 0)), kinds.getpixel((10, 10))) == ("P", 3, 0, 255)
    assert kinds.convert("RGB").getpixel((10, 10)) == (224, 224, 192), "VOC's colour of what belongs to nothing"
    (tmp_path / "Annotations/Ω 2.xml").unlink()
    (alone,) = match_images(voc.read(tmp_path, photos), [NAMES[1]]).images[0].objects
    assert (alone.class_name, alone.shape.bounds) == ("cup", (0, 0, 2, 3))


def _xml(*objects: str, filename: str = "C:\\x\\1.jpg") -> str:
    return f"<annotation><filename>{filename}</filename>{''.join(objects)}</annotation>"


def _object(box: str, name: str = "cup") -> str:
    sides = zip(("xmin", "ymin", "xmax", "ymax"), box.split(), strict=False)
    return f"<object><name>{name}</name><bndbox>{''.join(f'<{s}>{v}</{s}>' for s, v in sides)}</bndbox></object>"


def test_files_of_other_tools(photos: Path, tmp_path: Path) -> None:
    bad = ["5 5 2 2", "1 2 3", "nan 1 2 3", "1 1 1e99 3", "a b c d"]
    objects = [_object("1.5 1 10 20"), _object("0 0 4 4"), *map(_object, bad), _object("1 1 2 2", "")]
    (tmp_path / "1.xml").write_text(_xml(*objects))
    (tmp_path / "2.xml").write_text("<annotation>")
    (tmp_path / "other.xml").write_text("<html/>")
    (tmp_path / "SegmentationObject").mkdir()
    Image.new("P", (3, 3)).save(tmp_path / "SegmentationObject" / "1.png")
    data = match_images(voc.read(tmp_path, photos), NAMES)
    (image,) = data.images
    assert [record.shape.bounds for record in image.objects] == [(0.5, 0, 10, 20), (0, 0, 4, 4)]
    assert data.problems == (
        "2.xml is damaged and left out.",
        "6 objects of 1.xml cannot be read and are left out.",
        "SegmentationObject/1.png is no indexed mask of its photo and is left out.",
    )


def _polygon(*numbers: object) -> str:
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    corners = (f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>" for n, (x, y) in enumerate(pairs, 1))
    return _object("11 11 20 30").replace("</object>", f"<polygon>{''.join(corners)}</polygon></object>")


def test_polygons_are_outlines_as_they_stand_unless_they_are_none(photos: Path, tmp_path: Path) -> None:
    bad = [(1, 1, 9, 9), (1, 1, 9, 1, 9, "a"), (1, 1, 9, 1, 9, 1e99), ()]
    objects = [_polygon(10, 10, 20.5, 10, 20.5, 30), *(_polygon(*numbers) for numbers in bad)]
    (tmp_path / "1.xml").write_text(_xml(*objects, objects[0].replace("xmin", "left")))
    outline, *boxes, alone = voc.read(tmp_path, photos).images[0].objects
    assert (outline.is_box, alone.is_box) == (False, False)
    assert outline.shape.equals(from_parts([[[(10, 10), (20.5, 10), (20.5, 30)]]]))
    assert [(box.is_box, box.shape.bounds) for box in boxes] == [(True, (10, 10, 20, 30))] * len(bad)
    (tmp_path / "SegmentationObject").mkdir()
    Image.new("P", SIZE, 1).save(tmp_path / "SegmentationObject" / "1.png")
    masked = voc.read(tmp_path, photos).images[0].objects[0]
    assert masked.shape.bounds == (0, 0, *SIZE), "the mask counts"


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]>' + _xml(_object("1 1 9 9", "&y;"))


@pytest.mark.parametrize("content", [BOMB.encode(), BOMB.encode("utf-16"), b"<a>" * 9000, b"", b"<annotation>\0",
                                     b'<?xml version="1.0" encoding="x"?><a/>'], ids=range(6))  # fmt: skip
def test_hostile_files_are_refused(photos: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.xml").write_bytes(content)
    for source in (tmp_path, tmp_path / "1.xml"):
        with pytest.raises(
            FormatError, match=r"holds no annotations of Pascal VOC\. 1\.xml is damaged and left out\.$"
        ):
            voc.read(source, photos)


def test_names_that_lead_elsewhere_are_only_names(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text(_xml(_object("1 1 9 9"), filename="../../../etc/1.jpg"))
    assert [image.name for image in voc.read(tmp_path, photos).images] == ["JPEGImages/1.jpg"]


def test_more_objects_than_a_mask_has_indices_are_boxes(photos: Path) -> None:
    many = [ObjectRecord("cup", rectangle(i % 64, i // 64, i % 64 + 1, i // 64 + 1)) for i in range(256)]
    data = Dataset(photos, CLASSES, (ImageRecord(NAMES[0], SIZE, tuple(many)),))
    assert "2 outlines would become boxes: a photo has at most 254 masks." in voc.losses(data)
    back = _round_trip(data).images[0].objects
    assert [record.is_box for record in back] == [False] * mask_pictures.MAX_INDEX + [True] * 2
    assert all(a.shape.equals(b.shape) for a, b in zip(back, many, strict=True))
