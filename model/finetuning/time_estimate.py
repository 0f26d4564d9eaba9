"""Estimate of the duration of a fine-tuning run: extrapolated from a few timed steps, of which nothing is kept."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from dataset.pictures.images import PhotoError, read_reduced
from model.checkpoints import weights
from model.data.batching import TrainingSample, plan_batches
from model.data.feature_cache import open_cache
from model.data.image_cache import DecodedImageCache
from model.data.project_dataset import read_project
from model.data.training_dataset import TrainingDataset, data_loader, fill_cache
from model.finetuning.class_mapping import build_for_classes, map_classes
from model.finetuning.fine_tuner import VALIDATIONS
from model.finetuning.hyperparameters import choose_hyperparameters
from model.finetuning.prepare import begin_at, choose_split
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
DETECTIONS = 3
"""Photos on which detection is timed, the first of which does not count either."""


def estimate_seconds(job: FineTuneJob, device: torch.device, check_cancelled: Callable[[], None]) -> float:
    """Return the estimated seconds of a run.

    Args:
        job: The run; none of its files is written.
        device: Where it is computed.
        check_cancelled: Called now and then; what it raises ends the measurement.

    Raises:
        dataset.coco.reader.DataError: There is nothing to train on.
        model.checkpoints.weights.WeightsError: The parent's weights cannot be used.
        model.training.trainer.TrainingError: Training cannot go on.
        OSError: There is no room for temporary files.
    """
    begin = time.monotonic()
    project = read_project(job.annotations, job.images, check_cancelled)
    baseline = weights.load(job.parent)
    parent = begin_at(baseline, project)
    split = choose_split(job, project, baseline, leads=False)
    read = time.monotonic() - begin
    classes = map_classes(project.categories, parent, {}, kept=[] if job.options.forget else baseline.categories)
    photos = project_images(project, classes)
    settings = choose_hyperparameters(job.options, project, parent.config, len(split.train), folds=len(split.folds))
    detection = _time_of_detection(parent, [photos[i].path for i in split.train[:DETECTIONS]], device, check_cancelled)
    samples = [TrainingSample(photos[i], project.fingerprints[i].digest) for i in split.train]
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
        reading, step, body, variants = _time_of_steps(
            trainer, samples, plans, Path(folder) if cached else None, check_cancelled
        )
    runs = len(split.folds) + 1
    visits = settings.train.epochs * sum(
        len(plan.photos) for plan in plan_batches(samples + rehearsal, settings.train, 0)
    )
    area = (settings.network["short_side"] / parent.config.short_side) ** 2
    measured = len(split.measured)
    validated = measured + (VALIDATIONS + 1 if split.val else 1) * measured * area
    training = 60 * settings.train.minutes if settings.train.minutes > 0 else visits * step
    labelled = len(photos) + len(rehearsal) if len(classes.categories) > classes.own or classes.new else 0
    return (
        read
        + detection * (labelled + validated)
        + (reading + body * variants) * len(samples + rehearsal)
        + runs * training
    )


def _time_of_detection(
    parent: Checkpoint, paths: list[Path], device: torch.device, check_cancelled: Callable[[], None]
) -> float:
    """Return the median seconds of the parent's detection in a photo; 0 where none can be read."""
    predictor = Predictor(parent, device.type)
    seconds = []
    for path in paths:
        check_cancelled()
        try:
            begin = time.monotonic()
            predictor.set_image(read_reduced(path).pixels)
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
    check_cancelled: Callable[[], None],
) -> tuple[float, float, float, int]:
    """Return the seconds per photo of reading, of a step, and of the body's feature maps, and the number of variants.

    The last two are 0 without a cache.
    """
    config, body, variants = trainer.config, 0.0, 0
    plans = (plans * (STEPS + 1))[: STEPS + 1]
    cache = open_cache(folder, trainer.network, samples, config, trainer.device) if folder else None
    shown = [samples[i] for i in sorted({i for plan in plans for i in plan.photos})]
    images = DecodedImageCache(config)
    begin = time.monotonic()
    for sample in shown:
        check_cancelled()
        with suppress(PhotoError):
            images(sample.photo.path)
    reading = (time.monotonic() - begin) / len(shown)
    dataset = TrainingDataset(samples, plans, config, trainer.masks, mirror=trainer.mirror, cache=cache, read=images)
    dataset.donors = [p for p in dataset.donors if p in shown]
    if cache:
        variants, cache.variants = cache.variants, 1
        few = TrainingDataset(shown, [], config, trainer.masks, mirror=trainer.mirror, read=images)
        begin = time.monotonic()
        fill_cache(cache, trainer.network, few, trainer.device, lambda *_: check_cancelled())
        body = (time.monotonic() - begin) / len(shown)
    seconds = []
    iterator = iter(data_loader(dataset))
    for plan in plans:
        check_cancelled()
        begin = time.monotonic()
        trainer.step(next(iterator))
        seconds.append((time.monotonic() - begin) / len(plan.photos))
    return reading, median(seconds[1:]), body, variants
