"""A small cross-stage-partial network of plain 3x3 convolutions: the body of NanoDet-g.

After Wang et al., *CSPNet: A New Backbone that can Enhance Learning Capability of CNN*, CVPRW 2020; the sizes are those
of NanoDet-g (RangiLyu, github.com/RangiLyu/nanodet). There are no batch norms: those of the published weights are
folded into the convolutions, so every engine runs them as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SLOPE = 0.1
"""Of the leaky rectifier behind every convolution."""
WIDTHS = (64, 128, 256, 512)
"""Channels of the maps of strides 4, 8, 16 and 32."""
PAIRS = (1, 2, 2, 3)
"""Pairs of convolutions in each stage."""


class ConvLeaky(nn.Sequential):
    """A 3x3 convolution with bias and a leaky rectifier."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(SLOPE, inplace=True))


class SplitPair(nn.Module):
    """Two convolutions of half the width, the second on the first, joined."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = ConvLeaky(inputs, outputs // 2)
        self.second = ConvLeaky(outputs // 2, outputs // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, outputs, H, W]."""
        half = self.first(x)
        return torch.cat([self.second(half), half], 1)


class CSPStage(nn.Module):
    """A convolution that may halve the map, pairs on top of it, and both joined."""

    def __init__(self, inputs: int, outputs: int, pairs: int, stride: int) -> None:
        super().__init__()
        self.outputs = outputs
        width = outputs // 2
        self.entry = ConvLeaky(inputs, width, stride)
        self.pairs = nn.Sequential(*(SplitPair(width, width) for _ in range(pairs)))
        self.exit = ConvLeaky(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, outputs, H / stride, W / stride]."""
        x = self.entry(x)
        return torch.cat([self.exit(self.pairs(x)), x], 1)


class CSPNet(nn.Sequential):
    """Stem of stride 4 and four stages; pictures [B, 3, H, W] to [B, 512, H / 32, W / 32]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvLeaky(3, WIDTHS[0] // 2, 2), nn.MaxPool2d(3, 2, 1))
        inputs = WIDTHS[0] // 2
        for number, (outputs, pairs) in enumerate(zip(WIDTHS, PAIRS, strict=True), 1):
            self.add_module(f"stage{number}", CSPStage(inputs, outputs, pairs, 1 if number == 1 else 2))
            inputs = outputs
