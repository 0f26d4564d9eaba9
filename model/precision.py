"""Which numbers a device computes fastest in."""

from __future__ import annotations

import os
import time
from functools import cache

import torch

BFLOAT16_VARIABLE = "ANNOTATOR_BF16"
"""Environment variable: 0 forbids and 1 demands 16-bit floats; otherwise a measurement decides."""


@cache
def fast_type(device: str) -> torch.dtype:
    """Return bfloat16 where convolutions are clearly faster in it than in float32 on the device, otherwise float32."""
    wish = os.environ.get(BFLOAT16_VARIABLE, "")
    if wish in ("0", "1"):
        return torch.bfloat16 if wish == "1" else torch.float32
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device != "cpu":
        return torch.float32
    return torch.bfloat16 if _seconds(torch.bfloat16) < 0.8 * _seconds(torch.float32) else torch.float32


@torch.inference_mode()
def _seconds(kind: torch.dtype) -> float:
    """Return the time of a convolution like those of the pyramid, best of five: some 20 ms in all."""
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(kind).to(memory_format=torch.channels_last)
    picture = torch.ones(1, 64, 64, 64, dtype=kind).contiguous(memory_format=torch.channels_last)
    layer(picture)  # the first call prepares the kernel
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        layer(picture)
        best = min(best, time.perf_counter() - start)
    return best
