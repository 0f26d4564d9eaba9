"""Mask R-CNN: backbone, proposals, and three heads on the regions (paper, sec. 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms

from model.network import box_ops as geometry
from model.network import losses
from model.network.roi_heads import RegionHeads
from model.network.rpn import RegionProposals

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.config import ModelConfig, TrainConfig
    from model.network.backbone import Pyramid, SingleScale
    from model.network.targets import Target

POSITIVE_IOU = 0.5
"""A region that overlaps a true box this much is positive (paper, sec. 3.1)."""
MIN_SIZE = 1e-2
"""Detections with a side below this many pixels are dropped."""


@dataclass
class Detections:
    """What was found in one photo. Coordinates are pixels of the network's input picture."""

    boxes: Tensor  # [N, 4] float32 xyxy
    scores: Tensor  # [N] float32, descending
    labels: Tensor  # [N] int64, 1 to classes


@dataclass
class _Sample:
    """The regions of one photo that the heads train on; the first `positives` of them lie on an object."""

    regions: Tensor  # [R, 4]
    positives: int
    index: Tensor  # [positives] the instance of each positive region


class MaskRCNN(nn.Module):
    """A network of the family. Calling it gives the training losses; `encode` and what follows predict."""

    def __init__(self, config: ModelConfig, backbone: Pyramid | SingleScale) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.rpn = RegionProposals(config, backbone.channels)
        self.roi_heads = RegionHeads(config, backbone.channels)

    def forward(
        self,
        images: Tensor | dict[str, Tensor],
        targets: list[Target],
        sampling: TrainConfig,
        mean_total: Callable[[int], float] = float,
    ) -> dict[str, Tensor]:
        """Return the losses, each a scalar: rpn_objectness, rpn_box, class, box, and mask and keypoint with such heads.

        Args:
            images: [B, 3, H, W] normalised pictures, or what `body_maps` made of them.
            targets: What is true of each.
            sampling: How many anchors and regions are drawn.
            mean_total: Gives, for the number of anchors, regions, masks or keypoints that a loss is over, what to
                divide by: the number itself, or, of several processes, the mean of theirs.
        """

        def divisor(count: int) -> float:
            return max(1.0, mean_total(count))

        maps = images if isinstance(images, dict) else self.body_maps(images)
        finest = next(iter(maps.values()))
        size = (finest.shape[2] * self.config.strides[0], finest.shape[3] * self.config.strides[0])
        features = self.neck(maps)
        with torch.no_grad():
            scored = self.rpn.score(features, size)
        found = self.rpn.losses(features, scored, targets, sampling, divisor)
        proposals = self.rpn.propose(
            scored, [size] * len(targets), pre_nms=sampling.rpn_pre_nms, post_nms=sampling.rpn_post_nms
        )
        samples = [_draw(p.boxes, t, sampling) for p, t in zip(proposals, targets, strict=True)]
        found |= self._box_losses(features, samples, targets, divisor)
        if self.roi_heads.mask_head is not None:
            found["mask"] = self._mask_loss(features, samples, targets, sampling, divisor)
        if self.roi_heads.keypoint_head is not None:
            found["keypoint"] = self._keypoint_loss(features, samples, targets, sampling, divisor)
        return found

    def body_maps(self, images: Tensor) -> dict[str, Tensor]:
        """Run the body on pictures [B, 3, H, W], sides multiples of its coarsest stride; return its maps, fine first.

        They are a quarter of the size of the pyramid's, so they are what is kept of photos when the body is frozen.
        """
        return self.backbone.body(images)

    def neck(self, maps: dict[str, Tensor]) -> list[Tensor]:
        """Return the maps that `encode` does, from what `body_maps` returned."""
        return self.backbone.neck(maps)

    def encode(self, images: Tensor) -> list[Tensor]:
        """Run the backbone on normalised pictures [B, 3, H, W]; return its maps, from fine to coarse."""
        return self.backbone(images)

    def detect(
        self,
        features: list[Tensor],
        size: tuple[int, int],
        sizes: list[tuple[int, int]],
        *,
        score: float,
        most: int,
        maps: list[Tensor] | None = None,
    ) -> list[Detections]:
        """Find objects.

        Args:
            features: What `encode` returned.
            size: (height, width) of the batch's tensor, padding included.
            sizes: (height, width) of each picture in it.
            score: Least score of a detection.
            most: Detections a picture at most (paper, sec. 3.1: the top 100 go to the mask head).
            maps: The features in the precision that regions are pooled in, when that is another.
        """
        refined = self.refine(features, size, sizes, maps=maps)
        return [self._select(chances[:, 1:], boxes[:, 1:], score=score, most=most) for chances, boxes in refined]

    def refine(
        self,
        features: list[Tensor],
        size: tuple[int, int],
        sizes: list[tuple[int, int]],
        *,
        maps: list[Tensor] | None = None,
    ) -> list[tuple[Tensor, Tensor]]:
        """Return what the box head makes of each picture's proposals; the arguments are those of `detect`.

        Probabilities [R, classes + 1], the first background's, and the box of each class [R, classes + 1, 4].
        """
        config = self.config
        scored = self.rpn.score(features, size)
        proposals = self.rpn.propose(scored, sizes, pre_nms=config.rpn_pre_nms, post_nms=config.rpn_post_nms)
        logits, offsets = self.roi_heads.classify(maps or features, [p.boxes for p in proposals])
        counts = [len(p.boxes) for p in proposals]
        return [
            (
                with_objectness(own.softmax(1), found.objectness) if config.rpn_score else own.softmax(1),
                geometry.clip(geometry.decode(moved, found.boxes, geometry.HEAD_WEIGHTS), inner),
            )
            for found, own, moved, inner in zip(
                proposals, logits.split(counts), offsets.split(counts), sizes, strict=True
            )
        ]

    def _select(self, scores: Tensor, boxes: Tensor, *, score: float, most: int) -> Detections:
        """Return what is left of proposals with scores [R, K] and boxes [R, K, 4]."""
        region, label = torch.nonzero(scores > score, as_tuple=True)
        boxes, scores, labels = boxes[region, label], scores[region, label], label + 1
        large = ((boxes[:, 2:] - boxes[:, :2]) >= MIN_SIZE).all(1)
        boxes, scores, labels = boxes[large], scores[large], labels[large]
        keep = batched_nms(boxes, scores, labels, self.config.box_nms)[:most]
        return Detections(boxes[keep], scores[keep], labels[keep])

    def _box_losses(
        self, features: list[Tensor], samples: list[_Sample], targets: list[Target], divisor: Callable[[int], float]
    ) -> dict[str, Tensor]:
        logits, offsets = self.roi_heads.classify(features, [s.regions for s in samples])
        labels, complete, wanted, positive = [], [], [], []
        for sample, target in zip(samples, targets, strict=True):
            own = torch.zeros(len(sample.regions), dtype=torch.int64, device=logits.device)
            own[: sample.positives] = target.labels[sample.index]
            labels.append(own)
            complete.append(target.complete.expand(len(own), -1))
            base, true = sample.regions[: sample.positives], target.boxes[sample.index]
            wanted.append(geometry.encode(true, base, geometry.HEAD_WEIGHTS))
            positive.append(own > 0)
        label, chosen = torch.cat(labels), torch.cat(positive)
        total = divisor(len(label))
        return {
            "class": losses.class_loss(logits, label, torch.cat(complete), total),
            "box": losses.box_loss(offsets[chosen], torch.cat(wanted), label[chosen], total),
        }

    def _mask_loss(
        self,
        features: list[Tensor],
        samples: list[_Sample],
        targets: list[Target],
        sampling: TrainConfig,
        divisor: Callable[[int], float],
    ) -> Tensor:
        regions, grids, grid_boxes, labels = [], [], [], []
        for sample, target in zip(samples, targets, strict=True):
            chosen = torch.nonzero(target.has_mask[sample.index]).flatten()[: sampling.mask_batch]
            index = sample.index[chosen]
            regions.append(sample.regions[chosen])
            grids.append(target.masks[index])
            grid_boxes.append(target.mask_boxes[index])
            labels.append(target.labels[index])
        count = sum(map(len, regions))
        total = divisor(count)  # a collective operation: every process calls it, also one without masks
        if count == 0:
            return _nothing(self.roi_heads.mask_head, self.roi_heads.mask_predictor)
        logits = self.roi_heads.masks(features, regions)
        wanted = losses.mask_targets(torch.cat(grids), torch.cat(grid_boxes), torch.cat(regions), logits.shape[-1])
        label = torch.cat(labels)
        own = losses.mask_loss(logits, wanted, label, self.config.mask_loss, total)
        if not self.config.draws_anything:
            return own
        return own + losses.mask_loss(logits, wanted, torch.zeros_like(label), self.config.mask_loss, total)

    def _keypoint_loss(
        self,
        features: list[Tensor],
        samples: list[_Sample],
        targets: list[Target],
        sampling: TrainConfig,
        divisor: Callable[[int], float],
    ) -> Tensor:
        regions, cells, counts = [], [], []
        for sample, target in zip(samples, targets, strict=True):
            boxes = sample.regions[: sample.positives]
            cell, count = losses.keypoint_targets(target.keypoints[sample.index], boxes)
            chosen = torch.nonzero(count.any(1)).flatten()[: sampling.mask_batch]
            regions.append(boxes[chosen])
            cells.append(cell[chosen])
            counts.append(count[chosen])
        count = sum(map(len, regions))
        total = divisor(sum(int(c.sum()) for c in counts))
        if count == 0:
            return _nothing(self.roi_heads.keypoint_head, self.roi_heads.keypoint_predictor)
        logits = self.roi_heads.keypoints(features, regions)
        return losses.keypoint_loss(logits, torch.cat(cells), torch.cat(counts), total)


