"""Training photos a second, against torchvision's networks trained as its reference scripts train them.

Both train the builtin network (MobileNetV2, pyramid, box, mask and keypoint heads) from the same weights on the same
photos at the same size, with as many anchors, proposals and regions a photo; each with its own data loading. Then both
once more with a frozen backbone, of which ours keeps what it makes of the photos: as in a round that trains heads only.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from pycocotools import coco as pycoco
from torch.utils.data import DataLoader, Dataset
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNN as StockMaskRCNN
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign
from torchvision.transforms import v2

from benchmarks.photos import SHARED
from benchmarks.report import Record, main
from dataset.coco.reader import Source, load_coco
from model.config import FROM_SCRATCH, TrainConfig
from model.data.batching import ORIENTATIONS, plan_batches, samples_of
from model.data.feature_cache import open_cache
from model.data.training_dataset import TrainingDataset, data_loader, fill_cache
from model.data.training_images import classes_of, read_photos
from model.network.backbone import Body, stage_widths
from model.network.build import build
from model.training.trainer import Trainer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from model.config import ModelConfig
    from model.network.mask_rcnn import MaskRCNN

SIDE = 352
"""Short side of every picture."""
STEPS = 5
"""Steps that count, after WARM that do not."""
WARM = 2
WORKERS = (0, 2)
"""torchvision's script loads photos in processes of their own; what is faster here counts."""
TRAINING = TrainConfig(batch=4, scales=(SIDE,), early_scales=(SIDE,), jitter=(1.0, 1.0), colour=0.0, ema=0.0)


def stock_network(config: ModelConfig, training: TrainConfig) -> Any:  # noqa: ANN401 - torchvision's types end here
    """Return torchvision's network of a config with a pyramid, in training mode."""
    assert config.keypoints
    body = Body(config.backbone, width=config.width)
    widths = stage_widths(body.parts, body.stages)
    layers = {name: str(i) for i, name in enumerate(body.stages)}
    backbone = BackboneWithFPN(body.parts, layers, widths, config.channels)
    names, outputs = ["0", "1", "2", "3"], config.classes + 1
    network: Any = StockMaskRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator(
            tuple((s,) for s in config.anchor_sizes), (config.anchor_ratios,) * len(config.anchor_sizes)
        ),
        box_head=TwoMLPHead(config.channels * 7 * 7, config.box_width),
        box_predictor=FastRCNNPredictor(config.box_width, outputs),
        mask_head=MaskRCNNHeads(config.channels, (config.channels,) * 4, 1),
        mask_predictor=MaskRCNNPredictor(config.channels, config.channels, outputs),
        min_size=SIDE,
        max_size=SIDE * 4 // 3,
        rpn_pre_nms_top_n_train=training.rpn_pre_nms,
        rpn_post_nms_top_n_train=training.rpn_post_nms,
        rpn_batch_size_per_image=training.rpn_batch,
        box_batch_size_per_image=training.box_batch,
    )
    width = (config.keypoint_width,) * config.keypoint_convs
    network.roi_heads.keypoint_roi_pool = MultiScaleRoIAlign(names, 14, 2)
    network.roi_heads.keypoint_head = KeypointRCNNHeads(config.channels, width)
    network.roi_heads.keypoint_predictor = KeypointRCNNPredictor(config.keypoint_width, config.keypoints)
    return network.train()


