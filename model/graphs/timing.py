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
SPIN_SECONDS = 0.05
BUSY = 1.3
"""Times as long by the clock as of the processor from which a thread that only computes shares its core with others."""
PASSES = 5
SCORE = 0.05
"""Least score of a detection, as the window has it."""


def milliseconds(
    predictors: Mapping[Name, Segmenter], photo: NDArray[np.uint8], passes: int = PASSES
) -> dict[Name, float]:
    """Return the time by the clock that each predictor takes for a photo at best; none where the computer is busy.

    They take turns, so that what else the computer does meets them all alike, after a pass that does not count. It does
    not slow them alike: what computes in many short steps by several threads waits more often.
    """
    best = dict.fromkeys(predictors, float("inf"))
    for number in range(passes + 1):
        if is_busy():
            return {}
        for name, predictor in predictors.items():
            start = time.perf_counter()
            predictor.set_image(photo)
            predictor.detect(SCORE)
            taken = 1000 * (time.perf_counter() - start)
            if number:
                best[name] = min(best[name], taken)
            predictor.forget()
    return best


def is_busy() -> bool:
    """Return whether other work takes so much of this computer's processor that nothing can be measured."""
    start, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < SPIN_SECONDS:
        pass
    return time.perf_counter() - start > BUSY * SPIN_SECONDS
