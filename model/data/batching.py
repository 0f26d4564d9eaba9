"""Which photos make up which batch of an epoch, and the batches themselves."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from dataset.i18n import tr
from model.network.targets import empty_target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataset.pictures.images import PhotoError
    from model.config import TrainConfig
    from model.data.training_images import TrainingImage
    from model.network.targets import Target

    Shapes = tuple[tuple[int, int], ...]

STRIDE = 32
"""Sides of an input are multiples of the coarsest stride of the backbone."""
SHAPES = ((4, 3), (1, 1), (3, 4))
"""Width to height of inputs: photos of nearly one shape are in one batch."""
ORIENTATIONS = ((4, 3), (3, 4))
"""The same for landscape and portrait only: fuller batches where photos have many shapes."""
REHEARSAL = 0.25
"""Rehearsal photos of an epoch, for each of the project's."""


@dataclass(frozen=True)
class TrainingSample:
    """A training image, and what its random draws follow from."""

    photo: TrainingImage
    digest: str
    """SHA-256 of its file, or of its path, hexadecimal."""
    rehearsal: bool = False
    """Whether it is none of the project's, but there to keep what the parent knows."""

    def input_size(self, short: int, shapes: Shapes = SHAPES) -> tuple[int, int]:
        """Return the (height, width) of the network's input for this image, of the nearest shape, by its short side."""
        aspect = np.log(self.photo.width / self.photo.height)
        wide, high = min(shapes, key=lambda s: abs(np.log(s[0] / s[1]) - aspect))
        scale = short / min(wide, high)
        return max(1, round(high * scale / STRIDE)) * STRIDE, max(1, round(wide * scale / STRIDE)) * STRIDE

    def random(self, seed: int, variant: int) -> np.random.Generator:
        """Return the random numbers that a variant of the image follows from."""
        return np.random.default_rng((seed, variant, int(self.digest[:15], 16)))


def samples_of(photos: Sequence[TrainingImage]) -> list[TrainingSample]:
    """Return images as samples whose draws follow from their places in the list and their names, not from their folder.

    None of the files is read.
    """
    names = [f"{place} {photo.path.name}" for place, photo in enumerate(photos)]
    return [
        TrainingSample(photo, hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest())
        for photo, name in zip(photos, names, strict=True)
    ]


@dataclass(frozen=True)
class BatchPlan:
    """One batch: images of one shape at one input size."""

    photos: tuple[int, ...]
    """Index in the list of samples."""
    input_size: tuple[int, int]
    """(height, width)."""
    variant: int
    """Number of the variant of each image, see `TrainingSample.random`."""


def plan_batches(
    samples: Sequence[TrainingSample],
    config: TrainConfig,
    epoch: int,
    share: float = 1.0,
    *,
    groups: Shapes = SHAPES,
) -> list[BatchPlan]:
    """Return the batches of an epoch in an order that follows from the seed and the epoch.

    Every image is in one of them, except that of rehearsal images there are only REHEARSAL for each other one.

    Args:
        samples: The images.
        config: Batch size, seed and short sides.
        epoch: Its number, from 0.
        share: Part 0..1 of the training that was over when the epoch began; it decides which short sides are drawn.
        groups: Width to height of the inputs, see SHAPES and ORIENTATIONS.
    """
    scales = config.early_scales if share < config.early_share else config.scales
    random = np.random.default_rng((config.seed, epoch))
    own = [i for i, s in enumerate(samples) if not s.rehearsal]
    others = [i for i, s in enumerate(samples) if s.rehearsal]
    chosen = own + random.permutation(others)[: math.ceil(REHEARSAL * len(own))].astype(int).tolist()
    order = [int(i) for i in random.permutation(chosen)]
    sizes = [s.input_size(config.scales[-1], groups) for s in samples]
    plans = []
    for size in sorted(set(sizes)):
        group = [i for i in order if sizes[i] == size]
        count = -(-len(group) // config.batch)
        for k in range(count):
            # Batches of nearly one size: a lone photo at the end would count as much as a full batch.
            photos = tuple(group[k::count])
            short = scales[0] if len(scales) == 1 else int(random.choice(scales))
            plans.append(BatchPlan(photos, samples[photos[0]].input_size(short, groups), epoch))
    return [plans[i] for i in random.permutation(len(plans))]


@dataclass
class Batch:
    """Images ready for the network."""

    images: torch.Tensor | dict[str, torch.Tensor]
    """[B, 3, H, W] uint8, or the maps that a frozen body makes of them, by the names of `MaskRCNN.body_maps`."""
    targets: list[Target]
    names: list[str]
    left_out: list[tuple[Path, PhotoError]] = field(default_factory=list)
    """Photos that could not be read for it, as the process that loads it found."""


def empty_batch(input_size: tuple[int, int], classes: int, keypoints: int) -> Batch:
    """Return a batch in the place of one of which no photo can be read: its losses are those of unlabelled pixels."""
    target = empty_target(classes, keypoints)
    target.complete[1:] = False
    return Batch(torch.zeros(1, 3, *input_size, dtype=torch.uint8), [target], [tr("an empty canvas")])
