"""Where the time of a photo goes, part by part: CPU time, the best of several passes, in torch and in graphs."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks.report import Record, main
from dataset.pictures.images import read_photo
from model.checkpoints.weights import load
from model.graphs.export import export
from model.inference import photo_regions
from model.inference import predictor as prediction
from model.inference.engines import onnx_engine
from model.inference.engines.onnx_engine import OnnxEngine
from model.inference.engines.region_pooling import Pooling
from model.inference.engines.torch_engine import TorchEngine
from model.inference.predictor import Predictor
from model.network import mask_rcnn
from model.network.roi_pooler import RegionPooler
from model.network.rpn import RegionProposals
from resources import SAMPLES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

Part: TypeAlias = tuple[str, Any, str]
"""Name, and the function or method that stands for it: where it is, and what it is called there."""
PASSES = 6
SCORE = 0.05
COMMON: list[Part] = [
    ("resize", prediction, "resize_and_pad"),
    ("edges", prediction, "EdgeGuide"),
    ("outlines", photo_regions, "outline"),
    ("keypoints", photo_regions, "locate"),
]
GRAPHS: list[Part] = [
    *COMMON,
    ("body and proposals", OnnxEngine, "_encoded"),
    ("box head", OnnxEngine, "propose"),
    ("RoIAlign", Pooling, "regions"),
    ("NMS", onnx_engine, "batched_nms"),
    ("mask head", OnnxEngine, "masks"),
    ("keypoint head", OnnxEngine, "keypoints"),
]
TORCH: list[Part] = [
    *COMMON,
    ("body and proposals", TorchEngine, "encode"),
    ("body and proposals", RegionProposals, "score"),
    ("body and proposals", RegionProposals, "propose"),
    ("box head", TorchEngine, "detect"),
    ("RoIAlign", RegionPooler, "forward"),
    ("NMS", mask_rcnn, "batched_nms"),
    ("mask head", TorchEngine, "masks"),
    ("keypoint head", TorchEngine, "keypoints"),
]
"""What is beside a part in the call that stands for it is counted with it."""


@contextmanager
def timed(parts: list[Part], spent: defaultdict[str, float]) -> Iterator[None]:
    """Note the CPU time of each part, less that of parts within it."""
    inner = [0.0]

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever the part takes and gives
            inner.append(0.0)
            start = time.process_time()
            try:
                return work(*args, **more)
            finally:
                taken = time.process_time() - start
                spent[name] += 1000 * (taken - inner.pop())
                inner[-1] += taken

        return run

    patches = [patch.object(home, key, watched(name, getattr(home, key))) for name, home, key in parts]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def passes(predictor: Predictor, photo: NDArray[np.uint8]) -> dict[str, float]:
    """Return the least time of each part in milliseconds."""
    parts = GRAPHS if isinstance(predictor._engine, OnnxEngine) else TORCH
    best: dict[str, float] = {}
    for number in range(PASSES):
        spent: defaultdict[str, float] = defaultdict(float)
        start = time.process_time()
        with timed(parts, spent):
            predictor.set_image(photo)
            predictor.detect(SCORE)
        spent["all"] = 1000 * (time.process_time() - start)
        if number:
            best = {name: min(best.get(name, np.inf), spent[name]) for name in [*(part for part, _, _ in parts), "all"]}
    return best


def measure(args: argparse.Namespace) -> list[Record]:
    """Measure a photo of 640x480, in torch and in the graphs that a CPU computes with."""
    photo = cv2.resize(read_photo(SAMPLES / "group.jpg"), (640, 480), interpolation=cv2.INTER_AREA).astype(np.uint8)
    checkpoint = load(args.weights)
    graphs = Predictor(args.weights, "cpu")
    if not isinstance(graphs._engine, OnnxEngine):
        graphs = Predictor(export(checkpoint), "cpu")
    before, now = passes(Predictor(checkpoint, "cpu"), photo), passes(graphs, photo)
    arithmetic = graphs._engine.id.rpartition("-")[2]
    return [
        Record(f"{args.weights}: {name}", value, f"ms in {arithmetic}", f"{before[name]:.1f} ms in torch")
        for name, value in now.items()
    ]


if __name__ == "__main__":
    sys.exit(main("photo_parts", measure, lambda p: p.add_argument("--weights", default="builtin")))
