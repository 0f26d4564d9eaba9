"""From a config to a network."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from model.network.backbone import Pyramid, SingleScale, freeze_norms
from model.network.mask_rcnn import MaskRCNN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from model.config import ModelConfig

INITIALIZERS = frozenset({torch.Tensor.fill_, torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.zero_})
"""What `torch.nn.init` calls on a tensor in the end."""


def build(config: ModelConfig) -> MaskRCNN:
    """Return the network that `config` describes, with random weights, in training mode on the CPU.

    Frozen batch norms take the statistics that are loaded into them, so load a backbone's weights afterwards.
    """
    backbone = Pyramid(config) if config.features == "fpn" else SingleScale(config)
    network = MaskRCNN(config, backbone)
    if config.batch_norm == "frozen":
        freeze_norms(network.backbone.body)
        if network.roi_heads.res5 is not None:
            freeze_norms(network.roi_heads.res5)
    return network


class _NoInitialization(TorchFunctionMode):
    """Leaves new parameters as they are."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Collection[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever torch's function returns
        return args[0] if func in INITIALIZERS else func(*args, **(kwargs or {}))


@lru_cache(maxsize=8)
def meta_network(config: ModelConfig) -> MaskRCNN:
    """Return the network that `config` describes on torch's meta device: names, shapes and types without numbers.

    It takes no memory, however large the config says the network is. One config's is always the same object: who needs
    one of their own takes a copy, in a third of the time. On that device torch draws random numbers, which nobody will
    see, in Python: half the time that it took to load a model.
    """
    with torch.device("meta"), _NoInitialization():
        return build(config)
