"""NanoDet-g's body and pyramid as a network to train on: where the builtin model starts from.

    python -m tools.builtin_weights.nanodet nanodet.json coco.json start.safetensors

NanoDet-g (RangiLyu, github.com/RangiLyu/nanodet, Apache-2.0) was trained on COCO's train2017 for all its 80 classes. It
is published as a TensorFlow.js graph model with its batch norms folded in. Body and neck are taken over as they are,
and so are its outputs, a 3x3 and a 1x1 convolution a stride: a map of ours for boxes has NanoDet's logits of the
classes and its distributions over distances as its first channels, in the same terms at every stride, and a random
mixture in the few that are left. `start_heads` has proposals and the box head's classes read off those channels. All
else starts at random.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from dataset.coco.reader import DataError, load_coco
from model.checkpoints import checkpoint
from model.config import FROM_SCRATCH, ModelConfig
from model.config_values import changed
from model.data.training_images import classes_of
from model.network.backbone import PathAggregation, Pyramid, TwinBody
from model.network.build import build
from model.network.roi_heads import BOX_SIZE
from model.network.rpn_head import BINS, DistanceHead
from tools.builtin_weights.movenet import GraphError, read_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from model.network.mask_rcnn import MaskRCNN

START = replace(
    FROM_SCRATCH,
    classes=80,
    box_body="cspnet",
    box_step=11,
    box_agnostic=True,
    box_canonical=96.0,
    box_width=192,
    rpn_box="distances",
    rpn_kinds=80,
    rpn_score=True,
    anchor_sizes=(55, 110, 220),
    anchor_ratios=(1.0,),
    box_nms=ModelConfig.box_nms,
)
"""The network before it had NanoDet's body for boxes, with that.

NanoDet learned from photos whose longer side has 416 pixels: it is shown ours, where that has 555 or so, at 8/11. It
has objects of about 80 pixels on the map of stride 16, hence `box_canonical`. A box head of 512 units learns what
one of 192 does (80 classes: box AP 0.278 and 0.279).
"""
BODY = 25
"""Convolutions of the body; three lateral ones follow, then in turn one 3x3 and one of the outputs for each stride."""
CLASSES = 80
OUTPUTS = CLASSES + 4 * BINS
SHIFT = 5.0
"""What the pyramid's maps add to NanoDet's logits, which are about -5 where nothing is."""
POSITIVE = 10.0
"""What makes NanoDet's logits positive, so that they pass a rectifier."""
CENTRE = slice(2, 5)
"""The bins of a region, of 7 a side, whose mean logits are the region's: NanoDet learned a class in the middle of its
objects."""
STEEP = 1.5
"""What multiplies those means, which are less sure than the cell that NanoDet chooses (box AP 0.257 from 0.253)."""
BIASES = (*range(0, 50, 2), 50, 52, 54, 60, 62, 66, 68, 70, 72)
"""The number in the name of each convolution's bias."""


def convolution(tensors: dict[str, NDArray[Any]], index: int) -> tuple[Tensor, Tensor]:
    """Return weight [out, in, h, w] and bias [out] of one of NanoDet's convolutions.

    Raises:
        GraphError: There is none.
    """
    name = f"PartitionedCall/split_{index}" if index else "PartitionedCall/split"
    weight, bias = tensors.get(name), tensors.get(f"unknown_{BIASES[index]}")
    if weight is None or bias is None or weight.ndim != 4 or bias.shape != weight.shape[3:]:
        raise GraphError(f"There is no convolution {index} in this graph model: NanoDet-g has one.")
    return torch.from_numpy(weight.transpose(3, 2, 0, 1).copy()), torch.from_numpy(bias.copy())


def take_over(body: nn.Module, neck: PathAggregation, tensors: dict[str, NDArray[Any]]) -> None:
    """Load NanoDet's weights into the stages of a `CSPNet` and the pyramid over it.

    Raises:
        GraphError: A tensor is missing or of another shape.
    """
    layers = [m for m in body.modules() if isinstance(m, nn.Conv2d)]
    strided = [layer for pair in zip(neck.layer_blocks, neck.output_blocks, strict=True) for layer in pair]
    for index, layer in enumerate([*layers, *neck.inner_blocks, *strided]):
        assert isinstance(layer, nn.Conv2d)
        weight, bias = convolution(tensors, index)
        if index == 0:
            weight = weight.flip(1)  # NanoDet's pictures are BGR, with the mean and deviation of ours
        if index >= BODY + 3 and layer.kernel_size == (1, 1):
            weight, bias = _with_free_channels(weight, bias, layer.out_channels)
        if weight.shape != layer.weight.shape:
            raise GraphError(f"Convolution {index} has the shape {tuple(weight.shape)}, NanoDet-g's another.")
        layer.load_state_dict({"weight": weight, "bias": bias})


