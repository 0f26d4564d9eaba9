"""The best checkpoint of a training run, and when validations bring nothing better any more (early stopping)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

TOLERANCE = 0.01
"""A model that is this little worse than the best so far counts as good: it was trained for longer ..."""
DROP, PATIENCE = 0.05, 3
"""... and so many validations in a row that are so much worse stop a run: it overfits."""


@dataclass
class BestCheckpoint:
    """The best model of a run so far."""

    score: float = -1.0
    """The best of all validations, of which this is one or nearly one."""
    epoch: int = 0
    state: dict[str, torch.Tensor] | None = None
    misses: int = 0
    """Validations in a row that were much worse."""

    @property
    def stops(self) -> bool:
        """Whether the run should stop."""
        return self.misses >= PATIENCE

    def update(self, score: float, epoch: int, state: dict[str, torch.Tensor]) -> None:
        """Take in a validation: keep the model if it is nearly the best or better, count a miss if it is much worse."""
        if score >= self.score - TOLERANCE:
            self.score, self.epoch, self.state, self.misses = max(score, self.score), epoch, state, 0
        else:
            self.misses = self.misses + 1 if score < self.score - DROP else 0
