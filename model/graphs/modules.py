"""The parts of a network as modules whose graph is the same for photos of all sizes and any number of regions.

What the network's own code decides in Python, such as how many proposals a level has, would be frozen into a graph by
the photo that it was traced with; here it is decided by operations. The numbers are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.ops import batched_nms

from model.network import box_ops as geometry
from model.network.roi_pooler import RegionPooler
from model.network.rpn import MIN_SIZE

if TYPE_CHECKING:
    from model.network.mask_rcnn import MaskRCNN


class PoolerInGraph(RegionPooler):
    """A region pooler with another one's settings, to take its place where a graph is made."""

    def __init__(self, own: RegionPooler) -> None:
        super().__init__(
            own.strides,
            layer=own.layer,
            reduce=own.reduce,
            half_pixel=own.half_pixel,
            canonical=own.canonical,
            maps=own.maps,
        )


class GraphPooler(PoolerInGraph):
    """A region pooler that looks at all levels, be there regions of them or not."""

    def forward(self, features: list[Tensor], rois: Tensor, size: int) -> Tensor:
        """Return [R, C, size, size]; see `RegionPooler.forward`."""
        features = features[self.maps]
        if len(self.strides) == 1:
            return self._pool(features[0], rois, size, self.strides[0])
        level = self.levels(rois)
        places = [torch.nonzero(level == index).flatten() for index in range(len(self.strides))]
        parts = [
            self._pool(features[index], rois[here], size, stride)
            for index, (here, stride) in enumerate(zip(places, self.strides, strict=True))
        ]
        return torch.cat(parts)[torch.cat(places).argsort()]


class GivenRegions(PoolerInGraph):
    """In place of a region pooler where regions are pooled before the graph: returns what it is given as map."""

    def forward(self, features: list[Tensor], rois: Tensor, size: int) -> Tensor:  # noqa: ARG002 - a pooler's
        """Return the regions [R, C, size, size]."""
        return features[0]


class Encode(nn.Module):
    """Pictures [1, 3, H, W] and the (height, width) [2] of the photo in them to proposals [N, 4] and the maps.

    With `rpn_score` the proposals' probabilities [N] come between them.
    """

    def __init__(self, network: MaskRCNN) -> None:
        super().__init__()
        self.network = network
        generator = network.rpn.anchor_generator
        generator.set_cell_anchors(torch.float32, torch.device("cpu"))
        for index, cells in enumerate(generator.cell_anchors):
            self.register_buffer(f"cells{index}", cells)

    def forward(self, pixels: Tensor, inner: Tensor) -> tuple[Tensor, ...]:
        """Run the backbone and the RPN."""
        network, config = self.network, self.network.config
        maps = network.encode(pixels)
        boxes, scores, levels = [], [], []
        for index, (logits, deltas) in enumerate(zip(*network.rpn.head(network.rpn.maps(maps)), strict=True)):
            kinds = logits.shape[1]
            flat = logits[0].permute(1, 2, 0).flatten()
            offsets = deltas[0].unflatten(0, (kinds, 4)).permute(2, 3, 0, 1).reshape(-1, 4)
            if config.box_body == "none":
                step = torch.div(_sides(pixels), _sides(logits), rounding_mode="floor").float()  # as torchvision has it
            else:
                step = torch.full((2,), float(network.rpn.strides[index]))
            anchors = (_corners(logits[0, 0], step)[:, None] + getattr(self, f"cells{index}")).reshape(-1, 4)
            best, chosen = flat.topk(_at_most(config.rpn_pre_nms, flat))
            boxes.append(geometry.decode(offsets[chosen], anchors[chosen], geometry.RPN_WEIGHTS)[:, 0])
            scores.append(best.sigmoid())
            levels.append(torch.full_like(chosen, index))
        found = clip(torch.cat(boxes), inner)
        large = torch.nonzero((found[:, 2:] - found[:, :2] >= MIN_SIZE).all(1)).flatten()
        found = found[large]
        objectness = torch.cat(scores)[large]
        kept = batched_nms(found, objectness, torch.cat(levels)[large], config.rpn_nms)[: config.rpn_post_nms]
        return found[kept], *((objectness[kept],) if config.rpn_score else ()), *maps


