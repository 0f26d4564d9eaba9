"""Prediction that gets by with the memory there is."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from model.inference.instance import Instance
    from model.inference.mask_keypoint_pair import MaskKeypointPredictor
    from model.inference.predictor import Predictor

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MIN_SIDE = 256
"""Below this shorter side people get too small to be found: the CPU is the better way out."""
SHRINK = 0.7


def retry_on_oom(
    predictor: Predictor | MaskKeypointPredictor, work: Callable[[], Answer], tell: Callable[[str], None]
) -> Answer:
    """Do something with a photo; when the GPU's memory does not suffice, with smaller photos, and then on the CPU.

    Args:
        predictor: Keeps the smaller size or the CPU for the photos to come.
        work: Sets the photo, where the predictor has none (`image_size` is (0, 0)), and asks of it.
        tell: Is told in one sentence what was changed.

    Raises:
        torch.OutOfMemoryError: The CPU's memory does not suffice either.
    """
    while True:
        try:
            return work()
        except torch.OutOfMemoryError:
            predictor.forget()
            if predictor.device == "cpu":
                raise
        torch.cuda.empty_cache()
        smaller = int(predictor.short_side * SHRINK)
        if smaller >= MIN_SIDE:
            predictor.short_side = smaller
            tell(f"The GPU's memory is full: photos are now scaled to {smaller} pixels.")
        else:
            predictor.short_side = predictor.config.short_side
            predictor.to("cpu")
            tell("The GPU's memory is full: the CPU goes on.")


def detect_within_memory(
    predictor: Predictor | MaskKeypointPredictor,
    image: NDArray[np.uint8],
    tell: Callable[[str], None],
    *,
    score: float = 0.05,
    max_detections: int | None = None,
) -> list[Instance]:
    """Set a photo and detect, as `Predictor.set_image` and `Predictor.detect` do; see `retry_on_oom`."""

    def work() -> list[Instance]:
        predictor.set_image(image)
        return predictor.detect(score, max_detections)

    return retry_on_oom(predictor, work, tell)


def detect_batch(
    predictor: Predictor | MaskKeypointPredictor,
    images: Sequence[NDArray[np.uint8]],
    tell: Callable[[str], None],
    *,
    score: float = 0.05,
) -> list[list[Instance]]:
    """Detect in several photos at once, or one by one as `detect_within_memory` does when memory is short of that."""
    if len(images) > 1:
        try:
            return predictor.detect_many(images, score)
        except torch.OutOfMemoryError:
            predictor.forget()
    return [detect_within_memory(predictor, image, tell, score=score) for image in images]


def groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of `size`, the last one perhaps shorter."""
    source = iter(items)
    while group := list(islice(source, size)):
        yield group
