from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from annotator.core.annotation import Annotation
from annotator.core.categories import SHORTCUT, Categories
from annotator.core.exchange import add_classes, read_dataset, to_annotations, to_dataset
from annotator.core.photo_state import PhotoState
from annotator.core.training_set import MODEL_CLASS, TrainingPhoto
from dataset.formats.base import (
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    KnownIds,
    ObjectRecord,
    formats,
)
from dataset.formats.exporting import export
from dataset.geometry import rectangle
from tests.strategies import SIZE, annotations


@given(st.lists(annotations(), max_size=3))
def test_records_become_the_annotations_they_came_from(found: list[Annotation]) -> None:
    ours = Categories()
    ours.add("person", keypoint_names=("a", "b", "c"), skeleton=((0, 1),))
    data = to_dataset(Path("x"), [TrainingPhoto("1.jpg", PhotoState(SIZE, tuple(found)))], ours)
    theirs = Categories()
    add_classes(theirs, data)
    assert [(c.name, c.keypoint_names, c.skeleton) for c in theirs] == (
        [("person", ("a", "b", "c"), ((0, 1),))] if found else []
    )
    assert to_annotations(data.images[0], data, theirs, lambda: 1) == found


@pytest.mark.parametrize(
    ("theirs", "kept"),
    [
        ({SHORTCUT: 1, MODEL_CLASS: "Person", "mine": 1}, {"mine": 1}),
        ({SHORTCUT: 2, MODEL_CLASS: "bicycle"}, {SHORTCUT: 2, MODEL_CLASS: "bicycle"}),
        ({SHORTCUT: [1], MODEL_CLASS: "cup "}, {SHORTCUT: [1]}),
        ({SHORTCUT: None, MODEL_CLASS: ""}, {SHORTCUT: None, MODEL_CLASS: ""}),
    ],
)
def test_a_class_takes_neither_key_nor_model_class_of_another(theirs: dict[str, object], kept: object) -> None:
    ours = Categories()
    ours.add("human", extra={SHORTCUT: 1, MODEL_CLASS: "person"})
    ours.add("cup")
    image = ImageRecord("1.jpg", SIZE, (ObjectRecord("pedestrian", rectangle(1, 1, 9, 9)),))
    add_classes(ours, Dataset(Path("x"), (ClassRecord("pedestrian", extra=theirs),), (image,)))
    assert [dict(c.extra) for c in ours] == [{SHORTCUT: 1, MODEL_CLASS: "person"}, {}, kept]


def test_each_photo_has_its_own_size_and_what_is_wrong_is_a_sentence(folder: Path) -> None:
    cup = (ObjectRecord("cup", rectangle(1, 1, 9, 9)),)
    (folder / "broken.jpg").write_bytes(b"no photo")
    names = ["broken.jpg", "cat.jpg", "coffee.jpg", "dog.jpg"]
    images = [ImageRecord("cat.jpg", (7, 7), cup), ImageRecord("broken.jpg", (0, 0), cup), ImageRecord("dog.jpg", SIZE)]
    images.append(ImageRecord("elsewhere.jpg", SIZE, cup))

    def read(_source: Path, folder: Path, _on_progress: object) -> Dataset:
        return Dataset(folder, (ClassRecord("cup"),), tuple(images))

    data = read_dataset(Format("toy", "Toy", read=read), folder, folder, names)
    (image,) = data.images
    assert image.name == "cat.jpg"
    assert min(image.size) > 100
    assert data.problems == (
        "1 image of the file is not in the folder.",
        "broken.jpg cannot be read and is left out.",
        "1 photo has another size than its annotations were made for: check that they fit.",
    )
    del images[0]
    with pytest.raises(FormatError, match="holds no annotations for the photos"):
        read_dataset(Format("toy", "Toy", read=read), folder, folder, names)


FILES_BESIDE = {
    "labelme": '{"imagePath": "PHOTO", "shapes": [{"label": "cup", "points": [[0, 0], [8, 0], [8, 6]]}]}',
    "voc": """<annotation><filename>PHOTO</filename><object><name>cup</name>
        <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>8</xmax><ymax>6</ymax></bndbox></object></annotation>""",
    "yolo": "0 0.25 0.25 0.5 0.5",
}


def _format(name: str) -> Format:
    return next(each for each in formats() if each.name == name)


def _pictures(folder: Path, *names: str) -> list[str]:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (16 + 2 * number, 12)).save(folder / name)
    return list(names)


