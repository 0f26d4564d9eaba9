"""How the learning rate goes during a run, and the average of the weights that is kept."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn

    from model.config import TrainConfig


def lr_factor(config: TrainConfig, step: int, share: float) -> float:
    """Return what the learning rate is multiplied with at a step, when a share 0..1 of the training is over."""
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    if config.schedule == "step":
        return rise * (0.01 if share >= 15 / 16 else 0.1 if share >= 3 / 4 else 1.0)
    return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


class EMA:
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
