"""The batches of a fine-tuning round: photos, each in variants that follow from its content and a number.

With a frozen body the variants are few and come again, so that the body's maps of them are computed once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from dataset.images import PhotoError, read_photo
from model.data.augmentation import _target, draw_crop, training_sample
from model.data.batching import ROUND, Batch, BatchPlan, empty_batch
from model.data.copy_paste import paste
from model.data.training_images import DataError
from model.data.unreadable_images import UnreadableImages
from model.distributed import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from model.config import TrainConfig
    from model.data.augmentation import MaskCache
    from model.data.feature_cache import FeatureCache
    from model.data.training_images import TrainingImage
    from model.network.targets import Target

SHAPES = ((4, 3), (1, 1), (3, 4))
"""Width to height of the canvases: photos of one shape stand in one batch."""


REHEARSAL = 0.25
"""Photos an epoch, for each of the project's, that keep what the parent knows."""


@dataclass(frozen=True)
class TrainingSample:
    """One training photo."""

    photo: TrainingImage
    digest: str
    """SHA-256 of its file, hexadecimal."""
    rehearsal: bool = False
    """Whether it is none of the project's, but there to keep what the parent knows."""

    def canvas(self, short: int) -> tuple[int, int]:
        """Return the (height, width) of the canvas of this photo with a shorter side."""
        aspect = np.log(self.photo.width / self.photo.height)
        wide, high = min(SHAPES, key=lambda s: abs(np.log(s[0] / s[1]) - aspect))
        scale = short / min(wide, high)
        return max(1, round(high * scale / ROUND)) * ROUND, max(1, round(wide * scale / ROUND)) * ROUND

    def random(self, seed: int, variant: int) -> np.random.Generator:
        """Return the random numbers that a variant follows from."""
        return np.random.default_rng((seed, variant, int(self.digest[:15], 16)))


