"""RoIAlign (paper, sec. 3) that is quick on a CPU: a weighted sum of cells, and a gradient of two matrix products.

A bin is the sum of a few cells, each a row of channels when these lie together in memory: that is what an embedding bag
adds up, ten times and more as fast as torchvision walks over planes, and in half precision too.

The weights of bilinear samples on a regular grid are products of one factor for rows and one for columns, so pooling
a region is `rows @ map @ columns`, and its gradient the same with the matrices transposed, added where it lies.
torchvision's gradient on a CPU walks over all samples on one thread and takes a quarter of a training step of the
builtin network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import roi_align

if TYPE_CHECKING:
    from torch.autograd.function import FunctionCtx

CHUNK = 32
"""Regions worked on at a time."""


class _Grid(NamedTuple):
    """How regions are sampled."""

    size: int
    scale: float
    samples: int
    half_pixel: bool


def align(features: Tensor, rois: Tensor, size: int, scale: float, samples: int, *, half_pixel: bool) -> Tensor:
    """Return RoIAlign's averages [R, C, size, size]; see `model.network.roi_pooler.pool_regions` for the arguments."""
    grid = _Grid(size, scale, samples, half_pixel)
    if features.device.type == "cpu" and features.requires_grad:
        return _Align.apply(features, rois, grid)
    return _pool(features, rois, grid)


def _pool(features: Tensor, rois: Tensor, grid: _Grid) -> Tensor:
    if features.device.type == "cpu" and not torch.onnx.is_in_onnx_export():  # a graph has an operator of its own
        return _gather(features, rois, grid)
    # Half precision would put the samples of a region two pixels off: float32 at least.
    exact = torch.promote_types(features.dtype, torch.float32)
    pooled = roi_align(features.to(exact), rois.to(exact), *grid[:3], aligned=grid.half_pixel)
    return pooled.to(features.dtype)


def _gather(features: Tensor, rois: Tensor, grid: _Grid) -> Tensor:
    batch, channels, height, width = features.shape
    bins, taps = grid.size, grid.samples * 2
    edges = rois[:, 1:].to(torch.promote_types(features.dtype, torch.float32)) * grid.scale
    if grid.half_pixel:
        edges = edges - 0.5
    y, y_weights = _taps(edges[:, 1], edges[:, 3], height, grid)  # [R, S, taps]
    x, x_weights = _taps(edges[:, 0], edges[:, 2], width, grid)
    y = y + rois[:, 0].long()[:, None, None] * height
    cells = y[:, :, None, :, None] * width + x[:, None, :, None, :]  # [R, S, S, taps, taps]
    weights = y_weights[:, :, None, :, None] * x_weights[:, None, :, None, :]
    rows = features.permute(0, 2, 3, 1).reshape(batch * height * width, channels)
    weights = weights.reshape(-1, taps * taps).to(rows.dtype)
    sums = functional.embedding_bag(cells.reshape(-1, taps * taps), rows, per_sample_weights=weights, mode="sum")
    return sums.view(len(rois), bins, bins, channels).permute(0, 3, 1, 2)


def _taps(low: Tensor, high: Tensor, cells: int, grid: _Grid) -> tuple[Tensor, Tensor]:
    """Return which cells of a line count in each bin of each region, and how much: [R, bins, 2 * samples] both."""
    length = high - low if grid.half_pixel else (high - low).clamp(min=1)  # the older form knows no smaller region
    step = length / grid.size
    within = (torch.arange(grid.samples, device=low.device, dtype=low.dtype) + 0.5) / grid.samples
    starts = torch.arange(grid.size, device=low.device, dtype=low.dtype)
    at = low[:, None, None] + (starts[:, None] + within) * step[:, None, None]  # [R, bins, samples]
    inside = (at >= -1) & (at <= cells)
    at = at.clamp(0, cells - 1)
    first = at.floor()
    share = at - first
    weights = torch.stack([1 - share, share], -1) * inside[..., None] / grid.samples
    first = first.long()
    return torch.stack([first, (first + 1).clamp(max=cells - 1)], -1).flatten(2), weights.flatten(2)


def sample_weights(low: Tensor, high: Tensor, cells: int, bins: int, samples: int) -> tuple[Tensor, Tensor]:
    """Return how much the cells of a line count in each bin of each region.

    Args:
        low: [R] where the regions begin, in cells, 0 being the centre of the first.
        high: [R] where they end.
        cells: Cells in the line.
        bins: Bins a region.
        samples: Samples a bin; one beyond the outermost centre takes that cell's value, one a whole cell beyond none.

    Returns:
        [R] int64, the first cell that counts, and the weights [R, bins, window] from there on.
    """
    steps = (torch.arange(bins * samples, device=low.device, dtype=low.dtype) + 0.5) / (bins * samples)
    at = low[:, None] + steps * (high - low)[:, None]  # [R, bins * samples]
    inside = (at >= -1) & (at <= cells)
    at = at.clamp(0, cells - 1)
    first = at[:, 0].floor()
    window = min(cells, int((at[:, -1] - first).max()) + 2)
    first = first.clamp(max=cells - window)
    places = first[:, None, None] + torch.arange(window, device=low.device, dtype=low.dtype)
    weights = (1 - (at[..., None] - places).abs()).clamp(min=0) * inside[..., None]
    return first.long(), weights.unflatten(1, (bins, samples)).mean(2)


class _Align(torch.autograd.Function):
    """torchvision's forward pass with a gradient of matrix products."""

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor, rois: Tensor, grid: _Grid) -> Tensor:
        ctx.save_for_backward(rois)
        ctx.settings = features.shape, grid  # pyrefly: ignore
        return _pool(features, rois, grid)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - torch gives it no type
        (rois,), (gradient,) = ctx.saved_tensors, grads
        shape, (size, scale, samples, half_pixel) = ctx.settings
        exact = torch.promote_types(gradient.dtype, torch.float32)
        found = gradient.new_zeros((shape[0], *shape[2:], shape[1]), dtype=exact)  # [B, H, W, C]
        areas = (rois[:, 3:] - rois[:, 1:3]).amax(1)
        for chosen in areas.argsort().split(CHUNK):  # regions of like size, which need windows of like size
            edges = rois[chosen, 1:].to(exact) * scale
            if half_pixel:
                edges = edges - 0.5
            else:  # torchvision's older form knows no region of less than a cell
                edges[:, 2:] = torch.maximum(edges[:, 2:], edges[:, :2] + 1)
            top, rows = sample_weights(edges[:, 1], edges[:, 3], shape[2], size, samples)  # [R], [R, S, h]
            left, columns = sample_weights(edges[:, 0], edges[:, 2], shape[3], size, samples)  # [R], [R, S, w]
            own = gradient[chosen].permute(0, 2, 3, 1).flatten(2)  # [R, S, S * C]
            tall = rows.to(own.dtype).transpose(1, 2) @ own  # [R, h, S * C]
            whole = columns.to(own.dtype).transpose(1, 2)[:, None] @ tall.unflatten(2, (size, -1))  # [R, h, w, C]
            corners = torch.stack([rois[chosen, 0].long(), top, left], 1).tolist()
            for (image, y, x), patch in zip(corners, whole.to(exact).unbind(), strict=True):
                found[image, y : y + patch.shape[0], x : x + patch.shape[1]] += patch
        return found.to(gradient.dtype).permute(0, 3, 1, 2), None, None
