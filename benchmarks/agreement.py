"""How far the fast arithmetic leads away from torchvision's: the same trained weights in half precision and in float32.

In float32 the networks give what torchvision's give, to 1e-4 (tests/model/test_parity.py): what differs here differs
from torchvision by as much. Needs `coco_person` of the shared data; the validation photos, all of them.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np
import torch
from torchvision.ops import box_iou

from benchmarks.detect import predictor_of
from benchmarks.photos import SHARED, validation_names
from benchmarks.report import Record, main
from dataset.pictures.images import read_photo
from model.evaluation.evaluate import evaluate
from model.network.precision import BFLOAT16_VARIABLE

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

    from model.inference.instance import Instance
    from model.inference.segmenter import Segmenter

SURE = 0.5
CLOSE = 0.9
"""IoU of boxes that are the same."""


def matched(wanted: list[Instance], found: list[Instance]) -> tuple[int, int]:
    """Return how many sure detections have one of the same class in the same place, and how many there are."""
    sure = [i for i in wanted if i.score > SURE]
    if not sure or not found:
        return 0, len(sure)
    first, second = (torch.from_numpy(np.stack([i.box for i in part])) for part in (sure, found))
    overlaps = box_iou(first, second).numpy()
    same = np.array([[a.category_id == b.category_id for b in found] for a in sure])
    return int(((overlaps >= CLOSE) & same).any(1).sum()), len(sure)


def measure(args: argparse.Namespace) -> list[Record]:
    """Compare the two on every validation photo."""
    if not SHARED.is_dir():
        sys.exit("benchmarks.agreement needs ../shared/data/coco_person")
    annotations = SHARED.parent / "val.json"
    exact, fast = predictor_of(args.weights, "0"), predictor_of(args.weights, "1")
    os.environ.pop(BFLOAT16_VARIABLE, None)
    same = sure = 0
    for name in validation_names():
        pixels = read_photo(SHARED / name)
        wanted, found = (_detect(p, pixels) for p in (exact, fast))
        counts = matched(wanted, found)
        same, sure = same + counts[0], sure + counts[1]
    share = same / max(1, sure)
    records = [Record(f"{sure} sure detections met", 100 * share, "%", "float32", None, "98 %", share >= 0.98)]
    scores = [evaluate(p, annotations).overall for p in (exact, fast)]
    for kind in scores[0]:
        before, after = (100 * s[kind]["AP"] for s in scores)
        aim, met = "0.3 points", abs(after - before) <= 0.3
        records.append(Record(f"{kind} AP", after, "", f"float32 {before:.2f}", None, aim, met))
    return records


def _detect(predictor: Segmenter, pixels: NDArray[np.uint8]) -> list[Instance]:
    predictor.set_image(pixels)
    return predictor.detect(0.05)


if __name__ == "__main__":
    sys.exit(main("agreement", measure, lambda p: p.add_argument("--weights", default="builtin")))
