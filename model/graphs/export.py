"""From a checkpoint to the graphs that an engine runs."""

from __future__ import annotations

import io
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING

import torch

from model.checkpoints.weights import fold_norms, network_of
from model.graphs.modules import ChannelRows, Classify, Encode, GivenRegions, GraphPooler, Keypoints, Masks
from model.inference.engines.region_pooling import pools_outside
from model.inference.graph_file import Graphs
from model.network.roi_heads import FINE_SIZE

if TYPE_CHECKING:
    from torch import Tensor, nn

    from model.checkpoints.checkpoint import Checkpoint
    from model.network.mask_rcnn import MaskRCNN

OPSET = 18
SIDES = (64, 96)
"""Height and width of the picture that is traced: they differ, so that none is taken for the other."""


class UnsupportedError(Exception):
    """No graph can be made of a network; the text says of which part."""


@torch.inference_mode()
def export(checkpoint: Checkpoint) -> Graphs:
    """Return the graphs of a checkpoint's network, float32.

    Raises:
        model.checkpoints.weights.WeightsError: The weights do not fit the config.
        UnsupportedError: The network has a layer that no graph has.
    """
    network = network_to_trace(checkpoint, pooled=pools_outside(checkpoint.config))
    return Graphs(
        checkpoint.config,
        checkpoint.categories,
        checkpoint.metrics,
        checkpoint.network_digest(),
        "float32",
        {name: _part(name, part, network) for name, part in _parts(network).items()},
    )


def network_to_trace(checkpoint: Checkpoint, *, pooled: bool = False) -> MaskRCNN:
    """Return a checkpoint's network with all that a graph can hold in place of what it cannot.

    Args:
        checkpoint: The weights.
        pooled: Whether its heads are given regions that are pooled already, in place of maps.

    Raises:
        model.checkpoints.weights.WeightsError: The weights do not fit the config.
    """
    network = network_of(checkpoint)
    fold_norms(network)
    heads = network.roi_heads
    kind = GivenRegions if pooled else GraphPooler
    heads.pool, heads.box_pool = kind(heads.pool), kind(heads.box_pool)
    return network


def _parts(network: MaskRCNN) -> dict[str, nn.Module]:
    parts: dict[str, nn.Module] = {"encode": Encode(network), "classify": Classify(network)}
    if network.roi_heads.mask_head is not None:
        parts["masks"] = Masks(network)
    if network.roi_heads.keypoint_head is not None:
        parts["keypoints"] = Keypoints(network)
    return parts


def _part(name: str, part: nn.Module, network: MaskRCNN) -> bytes:
    """Return one of the parts as ONNX."""
    pixels = torch.rand(1, 3, *SIDES)
    levels = [f"map{index}" for index in range(len(network.config.strides))]
    boxes = torch.tensor([[5.0, 8, 40, 60], [0, 0, 96, 64], [20, 30, 29, 41]])
    given: dict[str, Tensor] = {"pixels": pixels, "inner": torch.tensor(SIDES)}
    made = ["proposals", *(["objectness"] if network.config.rpn_score else []), *levels]
    if name != "encode":
        given = {"boxes": boxes}
        made = {"classify": ["probabilities", "refined"]}.get(name, [name])
        if name == "masks":
            given["labels"] = torch.ones(len(boxes), dtype=torch.int64)
        given |= _pooled(name, boxes, network, dict(zip(levels, network.encode(pixels), strict=True)))
    free = {level: {1: f"{level}_height", 2: f"{level}_width"} for level in levels}
    free |= {"pixels": {2: "height", 3: "width"}}
    free |= {key: {0: "regions"} for key in ("boxes", "labels", "pooled", *made) if key not in free}
    return trace(name, ChannelRows(part), given, made, free)


def _pooled(name: str, boxes: Tensor, network: MaskRCNN, maps: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what a head looks at: regions that are pooled, or the maps."""
    heads = network.roi_heads
    if isinstance(heads.pool, GivenRegions):
        size = {"classify": heads.box_bins, "masks": heads.mask_bins}.get(name, FINE_SIZE)
        return {"pooled": torch.rand(len(boxes), size, size, network.backbone.channels)}
    return {level: maps[level].permute(0, 2, 3, 1) for level in maps}


def trace(
    name: str, module: nn.Module, given: dict[str, Tensor], made: list[str], free: dict[str, dict[int, str]]
) -> bytes:
    """Return a module as ONNX.

    Args:
        name: What it is called in an error.
        module: What is traced.
        given: Its arguments, by the names that they get.
        made: The names of what it returns.
        free: Which axes may have another length with other arguments, by name, and what these are called.

    Raises:
        UnsupportedError: It has a layer that no graph has.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is the same for every photo, among others
        try:
            torch.onnx.export(
                deepcopy(module),
                tuple(given.values()),
                buffer,  # pyrefly: ignore
                input_names=list(given),
                output_names=made,
                dynamic_axes={key: axes for key, axes in free.items() if key in given or key in made},
                opset_version=OPSET,
                dynamo=False,
            )
        except (RuntimeError, ValueError, TypeError) as error:
            raise UnsupportedError(f"{name}: {error}") from error
    return buffer.getvalue()
