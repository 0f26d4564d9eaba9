"""RoI layers: a fixed-size grid of features for each box (paper, sec. 3 and Table 2c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import roi_pool

from model.network.roi_align import align

if TYPE_CHECKING:
    from model.config import RoILayer, RoIReduce

SAMPLES = 2
"""Samples along each side of a bin: four regularly placed ones in it (paper, sec. 3)."""

CANONICAL = 224.0
"""Side in pixels of the region that is pooled at stride 16 (FPN, eq. 1)."""


def pool_regions(
    features: Tensor,
    rois: Tensor,
    size: int,
    scale: float,
    *,
    layer: RoILayer,
    reduce: RoIReduce,
    half_pixel: bool,
) -> Tensor:
    """Return the features [R, C, size, size] of regions of a map [B, C, H, W].

    Args:
        features: The map.
        rois: [R, 5] float32: index in the batch, then x1, y1, x2, y2 in pixels of the picture.
        size: Bins along each side.
        scale: Pixels of the map for a pixel of the picture.
        layer: align: nothing is rounded. warp: the region is rounded to whole cells, then sampled bilinearly (Dai et
            al., MNC). pool: region and bins are rounded, the greatest cell counts (Girshick, Fast R-CNN).
        reduce: How the four samples of a bin become one; pool always takes the greatest.
        half_pixel: Whether the value of a cell lies at its centre (aligned) or at its corner. What is rounded is the
            region in the coordinates in which cell i lies at i.
    """
    if layer != "align":
        cells = torch.floor(rois[:, 1:].float() * scale + (0.0 if half_pixel else 0.5))  # halves up
        rois, scale = torch.cat([rois[:, :1].float(), cells], 1), 1.0
    if layer == "pool":
        exact = torch.promote_types(features.dtype, torch.float32)  # half precision would move the region
        return roi_pool(features.to(exact), rois.to(exact), size, scale).to(features.dtype)
    if layer == "warp":
        last = torch.maximum(rois[:, 3:], rois[:, 1:3]) + 1  # both end cells belong to the region
        rois, half_pixel = torch.cat([rois[:, :3], last], 1), True
    if reduce == "max":
        # One sample in each quarter of a bin is the same four points, kept apart for the maximum.
        fine = align(features, rois, size * SAMPLES, scale, 1, half_pixel=half_pixel)
        return functional.max_pool2d(fine, SAMPLES)
    return align(features, rois, size, scale, SAMPLES, half_pixel=half_pixel)


class RegionPooler(nn.Module):
    """Pools boxes from the level of the pyramid that suits their size, or from the only level there is."""

    def __init__(
        self,
        strides: tuple[int, ...],
        *,
        layer: RoILayer,
        reduce: RoIReduce,
        half_pixel: bool,
        canonical: float = CANONICAL,
        maps: slice = slice(None),
    ) -> None:
        """Make one for maps of these strides, which are those of the backbone's that `maps` says."""
        super().__init__()
        self.maps = maps
        self.canonical = canonical
        self.strides = strides
        self.layer: RoILayer = layer
        self.reduce: RoIReduce = reduce
        self.half_pixel = half_pixel

    def levels(self, rois: Tensor) -> Tensor:
        """Return each region's level [R], 0 the finest, within what exists (FPN, eq. 1, with k of stride 16 as 4)."""
        size = (rois[:, 3:5] - rois[:, 1:3]).float().prod(1).clamp(min=0).sqrt()
        level = torch.floor(torch.log2(size / self.canonical * (16 / self.strides[0])) + 1e-6)
        return level.clamp(0, len(self.strides) - 1).long()

    def forward(self, features: list[Tensor], rois: Tensor, size: int) -> Tensor:
        """Return [R, C, size, size]. `features` are the backbone's maps [B, C, H, W], `rois` [R, 5]."""
        features = features[self.maps]
        if len(self.strides) == 1:
            return self._pool(features[0], rois, size, self.strides[0])
        level = self.levels(rois)
        places, parts = [], []
        for index, stride in enumerate(self.strides):
            here = torch.nonzero(level == index).flatten()
            places.append(here)
            part = self._pool(features[index], rois[here], size, stride) if len(here) else None
            parts += [] if part is None else [part.permute(0, 2, 3, 1)]
        if not parts:
            return features[0].new_zeros((0, features[0].shape[1], size, size))
        back = torch.cat(places).argsort()
        return torch.cat(parts)[back].permute(0, 3, 1, 2)  # channels last, which convolutions like

    def _pool(self, features: Tensor, rois: Tensor, size: int, stride: int) -> Tensor:
        return pool_regions(
            features, rois, size, 1 / stride, layer=self.layer, reduce=self.reduce, half_pixel=self.half_pixel
        )


def with_batch_index(boxes: list[Tensor]) -> Tensor:
    """Return the boxes [N_i, 4] of each photo of a batch as one [sum N_i, 5] tensor with the photo's index in front."""
    index = torch.cat([torch.full_like(b[:, :1], i) for i, b in enumerate(boxes)])
    return torch.cat([index, torch.cat(boxes)], 1)
