r"""Trains the heads of the default's network, its box head also on what the body for boxes knows.

    python -m tools.builtin_weights.distill --weights begun.safetensors \
        --train all80.json --train boxes.json --minutes 24 --output run.safetensors

A few thousand photos do not teach 80 classes. NanoDet learned them from 118,000, and its scores also tell how well a
box fits. So the box head learns, besides the labels, to be as sure of a class as the maps for boxes are at the cell
whose box lies nearest, times the overlap (Hinton et al., *Distilling the Knowledge in a Neural Network*, 2015). Bodies,
pyramids, the proposal network and the keypoint head keep their weights. The options are those of
`model.commands.train`.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_iou

from model.commands import train
from model.network import box_ops as geometry
from tools.builtin_weights.nanodet import CLASSES, SHIFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from model.config import TrainConfig
    from model.network.mask_rcnn import MaskRCNN
    from model.network.targets import Target
    from model.training.trainer import Trainer

RATES = {
    "backbone.": 0.0,
    "rpn.": 0.0,
    "roi_heads.keypoint_": 0.0,
    "roi_heads.mask_": 0.3,
    "roi_heads.box_predictor.bbox_pred.": 1.0,
    "roi_heads.box": 0.08,
}
"""Shares of the learning rate, by how the names of weights begin. With more, the box head's first layer, which has
thousands of weights to a unit, forgets faster than it learns."""
SOFT, HARD = 2.0, 0.3
"""Weights of the loss of classes as the maps have them, and as the labels have them."""
SEEN = 0.05
"""Probability of a class from which a cell tells anything."""
CELLS = 600
"""Cells of a photo, the surest, whose boxes regions are compared with."""


@torch.no_grad()
def told_classes(network: MaskRCNN, maps: list[Tensor], regions: list[Tensor], size: tuple[int, int]) -> Tensor:
    """Return what the maps for boxes say of the regions [N, 4] of each photo: probabilities [R, classes + 1]."""
    scored = network.rpn.score(maps, size)
    own_maps = network.rpn.maps(maps)
    logits = torch.cat([m[:, :CLASSES].float().flatten(2).transpose(1, 2) for m in own_maps], 1) - SHIFT
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
    """The losses of a network with that of its own maps for boxes; it takes what `MaskRCNN` takes."""

    def __init__(self, network: MaskRCNN) -> None:
        super().__init__()
        self.network = network
        self._maps: list[Tensor] = []
        self._regions = self._logits = torch.zeros(0)
        network.roi_heads.box_pool.register_forward_pre_hook(self._take_regions)
        network.roi_heads.box_predictor.register_forward_hook(self._take_logits)

    def _take_regions(self, _module: nn.Module, given: tuple[list[Tensor], Tensor, int]) -> None:
        self._maps, self._regions = given[:2]

    def _take_logits(self, _module: nn.Module, _given: object, made: tuple[Tensor, Tensor]) -> None:
        self._logits = made[0]

    def forward(
        self, images: Tensor, targets: list[Target], sampling: TrainConfig, mean_total: Callable[[int], float]
    ) -> dict[str, Tensor]:
        """Return the losses of what is trained."""
        found = self.network(images, targets, sampling, mean_total)
        regions = [self._regions[self._regions[:, 0] == i, 1:] for i in range(len(images))]
        told = told_classes(self.network, self._maps, regions, (images.shape[2], images.shape[3]))
        logits = self._logits.float().log_softmax(1)
        return {
            "class": HARD * found["class"],
            "soft": SOFT * functional.kl_div(logits, told, reduction="batchmean"),
            "box": found["box"],
            "mask": found["mask"],
        }


def parameter_groups(network: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """Take what keeps its weights out of training; return the optimiser's groups, biases without weight decay."""
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, value in network.named_parameters():
        share = next(rate for start, rate in RATES.items() if name.startswith(start))
        value.requires_grad = share > 0
        if share > 0:
            groups.setdefault((share, value.ndim > 1), []).append(value)
    return [
        {"params": values, "weight_decay": config.weight_decay if decayed else 0.0, "share": share}
        for (share, decayed), values in groups.items()
    ]


def distil(trainer: Trainer) -> None:
    """Have a trainer train the heads, and on both losses of classes."""
    groups = parameter_groups(trainer.network, trainer.config)
    trainer.parallel = Distillation(trainer.network)
    trainer.optimiser = torch.optim.AdamW(groups, trainer.config.learning_rate)


def main(arguments: Iterable[str] | None = None) -> int:
    """Train. Return what `model.commands.train.run` does."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.distill", description=(__doc__ or "").splitlines()[0]
    )
    train.add_arguments(parser)
    args = parser.parse_args(list(arguments) if arguments is not None else None)
    if args.annotations:
        parser.error("name the files with --train")
    return train.run(args, distil)


if __name__ == "__main__":
    sys.exit(main())
