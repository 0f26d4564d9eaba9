"""From a config to a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.network.backbone import Pyramid, SingleScale, freeze_norms
from model.network.mask_rcnn import MaskRCNN

if TYPE_CHECKING:
    from model.config import ModelConfig


def build(config: ModelConfig) -> MaskRCNN:
    """Return the network that `config` describes, with random weights, in training mode on the CPU.

    Frozen batch norms take the statistics that are loaded into them, so load a backbone's weights afterwards.
    """
    backbone = Pyramid(config) if config.features in ("fpn", "pan") else SingleScale(config)
    network = MaskRCNN(config, backbone)
    if config.batch_norm == "frozen":
        freeze_norms(network.backbone.body)
        if network.roi_heads.res5 is not None:
            freeze_norms(network.roi_heads.res5)
    return network
