"""How far a detection's score is that of its keypoints, too (`ModelConfig.keypoint_score`).

Odds are multiplied rather than scores, so that none is more than 1 and the surest are not all alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.config import ModelConfig


def with_keypoints(score: float, certainty: float, config: ModelConfig) -> float:
    """Return a score 0..1 with the mean certainty 0..1 of the keypoints."""
    raised = score * (certainty / config.keypoint_certainty) ** config.keypoint_score
    return raised / (raised + 1 - score) if score < 1 else score


def least_before(score: float, config: ModelConfig) -> float:
    """Return the score 0..1 from which keypoints that are as sure as can be make more than `score`."""
    share = config.keypoint_certainty**config.keypoint_score
    return score * share / (score * share + 1 - score)
