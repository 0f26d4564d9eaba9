from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.formats import coco
from dataset.formats.base import ClassRecord, Dataset, ImageRecord, ObjectRecord, Point
from dataset.formats.exporting import export
from dataset.formats.stored_images import Placed, SpooledImages, match_images, rearranged, spooled
from dataset.geometry import rectangle
from tests.strategies import SIZE, shapes

CLASSES = (ClassRecord("чашка"), ClassRecord("person", keypoint_names=("nose",)))
NAMES = ("a/1.jpg", "b\udcff.jpg", "")  # of a file that is not UTF-8, and of none


@st.composite
def images(draw: st.DrawFn) -> ImageRecord:
    objects = st.builds(
        ObjectRecord,
        st.sampled_from(("чашка", "person")),
        shapes(),
        st.sampled_from(((), (Point(1.5, -2, 2),))),
        st.booleans(),
        st.booleans(),
        st.none() | st.floats(0, 1),
        st.sampled_from(("", "drawn", "a\udcff")),
        st.sampled_from(({}, {"note": "\udcff", "big": 1 << 80, "list": [1, {"a": None}]})),
    )
    extra = draw(st.sampled_from(({}, {"tags": ["\udcff"], "license": 3})))
    return ImageRecord(draw(st.sampled_from(NAMES)), SIZE, tuple(draw(st.lists(objects, max_size=3))), extra=extra)


@settings(max_examples=30)
@given(st.lists(images(), max_size=4))
def test_spooled_images_are_as_they_were(found: list[ImageRecord]) -> None:
    assert spooled(found, 1000) == tuple(found)
    stored = SpooledImages(found[:1], iter(found[1:]))
    assert list(stored) == found, "and once more:"
    assert stored[1:] == tuple(found[1:])
    kept, now = Dataset(Path("x"), CLASSES, tuple(found)), Dataset(Path("x"), CLASSES, stored)
    assert now.heads == kept.heads
    assert now.object_count == len(list(now.objects()))
    placed = [Placed("new.jpg", (1, 2), tuple(range(len(found))))] if found else []
    assert tuple(rearranged(now, placed)) == rearranged(kept, placed)


def test_a_dataset_on_the_disk_is_written_and_matched_as_one_in_memory(tmp_path: Path) -> None:
    cup = (ObjectRecord("чашка", rectangle(1, 2, 8, 9)),)
    kept = Dataset(tmp_path, CLASSES, tuple(ImageRecord(f"{n}.jpg", SIZE, cup * n) for n in range(4)))
    stored = replace(kept, images=spooled(kept.images, in_memory=2))
    assert isinstance(stored.images, SpooledImages)
    for name, data in (("kept", kept), ("stored", stored)):
        export(coco.FORMAT, data, tmp_path / f"{name}.json")
    assert (tmp_path / "kept.json").read_bytes() == (tmp_path / "stored.json").read_bytes()
    names = ["3.jpg", "1.JPG"]
    assert tuple(match_images(stored, names).images) == match_images(kept, names).images
    assert match_images(stored, names).problems == ("2 images of the file are not in the folder.",)