@pytest.mark.parametrize(("kind", "ending", "width"), [("labelme", "json", 8), ("voc", "xml", 8), ("yolo", "txt", 10)])
def test_annotations_in_a_subfolder_are_of_the_photos_beside_them(
    tmp_path: Path, kind: str, ending: str, width: int
) -> None:
    names = _pictures(tmp_path, "1.jpg", "2.jpg", "a/1.jpg", "a/b/9.jpg", "c/3.jpg")
    for stem in ("1", "2", "3"):
        (tmp_path / "a" / f"{stem}.{ending}").write_text(FILES_BESIDE[kind].replace("PHOTO", f"{stem}.jpg"))
    for source in (tmp_path / "a", tmp_path / "a" / "b" / ".."):
        data = read_dataset(_format(kind), source, tmp_path, names)
        assert [image.name for image in data.images] == ["2.jpg", "a/1.jpg", "c/3.jpg"]
        assert {len(image.objects) for image in data.images} == {1}
        assert data.images[1].objects[0].shape.bounds == (0, 0, width, 6), "of 20 pixels"
        assert [problem for problem in data.problems if "data.yaml" not in problem] == []


def test_one_file_in_a_subfolder_is_of_the_photos_beside_it(tmp_path: Path) -> None:
    names = _pictures(tmp_path, "1.jpg", "2.jpg", "a/1.jpg", "c/3.jpg")
    file = tmp_path / "a" / "boxes.csv"
    rows = ["image,class,xmin,ymin,xmax,ymax", *(f"{n}.jpg,cup,0,0,0.5,0.5" for n in (1, 2, 3)), "4.jpg,,,,,"]
    file.write_text("\n".join(rows))
    shares: list[float] = []
    data = read_dataset(
        _format("csv"), file, tmp_path, names, on_progress=lambda done, total: shares.append(done / total)
    )
    assert [(image.name, image.objects[0].shape.bounds[2]) for image in data.images] == [
        ("2.jpg", 9), ("a/1.jpg", 10), ("c/3.jpg", 11),
    ]  # fmt: skip
    assert data.problems == ("1 image of the file is not in the folder.",)
    assert shares == sorted(shares)
    file.write_text("\n".join(rows[:2]))
    assert [image.name for image in read_dataset(_format("csv"), file, tmp_path, names).images] == ["a/1.jpg"]


def test_files_that_name_photos_from_the_whole_folder_on_mean_it_by_all_names(tmp_path: Path) -> None:
    names = _pictures(tmp_path, "1.jpg", "a/1.jpg")
    cup = (ObjectRecord("cup", rectangle(1, 1, 9, 9)),)
    data = Dataset(tmp_path, (ClassRecord("cup"),), tuple(ImageRecord(name, (16, 12), cup) for name in names))
    for kind in ("labelme", "coco"):
        file_format = _format(kind)
        target = tmp_path / "a" / ("x.json" if kind == "coco" else "")
        export(file_format, data, target, overwrite=True)
        back = read_dataset(file_format, target, tmp_path, names)
        assert {image.name: len(image.objects) for image in back.images} == {"1.jpg": 1, "a/1.jpg": 1}
        for file in (tmp_path / "a").rglob("*.json"):
            file.unlink()


def test_masks_among_photos_of_their_name_are_not_their_own(tmp_path: Path) -> None:
    names = _pictures(tmp_path, "1.png", "masks/1.png", "made/1.png")
    for folder in ("masks", "made"):
        Image.new("L", (16, 12), 1).save(tmp_path / folder / "1.png")
        data = read_dataset(_format("instance_masks"), tmp_path / folder, tmp_path, names)
        assert [image.name for image in data.images] == ["1.png"]


def test_results_are_of_the_photos_that_their_ids_mean_wherever_they_lie(tmp_path: Path) -> None:
    names = _pictures(tmp_path, "1.jpg", "a/1.jpg")
    result = {"image_id": 7, "category_id": 3, "bbox": [1, 1, 5, 5], "score": 0.5}
    (tmp_path / "a" / "results.json").write_text(json.dumps([result]))
    ids = KnownIds({7: "1.jpg"}, {3: ClassRecord("cup")})
    data = read_dataset(_format("coco"), tmp_path / "a" / "results.json", tmp_path, names, ids)
    assert [image.name for image in data.images] == ["1.jpg"]
