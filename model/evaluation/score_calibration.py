"""Score calibration: shifts the scores of each class so that the threshold of the greatest F lies at 0.5.

A person sets the threshold of suggestions once. A model that was trained on few photos is sure of itself, and would put
more and more false suggestions over it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from model.evaluation.paired_bootstrap import match_detections

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint
    from model.evaluation.paired_bootstrap import Matches

MIN_OBJECTS = 8
"""With fewer of a class nothing can be said."""
BETA = 0.5
"""How much finding all counts beside finding nothing false, as in F-measures: half as much. A false suggestion costs a
look and a rejection, a missed object only the box round it in which the model draws the mask all the same."""
AS_GOOD = 0.98
"""Scores with this share of the best measure are as good: their middle is taken, because objects are few."""
MAX_SHIFT = 2.5
"""Of the log-odds of a score, either way."""
HALF = 40
"""Objects of a class with which half of its shift is made, more with more: the threshold is found on these alone."""


def calibrate_scores(model: Checkpoint, results: list[dict[str, Any]], data: dict[str, Any]) -> Checkpoint:
    """Return a model whose scores are shifted towards 0.5 as the threshold of the greatest F of each class.

    Args:
        model: What was trained.
        results: What it, or models trained as it was, found in photos without having learned from them.
        data: COCO contents of these photos.
    """
    kind = "mask" if model.config.mask_head != "none" else "box"
    shifts: dict[str, float] = {}
    for category in data["categories"]:
        own = {**data, "categories": [category]}
        own["annotations"] = [a for a in data["annotations"] if a["category_id"] == category["id"]]
        for found in match_detections(own, [r for r in results if r["category_id"] == category["id"]], kind):
            score = best_f_threshold(found)
            if score is not None:
                objects = int(found.objects.sum())
                shift = float(np.clip(-_logit(score), -MAX_SHIFT, MAX_SHIFT)) * objects / (objects + HALF)
                shifts[category["name"]] = round(shift, 3)
    if not shifts:
        return model
    return replace(
        model, config=replace(model.config, score_shifts=tuple(shifts.get(c.name, 0.0) for c in model.categories))
    )


def best_f_threshold(found: Matches) -> float | None:
    """Return the score from which detections agree best with the truth: the greatest F at IoU 0.5, or None."""
    counted = found.counts[0]
    right, scores = found.right[0][counted], found.scores[counted]
    objects = int(found.objects.sum())
    if objects < MIN_OBJECTS or not right.any():
        return None
    f = (1 + BETA**2) * np.cumsum(right) / (np.arange(1, len(right) + 1) + BETA**2 * objects)
    good = np.flatnonzero(f >= AS_GOOD * f.max())
    after = min(good[-1] + 1, len(scores) - 1)  # the threshold lies below the last one that is taken
    middle = (_logit(scores[good[0]]) + _logit(scores[after])) / 2
    return float(1 / (1 + np.exp(-middle)))


def _logit(score: float) -> float:
    sure = float(np.clip(score, 1e-6, 1 - 1e-6))
    return float(np.log(sure / (1 - sure)))
