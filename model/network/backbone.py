"""Backbones: torchvision's classification networks, cut where a detector needs their features."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool
from torchvision.ops.misc import FrozenBatchNorm2d

if TYPE_CHECKING:
    from model.config import ModelConfig

RESNET_STAGES = ("layer1", "layer2", "layer3", "layer4")
STRIDES = (4, 8, 16, 32)


def classifier(name: str, width: float = 1.0) -> nn.Module:
    """Return torchvision's network of that name, with random weights; `width` multiplies a MobileNet's channels."""
    return models.get_model(name, weights=None, **({} if width == 1 else {"width_mult": width}))


class Body(nn.Module):
    """The convolutional part of a network and the names of its stages of strides 4, 8, 16 and 32.

    `net` maps a picture [B, 3, H, W] to the features of the stages that `wanted` names.
    """

    def __init__(self, name: str, width: float = 1.0) -> None:
        super().__init__()
        whole = classifier(name, width)
        if name.startswith("mobilenet"):
            layers = whole.features
            assert isinstance(layers, nn.Sequential)
            ends = [i - 1 for i, layer in enumerate(layers) if getattr(layer, "_is_cn", False)] + [len(layers) - 1]
            # Stage k ends just before the next halving; the last one before the 1x1 convolution of the classifier.
            ends = [*ends[-4:-1], len(layers) - 2]
            self.stages = tuple(str(i) for i in ends)
            self.parts: nn.Module = layers
        else:
            self.stages = RESNET_STAGES
            self.parts = whole


def stage_widths(parts: nn.Module, stages: tuple[str, ...]) -> list[int]:
    """Return the channels of the maps at the ends of stages: those of their last convolutions."""
    widths = []
    for name in stages:
        stage = parts.get_submodule(name)
        last = [m for m in stage.modules() if isinstance(m, nn.Conv2d)][-1]
        widths.append(last.out_channels)
    return widths


class Pyramid(nn.Module):
    """Body and feature pyramid: strides 4 to 32, and a fifth of stride 64 for the RPN only (FPN, sec. 4.1)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        body = Body(config.backbone, config.width)
        self.body = IntermediateLayerGetter(body.parts, {name: str(i) for i, name in enumerate(body.stages)})
        self.fpn = FeaturePyramidNetwork(
            stage_widths(body.parts, body.stages),
            config.channels,
            extra_blocks=LastLevelMaxPool(),
            norm_layer=nn.BatchNorm2d if config.mask_norm else None,
        )
        self.channels = config.channels
        self.stages = body.stages
        self.strides = (*STRIDES, 64)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map pictures [B, 3, H, W] to five maps [B, channels, H / s, W / s]."""
        return self.neck(self.body(images))

    def neck(self, maps: dict[str, Tensor]) -> list[Tensor]:
        """Return the pyramid's maps over those of the body."""
        return list(self.fpn(maps).values())


class SingleScale(nn.Module):
    """Body up to one stage: stride 16 (C4) or 32 (C5)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        body = Body(config.backbone, config.width)
        last = 2 if config.features == "c4" else 3
        self.body = IntermediateLayerGetter(body.parts, {body.stages[last]: "0"})
        self.channels = stage_widths(body.parts, body.stages)[last]
        self.stages = body.stages
        self.strides = (STRIDES[last],)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map pictures [B, 3, H, W] to one map [B, channels, H / s, W / s]."""
        return self.neck(self.body(images))

    def neck(self, maps: dict[str, Tensor]) -> list[Tensor]:
        """Return the maps of the body, of which there is one."""
        return list(maps.values())


def res5(config: ModelConfig) -> tuple[nn.Module, int]:
    """Return the last stage of the body, to be applied to each region (paper, Fig. 4 left), and its width."""
    body = Body(config.backbone, config.width)
    width = stage_widths(body.parts, body.stages)[3]
    if isinstance(body.parts, nn.Sequential):
        first, last = int(body.stages[2]) + 1, int(body.stages[3])
        return body.parts[first : last + 1], width
    return body.parts.get_submodule(body.stages[3]), width


class FrozenNorm(FrozenBatchNorm2d):
    """A batch norm with fixed statistics that computes in the precision of its input.

    torchvision's turns half precision into float32, which doubles the time of everything between two convolutions.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape and type."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return torch.addcmul(shift.to(x.dtype)[:, None, None], x, scale.to(x.dtype)[:, None, None])


def freeze_norms(module: nn.Module) -> None:
    """Replace every batch norm below `module` by one with fixed statistics and weights, keeping their values."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenNorm(child.num_features, eps=child.eps)
            state = OrderedDict((k, v) for k, v in child.state_dict().items() if k != "num_batches_tracked")
            frozen.load_state_dict(state)
            setattr(module, name, frozen)
        else:
            freeze_norms(child)