def plan_fine_tuning_batches(pupils: list[TrainingSample], config: TrainConfig, epoch: int) -> list[BatchPlan]:
    """Return the batches of an epoch: every photo of the project once and some others, those of one shape together."""
    random = np.random.default_rng((config.seed, epoch))
    own = [i for i, p in enumerate(pupils) if not p.rehearsal]
    others = [i for i, p in enumerate(pupils) if p.rehearsal]
    chosen = own + random.permutation(others)[: math.ceil(REHEARSAL * len(own))].astype(int).tolist()
    order = [int(i) for i in random.permutation(chosen)]
    short = config.scales[-1]
    plans = []
    for canvas in sorted({p.canvas(short) for p in pupils}):
        group = [i for i in order if pupils[i].canvas(short) == canvas]
        count = -(-len(group) // config.batch)
        # Batches of nearly one size: a lone photo at the end would count as much as a full batch.
        plans += [BatchPlan(tuple(group[k::count]), canvas, epoch) for k in range(count)]
    return [plans[i] for i in random.permutation(len(plans))]


class TrainingDataset(Dataset[Batch]):
    """This process's part of the batches of an epoch."""

    def __init__(
        self,
        pupils: list[TrainingSample],
        plans: list[BatchPlan],
        config: TrainConfig,
        masks: MaskCache,
        *,
        mirror: list[int],
        cache: FeatureCache | None = None,
        team: ProcessGroup | None = None,
        missing: UnreadableImages | None = None,
        read: Callable[[Path], NDArray[np.uint8]] = read_photo,
    ) -> None:
        self.team = team or ProcessGroup()
        self.missing = missing or UnreadableImages()
        self.pupils, self.plans, self.config, self.masks = pupils, plans, config, masks
        self.mirror, self.cache, self.read = mirror, cache, read
        own = [p for p in pupils if not p.rehearsal and any(i.segmentation for i in p.photo.instances)]
        self.donors = own if config.paste else []

    def __len__(self) -> int:
        return len(self.plans)

    def check(self) -> None:
        """Check that there is something to learn from.

        Raises:
            model.data.training_images.DataError: None of the project's photos can be read any more.
        """
        if all(p.rehearsal or p.photo.path in self.missing.paths for p in self.pupils):
            raise DataError("None of the photos can be read any more: is their folder still there?")

    def __getitem__(self, index: int) -> Batch:
        plan = self.plans[index]
        # A process without a photo in a small batch takes one that another has: none may be missing from a step.
        mine = self.team.shard(plan.photos) or [plan.photos[-1]]
        chosen = [self.pupils[i] for i in mine]
        if self.cache is not None:
            return self._kept(chosen, plan, self.cache)
        images, targets, names = [], [], []
        for pupil in chosen:
            if drawn := self._pasted(pupil, plan):
                images.append(drawn[0])
                targets.append(self._seeded(drawn[1], pupil, plan))
                names.append(str(pupil.photo.path))
        if not images:
            return empty_batch(plan.canvas, len(chosen[0].photo.complete) - 1, len(self.mirror))
        return Batch(torch.stack(images), targets, names)

    def _kept(self, chosen: list[TrainingSample], plan: BatchPlan, cache: FeatureCache) -> Batch:
        """Return a batch of features that are kept; instead of photos that had gone before they were, another one."""
        there = [p for p in chosen if p.photo.path not in self.missing.paths]
        canvas = plan.canvas
        if not there:
            there = [next(p for p in self.pupils if p.photo.path not in self.missing.paths)]
            canvas = there[0].canvas(self.config.scales[-1])
        variant = plan.seed % cache.variants
        found = [cache.read(p, canvas, variant) for p in there]
        maps = {name: torch.stack([f[name] for f in found]) for name in found[0]}
        targets = [self._seeded(self.target(p, canvas, variant), p, plan) for p in there]
        return Batch(maps, targets, [str(p.photo.path) for p in there])

    def _pasted(self, pupil: TrainingSample, plan: BatchPlan) -> tuple[torch.Tensor, Target] | None:
        """Return what `draw` does, now and then with objects of another photo; None where it cannot be read any more.

        Never asked for where features are kept.
        """
        drawn = self._drawn(pupil, plan.canvas, plan.seed)
        random = pupil.random(self.config.seed + 2, plan.seed)
        if drawn is None or not self.donors or random.random() >= self.config.paste:
            return drawn
        donor = self.donors[random.integers(len(self.donors))]
        # Another variant than the donor has where it is a lesson itself.
        other = self._drawn(donor, plan.canvas, int(random.integers(2**62)))
        return paste(*drawn, *other, random) if other else drawn

    def _drawn(
        self, pupil: TrainingSample, canvas: tuple[int, int], variant: int
    ) -> tuple[torch.Tensor, Target] | None:
        try:
            return self.draw(pupil, canvas, variant)
        except PhotoError as error:  # the round goes on without it
            self.missing.add(pupil.photo.path, error)
            return None

    def _seeded(self, target: Target, pupil: TrainingSample, plan: BatchPlan) -> Target:
        """Give a target the seed of its draws of regions, another one in every epoch."""
        target.seed = int(pupil.random(self.config.seed + 1, plan.seed).integers(2**62))
        return target

    def draw(self, pupil: TrainingSample, canvas: tuple[int, int], variant: int) -> tuple[torch.Tensor, Target]:
        """Return a variant of a photo, [3, H, W] uint8, and its target.

        Raises:
            dataset.images.PhotoError: The photo cannot be read.
        """
        return training_sample(
            pupil.photo,
            canvas,
            self.config,
            keypoints=len(self.mirror),
            mirror=self.mirror,
            random=pupil.random(self.config.seed, variant),
            masks=self.masks,
            read=self.read,
        )

    def target(self, pupil: TrainingSample, canvas: tuple[int, int], variant: int) -> Target:
        """Return the target that `draw` does, without a look at the photo."""
        photo = pupil.photo
        random = pupil.random(self.config.seed, variant)
        where = draw_crop((photo.width, photo.height), canvas, self.config, random)
        return _target(photo, where, keypoints=len(self.mirror), mirror=self.mirror, masks=self.masks)


def data_loader(lessons: TrainingDataset, first: int = 0) -> Iterable[Batch]:
    """Iterate over the batches from number `first` on, loaded by as many processes as the config says."""
    workers = lessons.config.workers
    return DataLoader(
        lessons,
        batch_size=None,
        sampler=range(first, len(lessons)),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4 if workers else None,
    )
