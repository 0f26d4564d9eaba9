"""Which of several predictors is the fastest, here and now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from model.inference.segmenter import Segmenter

Name = TypeVar("Name", bound=str)
PASSES = 5
SCORE = 0.05
"""Least score of a detection, as the window has it."""


def milliseconds(
    predictors: Mapping[Name, Segmenter], photo: NDArray[np.uint8], passes: int = PASSES
) -> dict[Name, float]:
    """Return the time by the clock that each predictor takes for a photo at best.

    They take turns, so that what else the computer does meets them all alike, after a pass that does not count.
    """
    best = dict.fromkeys(predictors, float("inf"))
    for number in range(passes + 1):
        for name, predictor in predictors.items():
            start = time.perf_counter()
            predictor.set_image(photo)
            predictor.detect(SCORE)
            taken = 1000 * (time.perf_counter() - start)
            if number:
                best[name] = min(best[name], taken)
            predictor.forget()
    return best