def _nothing(*modules: nn.Module | None) -> Tensor:
    """Return a loss of 0 that still reaches every weight, as training on several machines at once needs."""
    return torch.stack([p.sum() * 0 for m in modules if m is not None for p in m.parameters()]).sum()


def with_objectness(chances: Tensor, objectness: Tensor) -> Tensor:
    """Return the scores [R, classes + 1] of regions with `rpn_score`; background's probability stays.

    Args:
        chances: [R, classes + 1] of the box head.
        objectness: [R] of the proposal network.
    """
    return torch.cat([chances[:, :1], (chances[:, 1:] * objectness[:, None]).sqrt()], 1)


@torch.no_grad()
def _draw(proposals: Tensor, target: Target, sampling: TrainConfig) -> _Sample:
    """Draw regions, a quarter of them positive if there are enough (paper, sec. 3.1); true boxes count as proposals."""
    regions = torch.cat([proposals, target.boxes])
    matched = geometry.match(regions, target.boxes, POSITIVE_IOU, POSITIVE_IOU, keep_best=False)
    ignored = geometry.inside_share(regions, target.ignore) > 0.5
    matched = torch.where((matched == -1) & ignored, -2, matched)
    positives, negatives = geometry.sample(matched, sampling.box_batch, sampling.box_positive, target.draws(1))
    return _Sample(regions[torch.cat([positives, negatives])], len(positives), matched[positives])
