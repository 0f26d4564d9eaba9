"""NanoDet-g's body and pyramid as a network to train on: where the builtin model starts from.

    python -m tools.builtin_weights.nanodet nanodet.json coco.json start.safetensors

NanoDet-g (RangiLyu, github.com/RangiLyu/nanodet, Apache-2.0) was trained on COCO's train2017 for all its 80 classes. It
is published as a TensorFlow.js graph model with its batch norms folded in. Body and neck are taken over as they are;
what stands on the neck's maps there, a 3x3 convolution a stride, becomes the output of the pyramid. The map of stride
4, which NanoDet lacks, starts as an enlarged copy of that of stride 8, and the heads start at random.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dataset.coco_reader import DataError, load_coco
from model.checkpoints import checkpoint
from model.config import BUILTIN, ModelConfig, changed
from model.data.training_images import classes_of
from model.network.backbone import PathAggregation
from model.network.build import build
from tools.builtin_weights.movenet import GraphError, read_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

START = replace(
    BUILTIN, classes=80, backbone="cspnet", width=1.0, features="pan", box_canonical=56.0, box_nms=ModelConfig.box_nms
)
"""The builtin network over NanoDet's body and pyramid, which has objects of about 80 pixels on the map of stride 16:
hence `box_canonical`."""
BODY = 25
"""Convolutions of the body; three lateral ones follow, then in turn one 3x3 and one of the outputs for each stride."""
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
    """Load NanoDet's weights into a `CSPNet` and the pyramid over it.

    Raises:
        GraphError: A tensor is missing or of another shape.
    """
    layers = [m for m in body.modules() if isinstance(m, nn.Conv2d)]
    into = [*layers, *neck.inner_blocks[1:], neck.layer_blocks[1], neck.layer_blocks[2], neck.layer_blocks[3]]
    for layer, index in zip(into, (*range(BODY + 3), BODY + 3, BODY + 5, BODY + 7), strict=True):
        assert isinstance(layer, nn.Conv2d)
        weight, bias = convolution(tensors, index)
        if index == 0:
            weight = weight.flip(1)  # NanoDet's pictures are BGR, with the mean and deviation of ours
        if weight.shape != layer.weight.shape:
            raise GraphError(f"Convolution {index} has the shape {tuple(weight.shape)}, NanoDet-g's another.")
        layer.load_state_dict({"weight": weight, "bias": bias})
    finest = neck.inner_blocks[0]
    assert isinstance(finest, nn.Conv2d)
    assert finest.bias is not None
    nn.init.normal_(finest.weight, std=0.01)
    nn.init.zeros_(finest.bias)
    neck.layer_blocks[0].load_state_dict(neck.layer_blocks[1].state_dict())


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
        neck = network.backbone.fpn
        assert isinstance(neck, PathAggregation)
        take_over(network.backbone.body, neck, read_tensors(args.graph))
        checkpoint.write(args.output, checkpoint.Checkpoint(config, tuple(classes), network.state_dict()))
    except (GraphError, DataError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
