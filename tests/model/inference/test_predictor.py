from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
import torch

from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.weights import fold_norms, network_of
from model.data.augmentation import CropTransform
from model.inference import predictor as predict
from model.inference.device import DeviceError
from model.inference.engine import MemoryFullError
from model.inference.engines.torch_engine import TorchEngine
from model.inference.instance import Instance
from model.inference.out_of_memory import detect_batch, detect_within_memory
from model.inference.predictor import Predictor
from model.network.build import build
from tests.model.conftest import CATEGORIES, TINY, config

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")

PHOTO = np.random.default_rng(0).integers(0, 255, (90, 130, 3), np.uint8)
BOXES = np.array([[10.0, 20.0, 60.0, 80.0], [50.5, 5.0, 120.0, 70.0]])


@pytest.fixture
def predictor(tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    monkeypatch.setenv("ANNOTATOR_BF16", "0")
    made = Predictor(tiny_checkpoint, "cpu")
    made.set_image(PHOTO)
    return made


def test_what_a_predictor_says_of_itself(tiny_weights: Path) -> None:
    predictor = Predictor(tiny_weights, "cpu")
    assert predictor.name == str(tiny_weights)
    assert predictor.device == "cpu"
    assert predictor.categories == CATEGORIES
    assert predictor.metrics == {"note": 1}
    assert predictor.short_side == TINY.short_side


def test_detections_are_plain_and_inside_the_photo(predictor: Predictor) -> None:
    found = predictor.detect(score=0.0, max_detections=20)
    assert 0 < len(found) <= 20
    assert [i.score for i in found] == sorted((i.score for i in found), reverse=True)
    for instance in found:
        assert isinstance(instance, Instance)
        assert type(instance.category_id) is int
        assert type(instance.score) is float
        assert instance.box.dtype == np.float32
        assert (instance.box >= 0).all()
        assert (instance.box[[0, 2]] <= 130.001).all()
        assert (instance.box[[1, 3]] <= 90.001).all()
        for part in instance.polygons:
            assert shapely.Polygon(part[0], part[1:]).is_valid
        if instance.category_id == 1:
            assert instance.keypoints is not None
            assert instance.keypoints.shape == (3, 3)
            assert set(np.unique(instance.keypoints[:, 2])) <= {0, 1, 2}
            assert instance.keypoint_scores is not None
            assert instance.keypoint_scores.shape == (3,)
        else:
            assert instance.keypoints is None


def test_the_score_and_the_number_limit_detections(predictor: Predictor) -> None:
    everything = predictor.detect(score=0.0, max_detections=100)
    middle = everything[len(everything) // 2].score
    assert all(i.score > middle for i in predictor.detect(score=middle, max_detections=100))
    assert len(predictor.detect(score=0.0, max_detections=3)) == 3


def test_the_score_says_how_sure_the_mask_is_too(tiny_checkpoint: Checkpoint) -> None:
    name = "roi_heads.mask_predictor.mask_fcn_logits.bias"
    sure = {**tiny_checkpoint.state, name: torch.full((3,), 60.0)}
    found = {}
    for way in (True, False):
        for state in (tiny_checkpoint.state, sure):
            model = replace(tiny_checkpoint, state=state, config=replace(tiny_checkpoint.config, mask_score=way))
            predictor = Predictor(model, "cpu")
            predictor.set_image(PHOTO)
            found[way, state is sure] = {tuple(i.box.tolist()): i.score for i in predictor.detect(0.1, 50)}
    plain = found[False, True]
    assert found[False, False] == plain
    assert found[True, True] == pytest.approx(plain, rel=1e-3), "a mask that is sure of every cell changes nothing"
    shares = [score / plain[box] for box, score in found[True, False].items()]
    assert shares
    assert all(0.5 <= share < 0.99 for share in shares)
    assert list(found[True, False].values()) == sorted(found[True, False].values(), reverse=True)
    assert min(found[True, False].values()) > 0.1


def test_a_score_can_tell_how_sure_keypoints_are(tiny_checkpoint: Checkpoint) -> None:
    found: dict[tuple[float, float], list[Instance]] = {}
    plain: dict[tuple[float, ...], float] = {}
    least = 0.0
    for power, usual in ((0.0, 1.0), (0.5, 1.0), (0.5, 0.01)):
        config = replace(tiny_checkpoint.config, keypoint_score=power, keypoint_certainty=usual)
        predictor = Predictor(replace(tiny_checkpoint, config=config), "cpu")
        predictor.set_image(PHOTO)
        found[usual, power] = predictor.detect(0.02, 50)
        if not power:
            plain = {tuple(i.box.tolist()): i.score for i in found[usual, power]}
            least = float(np.median([i.score for i in found[usual, power] if i.keypoints is not None]))
    surer = predictor.detect(least, 50)
    for (usual, power), instances in found.items():
        assert {i.keypoints is None for i in instances} == {True, False}
        assert [i.score for i in instances] == sorted((i.score for i in instances), reverse=True)
        assert min(i.score for i in instances) > 0.02
        for instance in instances:
            before = plain.get(tuple(instance.box.tolist()), 0.0)
            certain = usual if instance.keypoint_scores is None else float(instance.keypoint_scores.mean())
            odds = before / (1 - before) * (certain / usual) ** power
            assert before == 0 or instance.score == pytest.approx(odds / (1 + odds), rel=1e-4)
    assert [i.score for i in surer] == [i.score for i in found[0.01, 0.5] if i.score > least]
    assert any(plain[tuple(i.box.tolist())] < least for i in surer), "keypoints raise scores over the least one"


@pytest.mark.parametrize("sides", [(45, 60), (128, 200), (900, 1200)])
def test_keypoints_come_back_from_where_samples_put_them(predictor: Predictor, sides: tuple[int, int]) -> None:
    height, width = sides
    predictor.set_image(np.zeros((height, width, 3), np.uint8))
    regions = predictor._require_image()
    inner = regions.boxes_in(np.array([[0, 0, width, height]]))[0, 2:]
    points = np.array([[[3.0, 7, 2], [width - 4, 9, 2], [20, height - 5, 2]]], np.float32)
    sample = CropTransform(float(inner[0]) / width, 0, 0, flip=False, height=4096, width=4096)
    placed = regions._placed(sample.keypoints(points, [0, 1, 2])[..., :2], np.ones((1, 3), np.float32))
    assert placed[..., :2] == pytest.approx(points[..., :2], rel=0.01)


def test_scores_can_be_shifted_by_class(tiny_checkpoint: Checkpoint) -> None:
    """The same detections, whatever part of the score comes from keypoints and masks."""
    config = replace(tiny_checkpoint.config, keypoint_score=0.5, keypoint_certainty=0.1, mask_score=True)
    plain, moved = (
        Predictor(replace(tiny_checkpoint, config=replace(config, score_shifts=shifts)), "cpu")
        for shifts in ((), (1.5, -1.0))
    )
    for predictor in (plain, moved):
        predictor.set_image(PHOTO)
    expected = {}
    for instance in plain.detect(0.0):
        factor = float(
            np.exp({c.id: s for c, s in zip(plain.categories, (1.5, -1.0), strict=True)}[instance.category_id])
        )
        expected[instance.category_id, *instance.box.tolist()] = (
            instance.score * factor / (instance.score * factor + 1 - instance.score)
        )
    assert len({key[0] for key in expected}) == 2
    for least in (0.0, float(np.median(list(expected.values())))):
        found = moved.detect(least)
        assert [i.score for i in found] == sorted((i.score for i in found), reverse=True)
        scores = {(i.category_id, *i.box.tolist()): i.score for i in found}
        assert scores == pytest.approx({k: v for k, v in expected.items() if v > least}, rel=1e-4)


def test_detecting_again_gives_the_same(predictor: Predictor) -> None:
    first, second = predictor.detect(0.0), predictor.detect(0.0)
    assert [i.score for i in first] == [i.score for i in second]


def test_likely_objects_are_around_the_place_and_alike_is_most_of_all_the_place_itself(predictor: Predictor) -> None:
    places = [(x, y) for x in range(5, 130, 10) for y in range(5, 60, 10)]
    at, found = max(((place, predictor.objects_at(*place)) for place in places), key=lambda pair: len(pair[1]))
    assert found
    assert [o.score for o in found] == sorted((o.score for o in found), reverse=True)
    for candidate in found:
        x0, y0, x1, y1 = candidate.box.tolist()
        assert x0 <= at[0] <= x1
        assert y0 <= at[1] <= y1
        assert candidate.mask.shape == (28, 28)
        assert 0 <= candidate.mask.min() <= candidate.mask.max() <= 1
    predictor.set_image(np.ascontiguousarray(PHOTO[:60]))
    assert all(o.box[3] <= 60.001 for place in places for o in predictor.objects_at(*place)), (
        "of the photo that is set now"
    )
    box = np.array([0, 0, 130, 60], np.float32)
    alike = predictor.likeness(65, 45, box, 12)
    assert alike.shape == (12, 12)
    assert -1.001 <= alike.min() < alike.mean() < alike[9, 6]
    assert predictor.outline_of(np.ones((12, 12), np.float32), box)[0][0].max() <= 130


def test_masks_for_boxes_keep_the_boxes_and_take_the_named_class(predictor: Predictor) -> None:
    best = predictor.masks_for_boxes(BOXES)
    chances = predictor.classify_boxes(BOXES)
    assert chances.shape == (2, 2)
    assert (chances.sum(1) < 1).all()
    for i, instance in enumerate(best):
        assert instance.box == pytest.approx(BOXES[i])
        assert instance.category_id == CATEGORIES[chances[i].argmax()].id
        assert instance.score == pytest.approx(chances[i].max())
    named = predictor.masks_for_boxes(BOXES, [7, 1])
    assert [i.category_id for i in named] == [7, 1]
    assert [i.keypoints is None for i in named] == [True, False]
    assert [i.score for i in named] == pytest.approx([chances[0, 1], chances[1, 0]])


@pytest.mark.parametrize("learned", [True, False])
def test_a_box_that_no_class_fits_gets_the_mask_of_anything(
    tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, learned: bool
) -> None:
    config = replace(tiny_checkpoint.config, any_mask=learned)
    predictor = Predictor(replace(tiny_checkpoint, config=config), "cpu")
    predictor.set_image(PHOTO)
    whole = predictor.masks_for_boxes(BOXES)
    limit = float(np.mean([i.score for i in whole]))
    monkeypatch.setattr("model.inference.predictor.FITTING", limit)
    drawn = []
    regions = predictor._require_image()
    real = regions.masks

    def masks(inner: np.ndarray, labels: np.ndarray) -> np.ndarray:
        drawn.append(labels.tolist())
        return real(inner, labels)

    monkeypatch.setattr(regions, "masks", masks)
    found = predictor.masks_for_boxes(BOXES, quick=True)
    ids = [c.id for c in predictor.categories]
    labels = [ids.index(i.category_id) + 1 for i in found]
    assert [i.score for i in found] == [i.score for i in whole]
    assert drawn[-1] == [0 if learned and i.score < limit else n for i, n in zip(found, labels, strict=True)]
    assert (0 in drawn[-1]) == learned
    predictor.masks_for_boxes(BOXES, [i.category_id for i in found], quick=True)
    assert drawn[-1] == labels, "who names a class means it"


def test_a_small_box_is_looked_at_closely(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = np.array([[20.0, 30, 32, 44]]), np.array([[10.0, 5, 120, 80]])
    seen: list[tuple[int, int]] = []
    true = predict.resize_and_pad

    def spy(image: np.ndarray, *rest: Any) -> Any:
        seen.append(image.shape[:2])
        return true(image, *rest)

    monkeypatch.setattr(predict, "resize_and_pad", spy)
    monkeypatch.setattr(predict, "REFINE_BELOW", 64)
    (close,) = predictor.masks_for_boxes(small, [1])
    assert seen == [(24, 24)]  # 1.6 times its longer side, in whole pixels
    (far,) = predictor.masks_for_boxes(large, [1])
    assert len(seen) == 1
    assert predictor.image_size == (90, 130), "the photo stays set"
    assert close.keypoints is not None
    assert far.keypoints is not None
    x, y = close.keypoints[:, 0], close.keypoints[:, 1]
    assert ((x > 17) & (x < 35) & (y > 27) & (y < 47)).all(), "in the photo's coordinates"
    for part in close.polygons:
        assert (part[0] >= [19, 29]).all()
        assert (part[0] <= [33, 45]).all()


def test_masks_for_a_detected_box_are_those_of_the_detection(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "REFINE_BELOW", 0)
    found = next(i for i in predictor.detect(0.0) if i.polygons and np.ptp(i.box[[0, 2]]) > 64)
    (again,) = predictor.masks_for_boxes(found.box[None], [found.category_id])
    for part, same in zip(found.polygons, again.polygons, strict=True):
        for ring, other in zip(part, same, strict=True):
            assert ring == pytest.approx(other, abs=0.05)


def test_keypoints_for_boxes(predictor: Predictor) -> None:
    points, scores = predictor.keypoints_for_boxes(BOXES)
    assert points.shape == (2, 3, 3)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (points[..., 0] >= BOXES[:, None, 0] - 1).all()
    assert (points[..., 0] <= BOXES[:, None, 2] + 1).all()
    nothing, _ = predictor.keypoints_for_boxes(np.zeros((0, 4)))
    assert nothing.shape == (0, 3, 3)


def test_wrong_questions_are_refused(predictor: Predictor) -> None:
    with pytest.raises(ValueError, match="no category 9"):
        predictor.masks_for_boxes(BOXES, [9, 1])
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        predictor.classify_boxes(np.zeros(4))
    with pytest.raises(ValueError, match="uint8"):
        predictor.set_image(PHOTO.astype(float))  # pyrefly: ignore
    for nothing in (None, [[1, 2, 3]]):
        with pytest.raises(ValueError, match="uint8"):
            predictor.set_image(nothing)  # pyrefly: ignore
    for score, most in ((float("nan"), None), (2.0, None), (0.5, -1)):
        with pytest.raises(ValueError, match="score"):
            predictor.detect(score, most)
    predictor.forget()
    with pytest.raises(RuntimeError, match="set_image"):
        predictor.detect()


@pytest.mark.parametrize("bad", [[np.nan, 0, 5, 5], [0, 0, np.inf, 5], [9, 0, 5, 5]])
def test_boxes_that_are_none_are_refused_rather_than_left_out(predictor: Predictor, bad: list[float]) -> None:
    boxes = np.array([BOXES[0], bad, BOXES[1]])
    for ask in (predictor.masks_for_boxes, predictor.keypoints_for_boxes, predictor.classify_boxes):
        with pytest.raises(ValueError, match="boxes are"):
            ask(boxes)


def test_what_reaches_over_the_edges_of_the_photo_is_nothing(predictor: Predictor) -> None:
    whole, huge = np.array([[0.0, 0, 130, 90]]), np.array([[-1e6, -1e6, 1e6, 1e6]])
    assert np.array_equal(predictor.classify_boxes(huge), predictor.classify_boxes(whole))
    points, scores = predictor.keypoints_for_boxes(huge)  # of pixels of the photo, not of terabytes of them
    assert np.array_equal(points, predictor.keypoints_for_boxes(whole)[0])
    assert np.isfinite(scores).all()
    (one,), (other,) = predictor.masks_for_boxes(huge), predictor.masks_for_boxes(whole)
    assert np.array_equal(one.box, huge[0])
    assert len(one.polygons) == len(other.polygons)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(one.polygons, other.polygons, strict=True))
    (beside,) = predictor.masks_for_boxes(np.array([[500.0, 500, 600, 600]]))
    assert beside.polygons == []


def test_no_detections_may_be_asked_for(predictor: Predictor) -> None:
    assert predictor.detect(0.0, 0) == []


def test_without_mask_or_keypoint_heads(predictor: Predictor) -> None:
    bare = config(mask_head="none", keypoints=0)
    plain = tuple(replace(c, keypoint_names=(), skeleton=()) for c in CATEGORIES)
    boxes_only = Predictor(Checkpoint(bare, plain, build(bare).state_dict()), "cpu")
    boxes_only.set_image(PHOTO)
    found = boxes_only.detect(0.0)
    assert found
    assert all(i.polygons == [] and i.keypoints is None for i in found)
    with pytest.raises(ValueError, match="keypoints"):
        boxes_only.keypoints_for_boxes(BOXES)
    assert predictor.config.keypoints == 3


def test_tiny_and_long_photos_work(predictor: Predictor) -> None:
    for size in ((1, 1), (3, 200), (300, 2)):
        predictor.set_image(np.zeros((*size, 3), np.uint8))
        predictor.detect(0.0)
        assert predictor.image_size == size


def test_a_device_that_does_not_exist_is_said(tiny_checkpoint: Checkpoint) -> None:
    with pytest.raises(DeviceError, match="no device toaster"):
        Predictor(tiny_checkpoint, "toaster")


def test_folded_norms_change_nothing(tiny_checkpoint: Checkpoint) -> None:
    state = dict(tiny_checkpoint.state)
    for name, value in state.items():  # statistics of a trained network are not 0 and 1
        if name.endswith("running_mean"):
            state[name] = torch.randn_like(value) * 0.1
        if name.endswith("running_var"):
            state[name] = torch.rand_like(value) + 0.5
    network = network_of(replace(tiny_checkpoint, state=state))
    picture = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        before = network.encode(picture)
        fold_norms(network)
        after = network.encode(picture)
    assert not any("running_mean" in name for name in network.state_dict() if "backbone" in name)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_full_gpu_memory_leads_to_smaller_photos_and_then_to_the_cpu(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []
    encode = predictor.set_image

    def short_of_memory(image: np.ndarray) -> None:
        sides.append(predictor.short_side)
        if predictor.device != "cpu":
            raise MemoryFullError
        encode(image)

    monkeypatch.setattr(predictor, "set_image", short_of_memory)
    engine = predictor._engine
    assert isinstance(engine, TorchEngine)
    engine.device = "cuda"
    predictor.short_side = 600
    told: list[str] = []
    detect_within_memory(predictor, PHOTO, told.append, score=0.0)
    assert sides == [600, 420, 294, TINY.short_side]
    assert predictor.device == "cpu"
    assert len(told) == 3
    assert "CPU" in told[-1]


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("std::bad_alloc"), True),
        (MemoryError("std::bad_alloc"), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_the_cpus_full_memory_is_told_from_other_errors(
    error: Exception, is_full: bool, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: torch.Tensor) -> None:
        raise error

    engine = predictor._engine
    assert isinstance(engine, TorchEngine)
    monkeypatch.setattr(engine._network, "encode", fail)
    with pytest.raises(MemoryFullError if is_full else RuntimeError, match=re.escape(str(error))):
        predictor.set_image(PHOTO)


def same(one: list[Instance], other: list[Instance]) -> None:
    assert [i.category_id for i in one] == [i.category_id for i in other]
    for a, b in zip(one, other, strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-4)
        np.testing.assert_allclose(a.box, b.box, atol=1e-4)
        for ring, twin in zip((r for p in a.polygons for r in p), (r for p in b.polygons for r in p), strict=True):
            np.testing.assert_allclose(ring, twin, atol=1e-3)
        if a.keypoints is not None and b.keypoints is not None:
            np.testing.assert_allclose(a.keypoints, b.keypoints, atol=1e-3)


def test_many_photos_at_once_give_what_each_gives_alone(predictor: Predictor) -> None:
    random = np.random.default_rng(1)
    sizes = [(90, 130), (130, 90), (90, 130), (92, 128), (40, 200)]  # some fill the same canvas, some do not
    photos = [random.integers(0, 255, (*size, 3), np.uint8) for size in sizes]
    together = predictor.detect_many(photos, score=0.0, max_detections=12)
    with pytest.raises(RuntimeError, match="set_image"):
        predictor.detect()
    assert len(together) == len(photos)
    for photo, found in zip(photos, together, strict=True):
        predictor.set_image(photo)
        alone = predictor.detect(score=0.0, max_detections=12)
        assert alone
        same(found, alone)
    assert predictor.detect_many([]) == []
    assert predictor.batch == 1  # nothing is gained on a CPU


def test_a_batch_too_large_for_memory_is_done_one_by_one(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = predictor._engine
    assert isinstance(engine, TorchEngine)
    encode = engine._network.encode
    asked: list[int] = []

    def small_memory(images: torch.Tensor) -> list[torch.Tensor]:
        asked.append(len(images))
        if len(images) > 1:
            raise torch.OutOfMemoryError
        return encode(images)

    monkeypatch.setattr(engine._network, "encode", small_memory)
    found = detect_batch(predictor, [PHOTO, PHOTO], pytest.fail, score=0.0)
    assert asked == [2, 1, 1]
    same(found[0], found[1])


@pytest.mark.parametrize(
    "changes", [{}, {"features": "c4"}, {"mask_loss": "softmax"}, {"mask_head": "mlp2"}, {"mask_norm": True}]
)
def test_the_mask_of_the_own_class_is_that_of_all_classes(changes: dict[str, str]) -> None:
    chosen = config(keypoints=0, **changes)
    network = build(chosen).eval()
    heads = network.roi_heads
    sizes = (6,) if chosen.features == "c4" else (24, 12, 6, 3)
    maps = [torch.randn(1, network.backbone.channels, size, size) for size in sizes]
    boxes, labels = torch.tensor([[5.0, 5, 60, 80], [10, 0, 30, 20], [0, 0, 90, 90]]), torch.tensor([2, 1, 2])
    with torch.inference_mode():
        logits = heads.masks(maps, [boxes])
        every = logits.softmax(1) if chosen.mask_loss == "softmax" else logits.sigmoid()
        own = heads.own_masks(maps, [boxes], labels)
        nothing = heads.own_masks(maps, [boxes[:0]], labels[:0])
    torch.testing.assert_close(own, every[torch.arange(3), labels], rtol=0, atol=1e-6)
    assert nothing.shape == (0, *own.shape[1:])


def test_another_config_of_the_same_weights_is_another_model(tiny_checkpoint: Checkpoint) -> None:
    other = replace(tiny_checkpoint, config=replace(tiny_checkpoint.config, box_nms=0.123))
    assert Predictor(other, "cpu").id != Predictor(tiny_checkpoint, "cpu").id == Predictor(tiny_checkpoint, "cpu").id


def test_the_pixels_of_an_instance_are_those_that_coco_paints() -> None:
    ring = np.array([[1, 2], [9, 2], [9, 8], [1, 8]], np.float32)
    hole = np.array([[3, 4], [3, 6], [6, 6], [6, 4]], np.float32)
    found = Instance(1, 1.0, np.array([1, 2, 9, 8], np.float32), [[ring, hole]])
    pixels = found.mask((10, 12))
    assert (pixels.shape, pixels.dtype, pixels.sum()) == ((10, 12), bool, 8 * 6 - 3 * 2)
    assert pixels[2, 1]
    assert not pixels[4, 3]
    assert not replace(found, polygons=[]).mask((10, 12)).any()