def box_parts(pyramid: nn.Module) -> tuple[nn.Module, PathAggregation]:
    """Return the body for boxes of a pyramid that has one, and what is over it."""
    assert isinstance(pyramid, Pyramid)
    assert isinstance(pyramid.body, TwinBody)
    assert pyramid.box_fpn is not None
    return pyramid.body.boxes, pyramid.box_fpn


def _with_free_channels(weight: Tensor, bias: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Return one of NanoDet's output layers for a map of so many channels, logits shifted, the last ones a mixture."""
    mixture = torch.randn(channels - len(weight), *weight.shape[1:]) / weight.shape[1] ** 0.5
    shift = torch.zeros(channels)
    shift[:CLASSES] = SHIFT
    return torch.cat([weight, mixture]), torch.cat([bias, torch.zeros(len(mixture))]) + shift


@torch.no_grad()
def start_heads(network: MaskRCNN) -> None:
    """Begin with proposals and classes as NanoDet's channels in the pyramid have them.

    Each class and each bin of a distance has a hidden unit of its own in the RPN's convolution, so that proposals are
    the boxes that NanoDet has, as sure as it is of the likeliest class. Each class has one in each layer of the box
    head, whose output is the class's logit against background. The units beyond these stay as they are; boxes are left
    where they were proposed.
    """
    proposals = network.rpn.head
    assert isinstance(proposals, DistanceHead)
    conv, logits, sides = proposals.conv[0][0], proposals.cls_logits, proposals.bbox_pred  # type: ignore[index]
    conv.weight[:OUTPUTS] = 0
    conv.bias[:CLASSES] = POSITIVE - SHIFT
    conv.bias[CLASSES:OUTPUTS] = POSITIVE
    for layer, units in ((logits, range(CLASSES)), (sides, range(CLASSES, OUTPUTS))):
        layer.weight[:] = 0
        for output, unit in enumerate(units):
            conv.weight[unit, unit, 1, 1] = 1
            layer.weight[output, unit] = 1
    # The sides need no such bias: more of all of a side's bins is the same distribution.
    logits.load_state_dict({"weight": logits.weight, "bias": torch.full((CLASSES,), -POSITIVE)})
    box, predictor = network.roi_heads.box_head, network.roi_heads.box_predictor
    assert isinstance(box, TwoMLPHead)
    assert isinstance(predictor, FastRCNNPredictor)
    fc6, fc7 = box.fc6, box.fc7
    first = fc6.weight.view(fc6.out_features, -1, BOX_SIZE, BOX_SIZE)
    first[:CLASSES] = 0
    fc7.weight[:CLASSES] = 0
    for layer in (fc6, fc7):
        layer.bias[:CLASSES] = 0
    nn.init.zeros_(predictor.bbox_pred.weight)  # proposals are good boxes
    nn.init.zeros_(predictor.bbox_pred.bias)
    nn.init.normal_(predictor.cls_score.weight, std=0.001)
    nn.init.zeros_(predictor.cls_score.bias)
    for unit in range(CLASSES):
        first[unit, unit, CENTRE, CENTRE] = 1 / len(range(BOX_SIZE)[CENTRE]) ** 2
        fc7.weight[unit, unit] = 1
        predictor.cls_score.weight[1 + unit, unit] = STEEP
        predictor.cls_score.bias[1 + unit] = -STEEP * SHIFT


def main(arguments: Iterable[str] | None = None) -> int:
    """Write the network. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.nanodet", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("graph", type=Path, help="nanodet.json, its .bin beside it")
    parser.add_argument("categories", type=Path, help="COCO file with the classes")
    parser.add_argument("output", type=Path, help="checkpoint for `python -m model.commands.train --weights`")
    parser.add_argument("--config", action="append", default=[], metavar="NAME=VALUE", help="another setting")
    args: Any = parser.parse_args(list(arguments) if arguments is not None else None)
    try:
        torch.manual_seed(0)
        classes = classes_of([(args.categories, load_coco(args.categories))], by_supercategory=False)
        config = changed(START, [f"classes={len(classes)}", *args.config])
        network = build(config)
        take_over(*box_parts(network.backbone), read_tensors(args.graph))
        if config.classes == CLASSES:  # in NanoDet's order, that of COCO's ids
            start_heads(network)
        checkpoint.write(args.output, checkpoint.Checkpoint(config, tuple(classes), network.state_dict()))
    except (GraphError, DataError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
