"""The region proposal network (Ren et al., *Faster R-CNN*, NIPS 2015, sec. 3; with a pyramid: FPN, sec. 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import batched_nms

from model.network import box_ops as geometry
from model.network.rpn_head import DistanceHead, ProposalHead

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.config import ModelConfig, TrainConfig
    from model.network.targets import Target

POSITIVE_IOU, NEGATIVE_IOU = 0.7, 0.3
"""Faster R-CNN, sec. 3.1.2."""
SMOOTH = 1 / 9
"""Where the smooth L1 loss turns from square to straight (Faster R-CNN's code)."""
MIN_SIZE = 1e-3
"""Proposals with a side below this many pixels are dropped."""


class Proposals(NamedTuple):
    """Regions of one photo, best first."""

    boxes: Tensor
    """[N, 4] xyxy."""
    objectness: Tensor
    """[N] probabilities of being an object."""


@dataclass
class Scored:
    """Every anchor of a batch with its logit and its offsets. A is the number of anchors of all levels."""

    anchors: Tensor  # [A, 4] xyxy
    objectness: Tensor  # [B, A] logits
    offsets: Tensor  # [B, A, 4]
    per_level: list[int]  # anchors a level


class RegionProposals(nn.Module):
    """Scores anchors as object or not, and turns the best into proposals."""

    def __init__(self, config: ModelConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        self.strides = strides = config.strides[config.rpn_maps]
        sizes = config.anchor_sizes
        per_level = tuple((s,) for s in sizes) if len(strides) == len(sizes) else (tuple(sizes),) * len(strides)
        self.anchor_generator = AnchorGenerator(per_level, (config.anchor_ratios,) * len(strides))
        count = self.anchor_generator.num_anchors_per_location()[0]
        if config.rpn_box == "distances":
            self.head: ProposalHead = DistanceHead(channels, sizes[0] / strides[0], config.rpn_convs, config.rpn_kinds)
        else:
            self.head = ProposalHead(channels, count, config.rpn_convs)

    def maps(self, features: list[Tensor]) -> list[Tensor]:
        """Return those of the backbone's maps that proposals come from."""
        return features[self.config.rpn_maps]

    def score(self, features: list[Tensor], size: tuple[int, int]) -> Scored:
        """Score every anchor. `features` are maps [B, C, H, W], `size` the padded (height, width) of the pictures."""
        features = self.maps(features)
        objectness, offsets = self.head(features)
        grids = [(f.shape[2], f.shape[3]) for f in features]
        device = features[0].device
        steps = [[torch.tensor(step, device=device) for step in pair] for pair in self._steps(grids, size)]
        self.anchor_generator.set_cell_anchors(torch.float32, device)
        anchors = self.anchor_generator.grid_anchors([list(g) for g in grids], steps)
        flat_scores, flat_offsets = [], []
        for scores, deltas in zip(objectness, offsets, strict=True):  # [B, K, H, W], [B, K * 4, H, W]
            batch, count, height, width = scores.shape
            flat_scores.append(scores.permute(0, 2, 3, 1).reshape(batch, -1))
            deltas = deltas.view(batch, count, 4, height, width).permute(0, 3, 4, 1, 2)  # noqa: PLW2901
            flat_offsets.append(deltas.reshape(batch, -1, 4))
        return Scored(
            torch.cat(anchors),
            torch.cat(flat_scores, 1).float(),
            torch.cat(flat_offsets, 1).float(),
            [len(a) for a in anchors],
        )

    def _steps(self, grids: list[tuple[int, int]], size: tuple[int, int]) -> list[tuple[int, int]]:
        """Return the pixels between anchors of each map: as torchvision has it, or the strides of a body for boxes."""
        if self.config.box_body != "none":
            return [(stride, stride) for stride in self.strides]
        return [(size[0] // height, size[1] // width) for height, width in grids]

    @torch.no_grad()
    def propose(self, scored: Scored, sizes: list[tuple[int, int]], *, pre_nms: int, post_nms: int) -> list[Proposals]:
        """Return each photo's proposals, clipped to its (height, width) in `sizes`."""
        found = []
        for objectness, offsets, size in zip(scored.objectness, scored.offsets, sizes, strict=True):
            chosen, level = [], []
            start = 0
            for index, count in enumerate(scored.per_level):
                top = objectness[start : start + count].topk(min(pre_nms, count)).indices + start
                chosen.append(top)
                level.append(torch.full_like(top, index))
                start += count
            kept, levels = torch.cat(chosen), torch.cat(level)
            boxes = geometry.decode(offsets[kept], scored.anchors[kept], geometry.RPN_WEIGHTS)[:, 0]
            boxes = geometry.clip(boxes, size)
            scores = torch.sigmoid(objectness[kept])
            large = ((boxes[:, 2:] - boxes[:, :2]) >= MIN_SIZE).all(1)
            boxes, scores, levels = boxes[large], scores[large], levels[large]
            keep = batched_nms(boxes, scores, levels, self.config.rpn_nms)[:post_nms]
            found.append(Proposals(boxes[keep], scores[keep]))
        return found

    def losses(
        self,
        features: list[Tensor],
        scored: Scored,
        targets: list[Target],
        sampling: TrainConfig,
        divisor: Callable[[int], float],
    ) -> dict[str, Tensor]:
        """Return the losses of objectness and box (Faster R-CNN, eq. 1).

        Args:
            features: Maps [B, C, H, W], which get a gradient.
            scored: What `score` made of them; no gradient is needed.
            targets: The ground truth of each photo.
            sampling: How anchors are drawn.
            divisor: As in `MaskRCNN.forward`.
        """
        drawn, truth, wanted = [], [], []
        for scores, target in zip(scored.objectness, targets, strict=True):
            matched = geometry.match(scored.anchors, target.boxes, NEGATIVE_IOU, POSITIVE_IOU, keep_best=True)
            ignored = geometry.inside_share(scored.anchors, target.ignore) > 0.5
            if not target.complete.all():
                # What is scored as an object may be one that is not labelled: it enters no loss.
                ignored |= scores > 0
            matched = torch.where((matched == -1) & ignored, -2, matched)
            positives, negatives = geometry.sample(matched, sampling.rpn_batch, 0.5, target.draws(0))
            drawn.append(torch.cat([positives, negatives]))
            truth.append(torch.cat([torch.ones(len(positives)), torch.zeros(len(negatives))]).to(scores.device))
            base, true = scored.anchors[positives], target.boxes[matched[positives]]
            wanted.append(geometry.encode(true, base, geometry.RPN_WEIGHTS))
        labels = torch.cat(truth)
        scores, offsets = self._again(features, scored, drawn)
        count = divisor(len(labels))
        objectness = functional.binary_cross_entropy_with_logits(scores, labels, reduction="sum")
        box = functional.smooth_l1_loss(offsets[labels > 0], torch.cat(wanted), reduction="sum", beta=SMOOTH)
        return {"rpn_objectness": objectness / count, "rpn_box": box / count}

    def _again(self, features: list[Tensor], scored: Scored, drawn: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Score the anchors `drawn` for each photo with a gradient; return logits [N] and offsets [N, 4] of all."""
        index = torch.cat(drawn)
        photo = torch.repeat_interleave(torch.tensor([len(d) for d in drawn])).to(index.device)
        scores = torch.zeros(len(index), device=index.device)
        offsets = torch.zeros(len(index), 4, device=index.device)
        start = 0
        for maps, count in zip(self.maps(features), scored.per_level, strict=True):
            here = torch.nonzero((index >= start) & (index < start + count))[:, 0]
            logits, deltas = self.head.at(maps, photo[here], index[here] - start)
            scores, offsets = scores.index_put((here,), logits), offsets.index_put((here,), deltas)
            start += count
        return scores, offsets
