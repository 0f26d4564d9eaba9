r"""Trains the default's network with two teachers: what it began with, and the default of before.

    python -m tools.builtin_weights.distill --start start.safetensors --trained builtin --weights begun.safetensors \
        --train all80.json --train boxes.json --minutes 55 --output run.safetensors

With a few thousand photos a network forgets what NanoDet had learned from 118,000 (Li and Hoiem, *Learning without
Forgetting*, ECCV 2016). So besides the losses of the labels:

- classes and distances in the maps for boxes stay near those of the start, everywhere in the photo;
- the box head is as sure of a class as the start's maps are at the cell whose box lies nearest, times the overlap: a
  score that also tells how well a box fits, which the labels alone do not teach;
- the maps for masks become those of the default of before, whose heads they are for (Romero et al., *FitNets*, 2015).

The proposal network and the layers of the maps for boxes keep the start's weights. The options are those of
`model.commands.train`.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_iou

from dataset.messages import UserError
from model import console
from model.checkpoints import weights
from model.commands import train
from model.distributed import ProcessGroup
from model.network import box_ops as geometry
from model.network.rpn_head import BINS
from model.protocol import Done, Notice
from tools.builtin_weights.nanodet import CLASSES, OUTPUTS, SHIFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from model.config import TrainConfig
    from model.network.mask_rcnn import MaskRCNN
    from model.network.targets import Target

RATES = {
    "rpn.": 0.0,
    "backbone.body.": 0.3,
    "backbone.fpn.inner_blocks.": 0.3,
    "backbone.fpn.layer_blocks.": 0.0,
    "backbone.fpn.output_blocks.": 0.0,
    "roi_heads.box": 0.5,
}
"""Shares of the learning rate, by how the names of weights begin; 1 for the others."""
NEAR, FEATURES, SOFT, HARD = 3.0, 2.0, 2.0, 0.3
"""Weights of the losses: maps for boxes, maps for masks, classes as the start has them, and as the labels have them."""
SEEN = 0.05
"""Probability of a class from which a cell tells anything."""
CELLS = 600
"""Cells of a photo, the surest, whose boxes regions are compared with."""
MOMENTUM = 0.99


def near(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Return how far maps for boxes [B, C, h, w] are from others: cross-entropy of classes and of distances.

    Both are relative to their least value, and averaged over what the others are sure of.
    """
    total, count = torch.zeros(()), 0.0
    for mine, true in zip(ours, theirs, strict=True):
        chances = (true[:, :CLASSES].float() - SHIFT).sigmoid()
        logits = mine[:, :CLASSES].float() - SHIFT
        least = functional.binary_cross_entropy(chances, chances, reduction="sum")
        classes = functional.binary_cross_entropy_with_logits(logits, chances, reduction="sum") - least
        sure = chances.amax(1).clamp(min=SEEN) - SEEN  # [B, h, w]
        bins, wanted = (m[:, CLASSES:OUTPUTS].float().unflatten(1, (4, BINS)).log_softmax(2) for m in (mine, true))
        sides = functional.kl_div(bins, wanted, log_target=True, reduction="none").sum(2).mean(1)
        total = total + classes + (sides * sure).sum()
        count += float(sure.sum())
    return total / max(count, 1.0)


@torch.no_grad()
def told_classes(start: MaskRCNN, maps: list[Tensor], regions: list[Tensor], size: tuple[int, int]) -> Tensor:
    """Return what the start's maps say of the regions [N, 4] of each photo: probabilities [R, classes + 1]."""
    scored = start.rpn.score(maps, size)
    boxes_maps = start.rpn.maps(maps)
    logits = torch.cat([m[:, :CLASSES].float().flatten(2).transpose(1, 2) for m in boxes_maps], 1) - SHIFT
    found = []
    for own, offsets, cells in zip(regions, scored.offsets, logits, strict=True):
        best = cells.amax(1).topk(min(CELLS, len(cells))).indices
        boxes = geometry.decode(offsets[best], scored.anchors[best], geometry.RPN_WEIGHTS)[:, 0]
        overlap, nearest = box_iou(own.float(), geometry.clip(boxes, size)).max(1)
        seen = cells[best][nearest].sigmoid()
        chances = seen * (seen > SEEN) * overlap[:, None]  # the least of so many classes would add up
        chances = chances / chances.sum(1, keepdim=True).clamp(min=1)
        found.append(torch.cat([(1 - chances.sum(1, keepdim=True)).clamp(min=0), chances], 1))
    return torch.cat(found)


