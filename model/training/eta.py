"""Estimated time of arrival: how long a training still takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from msgspec.structs import replace

if TYPE_CHECKING:
    from model.protocol import Step
    from model.training.trainer import TrainProgress

FIRST_STEPS = 3
"""Steps until the first estimate; the very first ones are slower than the rest."""


class EtaEstimator:
    """Remaining time, from the times of the last steps and of the last validation."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.validation = 0.0
        """Seconds of the last validation."""
        self._count = 0

    def step(self, seconds: float) -> None:
        """Add the seconds of a step."""
        self._count += 1
        self.steps.append(seconds)
        del self.steps[:-50]

    def due(self) -> bool:
        """Return whether an estimate should be reported: after a few steps, then every 30."""
        return self._count in (FIRST_STEPS, 10) or self._count % 30 == 0

    def remaining(self, steps: float, validations: float) -> float:
        """Return the estimated seconds of so many steps and validations."""
        return float(torch.tensor(self.steps or [0.0]).median()) * steps + self.validation * validations


@dataclass
class FinishedRuns:
    """Steps, epochs and seconds of the training runs that are done, so that several in a row are counted as one."""

    steps: int = 0
    epochs: int = 0
    seconds: float = 0.0

    def add(self, progress: TrainProgress) -> None:
        """Add a run that is done."""
        self.steps += progress.step
        self.epochs += progress.epoch
        self.seconds += progress.seconds

    def added_to(self, step: Step) -> Step:
        """Return a step of the present run, counted from the start of the first one."""
        return replace(
            step, step=self.steps + step.step, epoch=self.epochs + step.epoch, seconds=self.seconds + step.seconds
        )
