"""Backbones: classification networks, cut where a detector needs their features, and the necks over them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool
from torchvision.ops.misc import FrozenBatchNorm2d

from model.network.cspnet import SLOPE, CSPNet, CSPStage

if TYPE_CHECKING:
    from model.config import ModelConfig

RESNET_STAGES = ("layer1", "layer2", "layer3", "layer4")
CSP_STAGES = ("stage1", "stage2", "stage3", "stage4")
STRIDES = (4, 8, 16, 32)


def classifier(name: str, width: float = 1.0) -> nn.Module:
    """Return the network of that name, with random weights; `width` multiplies a MobileNet's channels."""
    if name == "cspnet":
        return CSPNet()
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
            self.stages = CSP_STAGES if name == "cspnet" else RESNET_STAGES
            self.parts = whole


def stage_widths(parts: nn.Module, stages: tuple[str, ...]) -> list[int]:
    """Return the channels of the maps at the ends of stages: those of their last convolutions, or as they say."""
    widths = []
    for name in stages:
        stage = parts.get_submodule(name)
        if isinstance(stage, CSPStage):
            widths.append(stage.outputs)
            continue
        last = [m for m in stage.modules() if isinstance(m, nn.Conv2d)][-1]
        widths.append(last.out_channels)
    return widths


class PathAggregation(nn.Module):
    """A pyramid with a second way, from fine to coarse (Liu et al., *PANet*, CVPR 2018, sec. 3.1), as NanoDet has it.

    Maps are resized linearly and added, without convolutions on the way. A 3x3 and a 1x1 convolution follow on each
    map, so that the maps can come in the same terms whatever their stride. Layers are named as those of torchvision's
    `FeaturePyramidNetwork`, and `output_blocks`.
    """

    def __init__(self, widths: list[int], channels: int) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in widths)
        self.layer_blocks = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in widths)
        self.output_blocks = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in widths)

    def forward(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """Map [B, widths[i], H, W] of falling size to [B, channels, H, W]."""
        found = [block(x) for block, x in zip(self.inner_blocks, maps.values(), strict=True)]
        for i in range(len(found) - 2, -1, -1):
            size = found[i].shape[2:]
            found[i] = found[i] + functional.interpolate(found[i + 1], size=size, mode="bilinear", align_corners=False)
        for i in range(1, len(found)):
            found[i] = found[i] + functional.avg_pool2d(found[i - 1], 2, ceil_mode=True)
        layers = zip(self.layer_blocks, self.output_blocks, found, strict=True)
        out = [output(functional.leaky_relu(block(x), SLOPE)) for block, output, x in layers]
        return dict(zip(maps, out, strict=True))


class TwinBody(IntermediateLayerGetter):
    """A body with another one, `boxes`, beside it, whose maps come after its own."""

    def __init__(
        self, parts: nn.Module, stages: tuple[str, ...], boxes: IntermediateLayerGetter, scale: float = 1.0
    ) -> None:
        """Take both; the other one is shown the picture at that scale."""
        super().__init__(parts, {name: str(i) for i, name in enumerate(stages)})
        self.boxes = boxes
        self._scale = scale

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map pictures [B, 3, H, W] to maps of strides 4 to 32, and those of the other one."""
        maps: OrderedDict[str, Tensor] = OrderedDict()
        boxes = self.boxes(x if self._scale == 1 else self._reduced(x))
        for name, part in self.items():
            if part is not self.boxes:
                x = part(x)
                if name in self.return_layers:
                    maps[self.return_layers[name]] = x
        maps.update(boxes)
        return maps

    def _reduced(self, x: Tensor) -> Tensor:
        """Return pictures at the scale of the other body, their sides multiples of its coarsest stride."""
        small = functional.interpolate(x, scale_factor=self._scale, mode="bilinear")
        height, width = small.shape[2:]
        return functional.pad(small, (0, -width % STRIDES[-1], 0, -height % STRIDES[-1]))


class Pyramid(nn.Module):
    """Body and feature pyramid: maps of strides 4 to 32, and 64 for the RPN only (FPN, sec. 4.1).

    With a second body for boxes, its three maps come in place of the last one. Which map serves what is
    for the config to say: `rpn_maps`, `box_maps`, `mask_maps`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        body = Body(config.backbone, config.width)
        widths = stage_widths(body.parts, body.stages)
        norm = nn.BatchNorm2d if config.mask_norm else None
        self.channels = config.channels
        self.stages = body.stages
        if config.box_body == "none":
            self.body = IntermediateLayerGetter(body.parts, {name: str(i) for i, name in enumerate(body.stages)})
            self.fpn = FeaturePyramidNetwork(widths, config.channels, LastLevelMaxPool(), norm_layer=norm)
            self.box_fpn: PathAggregation | None = None
        else:
            other = Body(config.box_body)
            named = {name: f"boxes{i}" for i, name in enumerate(other.stages) if i}
            boxes = IntermediateLayerGetter(other.parts, named)
            self.body = TwinBody(body.parts, body.stages, boxes, STRIDES[1] / config.box_step)
            self.fpn = FeaturePyramidNetwork(widths, config.channels, norm_layer=norm)
            self.box_fpn = PathAggregation(stage_widths(other.parts, other.stages)[1:], config.channels)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map pictures [B, 3, H, W] to maps [B, channels, H / s, W / s] of these strides."""
        return self.neck(self.body(images))

    def neck(self, maps: dict[str, Tensor]) -> list[Tensor]:
        """Return the pyramid's maps over those of the body."""
        boxes = {name: m for name, m in maps.items() if name.startswith("boxes")}
        found = list(self.fpn({name: m for name, m in maps.items() if name not in boxes}).values())
        return found if self.box_fpn is None else [*found, *self.box_fpn(boxes).values()]


class SingleScale(nn.Module):
    """Body up to one stage: stride 16 (C4) or 32 (C5)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        body = Body(config.backbone, config.width)
        last = 2 if config.features == "c4" else 3
        self.body = IntermediateLayerGetter(body.parts, {body.stages[last]: "0"})
        self.channels = stage_widths(body.parts, body.stages)[last]
        self.stages = body.stages

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
    if isinstance(body.parts, nn.Sequential) and not isinstance(body.parts, CSPNet):
        first, last = int(body.stages[2]) + 1, int(body.stages[3])
        stage: nn.Module = body.parts[first : last + 1]
    else:
        stage = body.parts.get_submodule(body.stages[3])
    if config.res5_stride == 1:
        for module in stage.modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
    return stage, width


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
