"""Scores that are moved for each class, so that 0.5 is where to keep suggestions from (`ModelConfig.score_shifts`).

Odds are multiplied: what is surer stays surer, and nothing comes to 0 or 1. A shift of the class's logit would not do:
the score is a product, of which the class is often the part that is sure already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.config import ModelConfig


def shifted(scores: NDArray[np.float32], labels: NDArray[np.int64], config: ModelConfig) -> NDArray[np.float32]:
    """Return the scores [N] 0..1 of detections of these classes [N], which count from 1, with the shifts."""
    if not config.score_shifts:
        return scores
    return _with_odds(scores.astype(np.float64), odds_factors(config)[labels]).astype(np.float32)


def before_shifts(score: float, config: ModelConfig) -> NDArray[np.float64]:
    """Return for each class [classes + 1], background first, the score 0..1 that the shifts make `score` of."""
    return _with_odds(np.full(config.classes + 1, score, np.float64), 1 / odds_factors(config))


def odds_factors(config: ModelConfig) -> NDArray[np.float64]:
    """Return what the odds of a class's scores are multiplied with [classes + 1], background first."""
    return np.exp([0.0, *(config.score_shifts or (0.0,) * config.classes)])


def _with_odds(scores: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    return scores * factors / (scores * factors + 1 - scores)
