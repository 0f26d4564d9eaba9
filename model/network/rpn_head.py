"""The proposal network's convolutions: everywhere, or with a gradient at some places only.

The loss looks at 256 anchors of a photo, of tens of thousands. The gradient of all others is zero, and yet a third of
a training step went into it. Here the maps are scored everywhere without a gradient, for the proposals, and once more
at the anchors that were drawn: the same numbers, and the same gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.rpn import RPNHead

if TYPE_CHECKING:
    from collections.abc import Sequence

AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))
"""What a 3x3 kernel looks at, in the order of its weights."""
BINS = 11
"""Distances, in strides, over which there is a distribution."""
LEAST = 1e-3
"""Least size of a box, in sides of its anchor."""


class ProposalHead(RPNHead):
    """torchvision's head: 3x3 convolutions, then two of 1x1 (Faster R-CNN, fig. 3 left)."""

    def __init__(self, channels: int, kinds: int, depth: int) -> None:
        """Make one with random weights for so many kinds of anchors."""
        super().__init__(channels, kinds, depth)
        self.kinds = kinds

    def logits(self, values: Tensor) -> Tensor:
        """Return the logits [B, kinds, H, W] of anchors from what `cls_logits` gives: the same."""
        return values

    def offsets(self, values: Tensor) -> Tensor:
        """Return the offsets [B, kinds * 4, H, W] of anchors from what `bbox_pred` gives: the same."""
        return values

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Map each of the maps [B, C, H, W] to logits [B, kinds, H, W] and offsets [B, kinds * 4, H, W]."""
        found = zip(*super().forward(x), strict=True)
        logits, offsets = zip(*((self.logits(scores), self.offsets(values)) for scores, values in found), strict=True)
        return list(logits), list(offsets)

    def at(self, maps: Tensor, photo: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Score some anchors of one level.

        Args:
            maps: [B, C, H, W].
            photo: [N] int64, 0 to B - 1.
            index: [N] int64, the anchor's number among those of the level: row by row, and all of a place together.

        Returns:
            Logits [N] and offsets [N, 4], float32.
        """
        kinds = self.kinds
        width = maps.shape[3]
        place, kind = index // kinds, index % kinds
        position = (photo, place // width, place % width)
        values = self._values(maps, position, len(self.conv))
        every = torch.arange(len(index), device=index.device)
        logits, offsets = self.logits(self.cls_logits(values)), self.offsets(self.bbox_pred(values))
        logits, offsets = logits[:, :, 0, 0], offsets[:, :, 0, 0]
        return logits[every, kind].float(), offsets.unflatten(1, (kinds, 4))[every, kind].float()

    def _values(self, maps: Tensor, position: Sequence[Tensor], depth: int) -> Tensor:
        """Return what comes out of the first `depth` convolutions at (photo, y, x), each [N]: [N, C, 1, 1]."""
        photo, y, x = position
        height, width = maps.shape[2:]
        if depth == 0:
            rows = maps.permute(0, 2, 3, 1).flatten(0, 2)
            return functional.embedding((photo * height + y) * width + x, rows)[:, :, None, None]
        step = torch.tensor(AROUND, device=y.device)
        ys, xs = (y[:, None] + step[:, 0]).flatten(), (x[:, None] + step[:, 1]).flatten()
        inside = (ys >= 0) & (ys < height) & (xs >= 0) & (xs < width)
        around = (photo.repeat_interleave(len(step)), ys.clamp(0, height - 1), xs.clamp(0, width - 1))
        values = self._values(maps, around, depth - 1)[:, :, 0, 0] * inside[:, None]
        conv = self.conv[depth - 1][0]  # type: ignore[index]
        assert isinstance(conv, nn.Conv2d)
        patches = values.view(len(y), len(step) * values.shape[1])
        weight = conv.weight.permute(0, 2, 3, 1).flatten(1)  # a product of matrices: faster than so many small pictures
        return functional.relu(functional.linear(patches, weight, conv.bias))[:, :, None, None]


def mean_distances(values: Tensor) -> Tensor:
    """Return the mean distances [B, 4, H, W] to left, top, right and bottom in strides, float32.

    `values` are the logits [B, 4 * BINS, H, W] of distances of 0 to 10 strides.
    """
    chances = values.float().unflatten(1, (4, BINS)).softmax(2)
    return (chances * torch.arange(float(BINS), device=values.device)[:, None, None]).sum(2)


class DistanceHead(ProposalHead):
    """One box a cell: for each side a distribution over distances of 0 to 10 strides from the cell's centre.

    After Li et al., *Generalized Focal Loss*, NeurIPS 2020, sec. 3: the distance is the mean. It is given as offsets of
    the cell's anchor, so that proposals, their loss and the graphs are those of any other head.
    """

    def __init__(self, channels: int, side: float, depth: int, objects: int = 1) -> None:
        """Make one with random weights.

        Args:
            channels: Of the maps.
            side: Of the square anchors, in strides.
            depth: 3x3 convolutions before the outputs.
            objects: Kinds of object, the likeliest of which a cell has.
        """
        super().__init__(channels, objects, depth)
        self.kinds = 1
        self._side = side
        self.bbox_pred = nn.Conv2d(channels, 4 * BINS, 1)
        nn.init.normal_(self.bbox_pred.weight, std=0.01)
        nn.init.zeros_(self.bbox_pred.bias)  # type: ignore[arg-type]

    def logits(self, values: Tensor) -> Tensor:
        """Return the logits [B, 1, H, W] of being an object from those [B, objects, H, W] of being one of a kind."""
        return values.amax(1, keepdim=True)

    def offsets(self, values: Tensor) -> Tensor:
        """Return the offsets [B, 4, H, W] of anchors from the logits [B, 4 * BINS, H, W] of distances."""
        left, top, right, bottom = mean_distances(values).unbind(1)
        # An anchor's centre is the corner of its cell, half a stride from the cell's.
        shifts = ((right - left) / 2 + 0.5, (bottom - top) / 2 + 0.5)
        sizes = (left + right, top + bottom)
        shift, size = torch.stack(shifts, 1) / self._side, torch.stack(sizes, 1) / self._side
        return torch.cat([shift, size.clamp(min=LEAST).log()], 1)
