"""One training from the parent's weights to a model: steps, examinations between them, the best one kept."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from dataset.i18n import tr
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.weight_averaging import INTERPOLATION, interpolate_weights
from model.data.batching import TrainingSample, plan_batches
from model.data.feature_cache import FeatureCache, open_cache
from model.data.image_cache import DecodedImageCache
from model.data.training_dataset import TrainingDataset, data_loader, fill_cache
from model.protocol import Features, Notice, Step
from model.training.early_stopping import BestCheckpoint
from model.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from dataset.categories import Category
    from model.config import TrainConfig
    from model.data.unreadable_images import UnreadableImages
    from model.distributed import ProcessGroup
    from model.finetuning.run_validation import Metrics
    from model.network.mask_rcnn import MaskRCNN
    from model.protocol import TrainingEvent
    from model.training.control import Control
    from model.training.eta import EtaEstimator

VALIDATIONS = 6
"""While a course runs."""
SAVE_SECONDS, FIRST_SAVE = 120.0, 15.0
"""How much work a kill may cost, and how much in the beginning, when it may be all there is."""


class Course:
    """A training run over a project's photos, which can be paused, stopped and gone on with."""

    def __init__(
        self,
        network: MaskRCNN,
        categories: tuple[Category, ...],
        samples: list[TrainingSample],
        config: TrainConfig,
        *,
        output: Path,
        device: torch.device,
        team: ProcessGroup,
        control: Control,
        on_event: Callable[[TrainingEvent], None],
        clock: EtaEstimator,
        missing: UnreadableImages,
        keeps: bool = False,
    ) -> None:
        """Begin at a network's weights; with `keeps` the models stay nearer to them than the steps lead."""
        self._start = _copy(network.state_dict()) if keeps else None
        self.trainer = Trainer(network, categories, samples, config, output=output, device=device, team=team)
        self.trainer.per_epoch = len(plan_batches(samples, config, 0))
        self.samples, self.config, self.control, self.on_event, self.clock = samples, config, control, on_event, clock
        self.team, self.device, self.missing = team, device, missing
        self.pictures = DecodedImageCache(config)
        self.cache: FeatureCache | None = None
        self.best = BestCheckpoint()
        self.examined = 0
        """Examinations so far."""

    def fill(self, folder: Path, *, fixed: bool) -> None:
        """Compute what the frozen body makes of the photos, if it is frozen and the photos vary in a `fixed` way."""
        if self.config.freeze == "none" or not fixed:
            return
        self.cache = open_cache(folder, self.trainer.network, self.samples, self.config, self.device)
        if self.cache is None:
            self.on_event(Notice(tr("The disk is too full to keep features: training takes longer.")))
            return

        def told(done: int, total: int) -> None:
            self.on_event(Features(done, total))
            self.control.check(self.team, self.device)

        fill_cache(self.cache, self.trainer.network, self._lessons(0), self.device, told)
        self.cache.trim()

    def _lessons(self, epoch: int) -> TrainingDataset:
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

    def run(
        self,
        examine: Callable[[Checkpoint, int], Metrics] | None,
        save: Callable[[], None],
    ) -> None:
        """Train to the end of the schedule, or until examinations bring nothing better any more.

        Args:
            examine: Returns how good a model is after an epoch; without it the last model is the best.
            save: Writes the state of the round; called now and then.

        Raises:
            Stop: The person wants to finish now.
            Quit: The person wants to go on another time.
            dataset.coco_reader.DataError: None of the photos can be read any more.
            model.training.trainer.TrainingError: A loss is not finite.
        """
        progress = self.trainer.progress
        saved = time.monotonic() - SAVE_SECONDS + FIRST_SAVE
        while self.trainer.share() < 1 and not self.best.stops:
            lessons = self._lessons(progress.epoch)
            lessons.check()
            for batch in data_loader(lessons, progress.batch):
                self.control.check(self.team, self.device)
                begin = time.monotonic()
                losses = self.trainer.step(batch)
                taken = self.team.broadcast(time.monotonic() - begin, self.device)
                progress.seconds += taken
                progress.batch += 1
                self.clock.step(taken)
                self._tell(losses, len(batch.names))
                if examine and self.trainer.share() >= (self.examined + 1) / VALIDATIONS:
                    self._examine(examine)
                    save()
                    saved = time.monotonic()
                    if self.best.stops:
                        break
                elif self.team.broadcast(time.monotonic() - saved, self.device) > SAVE_SECONDS:
                    save()
                    saved = time.monotonic()
                if self.trainer.share() >= 1:
                    break
            progress.epoch += 1
            progress.batch = 0

    def _examine(self, examine: Callable[[Checkpoint, int], Metrics]) -> None:
        begin = time.monotonic()
        self.examined = math.floor(self.trainer.share() * VALIDATIONS + 1e-9)
        found = self._model()
        score = examine(found, self.trainer.progress.epoch + 1).score()
        self.clock.validation = time.monotonic() - begin
        self.best.update(score, self.trainer.progress.epoch + 1, found.state)

    def result(self) -> Checkpoint:
        """Return the best model so far; without examinations the last one."""
        if self.best.state is None:
            return self._model()
        last = self.trainer.checkpoint()
        return Checkpoint(last.config, last.categories, self.best.state)

    def _model(self) -> Checkpoint:
        """Return the model that the steps so far have led to."""
        last = self.trainer.checkpoint()
        state = _copy(last.state)
        if self._start is not None:
            state = interpolate_weights(self._start, state, INTERPOLATION)
        return Checkpoint(last.config, last.categories, state)

    def _tell(self, losses: dict[str, float], photos: int) -> None:
        trainer = self.trainer
        share = min(1.0, trainer.share())
        total = self.config.epochs * trainer.per_epoch
        left = self.clock.remaining(total - trainer.progress.step, VALIDATIONS - self.examined)
        if self.config.minutes > 0:
            left = 60 * self.config.minutes * (1 - share) + self.clock.validation * (VALIDATIONS - self.examined)
        progress = trainer.progress
        step = Step(progress.step, progress.epoch + 1, share, progress.seconds, photos, {**losses}, left)
        self.on_event(step)

    def state(self) -> dict[str, Any]:
        """Return what a later run goes on from; see `model.checkpoints.checkpoint.write_state`."""
        best = {"score": self.best.score, "epoch": self.best.epoch, "misses": self.best.misses}
        state = {**self.trainer.state(), "best": best, "examined": self.examined}
        if self.best.state is not None:
            state["best_state"] = self.best.state
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned; raises nearly anything when it is damaged or of another course."""
        self.trainer.restore(state)
        self.best = BestCheckpoint(**state["best"], state=state.get("best_state"))
        self.examined = state["examined"]


def _copy(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in state.items()}
