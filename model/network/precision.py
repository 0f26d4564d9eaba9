"""Which numbers a device computes fastest in."""

from __future__ import annotations

import os
from functools import cache

import torch

BFLOAT16_VARIABLE = "ANNOTATOR_BF16"
"""Environment variable: 0 forbids and 1 demands 16-bit floats; otherwise the device's abilities decide."""


@cache
def fast_type(device: str) -> torch.dtype:
    """Return bfloat16 where the device has instructions for it, otherwise float32.

    What the device can do decides, not a measurement: that one would come out otherwise on a busy machine, and the same
    photo would get other suggestions from one day to the next.
    """
    wish = os.environ.get(BFLOAT16_VARIABLE, "")
    if wish in ("0", "1"):
        return torch.bfloat16 if wish == "1" else torch.float32
    if device.startswith("cuda"):
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = device == "cpu" and any(ask() for ask in _CPU_QUESTIONS)
    return torch.bfloat16 if able else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """Return the context in which a device trains fastest.

    A CPU without instructions for 16-bit floats takes ten times and more as long with them.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=fast_type(device.type) is torch.bfloat16)


_CPU_QUESTIONS = tuple(
    getattr(torch.cpu, name)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    if hasattr(torch.cpu, name)  # torch tells it by these names since 2.4
)
