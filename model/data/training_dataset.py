"""The batches of an epoch: images in variants that follow from their content and a number.

With a frozen body the variants are few and come again, so that the body's maps of them are computed once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from dataset.coco.reader import DataError
from dataset.i18n import tr
from dataset.pictures.images import PhotoError, read_photo
from model.data.augmentation import draw_crop, training_sample, transformed_target
from model.data.batching import Batch, BatchPlan, TrainingSample, empty_batch
from model.data.copy_paste import paste
from model.data.feature_cache import body_maps
from model.data.unreadable_images import UnreadableImages
from model.distributed import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from model.config import TrainConfig
    from model.data.augmentation import MaskCache
    from model.data.feature_cache import FeatureCache
    from model.network.mask_rcnn import MaskRCNN
    from model.network.targets import Target


class TrainingDataset(Dataset[Batch]):
    """This process's part of the batches of an epoch."""

    def __init__(
        self,
        samples: list[TrainingSample],
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
        self.samples, self.plans, self.config, self.masks = samples, plans, config, masks
        self.mirror, self.cache, self.read = mirror, cache, read
        own = [p for p in samples if not p.rehearsal and any(i.segmentation for i in p.photo.instances)]
        self.donors = own if config.paste else []
        self._left: list[tuple[Path, PhotoError]] = []

    def __len__(self) -> int:
        return len(self.plans)

    def check(self) -> None:
        """Check that there is something to learn from.

        Raises:
            dataset.coco.reader.DataError: None of the project's photos can be read any more.
        """
        paths = [p.photo.path for p in self.samples if not p.rehearsal]
        if self.missing.paths.issuperset(paths):
            folder = paths[0].parent if paths else ""
            raise DataError(
                tr("None of the photos can be read any more: is their folder, {folder}, still there?", folder=folder)
            )

    def __getitem__(self, index: int) -> Batch:
        self._left = []
        batch = self._batch(self.plans[index])
        batch.left_out = self._left
        return batch

    def _batch(self, plan: BatchPlan) -> Batch:
        # A process without a photo in a small batch takes one that another has: none may be missing from a step.
        mine = self.team.shard(plan.photos) or [plan.photos[-1]]
        chosen = [self.samples[i] for i in mine]
        if self.cache is not None:
            return self._kept(chosen, plan, self.cache)
        images, targets, names = [], [], []
        for sample in chosen:
            if drawn := self._pasted(sample, plan):
                images.append(drawn[0])
                targets.append(self._seeded(drawn[1], sample, plan))
                names.append(str(sample.photo.path))
        if not images:
            return empty_batch(plan.input_size, len(chosen[0].photo.complete) - 1, len(self.mirror))
        return Batch(torch.stack(images), targets, names)

    def _kept(self, chosen: list[TrainingSample], plan: BatchPlan, cache: FeatureCache) -> Batch:
        """Return a batch of features that are kept; instead of photos that had gone before they were, another one."""
        there = [p for p in chosen if p.photo.path not in self.missing.paths]
        size = plan.input_size
        if not there:
            there = [next(p for p in self.samples if p.photo.path not in self.missing.paths)]
            size = there[0].input_size(self.config.scales[-1])
        variant = plan.variant % cache.variants
        found = [cache.read(p, size, variant) for p in there]
        maps = {name: torch.stack([f[name] for f in found]) for name in found[0]}
        targets = [self._seeded(self.target(p, size, variant), p, plan) for p in there]
        return Batch(maps, targets, [str(p.photo.path) for p in there])

    def _pasted(self, sample: TrainingSample, plan: BatchPlan) -> tuple[torch.Tensor, Target] | None:
        """Return what `draw` does, now and then with objects of another photo; None where it cannot be read any more.

        Not called where features are cached.
        """
        drawn = self._drawn(sample, plan.input_size, plan.variant)
        random = sample.random(self.config.seed + 2, plan.variant)
        if drawn is None or not self.donors or random.random() >= self.config.paste:
            return drawn
        donor = self.donors[random.integers(len(self.donors))]
        # Another variant than the donor has in its own batch.
        other = self._drawn(donor, plan.input_size, int(random.integers(2**62)))
        return paste(*drawn, *other, random) if other else drawn

    def _drawn(
        self, sample: TrainingSample, input_size: tuple[int, int], variant: int
    ) -> tuple[torch.Tensor, Target] | None:
        try:
            return self.draw(sample, input_size, variant)
        except PhotoError as error:  # the round goes on without it
            self.missing.add(sample.photo.path, error)
            self._left.append((sample.photo.path, error))
            return None

    def _seeded(self, target: Target, sample: TrainingSample, plan: BatchPlan) -> Target:
        """Give a target the seed of its draws of regions, another one in every epoch."""
        target.seed = int(sample.random(self.config.seed + 1, plan.variant).integers(2**62))
        return target

    def draw(self, sample: TrainingSample, input_size: tuple[int, int], variant: int) -> tuple[torch.Tensor, Target]:
        """Return a variant of a photo, [3, H, W] uint8, and its target.

        Raises:
            dataset.pictures.images.PhotoError: The photo cannot be read.
        """
        return training_sample(
            sample.photo,
            input_size,
            self.config,
            keypoints=len(self.mirror),
            mirror=self.mirror,
            random=sample.random(self.config.seed, variant),
            masks=self.masks,
            read=self.read,
        )

    def target(self, sample: TrainingSample, input_size: tuple[int, int], variant: int) -> Target:
        """Return the target that `draw` does, without a look at the photo."""
        photo = sample.photo
        random = sample.random(self.config.seed, variant)
        where = draw_crop((photo.width, photo.height), input_size, self.config, random)
        return transformed_target(photo, where, keypoints=len(self.mirror), mirror=self.mirror, masks=self.masks)


def fill_cache(
    cache: FeatureCache,
    network: MaskRCNN,
    dataset: TrainingDataset,
    device: torch.device,
    on_progress: Callable[[int, int], None],
) -> None:
    """Compute the maps that the cache lacks.

    The processes of a group begin at different places, so that those with a common folder share the work.

    Args:
        cache: Where the maps are kept.
        network: Whose body makes them.
        dataset: The images.
        device: Where they are computed.
        on_progress: Called with the number of variants that are done, and of all; may raise.

    Raises:
        dataset.coco.reader.DataError: No photo can be read.
    """
    short = dataset.config.scales[-1]
    todo = [(s, s.input_size(short), v) for v in range(cache.variants) for s in dataset.samples]
    first = len(todo) * dataset.team.rank // dataset.team.size
    for done, (sample, size, variant) in enumerate(todo[first:] + todo[:first], 1):
        path = cache.path(sample, size, variant)
        cache.used.add(path)
        if not path.exists():
            try:
                image, _ = dataset.draw(sample, size, variant)
            except PhotoError as error:
                dataset.missing.add(sample.photo.path, error)
                continue
            cache.write(path, body_maps(network, image[None], device))
        on_progress(done, len(todo))
    dataset.team.barrier()
    dataset.check()


def data_loader(dataset: TrainingDataset, first: int = 0) -> Iterator[Batch]:
    """Yield the batches from number `first` on, loaded by as many processes as the config says.

    Photos that those cannot read are added to what is missing here.
    """
    workers = dataset.config.workers
    loader: DataLoader[Batch] = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(first, len(dataset)),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4 if workers else None,
        worker_init_fn=_be_silent,
    )
    for batch in loader:
        for path, error in batch.left_out:
            dataset.missing.add(path, error)
        yield batch


def _be_silent(_: int) -> None:
    """Have a worker process tell nobody what it cannot read, also where it is a copy of the one that trains."""
    worker = get_worker_info()
    assert worker is not None
    dataset = worker.dataset
    assert isinstance(dataset, TrainingDataset)
    dataset.missing = dataset.missing.silent()
