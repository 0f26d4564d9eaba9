"""What a network takes over from weights that were trained for something else."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import torch

from dataset.i18n import tr
from dataset.regular_files import read_regular
from model.checkpoints.names import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from dataset.coco.categories import Category
    from model.checkpoints.checkpoint import Checkpoint
    from model.config import ModelConfig
    from model.network.mask_rcnn import MaskRCNN

MASK_LAYERS = "roi_heads.mask_predictor.mask_fcn_logits."
"""Of convolutional mask heads, see `mask_layers`."""
LAST_OF_MLP = {"mlp2": 5, "mlp3": 7}
"""Place of the last layer in `model.network.roi_heads.MaskMLP`, whose outputs are each class's cells."""


def mask_layers(config: ModelConfig) -> str:
    """Return the beginning of the names of the mask head's weights whose first dimension runs over the classes."""
    last = LAST_OF_MLP.get(config.mask_head)
    return MASK_LAYERS if last is None else f"roi_heads.mask_predictor.{last}."


def class_layers(config: ModelConfig) -> tuple[str, ...]:
    """Return the beginnings of the names of weights whose first dimension runs over the classes, background first."""
    box = "roi_heads.box_predictor."
    return (f"{box}cls_score." if config.box_agnostic else box, mask_layers(config))


def transfer_heads(start: Checkpoint, network: MaskRCNN, categories: list[Category]) -> None:
    """Give a network the weights of a checkpoint: all that fit, and the outputs of each class of the same name.

    A class that the checkpoint does not know starts from the average of those it does, and its mask from that of any
    object where there is one, so that a first guess at a mask is better than noise.
    """
    old = {c.name: i for i, c in enumerate(start.categories, 1)}
    own = network.state_dict()
    of_classes = class_layers(network.config) if network.config.box_agnostic else class_layers(start.config)
    of_masks = mask_layers(start.config)
    if of_masks != mask_layers(network.config):  # another head: what is a class's there is a hidden layer's here
        of_classes = of_classes[:1]
    for name, value in start.state.items():
        if name in own and own[name].shape == value.shape and not name.startswith(of_classes):
            own[name].copy_(value)
        elif name in own and name.startswith(of_classes):
            per_class = value.float().unflatten(0, (start.config.classes + 1, -1))
            mean = per_class[1:].mean(0)
            masks = name.startswith(of_masks)
            anything = masks and network.config.draws_anything
            first = mean if anything and not start.config.draws_anything else per_class[0]
            fresh = first if anything else mean
            rows = [first, *(per_class[old[c.name]] if c.name in old else fresh for c in categories)]
            own[name].copy_(torch.stack(rows).flatten(0, 1))


def load_backbone(network: MaskRCNN, file: Path) -> None:
    """Load torchvision's classification weights into the body, and into a C4 network's res5.

    Raises:
        WeightsError: The file is not such weights for this backbone.
    """
    try:
        state = torch.load(BytesIO(read_regular(file)), map_location="cpu", weights_only=True)
        state = {name.removeprefix("features."): value for name, value in state.items()}
        missing = network.backbone.body.load_state_dict(state, strict=False).missing_keys
        if network.roi_heads.res5 is not None:  # a stage of its own in ResNets, blocks of the body's list in MobileNets
            own = {name.removeprefix("layer4."): value for name, value in state.items()}
            missing += network.roi_heads.res5.load_state_dict(own, strict=False).missing_keys
    except Exception:  # noqa: BLE001 - a wrong file fails in many ways
        raise WeightsError(
            tr("{file} does not hold torchvision's weights of {backbone}.", file=file, backbone=network.config.backbone)
        ) from None
    if missing:
        raise WeightsError(
            tr("{file} lacks {name} of {backbone}.", file=file, name=missing[0], backbone=network.config.backbone)
        )
