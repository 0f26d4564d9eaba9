"""Which photos make up which batch, and the batches themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from dataset.images import PhotoError
from model.data.augmentation import MaskCache, training_sample
from model.data.copy_paste import paste
from model.data.unreadable_images import UnreadableImages
from model.distributed import ProcessGroup
from model.network.targets import empty_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.config import TrainConfig
    from model.data.training_images import TrainingImage
    from model.network.targets import Target

ROUND = 32
"""Sides of a canvas are multiples of the coarsest stride of the backbone."""
ASPECT = 4 / 3
"""Long to short side of a canvas: that of most cameras."""


@dataclass(frozen=True)
class BatchPlan:
    """One batch: photos of one orientation on canvases of one size."""

    photos: tuple[int, ...]
    """Index in the list of photos."""
    canvas: tuple[int, int]
    """(height, width)."""
    seed: int


def plan_batches(photos: list[TrainingImage], config: TrainConfig, epoch: int, share: float = 1.0) -> list[BatchPlan]:
    """Return the batches of an epoch: every photo once, in an order that follows from the seed and the epoch.

    `share` is the part 0..1 of the training that was over when the epoch began; it decides the size of the canvases.
    """
    scales = config.early_scales if share < config.early_share else config.scales
    random = np.random.default_rng((config.seed, epoch))
    order = random.permutation(len(photos))
    wide = [int(i) for i in order if photos[i].width >= photos[i].height]
    tall = [int(i) for i in order if photos[i].width < photos[i].height]
    plans = []
    for group, upright in ((wide, False), (tall, True)):
        for start in range(0, len(group), config.batch):
            short = round(random.choice(scales) / ROUND) * ROUND
            long = round(short * ASPECT / ROUND) * ROUND
            canvas = (long, short) if upright else (short, long)
            plans.append(BatchPlan(tuple(group[start : start + config.batch]), canvas, int(random.integers(2**62))))
    return [plans[i] for i in random.permutation(len(plans))]


@dataclass
class Batch:
    """Photos ready for the network."""

    images: torch.Tensor | dict[str, torch.Tensor]
    """[B, 3, H, W] uint8, or the maps that a frozen body makes of them, by the names of `MaskRCNN.body_maps`."""
    targets: list[Target]
    names: list[str]


class Batches(Dataset[Batch]):
    """This process's part of the batches of an epoch; each photo is drawn from its own seed, whoever asks for it."""

    def __init__(
        self,
        photos: list[TrainingImage],
        plans: list[BatchPlan],
        config: TrainConfig,
        masks: MaskCache,
        *,
        mirror: list[int],
        team: ProcessGroup | None = None,
    ) -> None:
        self.team = team or ProcessGroup()
        self.photos, self.plans, self.config, self.masks = photos, plans, config, masks
        self.mirror = mirror
        self._missing = UnreadableImages()
        self.donors = [p for p in photos if any(i.segmentation for i in p.instances)] if config.paste else []

    def __len__(self) -> int:
        return len(self.plans)

    def _draw(
        self, photo: TrainingImage, canvas: tuple[int, int], random: np.random.Generator
    ) -> tuple[torch.Tensor, Target] | None:
        """Return what `training_sample` does; None, with a word on it, of a photo that cannot be read."""
        points = len(self.mirror)
        try:
            return training_sample(
                photo, canvas, self.config, keypoints=points, mirror=self.mirror, random=random, masks=self.masks
            )
        except PhotoError as error:
            self._missing.add(photo.path, error)
            return None

    def __getitem__(self, index: int) -> Batch:
        plan = self.plans[index]
        images, targets, names = [], [], []
        # A process without a photo in a small batch takes one that another has: none may be missing from a step.
        for place in self.team.shard(range(len(plan.photos))) or [len(plan.photos) - 1]:
            photo = self.photos[plan.photos[place]]
            random = np.random.default_rng((plan.seed, place))
            drawn = self._draw(photo, plan.canvas, random)
            if drawn is None:
                continue
            image, target = drawn
            if self.donors and random.random() < self.config.paste:
                donor = self.donors[random.integers(len(self.donors))]
                if other := self._draw(donor, plan.canvas, random):
                    image, target = paste(image, target, *other, random)
            target.seed = int(random.integers(2**62))
            images.append(image)
            targets.append(target)
            names.append(str(photo.path))
        if not images:
            return empty_batch(plan.canvas, len(self.photos[0].complete) - 1, len(self.mirror))
        return Batch(torch.stack(images), targets, names)


def empty_batch(canvas: tuple[int, int], classes: int, keypoints: int) -> Batch:
    """Return what stands for a batch of which no photo can be read: it teaches nothing and stops nothing."""
    target = empty_target(classes, keypoints)
    target.complete[1:] = False
    return Batch(torch.zeros(1, 3, *canvas, dtype=torch.uint8), [target], ["an empty canvas"])


def data_loader(dataset: Batches, first: int = 0) -> Iterable[Batch]:
    """Iterate over the batches from number `first` on, loaded by as many processes as the config says."""
    workers = dataset.config.workers
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=range(first, len(dataset)),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4 if workers else None,
    )
