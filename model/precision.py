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
    half, full = _seconds(torch.bfloat16, torch.float32)
    return torch.bfloat16 if half < 0.8 * full else torch.float32


@torch.inference_mode()
def _seconds(*kinds: torch.dtype) -> list[float]:
    """Return the time that a convolution like those of the pyramid takes in each type: some 40 ms in all.

    The types take turns and the best of twelve counts, so that other work on the machine favours none of them.
    """
    trials = []
    for kind in kinds:
        layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(kind).to(memory_format=torch.channels_last)
        picture = torch.ones(1, 64, 64, 64, dtype=kind).contiguous(memory_format=torch.channels_last)
        layer(picture)  # the first call prepares the kernel
        trials.append((layer, picture))
    best = [float("inf")] * len(trials)
    for _ in range(12):
        for i, (layer, picture) in enumerate(trials):
            start = time.perf_counter()
            layer(picture)
            best[i] = min(best[i], time.perf_counter() - start)
    return best
