from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch

from dataset.coco.reader import Source, load_coco
from dataset.pictures.fingerprints import fingerprint
from model.checkpoints.weights import network_of
from model.config import TrainConfig
from model.data import feature_cache as features
from model.data import training_dataset
from model.data.augmentation import MaskCache
from model.data.batching import BatchPlan, TrainingSample, plan_batches
from model.data.feature_cache import FeatureCache, body_maps, open_cache
from model.data.training_dataset import TrainingDataset, data_loader, fill_cache
from model.data.training_images import classes_of, read_photos
from model.distributed import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint
    from model.network.targets import Target

pytestmark = pytest.mark.usefixtures("repeatable")

CPU = torch.device("cpu")
CONFIG = TrainConfig(scales=(64,), early_scales=(64,), freeze="neck", batch=2)


def samples_of(path: Path) -> list[TrainingSample]:
    classes = classes_of([(path, load_coco(path))], by_supercategory=False)
    photos = read_photos([Source(path)], classes, by_supercategory=False)
    return [TrainingSample(p, fingerprint(p.path, p.path.name).digest) for p in photos]


def dataset_of(
    samples: list[TrainingSample], epoch: int = 0, cache: FeatureCache | None = None, team: ProcessGroup | None = None
) -> TrainingDataset:
    plans = plan_batches(samples, CONFIG, epoch)
    return TrainingDataset(samples, plans, CONFIG, MaskCache(), mirror=[0, 2, 1], cache=cache, team=team)


def test_every_photo_is_in_an_epoch_once_on_a_canvas_of_its_shape(coco_file: Callable[..., Path]) -> None:
    samples = samples_of(coco_file(5))
    samples[0].photo.width, samples[0].photo.height = 50, 100
    samples[1].photo.width = samples[1].photo.height = 80
    plans = plan_batches(samples, CONFIG, 3)
    assert sorted(i for plan in plans for i in plan.photos) == [0, 1, 2, 3, 4]
    assert {plan.input_size for plan in plans} == {(96, 64), (64, 64), (64, 96)}
    assert plan_batches(samples, CONFIG, 3) == plans
    assert any(plan_batches(samples, CONFIG, epoch) != plans for epoch in range(4, 8))
    assert sorted(len(plan.photos) for plan in plan_batches(samples[2:] * 3, replace(CONFIG, batch=4), 0)) == [3, 3, 3]


def test_photos_get_objects_of_the_project_s_own_photos(coco_file: Callable[..., Path]) -> None:
    samples = samples_of(coco_file(3))
    samples[0] = replace(samples[0], rehearsal=True)
    config = replace(CONFIG, paste=1.0, freeze="none", batch=4)

    def drawn(seed: int) -> list[Target]:
        dataset = TrainingDataset(
            samples, [BatchPlan((0, 1, 2), (64, 96), seed)], config, MaskCache(), mirror=[0, 2, 1]
        )
        assert dataset.donors == samples[1:]
        return dataset[0].targets

    counts = [sum(len(t.boxes) + len(t.ignore) for t in drawn(seed)) for seed in range(6)]
    assert counts == [sum(len(t.boxes) + len(t.ignore) for t in drawn(seed)) for seed in range(6)]
    plain = dataset_of(samples)
    assert plain.donors == []
    assert max(counts) > sum(len(plain.draw(p, (64, 96), 0)[1].boxes) for p in samples)


