from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.annotation import Annotation
from annotator.core.categories import Categories
from annotator.core.exchange import add_classes, read_dataset, to_annotations, to_dataset
from annotator.core.photo_state import PhotoState
from annotator.core.training_set import TrainingPhoto
from dataset.formats.base import ClassRecord, Dataset, Format, FormatError, ImageRecord, ObjectRecord
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
