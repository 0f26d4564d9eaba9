"""The training loop, which all training runs share. A run that is killed can go on where it was."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dataset.coco.categories import Category, mirror
from dataset.i18n import tr
from dataset.messages import UserError
from model.checkpoints import checkpoint as files
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.names import state_of
from model.data.augmentation import MaskCache, normalise
from model.data.batching import ORIENTATIONS, Batch, TrainingSample, plan_batches
from model.data.training_dataset import TrainingDataset, data_loader
from model.distributed import ProcessGroup
from model.network.precision import autocast, fast_type
from model.protocol import Epoch, TrainStep
from model.training.interrupt import Interrupt
from model.training.periodic_save import PeriodicSave
from model.training.schedule import EMA, lr_factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from model.config import TrainConfig
    from model.network.mask_rcnn import MaskRCNN
    from model.protocol import TrainingEvent
    from model.training.early_stopping import BestCheckpoint

SAVE_SECONDS = 300.0
"""How much work a kill may cost."""


class TrainingError(UserError):
    """Training cannot go on."""


@dataclass
class TrainProgress:
    """How far a run is."""

    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done."""
    step: int = 0
    seconds: float = 0.0
    epoch_share: float = 0.0
    """Share 0..1 of the training that was over when this epoch began."""


def freeze(network: MaskRCNN, config: TrainConfig) -> list[nn.Module]:
    """Take the parts out of training that the config wants frozen; return them, whose batch norms must not move."""
    if config.freeze == "none":
        return freeze_stages(network, config.frozen_stages)
    part: nn.Module = network.backbone if config.freeze == "heads" else network.backbone.body
    part.requires_grad_(requires_grad=False)
    return [part]


def freeze_stages(network: MaskRCNN, count: int) -> list[nn.Module]:
    """Take the first `count` stages of the body, with what comes before them, out of training; return these parts."""
    ends = network.backbone.stages
    parts: list[nn.Module] = []
    if not count:
        return parts
    for name, part in network.backbone.body.named_children():
        part.requires_grad_(requires_grad=False)
        parts.append(part)
        if name == ends[count - 1]:
            break
    return parts


def parameter_groups(network: MaskRCNN, config: TrainConfig) -> list[dict[str, Any]]:
    """Return the optimiser's groups: the body at its share of the rate; biases and norms without weight decay."""
    body = {id(p) for p in network.backbone.body.parameters()}
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {
            "params": [p for p in trained if (id(p) in body) == inside and (p.ndim > 1) == decayed],
            "weight_decay": config.weight_decay if decayed else 0.0,
            "share": config.body_rate if inside else 1.0,
        }
        for inside in (False, True)
        for decayed in (True, False)
    ]


