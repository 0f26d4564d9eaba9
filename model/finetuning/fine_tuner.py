"""Fine-tuning of one network: what it passes to `Trainer.fit`. A round has one for every fold, and a last one."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from dataset.i18n import tr
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.weight_averaging import interpolate_weights
from model.data.batching import plan_batches
from model.data.feature_cache import FeatureCache, open_cache
from model.data.image_cache import DecodedImageCache
from model.data.training_dataset import TrainingDataset, data_loader, fill_cache
from model.protocol import Features, Notice, Step
from model.training.early_stopping import BestCheckpoint
from model.training.periodic_save import PeriodicSave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import torch

    from model.data.batching import Batch
    from model.data.unreadable_images import UnreadableImages
    from model.finetuning.run_validation import Metrics
    from model.protocol import TrainingEvent
    from model.training.control import Control
    from model.training.eta import EtaEstimator
    from model.training.trainer import Trainer, TrainProgress

VALIDATIONS = 6
"""Validations of a training run, evenly spread over it."""
SAVE_SECONDS, FIRST_SAVE = 120.0, 15.0
"""Seconds between two saves, and to the first one: how much work a kill may cost, and in the beginning."""
FEATURES_SECONDS = 1.0
"""From one record of how many features are computed to the next."""


class FineTuner:
    """A trainer of one network on a project's images, with cached features, validation and early stopping."""

    def __init__(
        self,
        trainer: Trainer,
        *,
        control: Control,
        on_event: Callable[[TrainingEvent], None],
        clock: EtaEstimator,
        missing: UnreadableImages,
        interpolation: float = 1.0,
    ) -> None:
        """Start from the trainer's weights.

        Args:
            trainer: Has the network with the weights to start from, and the images, those of rehearsal too.
            control: Checked before every step.
            on_event: Called with the record of every step.
            clock: Estimates the remaining time.
            missing: Takes note of images that cannot be read.
            interpolation: The share 0..1 of the way from the start to the trained weights at which the models lie.
        """
        self.trainer = trainer
        self.samples, self.config = trainer.samples, trainer.config
        self.team, self.device = trainer.team, trainer.device
        trainer.per_epoch = len(plan_batches(self.samples, self.config, 0))
        self.control, self.on_event, self.clock, self.missing = control, on_event, clock, missing
        self._interpolation = interpolation
        self._start = _copy(trainer.network.state_dict()) if interpolation < 1 else None
        self.pictures = DecodedImageCache(self.config)
        self.cache: FeatureCache | None = None
        self.best = BestCheckpoint()
        self.validated = 0
        """Validations so far."""

    def fill_cache(self, folder: Path, *, fixed: bool) -> None:
        """Compute the features of the images, if the body is frozen and the variants of an image are `fixed`."""
        if self.config.freeze == "none" or not fixed:
            return
        self.cache = open_cache(folder, self.trainer.network, self.samples, self.config, self.device)
        if self.cache is None:
            self.on_event(Notice(tr("The disk is too full to keep features: training takes longer.")))
            return

        told = -FEATURES_SECONDS

        def on_progress(done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= FEATURES_SECONDS or done == total:
                self.on_event(Features(done, total))
                told = now
            self.control.check(self.team, self.device)

        fill_cache(self.cache, self.trainer.network, self._dataset(0), self.device, on_progress)
        self.cache.trim()

    def _dataset(self, epoch: int) -> TrainingDataset:
        plans = plan_batches(self.samples, self.config, epoch)
        trainer = self.trainer
        return TrainingDataset(
            self.samples,
            plans,
            self.config,
            trainer.masks,
            mirror=trainer.mirror,
            cache=self.cache,
            team=self.team,
            missing=self.missing,
            read=self.pictures,
        )

    def fit(
        self,
        validate: Callable[[Checkpoint, int], Metrics] | None,
        save: Callable[[], None],
    ) -> None:
        """Train to the end of the schedule, or until the validations stop it early.

        Args:
            validate: Returns the metrics of a model after an epoch; without it the last model is the best.
            save: Writes the state of the round; called now and then.

        Raises:
            model.training.control.Stop: The run is to finish now.
            model.training.control.Quit: The run is to end and go on another time.
            dataset.coco.reader.DataError: None of the photos can be read any more.
            model.training.trainer.TrainingError: A loss is not finite.
        """
        trainer = self.trainer
        trainer.fit(
            self._batches,
            self._on_step,
            done=lambda: trainer.share() >= 1,
            save=PeriodicSave(save, SAVE_SECONDS, FIRST_SAVE),
            on_epoch=self._on_epoch,
            check=lambda: self.control.check(self.team, self.device),
            validate=lambda: validate is not None and self._validate(validate),
            stopping=self.best,
            count_loading=False,
        )

    def _batches(self, progress: TrainProgress) -> Iterable[Batch]:
        dataset = self._dataset(progress.epoch)
        dataset.check()
        return data_loader(dataset, progress.batch)

    def _on_epoch(self) -> None:
        """Count an epoch that was cut short as a whole one."""
        progress = self.trainer.progress
        if progress.batch:
            progress.epoch += 1
            progress.batch = 0

    def _validate(self, validate: Callable[[Checkpoint, int], Metrics]) -> bool:
        """Validate the model if it is time to; return whether it was."""
        share = self.trainer.share()
        if share < (self.validated + 1) / VALIDATIONS:
            return False
        begin = time.monotonic()
        self.validated = math.floor(share * VALIDATIONS + 1e-9)
        epoch = self.trainer.progress.epoch + 1
        model = self._model()
        score = validate(model, epoch).score()
        self.clock.validation = time.monotonic() - begin
        self.best.update(score, epoch, model.state)
        return True

    def result(self) -> Checkpoint:
        """Return the best model so far; without validations the last one."""
        if self.best.state is None:
            return self._model()
        last = self.trainer.checkpoint()
        return Checkpoint(last.config, last.categories, self.best.state)

    def _model(self) -> Checkpoint:
        """Return the model that the steps so far have led to."""
        last = self.trainer.checkpoint()
        state = _copy(last.state)
        if self._start is not None:
            state = interpolate_weights(self._start, state, self._interpolation)
        return Checkpoint(last.config, last.categories, state)

    def _on_step(self, losses: dict[str, float], photos: int, seconds: float) -> None:
        """Report a step, with the estimated time to the end of this training run."""
        self.clock.step(seconds)
        trainer = self.trainer
        share = min(1.0, trainer.share())
        total = self.config.epochs * trainer.per_epoch
        left = self.clock.remaining(total - trainer.progress.step, VALIDATIONS - self.validated)
        if self.config.minutes > 0:
            left = 60 * self.config.minutes * (1 - share) + self.clock.validation * (VALIDATIONS - self.validated)
        progress = trainer.progress
        step = Step(progress.step, progress.epoch + 1, share, progress.seconds, photos, {**losses}, left)
        self.on_event(step)

    def state(self) -> dict[str, Any]:
        """Return what a later run goes on from; see `model.checkpoints.checkpoint.write_state`."""
        best = {"score": self.best.score, "epoch": self.best.epoch, "misses": self.best.misses}
        state = {**self.trainer.state(), "best": best, "examined": self.validated}
        if self.best.state is not None:
            state["best_state"] = self.best.state
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned; raises nearly anything when it is damaged or of another training run."""
        self.trainer.restore(state)
        self.best = BestCheckpoint(**state["best"], state=state.get("best_state"))
        self.validated = state["examined"]


def _copy(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in state.items()}
