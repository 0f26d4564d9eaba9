"""How long the model takes to outline what is in a box that is being dragged, on two threads of the CPU.

The photo has been encoded. Each answer is one of a drag: of a corner of a new box from 16 pixels to the whole photo,
with its class or without. Beside it is the full answer, with keypoints and a second look at small boxes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from annotator.suggestions.messages import to_suggestion
from benchmarks.report import Record, main
from dataset.pictures.images import read_photo
from model.inference.mask_keypoint_pair import load_predictor
from resources import SAMPLES

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

    from model.inference.segmenter import Segmenter

THREADS = 2
STEPS = 60
SMALLEST = 16
AIM = 25.0  # milliseconds: three frames of a screen
PHOTOS = ("group.jpg", "dog.jpg", "coffee.jpg")


def drag(width: int, height: int) -> NDArray[np.float64]:
    """Return the boxes [STEPS, 4] of a drag from near one corner of a photo to the other."""
    ends = np.linspace((SMALLEST, SMALLEST), (0.95 * width, 0.95 * height), STEPS)
    start = np.tile((0.04 * width, 0.04 * height), (STEPS, 1))
    return np.concatenate((start, np.minimum(start + ends, (width, height))), axis=1)


def milliseconds(
    predictor: Segmenter, boxes: NDArray[np.float64], category: int | None, *, quick: bool
) -> list[tuple[float, float]]:
    """Return the time of each answer, as the window's worker makes it, and that of the CPU, all threads together."""
    times = []
    for box in boxes:
        start, cpu = time.perf_counter(), time.process_time()
        to_suggestion(-1, predictor.masks_for_boxes(box[None], [category], quick=quick)[0])
        times.append((1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - cpu)))
    return times


def measure(args: argparse.Namespace) -> list[Record]:
    """Drag a box in several photos."""
    import torch  # noqa: PLC0415 - after `model`, which says how torch's threads wait

    torch.set_num_threads(THREADS)
    predictor = load_predictor(args.weights, "cpu")
    person = next((c.id for c in predictor.categories if c.keypoint_names), predictor.categories[0].id)
    quick: list[tuple[float, float]] = []
    full: list[tuple[float, float]] = []
    for name in PHOTOS:
        photo = read_photo(SAMPLES / name)
        predictor.set_image(photo)
        boxes = drag(photo.shape[1], photo.shape[0])
        milliseconds(predictor, boxes[::20], person, quick=True)  # warm
        for category in (person, None):
            quick += milliseconds(predictor, boxes, category, quick=True)
        full += milliseconds(predictor, boxes[::6], person, quick=False)
    aim = f"under {AIM:.0f} ms"
    records = []
    for name, times, aims in (("while a box is dragged", quick, True), ("in full at the end", full, False)):
        (median, cpu), (late, late_cpu) = np.median(times, axis=0), np.percentile(times, 99, axis=0)
        met = (bool(median < AIM), bool(late < AIM)) if aims else (None, None)
        records += [
            Record(f"an answer {name}, median", round(median, 2), "ms", aim=aim if aims else "", met=met[0]),
            Record(f"an answer {name}, 99th percentile", round(late, 2), "ms", aim=aim if aims else "", met=met[1]),
            Record(f"an answer {name}, of the CPU, median", round(cpu, 2), "ms"),
            Record(f"an answer {name}, of the CPU, 99th percentile", round(late_cpu, 2), "ms"),
        ]
    return records


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", default="builtin")


if __name__ == "__main__":
    main("box_drag", measure, _arguments)
