"""Which engine computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint
    from model.inference.engine import Engine


def open_engine(weights: str | Path | Checkpoint, device: str) -> Engine:
    """Return an engine with weights on a device.

    Args:
        weights: A name or file as `model.checkpoints.weights.load` takes it, or what it returned.
        device: `auto` (CUDA when there is one), `cpu`, `cuda` or another name that torch knows.

    Raises:
        model.checkpoints.weights.WeightsError: The weights cannot be used.
        model.inference.device.DeviceError: There is no such device.
    """
    from model.checkpoints.weights import load  # noqa: PLC0415 - torch, seconds of it
    from model.inference.torch_engine import TorchEngine  # noqa: PLC0415

    checkpoint = load(weights) if isinstance(weights, str | Path) else weights
    return TorchEngine(checkpoint, device)