def test_kept_features_are_what_the_body_makes_of_the_photos(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    samples = samples_of(coco_file(3))
    network = network_of(tiny_checkpoint)
    cache = open_cache(tmp_path / "cache", network, samples, CONFIG, CPU)
    assert cache is not None
    cache.variants = 2
    told: list[tuple[int, int]] = []
    fill_cache(cache, network, dataset_of(samples), CPU, lambda done, total: told.append((done, total)))
    assert told == [(i, 6) for i in range(1, 7)]
    with_cache, without = dataset_of(samples, epoch=1, cache=cache), dataset_of(samples, epoch=1)
    for kept, drawn in zip(data_loader(with_cache), data_loader(without), strict=True):
        assert isinstance(kept.images, dict)
        assert isinstance(drawn.images, torch.Tensor)
        for name, value in body_maps(network, drawn.images, CPU).items():
            torch.testing.assert_close(kept.images[name], value, rtol=0.05, atol=0.05)
        for one, other in zip(kept.targets, drawn.targets, strict=True):
            assert one.seed == other.seed
            assert torch.equal(one.boxes, other.boxes)
            assert torch.equal(one.masks, other.masks)
            assert torch.equal(one.keypoints, other.keypoints)
        maps = {name: value.float() for name, value in kept.images.items()}
        losses = network(maps, kept.targets, CONFIG)
        assert torch.isfinite(losses["mask"])


def test_a_second_round_computes_nothing_again_and_other_weights_everything(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = samples_of(coco_file(2))
    network = network_of(tiny_checkpoint)

    def fill() -> int:
        cache = open_cache(tmp_path / "cache", network, samples, CONFIG, CPU)
        assert cache is not None
        cache.variants = 1
        computed: list[int] = []
        true = training_dataset.body_maps
        monkeypatch.setattr(training_dataset, "body_maps", lambda *given: computed.append(1) or true(*given))
        fill_cache(cache, network, dataset_of(samples), CPU, lambda *_: None)
        monkeypatch.setattr(training_dataset, "body_maps", true)
        return len(computed)

    assert fill() == 2
    assert fill() == 0
    with torch.no_grad():
        next(network.backbone.fpn.parameters()).add_(1)  # type: ignore[union-attr]
    assert fill() == 0  # the pyramid is no part of what is kept
    with torch.no_grad():
        next(network.backbone.body.parameters()).add_(1)
    assert fill() == 2


def test_the_cache_is_bounded_and_a_damaged_file_is_said(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = samples_of(coco_file(2))
    network = network_of(tiny_checkpoint)
    cache = open_cache(tmp_path / "cache", network, samples, CONFIG, CPU)
    assert cache is not None
    assert cache.variants == features.MAX_VARIANTS
    cache.variants = 1
    (tmp_path / "cache" / "old.maps").write_bytes(b"x" * 1000)
    fill_cache(cache, network, dataset_of(samples), CPU, lambda *_: None)
    cache.trim(max_bytes=10**9)
    assert (tmp_path / "cache" / "old.maps").exists()
    cache.trim(max_bytes=10)
    assert set((tmp_path / "cache").iterdir()) == cache.used
    canvas = samples[0].input_size(64)
    cache.path(samples[0], canvas, 0).write_bytes(b"damaged")
    with pytest.raises(OSError, match="start the round again"):
        cache.read(samples[0], canvas, 0)
    assert not cache.path(samples[0], canvas, 0).exists()
    monkeypatch.setattr(features, "MAX_BYTES", 100)
    assert open_cache(tmp_path / "cache", network, samples, CONFIG, CPU) is None


def test_a_round_that_goes_on_has_as_many_variants_as_before(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, folder = samples_of(coco_file(3)), tmp_path / "cache"
    network = network_of(tiny_checkpoint)
    maps = body_maps(network, torch.zeros(1, 3, *samples[0].input_size(64), dtype=torch.uint8), CPU)
    space = 11 * len(samples) * sum(value.nbytes for value in maps.values())  # half of it is for what is kept

    def statvfs(_: Path) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=space - sum(f.stat().st_blocks for f in folder.iterdir()) * 512, f_frsize=1)

    monkeypatch.setattr(features.os, "statvfs", statvfs, raising=False)
    for _ in range(3):
        cache = open_cache(folder, network, samples, CONFIG, CPU)
        assert cache is not None
        assert cache.variants == 5
        fill_cache(cache, network, dataset_of(samples), CPU, lambda *_: None)
        assert len(list(folder.iterdir())) == 15


def test_processes_of_a_team_fill_it_from_different_ends(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = samples_of(coco_file(2))
    network = network_of(tiny_checkpoint)
    monkeypatch.setattr(ProcessGroup, "barrier", lambda _: None)  # the other process is not there
    cache = open_cache(tmp_path / "cache", network, samples, CONFIG, CPU)
    assert cache is not None
    cache.variants = 1
    second = ProcessGroup(1, 2)
    fill_cache(cache, network, dataset_of(samples, team=second), CPU, lambda *_: None)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    part = dataset_of(samples[:1], team=second)[0]
    assert len(part.targets) == 1  # one photo for two processes: both take it