class Classify(nn.Module):
    """Regions [N, 4] to probabilities [N, classes + 1] and to the boxes [N, classes + 1, 4] of each class."""

    def __init__(self, network: MaskRCNN) -> None:
        super().__init__()
        self.heads = network.roi_heads

    def forward(self, boxes: Tensor, *maps: Tensor) -> tuple[Tensor, Tensor]:
        """Run the box head."""
        logits, offsets = self.heads.classify(list(maps), [boxes])
        return logits.softmax(1), geometry.decode(offsets, boxes, geometry.HEAD_WEIGHTS)


class Masks(nn.Module):
    """Regions [N, 4] and their labels [N] to masks [N, M, M]."""

    def __init__(self, network: MaskRCNN) -> None:
        super().__init__()
        self.heads = network.roi_heads
        predictor = self.heads.mask_predictor
        own = isinstance(predictor, MaskRCNNPredictor) and self.heads.config.mask_loss == "sigmoid"
        self.quarters = _quarters(predictor.conv5_mask) if own else None  # type: ignore[union-attr]

    def forward(self, boxes: Tensor, labels: Tensor, *maps: Tensor) -> Tensor:
        """Run the mask head."""
        if self.quarters is None:
            return self.heads.own_masks(list(maps), [boxes], labels)
        last = self.heads.mask_predictor.mask_fcn_logits  # type: ignore[union-attr]
        found = self.quarters(self.heads.mask_features(list(maps), [boxes])).relu()  # [N, 4 * C, h, w]
        height, width = found.shape[2:]
        weights = last.weight[labels].flatten(2).transpose(1, 2)  # [N, 1, C]
        logits = weights @ found.reshape(found.shape[0], last.in_channels, 4 * height * width)
        chances = (logits[:, 0] + last.bias[labels][:, None]).sigmoid()
        return chances.reshape(-1, 2, 2, height, width).permute(0, 3, 1, 4, 2).reshape(-1, 2 * height, 2 * width)


def _quarters(layer: nn.ConvTranspose2d) -> nn.Conv2d:
    """Return a 1x1 convolution that gives the four cells which a 2x2 deconvolution of stride 2 makes of each one.

    It is the same function, its channels being those of the deconvolution, four each; but an operator that is computed
    in integers, too, and several times as fast.
    """
    assert layer.kernel_size == layer.stride == (2, 2)
    assert layer.bias is not None
    made = nn.Conv2d(layer.in_channels, 4 * layer.out_channels, 1)
    made.weight = nn.Parameter(layer.weight.permute(1, 2, 3, 0).reshape(-1, layer.in_channels, 1, 1))
    made.bias = nn.Parameter(layer.bias.repeat_interleave(4))
    return made


class Keypoints(nn.Module):
    """Regions [N, 4] to keypoint logits [N, K, S, S]."""

    def __init__(self, network: MaskRCNN) -> None:
        super().__init__()
        self.heads = network.roi_heads

    def forward(self, boxes: Tensor, *maps: Tensor) -> Tensor:
        """Run the keypoint head."""
        return self.heads.keypoints(list(maps), [boxes])


class ChannelRows(nn.Module):
    """A part whose maps and regions are [B, h, w, C] without, rows of channels that lie together, within [B, C, h, w].

    Regions are pooled from such rows (`model.inference.engines.region_pooling`).
    """

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, *given: Tensor) -> tuple[Tensor, ...] | Tensor:
        """Run the part."""
        if isinstance(self.part, Encode):
            return tuple(value.permute(0, 2, 3, 1) if value.dim() == 4 else value for value in self.part(*given))
        return self.part(*(value.permute(0, 3, 1, 2) if value.dim() == 4 else value for value in given))


def clip(boxes: Tensor, inner: Tensor) -> Tensor:
    """Return boxes [..., 4] clipped to the (height, width) [2] of a photo that the graph does not know yet."""
    limit = torch.stack([inner[1], inner[0], inner[1], inner[0]]).float()
    return torch.minimum(boxes.clamp(min=0), limit)


def _sides(maps: Tensor) -> Tensor:
    return torch._shape_as_tensor(maps)[2:]


def _at_most(number: int, values: Tensor) -> Tensor:
    """Return a number, or how many values there are, if that is less."""
    return torch.min(torch.cat([torch.tensor([number]), torch._shape_as_tensor(values)]))


def _corners(plane: Tensor, step: Tensor) -> Tensor:
    """Return x, y, x, y in pixels of every cell of a plane [h, w]: [h * w, 4]."""
    one = torch.ones_like(plane)
    y, x = (one.cumsum(0) - 1) * step[0], (one.cumsum(1) - 1) * step[1]
    return torch.stack([x, y, x, y], -1).reshape(-1, 4)
