from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from shapely import MultiPolygon

from dataset.formats import yolo
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    FilesExistError,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
)
from dataset.formats.exporting import export
from dataset.formats.joined_rings import join_rings, separate_rings
from dataset.formats.stored_images import match_images
from dataset.geometry import from_parts, iou, rectangle
from dataset.pictures.images import photo_size
from tests.strategies import SIZE, boxes, keypoints, rings, shapes

CLASSES = (ClassRecord("чашка"), ClassRecord("no"), ClassRecord("person", keypoint_names=("nose", "left", "right")))
NAMES = ["1.jpg", "a/1.jpg", "images/Ω 2.jpg"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in NAMES:
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", SIZE).save(folder / name)
    return folder


def _round_trip(data: Dataset) -> Dataset:
    with TemporaryDirectory() as target:
        export(yolo.FORMAT, data, Path(target))
        return match_images(yolo.read(Path(target), data.folder), [image.name for image in data.images])


def _dataset(folder: Path, *objects: list[ObjectRecord]) -> Dataset:
    images = [ImageRecord(name, SIZE, tuple(found)) for name, found in zip(NAMES, objects, strict=False)]
    return Dataset(folder, CLASSES, tuple(images))


names_of_classes = st.sampled_from(["чашка", "no"])
box_records = st.lists(st.builds(ObjectRecord, names_of_classes, boxes(), is_box=st.just(value=True)), max_size=3)


@settings(max_examples=12)
@given(box_records, box_records)
def test_boxes_there_and_back_are_the_same(photos: Path, some: list[ObjectRecord], more: list[ObjectRecord]) -> None:
    data = _dataset(photos, some, more, [])
    plain = tuple(replace(c, keypoint_names=()) for c in CLASSES)
    assert yolo.losses(data) == []
    back = _round_trip(data)
    assert (back.images, back.classes, back.problems) == (data.images, plain, ())


outlines = rings().filter(lambda ring: ring.min() >= 0).map(lambda ring: from_parts([[ring]]))


@settings(max_examples=12)
@given(st.lists(st.builds(ObjectRecord, names_of_classes, outlines), min_size=1, max_size=2))
def test_outlines_there_and_back_are_the_same(photos: Path, found: list[ObjectRecord]) -> None:
    data = _dataset(photos, [], [], found)
    assert _round_trip(data).images == data.images


@settings(max_examples=12)
@given(st.lists(keypoints().filter(lambda points: any(p.visibility for p in points)), min_size=1, max_size=3), boxes())
def test_poses_there_and_back_are_the_same(photos: Path, found: list, box: MultiPolygon) -> None:
    points = [tuple(Point(k.x, k.y, int(k.visibility)) for k in each) for each in found]
    records = [ObjectRecord("person", box, each, is_box=True) for each in points]
    data = _dataset(photos, [*records, ObjectRecord("no", box, is_box=True)])
    back = _round_trip(data)
    assert (back.images, back.classes) == (data.images, data.classes)


@settings(max_examples=40)
@given(shapes())
def test_rings_that_are_joined_come_apart_again(shape: MultiPolygon) -> None:
    back = separate_rings(join_rings(shape))
    if shape.is_valid:
        assert back.equals(shape)
    assert iou(back, shape) == pytest.approx(1, abs=1e-6)


def test_a_ring_that_contradicts_itself_has_an_area() -> None:
    across = [(2, 2), (8, 8), (12, 12), (12, 8), (40, 5), (50, 5), (0, 15), (40, 5), (12, 8), (8, 8), (2, 2), (30, 2)]
    shape = separate_rings(np.array([*across, (30, 30), (2, 30)], float))  # GEOS cannot say which side is inside
    assert shape.is_valid
    assert shape.area > 700


def test_what_is_lost_is_said(photos: Path) -> None:
    holed = from_parts(
        [[[(0, 0), (30, 0), (30, 30), (0, 30)], [(5, 5), (9, 5), (9, 9)]], [[(40, 0), (50, 0), (50, 9)]]]
    )
    outside, box = rectangle(60, 40, 90, 44), rectangle(1, 2, 3, 4)
    data = _dataset(photos, [
        ObjectRecord("no", holed, extra={"note": 1}), ObjectRecord("no", box, is_box=True),
        ObjectRecord("no", outside), ObjectRecord("no", holed, is_crowd=True), ObjectRecord("no"),
    ])  # fmt: skip
    assert yolo.losses(data) == [
        "1 crowd would be left out.",
        "1 object without an outline would be left out.",
        "1 object would be cut off at the photo's border.",
        "1 box would become an outline: with outlines there are no boxes.",
        "1 hole would be joined to its outline by a line.",
        "1 object of several parts would be one outline, joined by lines.",
        "1 object has fields that would be left out.",
    ]
    shape, square, cut = (record.shape for record in _round_trip(data).images[0].objects)
    assert shape.equals(holed)
    assert square.equals(box)
    assert cut.bounds == (60, 40, 64, 44)
    posed = _dataset(photos, [
        ObjectRecord("person", holed, (Point(1, 2, 2),) * 3),
        ObjectRecord("person", MultiPolygon(), (Point(5, 6, 1), Point(9, 30, 2), Point(0, 0, 0))),
    ])  # fmt: skip
    assert yolo.losses(posed) == ["1 outline would become a box: with keypoints there are no outlines."]
    assert [r.shape.bounds for r in _round_trip(posed).images[0].objects] == [(0, 0, 50, 30), (5, 6, 9, 30)]


def test_the_layout_and_the_indices_stay(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "val" / "a").mkdir(parents=True)
    (tmp_path / "images" / "val" / "a" / "1.jpg").write_bytes(b"")
    (tmp_path / "data.yaml").write_text("names: {0: dog, 1: 'no'}\n")
    box = [ObjectRecord("no", rectangle(0, 0, 32, 24), is_box=True), ObjectRecord("чашка", rectangle(0, 0, 64, 48),
                                                                                 is_box=True)]  # fmt: skip
    data = _dataset(photos, box, box, box)
    with pytest.raises(FilesExistError):
        export(yolo.FORMAT, data, tmp_path)
    assert export(yolo.FORMAT, data, tmp_path, overwrite=True) == 7
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    # Ultralytics puts `labels` in the place of the last `images` of a path.
    assert written == {
        "data.yaml", "images/train/1.jpg", "images/train/images/Ω 2.jpg", "images/val/a/1.jpg",
        "labels/train/1.txt", "images/train/labels/Ω 2.txt", "labels/val/a/1.txt",
    }  # fmt: skip
    assert (tmp_path / "labels/train/1.txt").read_text() == "1 0.25 0.25 0.5 0.5\n2 0.5 0.5 1 1\n"
    assert photo_size(tmp_path / "images/val/a/1.jpg") == SIZE
    back = yolo.read(tmp_path / "data.yaml", photos)
    assert [c.name for c in back.classes] == ["dog", "no", "чашка", "person"]
    assert sorted(image.name for image in back.images) == NAMES
    with pytest.raises(FormatError, match="Photos would be copied into"):
        export(yolo.FORMAT, data, photos)
    inside = Dataset(tmp_path / "images/train", CLASSES, (ImageRecord("1.jpg", SIZE),))
    assert export(yolo.FORMAT, inside, tmp_path, overwrite=True) == 2, "a photo is not copied onto itself"
    whole = Dataset(tmp_path / "images", CLASSES, tuple(ImageRecord(n, SIZE) for n in ("val/a/1.jpg", "train/1.jpg")))
    assert export(yolo.FORMAT, whole, tmp_path, overwrite=True) == 3
    assert (tmp_path / "labels/val/a/1.txt").read_bytes() == b"", "the labels are where the photos are"
    assert (tmp_path / "data.yaml").read_text("utf-8").startswith("train: images/train\nval: images/val\nnames:")


def test_photos_that_differ_in_their_ending_have_labels_of_their_own(tmp_path: Path) -> None:
    for name in ("cup.jpg", "cup.png"):
        Image.new("RGB", SIZE).save(tmp_path / name)
    some = [ImageRecord(name, SIZE, (ObjectRecord("no", rectangle(0, 0, 9, at), is_box=True),))
            for at, name in enumerate(("cup.jpg", "cup.png"), 5)]  # fmt: skip
    data = Dataset(tmp_path, CLASSES, tuple(some))
    assert _round_trip(data).images == data.images


def _labels(folder: Path, text: str | bytes, name: str = "labels/train/1.txt") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_lines_of_other_tools(photos: Path, tmp_path: Path) -> None:
    lines = ["0 0.5 0.5 0.5 0.5", "1 0.5 0.5 0.5 0.5 0.9", "0 0 0 1 0 1 1", "", "0 0.5 0.5", "x 0.5 0.5 0.5 0.5",
             "1e9 0.5 0.5 0.5 0.5", "0 0.5 nan 0.5 0.5", "0 0 0 1 0 1 1 1", "7 0.5 0.5 0.5 0.5", "0 32 24 10 10",
             "0 0.5 0.5 0 0.5"]  # fmt: skip
    _labels(tmp_path, "\r\n".join(lines))
    _labels(tmp_path, "", "labels/val/a/1.txt")
    _labels(tmp_path, b"\xff\xfe\x00", "labels/train/gone.txt")
    (tmp_path / "data.yaml").write_text("path: /nowhere\ntrain: ../images/train\nval: [images/val]\ntest:\n"
                                        "nc: 2\nnames: ['tv', tv]\n")  # fmt: skip
    (tmp_path / "images/train").mkdir(parents=True)
    (tmp_path / "images/val").mkdir(parents=True)
    data = match_images(yolo.read(tmp_path, photos), NAMES[:2])
    assert [c.name for c in data.classes] == ["tv", "tv'"]
    first, empty = data.images
    assert empty.objects == ()
    box, scored, outline = first.objects
    assert (box.is_box, box.shape.bounds, scored.score) == (True, (16, 12, 48, 36), 0.9)
    assert outline.shape.equals(from_parts([[[(0, 0), (64, 0), (64, 48)]]]))
    assert data.problems == (
        "labels/train/gone.txt is damaged and left out.",
        "5 lines of labels/train/1.txt are neither boxes, outlines nor poses and are left out.",
        "1 line of labels/train/1.txt is of a class that has no name and is left out.",
        "1 line of labels/train/1.txt has coordinates outside the photo and is left out.",
        "1 line of labels/train/1.txt has no area and is left out.",
    )


def test_classes_txt_or_no_names_at_all(photos: Path, tmp_path: Path) -> None:
    _labels(tmp_path, "3 0.5 0.5 0.5 0.5", "1.txt")
    data = yolo.read(tmp_path, photos)
    assert [r.class_name for image in data.images for r in image.objects] == ["class 3"]
    assert data.problems == ("data.yaml is missing: classes are named by their number.",)
    (tmp_path / "classes.txt").write_text("a\nb\nc\nчашка\n", "utf-8")
    for source in (tmp_path, tmp_path / "classes.txt"):
        assert [r.class_name for image in yolo.read(source, photos).images for r in image.objects] == ["чашка"]


def test_poses_of_two_values_have_numbered_keypoints(photos: Path, tmp_path: Path) -> None:
    _labels(tmp_path, "0 0.5 0.5 0.5 0.5 0.5 0.25 0 0")
    (tmp_path / "data.yaml").write_text("names: [hand]\nkpt_shape: [2, 2]\nflip_idx: [1, 0]\n")
    data = yolo.read(tmp_path, photos)
    assert data.classes == (ClassRecord("hand", keypoint_names=("1", "2")),)
    assert data.images[0].objects[0].keypoints == (Point(32, 12, 2), Point(0, 0, 0))


def test_a_pose_of_a_model_has_its_score_at_the_end(photos: Path, tmp_path: Path) -> None:
    pose = "0 0.5 0.5 0.5 0.5 0.5 0.25 0.98 0 0 0.1 0.25 0.5 0.9"
    _labels(tmp_path, f"{pose} 0.75\n{pose}\n{pose} 7\n")
    (tmp_path / "data.yaml").write_text("names: [hand]\nkpt_shape: [3, 3]\n")
    data = yolo.read(tmp_path, photos)
    scored, pose_alone = data.images[0].objects
    assert (scored.score, pose_alone.score) == (0.75, None)
    assert scored.keypoints == pose_alone.keypoints == (Point(32, 12, 2), Point(0, 0, 0), Point(16, 24, 2))
    assert (scored.is_box, scored.shape.bounds) == (True, (16, 12, 48, 36))
    assert data.problems == ("1 line of labels/train/1.txt is neither a box, an outline nor a pose and is left out.",)
    (tmp_path / "data.yaml").write_text("names: [hand]\n")
    (outline,) = yolo.read(tmp_path, photos).images[0].objects[:1]
    assert not outline.is_box, "without a kpt_shape it is one of seven points"


def test_lists_of_photos_that_are_not_in_the_export(photos: Path, tmp_path: Path) -> None:
    _labels(tmp_path, "0 0.5 0.5 0.5 0.5")
    _labels(tmp_path, "0 0.5 0.5 0.25 0.25", "labels/val/a/1.txt")
    (tmp_path / "train.txt").write_text("images/train/1.jpg\n\nimages/train/unlabelled.jpg\n\0\n")
    (tmp_path / "val.txt").write_text("./images/val/a/1.jpg\n../images/val/a/1.jpg\n/labels/val/a/1.jpg\n")
    (tmp_path / "data.yaml").write_text("path: ./\ntrain: train.txt\nval: val.txt\nnames: {0: cup}\n")
    data = yolo.read(tmp_path, photos)
    assert [(image.name, len(image.objects)) for image in data.images] == [("1.jpg", 1), ("a/1.jpg", 1)]
    assert data.problems == ()


@pytest.mark.parametrize("text", [
    "a: &x [1, 1]\nnames: *x\n", "[" * 5000, "names: {a: b}\n", "names:\n", "names: [a\n", "kpt_shape: [1]\nnames: [a]",
    "\0", "3", "names: [[a]]", "? [a]\n: b\n", "a: b: c",
])  # fmt: skip
def test_a_damaged_description_is_one_sentence(photos: Path, tmp_path: Path, text: str) -> None:
    _labels(tmp_path, "0 0.5 0.5 0.5 0.5")
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(FormatError, match=r"data\.yaml does not describe a dataset of YOLO: .*\.$"):
        yolo.read(tmp_path, photos)


def test_nothing_outside_the_folder_is_read(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    _labels(tmp_path, "0 0.5 0.5 0.5 0.5", "other/labels/1.txt")
    (tmp_path / "other/images").mkdir()
    (folder / "x").mkdir(parents=True)
    (folder / "list.txt").write_text("../other/images/1.jpg\n")
    (folder / "data.yaml").write_text("names: [a]\npath: ..\ntrain: other/images\nval: set/list.txt\n")
    with pytest.raises(FormatError, match=r"holds no labels of YOLO\. other/images lies outside"):
        yolo.read(folder, photos)
    (folder / "data.yaml").write_text("names: !!python/object/apply:os.mkdir ['x']\nval: nowhere\n")
    (folder / "list.txt").unlink()
    with pytest.raises(FormatError, match="holds no labels"):
        yolo.read(folder / "data.yaml", photos)
