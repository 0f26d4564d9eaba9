from __future__ import annotations

import struct
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from shapely import MultiPolygon

from dataset.formats import class_masks, instance_masks
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
    no_progress,
)
from dataset.formats.exporting import export
from dataset.formats.mask_files import mask_names
from dataset.formats.stored_images import match_images
from dataset.geometry import from_parts, rectangle
from dataset.masks import trace
from tests.strategies import SIZE

CLASSES = (ClassRecord("чашка", "#ff9f1c"), ClassRecord("=cup(1)", "#4cc9f0"), ClassRecord("dog", "#808000"))
NAMES = ["a/1.jpg", "a/1.png", "Ω 2.png"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "a").mkdir()
    for name in NAMES:
        Image.new("RGB", SIZE).save(folder / name)
    return folder


def _round_trip(file_format: Format, data: Dataset) -> Dataset:
    with TemporaryDirectory() as target:
        export(file_format, data, Path(target))
        assert file_format.read
        return match_images(file_format.read(Path(target), data.folder, no_progress), data.names)


labels = hnp.arrays(np.uint8, (9, 13), elements=st.integers(0, 3), fill=st.just(0))


def _objects(drawn: np.ndarray) -> tuple[ObjectRecord, ...]:
    shapes = {i: from_parts(trace(drawn == i, (5, 7))) for i in (1, 2, 3) if (drawn == i).any()}
    return tuple(ObjectRecord(CLASSES[i - 1].name, shape) for i, shape in shapes.items())


@settings(max_examples=8)
@given(st.lists(labels, min_size=3, max_size=3), st.sampled_from([class_masks.FORMAT, instance_masks.FORMAT]))
def test_there_and_back_is_the_same(photos: Path, drawn: list[np.ndarray], file_format: Format) -> None:
    images = [ImageRecord(name, SIZE, _objects(each)) for name, each in zip(NAMES, drawn, strict=True)]
    back = _round_trip(file_format, Dataset(photos, CLASSES, tuple(images)))
    assert back.problems == ()
    if file_format is class_masks.FORMAT:
        assert back.classes == CLASSES
    for there, here in zip(back.images, images, strict=True):
        assert (there.name, there.size) == (here.name, here.size)
        for a, b in zip(there.objects, here.objects, strict=True):
            assert a.class_name == b.class_name
            assert a.shape.equals(b.shape)


def test_what_is_lost_is_said(photos: Path) -> None:
    ring = [(0.5, 0), (30, 0), (30, 30), (0, 30)]
    found = (
        ObjectRecord("dog", from_parts([[ring]]), (Point(1, 1, 2),), extra={"track": 1}),
        ObjectRecord("dog", rectangle(32, 32, 34, 34)),
        ObjectRecord("dog", rectangle(1, 2, 8, 9), is_box=True),
        ObjectRecord("dog", rectangle(40, 0, 50, 10), is_crowd=True),
        ObjectRecord("dog", MultiPolygon(), (Point(1, 1, 2),)),
    )
    data = Dataset(photos, CLASSES, (ImageRecord(NAMES[0], SIZE, found),))
    assert class_masks.losses(data) == [
        "1 crowd would become pixels that belong to nothing.",
        "1 box would become pixels that belong to nothing: it has no mask.",
        "1 object without an outline would be left out.",
        "2 outlines would become masks of whole pixels, which smaller ones cover.",
        "1 object would be one with another of its class: a class mask has no objects.",
        "The keypoints of 2 objects would be left out.",
        "1 object has fields that would be left out.",
    ]
    assert instance_masks.losses(data) == [
        "1 crowd would be left out.",
        "1 box would be left out: it has no mask.",
        "1 object without an outline would be left out.",
        "2 outlines would become masks of whole pixels, which smaller ones cover.",
        "The keypoints of 1 object would be left out.",
        "1 object has fields that would be left out.",
    ]
    assert [len(_round_trip(f, data).images[0].objects) for f in (class_masks.FORMAT, instance_masks.FORMAT)] == [1, 2]


@pytest.mark.parametrize("file_format", [class_masks.FORMAT, instance_masks.FORMAT])
def test_masks_do_not_come_among_the_photos(photos: Path, tmp_path: Path, file_format: Format) -> None:
    data = Dataset(photos, CLASSES, (ImageRecord(NAMES[2], SIZE, (ObjectRecord("dog", rectangle(0, 0, 2, 3)),)),))
    before = sorted(photos.rglob("*"))
    for target in (photos, photos / "new"):
        with pytest.raises(FormatError, match="Masks would come among the photos of "):
            export(file_format, data, target, overwrite=True)
    assert sorted(photos.rglob("*")) == before
    assert export(file_format, data, tmp_path / "beside") == 2


def test_numbers_and_colours_of_classes_stay(photos: Path, tmp_path: Path) -> None:
    dog = (ObjectRecord("dog", rectangle(0, 0, 2, 3)),)
    for classes, photo in ((CLASSES, NAMES[2]), (CLASSES[::-1], NAMES[2]), (CLASSES[2:], NAMES[0])):
        data = Dataset(photos, classes, (ImageRecord(photo, SIZE, dog),))
        export(class_masks.FORMAT, data, tmp_path, overwrite=True)
        mask = Image.open(tmp_path / "masks" / Path(photo).with_suffix(".png"))
        assert (mask.mode, mask.getpixel((0, 0)), mask.getpixel((2, 0))) == ("P", 3, 0)
    lines = (tmp_path / "labelmap.txt").read_text("utf-8").splitlines()
    assert lines[1:] == ["background:0,0,0::", "чашка:255,159,28::", "=cup(1):76,201,240::", "dog:128,128,0::"]