class Trainer:
    """One run: network, optimiser and average, and where they are written."""

    def __init__(
        self,
        network: MaskRCNN,
        categories: tuple[Category, ...],
        samples: list[TrainingSample],
        config: TrainConfig,
        *,
        output: Path,
        device: torch.device,
        team: ProcessGroup | None = None,
    ) -> None:
        self.team = team or ProcessGroup()
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.categories, self.samples, self.config = categories, samples, config
        self.output, self.device = output, device
        self.frozen = freeze(network, config)
        self.optimiser = torch.optim.AdamW(parameter_groups(network, config), config.learning_rate)
        self.parallel: nn.Module = self.network
        if self.team.size > 1:
            gpus = [device] if device.type == "cuda" else None
            self.parallel = nn.parallel.DistributedDataParallel(self.network, device_ids=gpus)
        self.average = EMA(self.network, config.ema) if config.ema else None
        self.progress = TrainProgress()
        points = next((c.keypoint_names for c in categories if c.keypoint_names), ())
        self.mirror = mirror(points) if network.config.keypoints else []
        self.masks = MaskCache()
        self.per_epoch = max(1, len(plan_batches(samples, config, 0, groups=ORIENTATIONS)))
        """Steps of an epoch: more than the photos fill where they are of two shapes, which share no batch."""
        self.kept = False
        """Whether a state that this run can go on from is on disk."""

    @property
    def state_file(self) -> Path:
        """Where a killed run goes on from."""
        return state_of(self.output)

    def share(self) -> float:
        """Return the share 0..1 of the training that is over."""
        if self.config.minutes > 0:
            return self.progress.seconds / (60 * self.config.minutes)
        return self.progress.step / (self.config.epochs * self.per_epoch)

    def step(self, batch: Batch) -> dict[str, float]:
        """Take one step; return the losses.

        Raises:
            TrainingError: A loss is not finite.
        """
        self.network.train()
        for part in self.frozen:
            part.eval()
        factor = lr_factor(self.config, self.progress.step, self.share())
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * factor * group["share"]
        pictures = self._on_device(batch.images)
        targets = [t.to(self.device) for t in batch.targets]
        with autocast(self.device):
            losses: dict[str, Tensor] = self.parallel(pictures, targets, self.config, self._mean_total)
        weights = {"keypoint": self.config.keypoint_weight}
        total = torch.stack([value * weights.get(name, 1.0) for name, value in losses.items()]).sum()
        if not torch.isfinite(total):
            parts = ", ".join(f"{name} {float(value.detach()):.3g}" for name, value in losses.items())
            photos = ", ".join(batch.names)
            raise TrainingError(tr("The loss is not finite ({losses}) on {photos}.", losses=parts, photos=photos))
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.network)
        self.progress.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def _on_device(self, images: Tensor | dict[str, Tensor]) -> Tensor | dict[str, Tensor]:
        """Return pictures normalised, or maps of the body as they are, in the order that convolutions like."""
        if isinstance(images, dict):
            kind = fast_type(self.device.type)
            moved = {name: maps.to(self.device, kind, non_blocking=True) for name, maps in images.items()}
            return {name: maps.contiguous(memory_format=torch.channels_last) for name, maps in moved.items()}
        pictures = normalise(images.to(self.device, non_blocking=True))
        return pictures.contiguous(memory_format=torch.channels_last)

    def _mean_total(self, count: int) -> float:
        return self.team.mean_count(count, self.device)

    def fit(
        self,
        loader_of: Callable[[TrainProgress], Iterable[Batch]],
        on_step: Callable[[dict[str, float], int, float], None],
        *,
        done: Callable[[], bool],
        save: PeriodicSave | None = None,
        on_epoch: Callable[[], None] = lambda: None,
        check: Callable[[], None] = lambda: None,
        validate: Callable[[], bool] = lambda: False,
        stopping: BestCheckpoint | None = None,
        count_loading: bool = True,
    ) -> None:
        """Take steps until training is over: the loop of all training runs.

        Args:
            loader_of: Returns the batches of an epoch from `progress.batch` on.
            on_step: Called after every step with its losses, its number of images and its seconds.
            done: Returns whether the end of the schedule is reached; evaluated after every step and epoch.
            save: Writes the state; called when it is due, and after a validation.
            on_epoch: Called after every epoch; `progress.batch` is 0 unless `done` or `stopping` cut the epoch short.
            check: Called with a batch at hand before its step; may block, and may raise.
            validate: Called after every step; returns whether it validated the model.
            stopping: Early stopping, evaluated after every step and epoch.
            count_loading: Whether `progress.seconds` includes the time between steps, in which batches are loaded.

        Raises:
            TrainingError: A loss is not finite. What the callables raise goes through, with `progress` as it is then.
        """
        progress = self.progress

        def over() -> bool:
            return done() or (stopping is not None and stopping.stops)

        while not over():
            batches = loader_of(progress)
            last = time.monotonic()
            for batch in batches:
                check()
                begin = last if count_loading else time.monotonic()
                losses = self.step(batch)
                last = time.monotonic()
                seconds = self.team.broadcast(last - begin, self.device)
                progress.seconds += seconds
                progress.batch += 1
                on_step(losses, len(batch.names), seconds)
                validated = validate()
                if save and (validated or save.due()):
                    save()
                if over():
                    break
            else:
                progress.epoch, progress.batch = progress.epoch + 1, 0
                progress.epoch_share = self.share()
            on_epoch()

    def run(
        self,
        on_event: Callable[[TrainingEvent], None],
        measure: Callable[[Checkpoint], dict[str, Any]] | None = None,
    ) -> None:
        """Fit the network to COCO files, saving after every epoch and every few minutes; the state goes in the end.

        Args:
            on_event: Called with the record of every step and epoch.
            measure: Returns a checkpoint's figures; called after every epoch.

        Raises:
            TrainingError: A loss is not finite, or there are no photos.
            OSError: The checkpoint cannot be written.
            KeyboardInterrupt: Ctrl+C; whether something is saved stands in `kept`.
        """
        save = PeriodicSave(self.save, SAVE_SECONDS)

        def on_step(losses: dict[str, float], photos: int, _seconds: float) -> None:
            on_event(self.step_event(losses, photos))
            if self._agreed(interrupt):
                save()
                raise KeyboardInterrupt

        def on_epoch() -> None:
            save()  # before anything else can fail
            with interrupt.released():
                if self._agreed(interrupt):
                    raise KeyboardInterrupt
                metrics = measure(self.checkpoint()) if measure and self.team.is_main else {}
                if metrics:
                    self.write(metrics)
                self.team.barrier()
                on_event(Epoch(self.progress.epoch, self.progress.seconds, metrics))

        with Interrupt(alone=self.team.size == 1) as interrupt:
            self.fit(self.batches, on_step, done=self._done, save=save, on_epoch=on_epoch)
        if self.team.is_main:
            if not self.output.exists():  # resumed at its end, and what it had written is gone
                self.write({})
            self.state_file.unlink(missing_ok=True)

    def batches(self, progress: TrainProgress) -> Iterable[Batch]:
        """Return the batches that an epoch still has.

        Raises:
            TrainingError: It has none.
        """
        plans = plan_batches(self.samples, self.config, progress.epoch, progress.epoch_share, groups=ORIENTATIONS)
        if not plans:
            raise TrainingError(tr("Nothing to train on: an epoch has no photos."))
        dataset = TrainingDataset(self.samples, plans, self.config, self.masks, mirror=self.mirror, team=self.team)
        return data_loader(dataset, progress.batch)

    def _agreed(self, interrupt: Interrupt) -> bool:
        """Return whether Ctrl+C was pressed, so that all processes end after the same step."""
        return self.team.broadcast(float(interrupt.asked), self.device) > 0

    def _done(self) -> bool:
        return self.share() >= 1 if self.config.minutes > 0 else self.progress.epoch >= self.config.epochs

    def step_event(self, losses: dict[str, float], photos: int) -> TrainStep:
        """Return the record of the last step."""
        progress = self.progress
        share = min(1.0, self.share())
        return TrainStep(progress.step, progress.epoch, share, progress.seconds, photos, {**losses})

    def checkpoint(self, metrics: dict[str, Any] | None = None) -> Checkpoint:
        """Return what has been learned so far: the averaged weights, with copies of nothing."""
        kept = self.average.network if self.average is not None else self.network
        return Checkpoint(self.network.config, self.categories, kept.state_dict(), metrics or {})

    def save(self) -> None:
        """Write the checkpoint and the state that a resumed run needs.

        Raises:
            OSError: They cannot be written.
        """
        if self.team.is_main:
            self.write({})
            files.write_state(self.state_file, self.state())
        self.kept = True

    def write(self, metrics: dict[str, Any]) -> None:
        """Write the checkpoint with its figures.

        Raises:
            OSError: It cannot be written.
        """
        files.write(self.output, self.checkpoint({"training": asdict(self.progress), **metrics}))

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs, in the form that `model.checkpoints.checkpoint.write_state` takes."""
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
            "fixed": self._fixed(),
        }
        if self.average is not None:
            state |= {"average": self.average.network.state_dict(), "average_steps": self.average.steps}
        return state

    def resume(self) -> bool:
        """Go on where the last run of the same output was; return whether there was one.

        Raises:
            TrainingError: There is only a finished run, or its state is damaged, or of another network or other data.
        """
        if not self.state_file.exists():
            if self.output.exists():
                raise TrainingError(
                    tr(
                        "{file} is there and has no run to go on with: to train it further, begin with it (--weights)"
                        " and name another output.",
                        file=self.output,
                    )
                )
            return False
        other: list[str] = []
        try:
            state = files.read_state(self.state_file)
            other = [name for name, value in self._fixed().items() if state["fixed"][name] != value]
            if not other:
                self.restore(state)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no use
            text = tr("{file} does not fit this run: delete it to start anew.", file=self.state_file)
            raise TrainingError(text) from None
        if other:
            text = tr(
                "{file} is of a run with other {names}: give the same {names} as then, or delete it to start anew.",
                file=self.state_file,
                names=tr(" and ").join(other),
            )
            raise TrainingError(text)
        self.kept = True
        return True

    def _fixed(self) -> dict[str, Any]:
        """Return what may not change while a run is interrupted, by what people call it."""
        return {
            "categories": [c.name for c in self.categories],
            "photos": len(self.samples),
            "batch": self.config.batch,
            "seed": self.config.seed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned; raises nearly anything when it is damaged or of another network."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average is not None:
            self.average.network.load_state_dict(state["average"])
            self.average.steps = state["average_steps"]
        self.progress = TrainProgress(**state["progress"])
