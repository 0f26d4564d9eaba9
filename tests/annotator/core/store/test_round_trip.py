"""COCO files there and back: what nobody edits is the same, key by key, and what is edited is COCO's by definition."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO

from annotator.core.annotation import Annotation
from annotator.core.photo_state import PhotoState
from annotator.core.store.project_file import ProjectFile
from dataset import rle
from dataset.geometry import to_parts
from dataset.masks import rasterize

DATA = Path(__file__).parents[5] / "shared" / "data"
FILES = sorted(DATA.glob("*/*.json"))
SIZE = (64, 48)


def ordered(data: str | bytes) -> Any:
    """The contents of a JSON file, objects as their keys and values in order."""
    return json.loads(data, object_pairs_hook=lambda pairs: ("object", pairs))


def write(file: ProjectFile, states: dict[str, PhotoState], target: Path) -> bytes:
    assert not file.lay_out(states)
    file.write_copy(target, [category for category, _ in file.coco.categories])
    return target.read_bytes()


def all_states(file: ProjectFile) -> dict[str, PhotoState]:
    return {name: PhotoState(file.size(name) or (0, 0), file.annotations(name)) for name in file.names()}


def loaded(path: Path) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def check_record(coco: Any, record: Any, shown: Annotation, size: tuple[int, int]) -> None:
    """Compare what pycocotools makes of a record with what is on screen, and with COCO's definitions."""
    if not shown.is_box and not shown.shape.is_empty:
        mask = coco.annToMask(record)
        assert (rle.decode(rasterize(to_parts(shown.shape), size)) == mask).all()
        assert record["area"] == mask.sum()
    if not shown.shape.is_empty:
        x0, y0, x1, y1 = shown.shape.bounds
        np.testing.assert_allclose(record["bbox"], (x0, y0, x1 - x0, y1 - y0), atol=0.011)
    if shown.keypoints:
        assert record["num_keypoints"] == sum(v > 0 for v in record["keypoints"][2::3])


numbers = st.integers(0, 60) | st.floats(0, 60).map(lambda v: round(v, 3))
points = st.lists(numbers, min_size=6, max_size=12).map(lambda v: v[: len(v) // 2 * 2])
odd = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=3) | st.lists(st.integers(), max_size=3)
)
masks = st.just({"size": [SIZE[1], SIZE[0]], "counts": [100, 50, 48 * 64 - 150]})
unknown = st.dictionaries(st.sampled_from(["x", "Ü", "attributes", "track_id", "score", "area"]), odd | st.floats(0, 1))


@st.composite
def records(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """An annotation as tools write them, its fields in any order, some of them odd."""
    fields: dict[str, Any] = {
        "id": number,
        "image_id": draw(st.integers(1, 3)),
        "category_id": draw(st.sampled_from([1, 2, "2", 1.0]) | st.just(None)),
        "bbox": draw(st.lists(numbers, min_size=4, max_size=4) | odd),
        "segmentation": draw(st.lists(points, min_size=1, max_size=2) | points | masks | odd),
        "iscrowd": draw(st.sampled_from([0, 1, "0", False])),
        **draw(unknown),
    }
    if draw(st.booleans()):
        fields["keypoints"] = draw(st.lists(numbers | st.none(), min_size=6, max_size=6) | odd)
    names = draw(st.permutations(list(fields)))
    return {name: fields[name] for name in names if name in ("id", "image_id") or draw(st.integers(0, 9))}


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    images = [
        {"id": n, "file_name": f"{n}.jpg", "width": SIZE[0], "height": SIZE[1], **draw(unknown)} for n in (1, 2, 3)
    ]
    body = {
        "info": draw(odd),
        "images": images,
        "annotations": [draw(records(n)) for n in range(1, draw(st.integers(1, 6)))],
        "categories": [{"id": 1, "name": "cat", **draw(unknown)}, {"name": "dog", "keypoints": ["a", "b"], "id": 2}],
        "more": draw(odd),
    }
    return {key: body[key] for key in draw(st.permutations(list(body)))}


@given(files(), st.data())
def test_a_file_with_one_edit_is_the_same_but_for_that(body: dict[str, Any], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path, target = Path(folder, "a.json"), Path(folder, "b.json")
        path.write_text(json.dumps(body))
        file = ProjectFile(path, ["1.jpg", "2.jpg", "3.jpg"])
        states = all_states(file)
        assert ordered(write(file, states, target)) == ordered(path.read_bytes())
        movable = [(name, a) for name, state in states.items() for a in state.annotations if not a.shape.is_empty]
        if not movable:
            return
        name, chosen = data.draw(st.sampled_from(movable))
        moved = chosen.with_shape(shapely.transform(chosen.shape, lambda xy: np.round(xy + 0.25, 2)))
        others = (moved if a is chosen else a for a in states[name].annotations)
        states[name] = replace(states[name], annotations=tuple(others))
        before, after = ordered(path.read_bytes()), ordered(write(file, states, target))
        assert [key for key, _ in before[1]] == [key for key, _ in after[1]]
        for (key, was), (_, now) in zip(before[1], after[1], strict=True):
            if key != "annotations":
                assert was == now
                continue
            assert len(was) == len(now)
            for old, new in zip(was, now, strict=True):
                if dict(old[1])["id"] != chosen.id:
                    assert old == new
                else:
                    geometry = ("segmentation", "bbox", "area", "annotator")
                    kept = [(k, v) for k, v in old[1] if k not in geometry]
                    assert [(k, v) for k, v in new[1] if k not in geometry][: len(kept)] == kept


@pytest.mark.slow
@pytest.mark.skipif(not FILES, reason="the data sets, shared/data, are not beside this copy")
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_real_data_sets_there_and_back(path: Path, tmp_path: Path) -> None:
    body = json.loads(path.read_bytes())
    file = ProjectFile(path, [image["file_name"] for image in body["images"]])
    states = all_states(file)
    assert ordered(write(file, states, tmp_path / "same.json")) == ordered(path.read_bytes())
    coco = loaded(path)
    masked = sum(bool(a.get("segmentation")) for a in body["annotations"])
    own_ids = dict(zip(file.coco.ids, (a["id"] for a in body["annotations"]), strict=True))  # 0 goes by another
    for name, state in states.items():
        for a in state.annotations:
            if not a.is_box and not a.shape.is_empty:
                given = coco.annToMask(coco.anns[own_ids[a.id]])
                assert (rle.decode(rasterize(to_parts(a.shape), state.size)) == given).all(), (name, a.id)
                masked -= 1
    assert masked <= 0, "every mask is shown"
    moved = {
        name: replace(
            state,
            annotations=tuple(
                a.with_shape(shapely.transform(a.shape, lambda xy: np.round(xy + 0.5, 2))) for a in state.annotations
            ),
        )
        for name, state in states.items()
    }
    write(file, moved, tmp_path / "moved.json")
    after = loaded(tmp_path / "moved.json")
    shown = {own_ids[a.id]: (a, state.size) for state in moved.values() for a in state.annotations}
    for was in body["annotations"]:
        now = after.anns[was["id"]]
        check_record(after, now, *shown[was["id"]])
        geometry = {"segmentation", "bbox", "area", "annotator"}
        assert {k: v for k, v in now.items() if k not in geometry} == {
            k: v for k, v in was.items() if k not in geometry
        }
