"""How long a round will take: measured on a few of its steps, of which nothing is kept."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from dataset.images import PhotoError, read_photo
from model.checkpoints import weights
from model.data.batching import TrainingSample, plan_batches
from model.data.feature_cache import open_cache
from model.data.image_cache import DecodedImageCache
from model.data.project_dataset import read_project
from model.data.training_dataset import TrainingDataset, data_loader, fill_cache
from model.finetuning.class_mapping import build_for_classes, map_classes
from model.finetuning.fine_tuner import VALIDATIONS
from model.finetuning.hyperparameters import choose_hyperparameters
from model.finetuning.prepare import begin_at, parts_of
from model.finetuning.pseudo_labels import project_images, rehearsal_images
from model.inference.predictor import Predictor
from model.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from model.checkpoints.checkpoint import Checkpoint
    from model.data.batching import BatchPlan
    from model.finetuning.prepare import FineTuneJob

STEPS = 3
"""Steps that are timed, after one that is not: the first takes longer."""
LOOKS = 3
"""Photos that the parent looks at, the first of which is not timed either."""


def estimate_seconds(job: FineTuneJob, device: torch.device, tick: Callable[[], None]) -> float:
    """Return about how many seconds a round takes from now on if it begins now.

    Args:
        job: The run; none of its files is written.
        device: Where it is computed.
        tick: Called now and then; what it raises ends the measurement.

    Raises:
        dataset.coco_reader.DataError: There is nothing to learn from.
        model.checkpoints.weights.WeightsError: The parent's weights cannot be used.
        model.training.trainer.TrainingError: Training cannot go on.
        OSError: There is no room for temporary files.
    """
    begin = time.monotonic()
    project = read_project(job.annotations, job.images, tick)
    rival = weights.load(job.parent)
    parent = begin_at(rival, project)
    parts = parts_of(job, project, leads=False)
    read = time.monotonic() - begin
    classes = map_classes(project.categories, parent, {}, kept=[] if job.options.forget else rival.categories)
    photos = project_images(project, classes)
    settings = choose_hyperparameters(job.options, project, parent.config, len(parts.train), few=bool(parts.folds))
    look = _time_of_looks(parent, [photos[i].path for i in parts.train[:LOOKS]], device, tick)
    samples = [TrainingSample(photos[i], project.looks[i].digest) for i in parts.train]
    rehearsal = [TrainingSample(photo, "", rehearsal=True) for photo in rehearsal_images(classes)]
    trainer = Trainer(
        build_for_classes(parent, classes, **settings.network),
        classes.categories,
        samples,
        replace(settings.train, workers=0),
        output=job.output,
        device=device,
    )
    plans = plan_batches(samples, settings.train, 0)
    cached = settings.train.freeze != "none" and settings.augment == "light"
    with tempfile.TemporaryDirectory(prefix="annotator-pace-") as folder:
        reading, step, body, variants = _time_of_steps(trainer, samples, plans, Path(folder) if cached else None, tick)
    courses = len(parts.folds) + 1
    visits = settings.train.epochs * sum(
        len(plan.photos) for plan in plan_batches(samples + rehearsal, settings.train, 0)
    )
    area = (settings.network["short_side"] / parent.config.short_side) ** 2
    measured = len(parts.measured)
    examined = measured + (VALIDATIONS + 1 if parts.val else 1) * measured * area
    training = 60 * job.options.minutes if job.options.minutes > 0 else visits * step
    asked = len(photos) + len(rehearsal) if len(classes.categories) > classes.own or classes.new else 0
    return (
        read + look * (asked + examined) + (reading + body * variants) * len(samples + rehearsal) + courses * training
    )


def _time_of_looks(parent: Checkpoint, paths: list[Path], device: torch.device, tick: Callable[[], None]) -> float:
    """Return the seconds that the parent takes for a photo; 0 where none can be read."""
    predictor = Predictor(parent, device.type)
    seconds = []
    for path in paths:
        tick()
        try:
            begin = time.monotonic()
            predictor.set_image(read_photo(path))
            predictor.detect()
        except PhotoError:
            continue
        seconds.append(time.monotonic() - begin)
    return median(seconds[1:] or seconds or [0.0])


def _time_of_steps(
    trainer: Trainer,
    samples: list[TrainingSample],
    plans: list[BatchPlan],
    folder: Path | None,
    tick: Callable[[], None],
) -> tuple[float, float, float, int]:
    """Return the seconds that it takes to read a photo, of one in a step, and of the body for one to be kept.

    The last number is how many variants are kept.
    """
    config, body, variants = trainer.config, 0.0, 0
    plans = (plans * (STEPS + 1))[: STEPS + 1]
    cache = open_cache(folder, trainer.network, samples, config, trainer.device) if folder else None
    shown = [samples[i] for i in sorted({i for plan in plans for i in plan.photos})]
    pictures = DecodedImageCache(config)
    begin = time.monotonic()
    for sample in shown:
        tick()
        with suppress(PhotoError):
            pictures(sample.photo.path)
    reading = (time.monotonic() - begin) / len(shown)
    lessons = TrainingDataset(samples, plans, config, trainer.masks, mirror=trainer.mirror, cache=cache, read=pictures)
    lessons.donors = [p for p in lessons.donors if p in shown]
    if cache:
        variants, cache.variants = cache.variants, 1
        few = TrainingDataset(shown, [], config, trainer.masks, mirror=trainer.mirror, read=pictures)
        begin = time.monotonic()
        fill_cache(cache, trainer.network, few, trainer.device, lambda *_: tick())
        body = (time.monotonic() - begin) / len(shown)
    seconds = []
    iterator = iter(data_loader(lessons))
    for plan in plans:
        tick()
        begin = time.monotonic()
        trainer.step(next(iterator))
        seconds.append((time.monotonic() - begin) / len(plan.photos))
    return reading, median(seconds[1:]), body, variants
