"""How far a detection's score is that of its keypoints, too (`ModelConfig.keypoint_score`).

Odds are multiplied rather than scores, so that none is more than 1 and the surest are not all alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.config import ModelConfig


@dataclass(frozen=True, slots=True)
class DetectedKeypoints:
    """The keypoints of detections, a row for each."""

    is_known: NDArray[np.bool_]  # [N] of which there are any; the rows of the others are zeros
    points: NDArray[np.float32]  # [N, K, 3] x, y in the photo, visibility
    scores: NDArray[np.float32]  # [N, K]

    def __getitem__(self, chosen: Any) -> DetectedKeypoints:  # noqa: ANN401 - whatever indexes a row
        return DetectedKeypoints(self.is_known[chosen], self.points[chosen], self.scores[chosen])

    def rescored(self, scores: NDArray[np.float32], config: ModelConfig) -> NDArray[np.float32]:
        """Return the detections' scores [N], those of which keypoints are known with the mean of theirs."""
        if not config.keypoint_score or not self.is_known.any():
            return scores
        certainty = self.scores.mean(1, dtype=np.float64)
        return np.where(self.is_known, with_keypoints(scores, certainty, config), scores).astype(np.float32)


def with_keypoints(
    scores: NDArray[np.floating], certainty: NDArray[np.floating], config: ModelConfig
) -> NDArray[np.float64]:
    """Return scores [N] 0..1 with the mean certainty [N] 0..1 of the keypoints; more of either is never less."""
    before = np.asarray(scores, np.float64)
    raised = before * (certainty / config.keypoint_certainty) ** config.keypoint_score
    return np.where(before < 1, raised / np.maximum(raised + 1 - before, np.finfo(np.float64).tiny), before)


def least_before(score: NDArray[np.float64], config: ModelConfig) -> NDArray[np.float64]:
    """Return the scores 0..1 from which keypoints that are as sure as can be make more than these."""
    share = config.keypoint_certainty**config.keypoint_score
    return score * share / (score * share + 1 - score)
