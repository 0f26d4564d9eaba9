"""From a photo to polygons, against torchvision's Mask R-CNN with the same weights on the same photo."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import nn
from torchvision.models.detection import maskrcnn_resnet50_fpn
from torchvision.models.detection.roi_heads import paste_masks_in_image

from benchmarks.report import Record, main
from dataset.coco.categories import Category
from dataset.pictures.images import read_photo
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.weights import load
from model.config import ModelConfig
from model.graphs.export import export
from model.graphs.quantize import quantize
from model.inference.contours import mask_polygons
from model.inference.predictor import Predictor
from model.network.precision import BFLOAT16_VARIABLE, fast_type
from resources import SAMPLES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from numpy.typing import NDArray

RUNS = 5
ALLOWED = os.environ.get(BFLOAT16_VARIABLE, "")
"""What was asked for when this was started: `0` measures as if the processor had no 16-bit floats."""
SCORE = 0.05


def best(work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the least time of several runs in milliseconds, after one that does not count."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def stock_network() -> Any:  # noqa: ANN401 - torchvision's types end here
    """Return torchvision's network with random weights that find something."""
    torch.manual_seed(0)
    network: Any = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
    part: Any
    for name, part in network.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        if name.endswith("bn3"):
            part.weight.data.fill_(0.3)
        if name.endswith(("bbox_pred", "cls_score")):
            part.weight.data.mul_(0.05 if "bbox" in name else 0.6)
    return network.eval()


def stock_polygons(network: Any, photo: NDArray[np.uint8]) -> int:  # noqa: ANN401 - as above
    """Do what a program with torchvision does: detect, paste, trace. Return how many objects there are."""
    picture = torch.from_numpy(photo).permute(2, 0, 1).float() / 255
    with torch.inference_mode():
        masks = (network([picture])[0]["masks"][:, 0] > 0.5).numpy()
    outlines = [cv2.findContours(m.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0] for m in masks]
    return len(outlines)


def our_polygons(predictor: Predictor, photo: NDArray[np.uint8]) -> int:
    """The same with ours."""
    predictor.set_image(photo)
    return len(predictor.detect(SCORE))


def predictor_of(weights: str | Checkpoint, half: str) -> Predictor:
    """Return a predictor that may (``) or must not (`0`) use half precision."""
    os.environ[BFLOAT16_VARIABLE] = half or ALLOWED
    fast_type.cache_clear()
    return Predictor(weights, "cpu")


def engines(photo: NDArray[np.uint8], stock: Checkpoint) -> list[Record]:
    """Graphs against torch, both in 32-bit floats, with the builtin model and with ResNet-50."""
    records = []
    box = np.array([[100.0, 100.0, 300.0, 400.0]])
    for name, checkpoint in (("builtin", load("builtin")), ("R50-FPN", stock)):
        torchs, graphs = predictor_of(checkpoint, "0"), Predictor(export(checkpoint), "cpu")
        for what, work, runs in (
            ("to polygons", lambda p: our_polygons(p, photo), 3),
            ("mask for one box", lambda p: p.masks_for_boxes(box), 10),
        ):
            mine, theirs = (best(lambda p=p, work=work: work(p), runs) for p in (graphs, torchs))
            records.append(
                Record(f"{name}, graphs in float32: {what}", mine, "ms", f"torch {theirs:.0f} ms", mine / theirs)
            )
    return records


def eight_bits(photo: NDArray[np.uint8], stock: Checkpoint, theirs: float) -> Record:
    """ResNet-50 in 8-bit graphs, which is what computes where they are as good, against torchvision's network."""
    rounded = Predictor(quantize(export(stock), [photo] * 2), "cpu")
    mine = best(lambda: our_polygons(rounded, photo), 3)
    factor = 4 if fast_type("cpu") is torch.bfloat16 else 3
    return Record(
        "R50-FPN, graphs in 8 bits: to polygons",
        mine,
        "ms",
        f"{theirs:.0f} ms",
        mine / theirs,
        f"{factor} times faster",
        theirs >= factor * mine,
    )


def large_photo() -> list[Record]:
    """Everything after the mask head, for 50 objects on 12 megapixels."""
    size = (3000, 4000)
    random = np.random.default_rng(0)
    corner, side = random.uniform(0, 2400, (50, 2)), random.uniform(100, 600, (50, 2))
    boxes = np.concatenate([corner, corner + side], 1).astype(np.float32)
    noise = [cv2.GaussianBlur(random.normal(size=(28, 28)), (0, 0), 4) for _ in boxes]
    y, x = np.mgrid[-1:1:28j, -1:1:28j]
    masks = np.stack([1 / (1 + np.exp(-8 * (0.9 - np.hypot(x, y)) - 10 * n)) for n in noise]).astype(np.float32)

    def stock() -> None:
        pasted = paste_masks_in_image(torch.from_numpy(masks)[:, None], torch.from_numpy(boxes), size)
        for mask in (pasted[:, 0] > 0.5).numpy():
            cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)

    def ours() -> None:
        for mask, box in zip(masks, boxes, strict=True):
            mask_polygons(mask, box, size)

    mine, theirs = best(ours), best(stock, 1)
    aim = "20 times faster"
    return [
        Record(
            "12 MP, 50 objects: after the mask head",
            mine,
            "ms",
            f"{theirs:.0f} ms",
            mine / theirs,
            aim,
            theirs >= 20 * mine,
        )
    ]


def measure(_: argparse.Namespace) -> list[Record]:
    """Measure everything."""
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    photo = cv2.resize(read_photo(SAMPLES / "group.jpg"), (640, 480), interpolation=cv2.INTER_AREA).astype(np.uint8)
    box = np.array([[100.0, 100.0, 300.0, 400.0]])
    builtin = predictor_of("builtin", "")
    whole = best(lambda: our_polygons(builtin, photo))
    prompt = best(lambda: builtin.masks_for_boxes(box), 20)
    records = [
        Record("builtin: 640x480 photo to polygons", whole, "ms", aim="under 200 ms", met=whole < 200),
        Record("builtin: mask for one box", prompt, "ms", aim="under 25 ms", met=prompt < 25),
    ]
    stock = stock_network()
    categories = tuple(Category(i, f"class {i}") for i in range(1, 91))
    state = {name: value for name, value in stock.state_dict().items() if not name.endswith("num_batches_tracked")}
    same = Checkpoint(ModelConfig(classes=90), categories, state)
    theirs = best(lambda: stock_polygons(stock, photo), 2)
    for name, half, factor in (("half precision allowed", "", 3.0), ("float32", "0", 1.3)):
        ours = predictor_of(same, half)
        mine = best(lambda ours=ours: our_polygons(ours, photo), 3)
        aim = f"{factor} times faster"
        against = f"{theirs:.0f} ms"
        records.append(
            Record(f"R50-FPN, {name}: to polygons", mine, "ms", against, mine / theirs, aim, theirs >= factor * mine)
        )
        if not half:
            prompt = best(lambda ours=ours: ours.masks_for_boxes(box), 10)
            records.append(Record("R50-FPN: mask for one box", prompt, "ms", aim="under 60 ms", met=prompt < 60))
    os.environ[BFLOAT16_VARIABLE] = ALLOWED
    records.append(eight_bits(photo, same, theirs))
    return records + engines(photo, same) + large_photo()


if __name__ == "__main__":
    sys.exit(main("detect", measure))