class StockPhotos(Dataset[Any]):
    """Photos as torchvision's reference loads them: PIL, full-size masks of every object, flips."""

    def __init__(self, annotations: Path, folder: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            self.coco: Any = pycoco.COCO(str(annotations))
        self.folder = folder
        self.ids = [i for i in self.coco.imgs if self.coco.getAnnIds(imgIds=[i], iscrowd=False)]
        self.change = v2.Compose([v2.RandomHorizontalFlip(0.5), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        record = self.coco.imgs[self.ids[index]]
        picture = Image.open(self.folder / record["file_name"]).convert("RGB")
        objects: list[Any] = self.coco.loadAnns(self.coco.getAnnIds(imgIds=[record["id"]], iscrowd=False))
        boxes = torch.tensor([a["bbox"] for a in objects], dtype=torch.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        masks = np.stack([self.coco.annToMask(a) for a in objects])
        points = [a.get("keypoints") or [0.0] * 51 for a in objects]
        kept = (boxes[:, 2:] > boxes[:, :2]).all(1)
        target = {
            "boxes": boxes[kept],
            "labels": torch.ones(int(kept.sum()), dtype=torch.int64),
            "masks": torch.from_numpy(masks)[kept],
            "keypoints": torch.tensor(points, dtype=torch.float32).reshape(-1, 17, 3)[kept],
        }
        return self.change(picture), target


def _listed(samples: list[Any]) -> tuple[Any, ...]:
    return tuple(zip(*samples, strict=True))


class Stock:
    """torchvision's loop: SGD with momentum, float32."""

    def __init__(self, network: Any, photos: StockPhotos, batch: int, workers: int) -> None:  # noqa: ANN401
        self.network = network
        parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, weight_decay=1e-4)
        generator = torch.Generator().manual_seed(0)
        self.loader = DataLoader(
            photos, batch, shuffle=True, num_workers=workers, collate_fn=_listed, drop_last=True, generator=generator
        )

    def steps(self) -> Iterator[int]:
        """Take steps, and say after each how many photos it had."""
        for images, targets in self.loader:
            losses = self.network(list(images), [dict(t) for t in targets])
            total = torch.stack(list(losses.values())).sum()
            self.optimiser.zero_grad()
            total.backward()
            self.optimiser.step()
            yield len(images)


class Ours:
    """This project's loop, and how long it waits for photos."""

    def __init__(self, network: MaskRCNN, annotations: Path, training: TrainConfig) -> None:
        categories = classes_of([(annotations, load_coco(annotations))], by_supercategory=False)
        photos = read_photos([Source(annotations)], categories, by_supercategory=False)
        output, device = Path("unused.safetensors"), torch.device("cpu")
        self.trainer = Trainer(network, tuple(categories), samples_of(photos), training, output=output, device=device)
        self.waited = 0.0

    def steps(self) -> Iterator[int]:
        """Take steps, and say after each how many photos it had."""
        trainer = self.trainer
        plans = plan_batches(trainer.samples, trainer.config, 0, groups=ORIENTATIONS)
        dataset = TrainingDataset(trainer.samples, plans, trainer.config, trainer.masks, mirror=trainer.mirror)
        for batch in self._timed(data_loader(dataset)):
            trainer.step(batch)
            yield len(batch.names)

    def _timed(self, source: Iterable[Any]) -> Iterator[Any]:
        iterator = iter(source)
        while True:
            start = time.perf_counter()
            batch = next(iterator, None)
            self.waited += time.perf_counter() - start
            if batch is None:
                return
            yield batch


class Kept:
    """This project's rounds with a frozen body, whose maps were computed before."""

    def __init__(self, network: MaskRCNN, annotations: Path, training: TrainConfig, folder: Path) -> None:
        self.trainer = Ours(network, annotations, replace(training, freeze="neck")).trainer
        config, device = self.trainer.config, self.trainer.device
        samples = self.trainer.samples[: config.batch * (STEPS + WARM)]
        cache = open_cache(folder, network, samples, config, device)
        assert cache
        cache.variants = 1
        self.dataset = TrainingDataset(
            samples,
            plan_batches(samples, config, 0),
            config,
            self.trainer.masks,
            mirror=self.trainer.mirror,
            cache=cache,
        )
        fill_cache(cache, network, self.dataset, device, lambda *_: None)

    def steps(self) -> Iterator[int]:
        """Take steps, and say after each how many photos it had."""
        while True:
            for batch in data_loader(self.dataset):
                self.trainer.step(batch)
                yield len(batch.names)


def photos_a_second(steps: Iterator[int], count: int = STEPS, warm: int = WARM) -> tuple[float, float]:
    """Return photos a second over `count` steps, after `warm` that do not count, and how many seconds those took."""
    for _ in range(warm):
        next(steps)
    start = time.perf_counter()
    photos = sum(next(steps) for _ in range(count))
    seconds = time.perf_counter() - start
    return photos / seconds, seconds


def measure(args: argparse.Namespace) -> list[Record]:
    """Measure both."""
    annotations: Path = args.annotations
    if not annotations.is_file():
        sys.exit(f"{annotations} is missing: name a COCO file of persons, with masks and keypoints, by --annotations.")
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    config = replace(FROM_SCRATCH, classes=1)
    network = build(config)
    stock = stock_network(config, TRAINING)
    shared = {k: v for k, v in network.state_dict().items() if k in stock.state_dict()}
    stock.load_state_dict(shared, strict=False)
    folder = Source(annotations).folder()
    theirs = 0.0
    for workers in WORKERS:
        loop = Stock(stock, StockPhotos(annotations, folder), TRAINING.batch, workers)
        theirs = max(theirs, photos_a_second(loop.steps())[0])
    ours = Ours(network, annotations, TRAINING)
    steps = ours.steps()
    for _ in range(WARM):
        next(steps)
    ours.waited = 0.0
    mine, seconds = photos_a_second(steps, warm=0)
    waits = 100 * ours.waited / seconds
    stock.backbone.body.requires_grad_(requires_grad=False)
    frozen = photos_a_second(Stock(stock, StockPhotos(annotations, folder), TRAINING.batch, 0).steps())[0]
    with tempfile.TemporaryDirectory() as kept:
        cached = photos_a_second(Kept(network, annotations, TRAINING, Path(kept)).steps())[0]
    against = f"{theirs:.2f} /s"
    return [
        Record(
            "training, builtin network", mine, "photos/s", against, mine / theirs, "1.5 times", mine >= 1.5 * theirs
        ),
        Record(
            "the same, frozen body, kept features", cached, "photos/s", f"{frozen:.2f} /s", cached / frozen, "", None
        ),
        Record("share of a step that waits for photos", waits, "%", aim="under 5 %", met=waits < 5),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    default = SHARED.parent / "train.json"
    parser.add_argument("--annotations", type=Path, default=default, help="COCO file of persons, photos beside it")


if __name__ == "__main__":
    sys.exit(main("training", measure, add_arguments))