def test_class_masks_of_other_tools(photos: Path, tmp_path: Path) -> None:
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[2:4, 3:7], mask[10:12, 1:5], mask[20:, 20:] = 1, 7, 255
    Image.fromarray(mask).save(tmp_path / "Ω 2_mask.png")
    (tmp_path / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, cat\n")
    Image.new("L", (3, 3)).save(tmp_path / "1.png")
    Image.new("L", SIZE).save(tmp_path / "nobody's.png")
    data = class_masks.read(tmp_path, photos)
    assert [(r.class_name, r.shape.bounds) for r in data.images[0].objects] == [
        ("cat", (3, 2, 7, 4)), ("class 7", (1, 10, 5, 12)),
    ]  # fmt: skip
    assert data.problems[0] == "1 mask is of no photo in the folder and is left out."

    (tmp_path / "_classes.csv").unlink()
    (tmp_path / "labelmap.txt").write_text("background:0,0,0::\ncat:10,20,30::\n")
    colors = np.zeros((*SIZE[::-1], 3), np.uint8)
    colors[2:4, 3:7], colors[10:12, 1:5], colors[20:, 20:] = (10, 20, 30), (1, 2, 3), (224, 224, 192)
    Image.fromarray(colors).save(tmp_path / "Ω 2_mask.png")
    data = class_masks.read(tmp_path / "Ω 2_mask.png", photos)
    assert [(r.class_name, r.shape.bounds) for r in data.images[0].objects] == [
        ("cat", (3, 2, 7, 4)), ("#010203", (1, 10, 5, 12)),
    ]  # fmt: skip

    (tmp_path / "labelmap.txt").unlink()
    Image.fromarray((mask == 1).astype(np.uint8) * 255).save(tmp_path / "Ω 2_mask.png")
    (record,) = class_masks.read(tmp_path / "Ω 2_mask.png", photos).images[0].objects
    assert (record.class_name, record.shape.bounds) == ("object", (3, 2, 7, 4))


def test_instance_masks_of_other_tools(photos: Path, tmp_path: Path) -> None:
    one = np.zeros(SIZE[::-1], np.uint8)
    one[2:4, 3:7] = 255
    (tmp_path / "Ω 2").mkdir()
    Image.fromarray(one).save(tmp_path / "Ω 2" / "cat_1.png")
    Image.fromarray(one > 0).save(tmp_path / "Ω 2_dog_2.png")
    Image.fromarray(one.astype(np.uint16) * 200).save(tmp_path / "0f3a0f3a0f3a0f3a07.tif")
    Image.fromarray(one.astype(np.uint16) * 200).save(tmp_path / "Ω 2_cp_masks.tif")
    data = match_images(instance_masks.read(tmp_path, photos), NAMES)
    assert sorted(r.class_name for r in data.images[0].objects) == ["cat", "dog", "object"]
    assert {r.shape.bounds for r in data.images[0].objects} == {(3, 2, 7, 4)}
    assert data.problems == ("1 mask is of no photo in the folder and is left out.",)


def test_masks_beside_the_photos_are_no_photos(photos: Path, tmp_path: Path) -> None:
    Image.new("RGB", SIZE).save(tmp_path / "1.png")
    Image.new("RGB", SIZE).save(tmp_path / "2.png")
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[2:4, 3:7] = 5
    Image.fromarray(mask).save(tmp_path / "1_mask.png")
    (tmp_path / "masks").mkdir()
    names = ["1.png", "1_mask.png", "2.png", "masks/2.png"]
    assert [
        image.name for image in match_images(class_masks.read(tmp_path / "1_mask.png", tmp_path), names).images
    ] == ["1.png"]
    Image.fromarray(mask).save(tmp_path / "masks" / "2.png")
    assert [image.name for image in match_images(instance_masks.read(tmp_path, tmp_path), names).images] == ["2.png"]


def test_small_objects_lie_over_large_ones_and_no_two_classes_have_one_colour(photos: Path, tmp_path: Path) -> None:
    found = (
        ObjectRecord("dog", rectangle(0, 0, 2, 2)),
        ObjectRecord("cat", rectangle(0, 0, 9, 9)),
        ObjectRecord("cat", rectangle(0, 0, 1, 9), extra={"z_order": -1}),
    )
    data = Dataset(
        photos, (ClassRecord("dog", "#102030"), ClassRecord("cat", "#102030")), (ImageRecord(NAMES[2], SIZE, found),)
    )
    export(instance_masks.FORMAT, data, tmp_path)
    mask = Image.open(tmp_path / "masks" / "Ω 2.png")
    assert (mask.mode, mask.getpixel((0, 0)), mask.getpixel((0, 5))) == ("I;16", 1, 2)
    export(class_masks.FORMAT, data, tmp_path, overwrite=True)
    mask = Image.open(tmp_path / "masks" / "Ω 2.png").convert("RGB")
    assert (mask.getpixel((0, 0)), mask.getpixel((5, 5))) == ((16, 32, 48), (0, 128, 0))


def _png_header(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


@pytest.mark.parametrize("content", [b"", b"\x89PNG", _png_header(100_000, 100_000), _png_header(*SIZE)], ids=range(4))
def test_damaged_and_huge_masks_are_named(photos: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Ω 2.png").write_bytes(content)
    for file_format in (class_masks, instance_masks):
        with pytest.raises(FormatError, match=r"Ω 2\.png is no mask of whole numbers in its photo's size"):
            file_format.read(tmp_path, photos)


def test_a_mask_has_a_name_of_its_own() -> None:
    assert mask_names(["a.jpg", "A.png", "b.jpg", "A.png.jpg"]) == ["a.jpg.png", "A.png.png", "b.png", "A.png.jpg.png"]
