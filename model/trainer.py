"""The training loop: plain, without hooks or callbacks. A run that is killed can go on where it was."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from model import checkpoint as files
from model.augment import MaskCache, normalise
from model.categories import Category, mirror
from model.checkpoint import Checkpoint
from model.loader import Batch, Batches, batches, plan_epoch
from model.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.config import TrainConfig
    from model.dataset import Photo
    from model.network import MaskRCNN

CLASS_OUTPUTS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")
"""Weights whose first dimension runs over the classes, background first."""
SAVE_SECONDS = 300.0
"""How much work a kill may cost."""


class TrainingError(Exception):
    """Training cannot go on; the text is one clear sentence."""


@dataclass
class Progress:
    """How far a run is."""

    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done."""
    step: int = 0
    seconds: float = 0.0
    epoch_share: float = 0.0
    """Share 0..1 of the training that was over when this epoch began."""


def rate_factor(config: TrainConfig, step: int, share: float) -> float:
    """Return what the learning rate is multiplied with at a step, when a share 0..1 of the training is over."""
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    if config.schedule == "step":
        return rise * (0.01 if share >= 15 / 16 else 0.1 if share >= 3 / 4 else 1.0)
    return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


class Average:
    """An exponential moving average of a network's weights: steadier than the last step's, and usually better."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval()
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the weights of one more step in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))  # the random start must not linger
        mine, theirs = self.network.state_dict(), network.state_dict()
        for name, value in mine.items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - decay)
            else:
                value.copy_(theirs[name])


def freeze_stages(network: MaskRCNN, count: int) -> None:
    """Take the first `count` stages of the body, with what comes before them, out of training."""
    ends = network.backbone.stages
    if not count:
        return
    for name, part in network.backbone.body.named_children():
        part.requires_grad_(requires_grad=False)
        if name == ends[count - 1]:
            return


class Trainer:
    """One run: network, optimiser and average, and where they are written."""

    def __init__(
        self,
        network: MaskRCNN,
        categories: tuple[Category, ...],
        photos: list[Photo],
        config: TrainConfig,
        *,
        output: Path,
        device: torch.device,
        team: Team | None = None,
    ) -> None:
        self.team = team or Team()
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.categories, self.photos, self.config = categories, photos, config
        self.output, self.device = output, device
        freeze_stages(network, config.frozen_stages)
        decayed = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
        others = [p for p in network.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, config.learning_rate)
        self.parallel: nn.Module = self.network
        if self.team.size > 1:
            gpus = [device] if device.type == "cuda" else None
            self.parallel = nn.parallel.DistributedDataParallel(self.network, device_ids=gpus)
        self.average = Average(self.network, config.ema) if config.ema else None
        self.progress = Progress()
        points = next((c.keypoints for c in categories if c.keypoints), ())
        self.mirror = mirror(points) if network.config.keypoints else []
        self.masks = MaskCache()

    @property
    def state_file(self) -> Path:
        """Where a killed run goes on from."""
        return self.output.with_suffix(".resume")

    def share(self) -> float:
        """Return the share 0..1 of the training that is over."""
        if self.config.minutes > 0:
            return self.progress.seconds / (60 * self.config.minutes)
        per_epoch = max(1, math.ceil(len(self.photos) / self.config.batch))
        return self.progress.step / (self.config.epochs * per_epoch)

    def step(self, batch: Batch) -> dict[str, float]:
        """Take one step; return the losses.

        Raises:
            TrainingError: A loss is not finite.
        """
        self.network.train()
        factor = rate_factor(self.config, self.progress.step, self.share())
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * factor
        images = normalise(batch.images.to(self.device, non_blocking=True))
        images = images.contiguous(memory_format=torch.channels_last)
        targets = [t.to(self.device) for t in batch.targets]
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            losses: dict[str, Tensor] = self.parallel(images, targets, self.config, self._mean_total)
        weights = {"keypoint": self.config.keypoint_weight}
        total = torch.stack([value * weights.get(name, 1.0) for name, value in losses.items()]).sum()
        if not torch.isfinite(total):
            parts = ", ".join(f"{name} {float(value.detach()):.3g}" for name, value in losses.items())
            raise TrainingError(f"The loss is not finite ({parts}) on {', '.join(batch.names)}.")
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.network)
        self.progress.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def _mean_total(self, count: int) -> float:
        return self.team.mean_total(count, self.device)

    def run(
        self,
        report: Callable[[dict[str, Any]], None],
        measure: Callable[[Checkpoint], dict[str, Any]] | None = None,
    ) -> None:
        """Train to the end of the schedule, saving after every epoch and every few minutes.

        Args:
            report: Is told of every step and epoch; JSON-ready records.
            measure: Returns a checkpoint's figures; asked after every epoch.

        Raises:
            TrainingError: A loss is not finite.
            OSError: The checkpoint cannot be written.
        """
        last = time.monotonic()
        saved = last
        while not self._done():
            plans = plan_epoch(self.photos, self.config, self.progress.epoch, self.progress.epoch_share)
            dataset = Batches(self.photos, plans, self.config, self.masks, mirror=self.mirror, team=self.team)
            for batch in batches(dataset, self.progress.batch):
                losses = self.step(batch)
                now = time.monotonic()
                self.progress.seconds = self.team.agree(self.progress.seconds + now - last, self.device)
                last = now
                self.progress.batch += 1
                report(self._step_record(losses, len(batch.names)))
                if now - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                if self.config.minutes > 0 and self.share() >= 1:
                    break
            else:
                self.progress.epoch += 1
                self.progress.batch = 0
                self.progress.epoch_share = self.share()
            metrics = measure(self.checkpoint()) if measure and self.team.leads else {}
            self.team.wait()
            last = time.monotonic()  # measuring is no part of the schedule
            self.save(metrics)
            record = {"event": "epoch", "epoch": self.progress.epoch, "seconds": self.progress.seconds}
            report({**record, "metrics": metrics})

    def _done(self) -> bool:
        return self.share() >= 1 if self.config.minutes > 0 else self.progress.epoch >= self.config.epochs

    def _step_record(self, losses: dict[str, float], photos: int) -> dict[str, Any]:
        return {
            "event": "step",
            "step": self.progress.step,
            "epoch": self.progress.epoch,
            "share": min(1.0, self.share()),
            "seconds": self.progress.seconds,
            "photos": photos,
            "losses": losses,
        }

    def checkpoint(self, metrics: dict[str, Any] | None = None) -> Checkpoint:
        """Return what has been learned so far: the averaged weights, with copies of nothing."""
        kept = self.average.network if self.average is not None else self.network
        return Checkpoint(self.network.config, self.categories, kept.state_dict(), metrics or {})

    def save(self, metrics: dict[str, Any] | None = None) -> None:
        """Write the checkpoint and the state that a resumed run needs.

        Raises:
            OSError: They cannot be written.
        """
        if not self.team.leads:
            return
        progress = asdict(self.progress)
        files.write(self.output, self.checkpoint({"training": progress, **(metrics or {})}))
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), "progress": progress}
        if self.average is not None:
            state |= {"average": self.average.network.state_dict(), "average_steps": self.average.steps}
        files.write_state(self.state_file, state)

    def resume(self) -> bool:
        """Go on where the last run of the same output was; return whether there was one.

        Raises:
            TrainingError: The state is damaged or of another network.
        """
        if not self.state_file.exists():
            return False
        try:
            state = files.read_state(self.state_file)
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            if self.average is not None:
                self.average.network.load_state_dict(state["average"])
                self.average.steps = state["average_steps"]
            self.progress = Progress(**state["progress"])
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no use
            raise TrainingError(f"{self.state_file} does not fit this run: delete it to start anew.") from None
        return True


def transfer(start: Checkpoint, network: MaskRCNN, categories: list[Category]) -> None:
    """Give a network the weights of a checkpoint: all that fit, and the outputs of each class of the same name.

    A class that the checkpoint does not know starts from the average of those it does, so that a first guess at a mask
    is better than noise.
    """
    old = {c.name: i for i, c in enumerate(start.categories, 1)}
    own = network.state_dict()
    for name, value in start.state.items():
        if name in own and own[name].shape == value.shape and not name.startswith(CLASS_OUTPUTS):
            own[name].copy_(value)
        elif name in own and name.startswith(CLASS_OUTPUTS):
            per_class = value.float().unflatten(0, (start.config.classes + 1, -1))
            rows = [per_class[0]]
            rows += [per_class[old[c.name]] if c.name in old else per_class[1:].mean(0) for c in categories]
            own[name].copy_(torch.stack(rows).flatten(0, 1))


def load_backbone(network: MaskRCNN, file: Path) -> None:
    """Load torchvision's classification weights into the body, and into a C4 network's res5.

    Raises:
        TrainingError: The file is not such weights for this backbone.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        state = {name.removeprefix("features."): value for name, value in state.items()}
        missing = network.backbone.body.load_state_dict(state, strict=False).missing_keys
    except Exception:  # noqa: BLE001 - a wrong file fails in many ways
        raise TrainingError(f"{file} does not hold torchvision's weights of {network.config.backbone}.") from None
    if missing:
        raise TrainingError(f"{file} lacks {missing[0]} of {network.config.backbone}.")
