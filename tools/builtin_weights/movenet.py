"""MoveNet's backbone as torchvision's: where the builtin model starts from.

    python -m tools.builtin_weights.movenet movenet-multipose.json movenet.pth

MoveNet (Google, Apache-2.0) finds people and their joints in whole photos; it was trained on COCO's train2017 and on
pictures of sports. Its backbone is a MobileNetV2 of one and a half times the width, published as a TensorFlow.js graph
model: a JSON file that lists the tensors, and binary files beside it that hold them. Batch norms are folded into the
convolutions there; here they come back as ones that add the offset and change nothing else.

TensorFlow pads at the right and at the bottom where torchvision pads all around. That moves every feature by half a
cell, all levels alike, which is why the weights are a start for training and no MoveNet.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from model.config import MEAN, STD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

WIDTH = 1.5
"""Of MoveNet MultiPose; `ModelConfig.width`."""
BODY = "center_net_mobile_net_v2fpn_feature_extractor/model_1/model/"
BLOCKS = 16
NORM_EPS = 1e-5
"""torchvision's default of batch norm: its variance is 1 less this, so that nothing is scaled."""


class GraphError(Exception):
    """A file is no such graph model; the text is one sentence."""


def read_tensors(graph: Path) -> dict[str, NDArray[np.float32]]:
    """Return the floating-point tensors of a TensorFlow.js graph model by name.

    Raises:
        GraphError: The file, or one that it names beside it, is not what it should be.
    """
    found: dict[str, NDArray[np.float32]] = {}
    try:
        for group in json.loads(graph.read_bytes())["weightsManifest"]:
            data = b"".join((graph.parent / Path(name).name).read_bytes() for name in group["paths"])
            start = 0
            for entry in group["weights"]:
                kind = np.dtype(entry.get("quantization", entry)["dtype"])
                count = int(np.prod(entry["shape"], dtype=np.int64))
                values = np.frombuffer(data, kind, count, start).reshape(entry["shape"])
                start += values.nbytes
                if kind.kind == "f":
                    found[entry["name"]] = values.astype(np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GraphError(f"{graph} is no TensorFlow.js graph model that can be read ({error}).") from None
    return found


def backbone_state(tensors: dict[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """Return the weights of torchvision's `mobilenet_v2` up to its last inverted residual.

    Raises:
        GraphError: A tensor of the network is missing.
    """
    state = _convolution(tensors, "Conv1/Conv2D", "features.0.0", "features.0.1")
    state |= _convolution(tensors, "expanded_conv_depthwise/depthwise", "features.1.conv.0.0", "features.1.conv.0.1")
    state |= _convolution(tensors, "expanded_conv_project/Conv2D", "features.1.conv.1", "features.1.conv.2")
    for block in range(1, BLOCKS + 1):
        own = f"features.{block + 1}.conv."
        state |= _convolution(tensors, f"block_{block}_expand/Conv2D", own + "0.0", own + "0.1")
        state |= _convolution(tensors, f"block_{block}_depthwise/depthwise", own + "1.0", own + "1.1")
        state |= _convolution(tensors, f"block_{block}_project/Conv2D", own + "2", own + "3")
    # MoveNet takes 2 * pixel - 1 for pixels of 0..1, and our networks (pixel - MEAN) / STD: the stem learns to do so.
    stem, mean, std = state["features.0.0.weight"], torch.tensor(MEAN), torch.tensor(STD)
    state["features.0.1.bias"] = state["features.0.1.bias"] + torch.einsum("oihw,i->o", stem, 2 * mean - 1)
    state["features.0.0.weight"] = stem * (2 * std)[:, None, None]
    return state


def _convolution(tensors: dict[str, NDArray[np.float32]], name: str, convolution: str, norm: str) -> dict[str, Tensor]:
    """Return the weights of a convolution and of the batch norm behind it, under torchvision's names."""
    end = BODY + name
    weight = next((v for k, v in tensors.items() if k.endswith(end + "_weights")), None)
    offset = next((v for k, v in tensors.items() if k.endswith(end + "_bn_offset")), None)
    if weight is None or offset is None:
        raise GraphError(f"There is no {name} with its offset in this graph model: MoveNet MultiPose has one.")
    axes = (2, 3, 0, 1) if name.endswith("depthwise") else (3, 2, 0, 1)  # from height, width, in, out
    bias = torch.from_numpy(offset.copy())
    return {
        f"{convolution}.weight": torch.from_numpy(weight.transpose(axes).copy()),
        f"{norm}.weight": torch.ones_like(bias),
        f"{norm}.bias": bias,
        f"{norm}.running_mean": torch.zeros_like(bias),
        f"{norm}.running_var": torch.full_like(bias, 1 - NORM_EPS),
    }


def main(arguments: Iterable[str] | None = None) -> int:
    """Convert a file. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.movenet", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("graph", type=Path, help="movenet-multipose.json, its .bin beside it")
    parser.add_argument("output", type=Path, help="file for `python -m model.commands.train --backbone-weights`")
    args: Any = parser.parse_args(list(arguments) if arguments is not None else None)
    try:
        torch.save(backbone_state(read_tensors(args.graph)), args.output)
    except (GraphError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
