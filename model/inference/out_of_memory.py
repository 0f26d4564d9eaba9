"""Prediction where the device may run out of memory."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from model.inference.engine import MemoryFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from model.inference.instance import Instance
    from model.inference.segmenter import Segmenter

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def retry_on_oom(model: Segmenter, work: Callable[[], Answer], on_message: Callable[[str], None]) -> Answer:
    """Return `work()`, repeated with less memory as often as the device has too little (`Segmenter.reduce_memory`).

    Args:
        model: Keeps the smaller size or the CPU for the images to come.
        work: Sets the image where the model has none (`image_size` is (0, 0)), and predicts.
        on_message: Called with one sentence for each change.

    Raises:
        model.inference.engine.MemoryFullError: The memory suffices for nothing less either.
    """
    while True:
        try:
            return work()
        except MemoryFullError:
            model.forget()
            change = model.reduce_memory()
            if not change:
                raise
        on_message(change)


def detect_within_memory(
    model: Segmenter,
    image: NDArray[np.uint8],
    on_message: Callable[[str], None],
    *,
    score: float = 0.05,
    max_detections: int | None = None,
) -> list[Instance]:
    """Return the objects in an image, as `Segmenter.detect` does; see `retry_on_oom`."""

    def work() -> list[Instance]:
        model.set_image(image)
        return model.detect(score, max_detections)

    return retry_on_oom(model, work, on_message)


def detect_batch(
    model: Segmenter, images: Sequence[NDArray[np.uint8]], on_message: Callable[[str], None], *, score: float = 0.05
) -> list[list[Instance]]:
    """Return the objects in each of several images, encoded together, or one by one where memory is short of that."""
    if len(images) > 1:
        try:
            return model.detect_many(images, score)
        except MemoryFullError:
            model.forget()
    return [detect_within_memory(model, image, on_message, score=score) for image in images]


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of `size`, the last one perhaps shorter."""
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk
