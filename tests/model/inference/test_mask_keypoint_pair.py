from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dataset.coco.categories import Category
from model.checkpoints import checkpoint
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.names import WeightsError
from model.evaluation.evaluate import evaluate
from model.inference.engines.torch_engine import TorchEngine
from model.inference.mask_keypoint_pair import MaskKeypointPredictor, load_predictor
from model.inference.predictor import Predictor
from model.network.build import build
from tests.model.conftest import POINTS, config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")

PHOTO = np.random.default_rng(0).integers(0, 255, (90, 130, 3), np.uint8)


@pytest.fixture
def files(tiny_checkpoint: Checkpoint, tmp_path: Path) -> tuple[Path, Path]:
    """Masks of persons and boxes without keypoints, and keypoints of persons without masks."""
    masks, points = tmp_path / "masks.safetensors", tmp_path / "points.safetensors"
    plain = config(keypoints=0)
    state = {k: v for k, v in tiny_checkpoint.state.items() if "keypoint" not in k}
    categories = tuple(replace(c, keypoint_names=(), skeleton=()) for c in tiny_checkpoint.categories)
    checkpoint.write(masks, Checkpoint(plain, categories, state))
    pointed = config(classes=1, mask_head="none")
    person = Category(1, "person", "person", POINTS, ((0, 1),))
    checkpoint.write(points, Checkpoint(pointed, (person,), build(pointed).state_dict()))
    return masks, points


def test_masks_come_from_one_and_keypoints_from_the_other(files: tuple[Path, Path]) -> None:
    pair = load_predictor(f"{files[0]}+{files[1]}", "cpu")
    assert isinstance(pair, MaskKeypointPredictor)
    assert pair.categories[0].keypoint_names == POINTS
    assert pair.categories[1].keypoint_names == ()
    alone = load_predictor(files[0], "cpu")
    assert isinstance(alone, Predictor)
    alone.set_image(PHOTO)
    pair.set_image(PHOTO)
    expected, found = alone.detect(0.0), pair.detect(0.0)
    assert [i.score for i in found] == [i.score for i in expected]
    assert any(i.category_id == 1 for i in found)
    for one, other in zip(found, expected, strict=True):
        assert one.box == pytest.approx(other.box)
        assert len(one.polygons) == len(other.polygons)
        assert (one.keypoints is not None) == (one.category_id == 1)


def test_a_person_has_the_keypoints_of_the_detection_it_overlaps(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = load_predictor(f"{files[0]}+{files[1]}", "cpu")
    assert isinstance(pair, MaskKeypointPredictor)
    pair.set_image(PHOTO)
    person = next(i for i in pair.detect(0.0) if i.category_id == 1)
    marked = np.full((3, 3), 7, np.float32)
    near = replace(person, box=person.box + 0.1, keypoints=marked, keypoint_scores=marked[:, 0])
    far = replace(near, box=person.box + 1000, keypoints=marked * 2)
    monkeypatch.setattr(pair.points, "detect", lambda *_: [far, near])
    (same,) = (i for i in pair.detect(0.0) if i.score == person.score)
    assert same.keypoints is not None
    assert (same.keypoints == 7).all()
    monkeypatch.setattr(pair.points, "detect", lambda *_: [far])
    (own,) = (i for i in pair.detect(0.0) if i.score == person.score)
    assert own.keypoints is not None
    assert not (own.keypoints == 14).any()


def test_a_pair_is_used_like_one(files: tuple[Path, Path], coco_file: Callable[..., Path]) -> None:
    pair = load_predictor(f"{files[0]}+{files[1]}", "cpu")
    figures = evaluate(pair, coco_file(1))
    assert set(figures.overall) == {"box", "mask", "keypoints"}
    assert isinstance(pair, MaskKeypointPredictor)
    pair.set_image(PHOTO)
    boxes = np.array([[10.0, 20, 60, 80], [30, 5, 120, 70]])
    named = pair.masks_for_boxes(boxes, [1, 7])
    assert named[0].keypoints is not None
    assert named[1].keypoints is None
    assert pair.classify_boxes(boxes).shape == (2, 2)
    with pytest.raises(WeightsError, match="no keypoints"):
        load_predictor(f"{files[1]}+{files[0]}", "cpu")


def test_both_of_a_pair_get_by_with_less_memory(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pair = load_predictor(f"{files[0]}+{files[1]}", "cpu")
    assert isinstance(pair, MaskKeypointPredictor)
    own = pair.masks.short_side
    pair.points.config = replace(pair.points.config, short_side=2 * own)
    pair.points.short_side = 2 * own
    assert pair.reduce_memory() == "", "less than the CPU there is not"
    assert (pair.masks.short_side, pair.points.short_side) == (own, 2 * own)
    for one in (pair.masks, pair.points):
        assert isinstance(one._engine, TorchEngine)
        one._engine.device = "cuda"
    with monkeypatch.context() as there:
        there.setattr(pair.points, "to", lambda _: None)
        pair.masks.short_side, pair.points.short_side = 800, 400
        assert "560" in pair.reduce_memory()
        assert (pair.masks.short_side, pair.points.short_side) == (560, 400), "none becomes larger"
        assert "392" in pair.reduce_memory()
        assert (pair.masks.short_side, pair.points.short_side) == (392, 392)
    pair.masks.short_side = pair.points.short_side = 200
    assert "CPU" in pair.reduce_memory()
    assert (pair.device, pair.points.device) == ("cpu", "cpu")
    assert (pair.masks.short_side, pair.points.short_side) == (own, 2 * own)


def test_a_plus_sign_may_be_a_part_of_a_name(files: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "c++"
    folder.mkdir()
    masks, points = (file.rename(folder / f"{i}+{file.name}") for i, file in enumerate(files))
    alone = load_predictor(masks, "cpu")
    assert isinstance(alone, Predictor)
    pair = load_predictor(f"{masks}+{points}", "cpu")
    assert isinstance(pair, MaskKeypointPredictor)
    assert (pair.masks.name, pair.points.name) == (str(masks), str(points))
    for name, missing in ((f"{folder}/none", f"{folder}/none"), (f"{masks}+none", "none"), (f"none+{points}", "none")):
        with pytest.raises(WeightsError) as caught:
            load_predictor(name, "cpu")
        assert str(caught.value).startswith(f"There are no weights {missing}: ")