class Distillation(nn.Module):
    """The losses of a network with its teachers'; it takes what `MaskRCNN` takes."""

    def __init__(self, student: MaskRCNN, start: MaskRCNN, trained: MaskRCNN) -> None:
        super().__init__()
        self.student = student
        self._teachers = [m.eval().requires_grad_(requires_grad=False) for m in (start, trained)]
        self._maps: list[Tensor] = []
        self._regions = self._logits = torch.zeros(0)
        self._spreads: list[float] = []  # of each of the trained network's maps
        student.backbone.fpn.register_forward_hook(self._take_maps)  # type: ignore[union-attr]
        student.roi_heads.box_pool.register_forward_pre_hook(self._take_regions)
        student.roi_heads.box_predictor.register_forward_hook(self._take_logits)

    def _take_maps(self, _module: nn.Module, _given: object, made: dict[str, Tensor]) -> None:
        self._maps = list(made.values())

    def _take_regions(self, _module: nn.Module, given: tuple[list[Tensor], Tensor, int]) -> None:
        self._regions = given[1]

    def _take_logits(self, _module: nn.Module, _given: object, made: tuple[Tensor, Tensor]) -> None:
        self._logits = made[0]

    def forward(
        self, images: Tensor, targets: list[Target], sampling: TrainConfig, mean_total: Callable[[int], float]
    ) -> dict[str, Tensor]:
        """Return the losses; the proposal network has none."""
        found = self.student(images, targets, sampling, mean_total)
        start, trained = self._teachers
        with torch.no_grad():
            begun, known = start.encode(images), trained.encode(images)[trained.config.mask_maps]
        config = self.student.config
        regions = [self._regions[self._regions[:, 0] == i, 1:] for i in range(len(images))]
        told = told_classes(start, begun, regions, (images.shape[2], images.shape[3]))
        logits = self._logits.float().log_softmax(1)
        return {
            **{name: value for name, value in found.items() if not name.startswith("rpn_")},
            "class": HARD * found["class"],
            "near": NEAR * near(self._maps[config.box_maps], begun[config.box_maps]),
            "soft": SOFT * functional.kl_div(logits, told, reduction="batchmean"),
            "features": FEATURES * self._distance(self._maps[config.mask_maps], known),
        }

    def _distance(self, ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
        """Return the mean square of the differences of maps, relative to the variance of `theirs`."""
        spreads = [float(m.float().var()) for m in theirs]
        kept = self._spreads or spreads
        self._spreads = [MOMENTUM * a + (1 - MOMENTUM) * b for a, b in zip(kept, spreads, strict=True)]
        pairs = zip(ours, theirs, self._spreads, strict=True)
        return torch.stack([(a.float() - b.float()).square().mean() / spread for a, b, spread in pairs]).mean()


def parameter_groups(network: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """Return the optimiser's groups with their shares of the rate; biases without weight decay."""
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, value in network.named_parameters():
        share = next((rate for start, rate in RATES.items() if name.startswith(start)), 1.0)
        if value.requires_grad:
            groups.setdefault((share, value.ndim > 1), []).append(value)
    return [
        {"params": values, "weight_decay": config.weight_decay if decayed else 0.0, "share": share}
        for (share, decayed), values in groups.items()
    ]


def main(arguments: Iterable[str] | None = None) -> int:
    """Train. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.distill", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--start", type=Path, required=True, metavar="FILE", help="what the network began with")
    parser.add_argument("--trained", required=True, metavar="NAME|FILE", help="whose heads it has")
    train.add_arguments(parser)
    args: Any = parser.parse_args(list(arguments) if arguments is not None else None)
    team = ProcessGroup()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    on_event = console.event_writer(json_lines=args.json, leads=True)
    try:
        trainer = train.prepare(args, team, lambda text: on_event(Notice(text)))
        teachers = (weights.network_of(weights.load(name)).to(trainer.device) for name in (args.start, args.trained))
        faster = partial(torch.nn.Module.to, memory_format=torch.channels_last)
        trainer.parallel = Distillation(trainer.network, *(faster(teacher) for teacher in teachers))  # type: ignore[arg-type]
        groups = parameter_groups(trainer.network, trainer.config)
        trainer.optimiser = torch.optim.AdamW(groups, trainer.config.learning_rate)
        if args.resume:
            trainer.resume()
        trainer.run(on_event)
    except UserError as error:
        console.print_message(str(error))
        return 2
    on_event(Done(str(args.output)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
