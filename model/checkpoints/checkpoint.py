"""Trained networks on disk: safetensors with everything that is needed to build and name them as JSON in the header."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from dataset.atomic_files import replacement, write_bytes
from dataset.coco.categories import Category, to_coco
from dataset.regular_files import open_regular
from model.config_values import non_defaults, to_dict

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from model.config import ModelConfig

FORMAT = "annotator-maskrcnn-1"
"""Stands in the header, so that a checkpoint of something else is told apart."""


@dataclass(frozen=True)
class Checkpoint:
    """A network's weights and what they mean."""

    config: ModelConfig
    categories: tuple[Category, ...]
    """One a class, in the order of the network's outputs."""
    state: dict[str, Tensor]
    """What `MaskRCNN.load_state_dict` takes."""
    metrics: dict[str, Any] = field(default_factory=dict)
    """How good it is, by name; JSON-ready."""

    def digest(self) -> str:
        """16 hexadecimal digits that are others for other weights."""
        content = blake2b(digest_size=8)
        for name, tensor in sorted(self.state.items()):
            content.update(name.encode())
            content.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return content.hexdigest()

    def config_digest(self) -> str:
        """Return 8 hexadecimal digits that differ for other configs: the same weights with them find other objects.

        Of what is otherwise than by default: a field that is yet to come changes none, so that what is kept stays good.
        """
        return blake2b(json.dumps(non_defaults(self.config), sort_keys=True).encode(), digest_size=4).hexdigest()

    def network_digest(self) -> str:
        """Return both: what differs where other objects may be found."""
        return f"{self.digest()}-{self.config_digest()}"


def write(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a checkpoint; a file that was there stays whole until the new one is complete on disk.

    Args:
        path: A `.safetensors` file; its folder is made when missing.
        checkpoint: What to write.
        half: Whether floats are stored in 16 bits, at half the size.

    Raises:
        OSError: The file cannot be written.
    """
    tensors = {}
    for name, tensor in checkpoint.state.items():
        kept = tensor.detach().cpu()
        kept = kept.half() if half and kept.is_floating_point() else kept
        tensors[name] = kept.contiguous().clone()
    header = {
        "format": FORMAT,
        "config": json.dumps(to_dict(checkpoint.config)),
        "categories": json.dumps([to_coco(c) for c in checkpoint.categories]),
        "metrics": json.dumps(checkpoint.metrics),
    }
    write_bytes(path, save(tensors, metadata=header))


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write what a training run needs to go on: tensors, numbers, strings, lists and dictionaries of them."""
    with replacement(path) as file:
        torch.save(state, file)


def read_state(path: Path) -> dict[str, Any]:
    """Return what `write_state` wrote. Nothing but plain data is read: no code in the file can run."""
    with open_regular(path) as file:
        return torch.load(file, map_location="cpu", weights_only=True)
