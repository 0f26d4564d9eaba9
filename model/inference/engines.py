"""Which engine computes.

On a CPU the network's graphs, where they are there: they need no torch, whose import alone takes longer than the first
prediction. Torch computes on CUDA, where no graphs can be used, and where processors have 16-bit floats and the graphs
only 32-bit ones.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.i18n import tr
from dataset.regular_files import read_regular
from model.inference.graph_cache import place_of
from model.inference.graph_file import GraphFileError, Graphs, read
from model.torch_import import interruptible, large_import, preload_torch

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint
    from model.inference.engine import Engine
    from model.inference.onnx_engine import OnnxEngine

VARIABLE = "ANNOTATOR_ENGINE"
"""Environment variable: `torch` or `graphs` where that is to compute, whatever is faster."""


def open_engine(weights: str | Path | Checkpoint | Graphs, device: str) -> Engine:
    """Return an engine with weights on a device.

    Args:
        weights: A name or file as `model.checkpoints.weights.load` takes it, or what it returned, or graphs.
        device: `auto` (CUDA when there is one), `cpu`, `cuda` or another name that torch knows.

    Raises:
        model.checkpoints.weights.WeightsError: The weights cannot be used.
        model.inference.device.DeviceError: There is no such device.
    """
    notice = ""
    if isinstance(weights, Graphs):
        from model.inference.onnx_engine import OnnxEngine  # noqa: PLC0415

        engine = OnnxEngine(weights)
        engine.to(device)
        return engine
    if isinstance(weights, str | Path) and _on_cpu(device) and os.environ.get(VARIABLE) != "torch":
        engine, notice = _from_graphs(weights)
        if engine is not None:
            return engine
    if "torch" not in sys.modules:
        with interruptible(), large_import():
            preload_torch()
            import_module("model.inference.torch_engine")
    from model.checkpoints.weights import load  # noqa: PLC0415 - torch, seconds of it
    from model.inference.torch_engine import TorchEngine  # noqa: PLC0415

    checkpoint = load(weights) if isinstance(weights, str | Path) else weights
    return TorchEngine(checkpoint, device, notice)


def lacks_graphs(weights: str | Path, device: str) -> bool:
    """Return whether weights would be computed from graphs on this device, had these been made."""
    if not _on_cpu(device) or _has_bfloat16() or os.environ.get(VARIABLE) == "torch":
        return False
    place = place_of(weights)
    return place is not None and not place.is_file()


def _from_graphs(weights: str | Path) -> tuple[OnnxEngine | None, str]:
    """Return the engine that runs the graphs of weights, or why there is none, where a person should know that."""
    place = place_of(weights)
    try:
        if place is None or not place.is_file():
            return None, ""
        graphs = read(place)
        if graphs.arithmetic == "float32" and _has_bfloat16() and os.environ.get(VARIABLE) != "graphs":
            return None, ""
        from model.inference.onnx_engine import OnnxEngine  # noqa: PLC0415 - its library may be missing

        return OnnxEngine(graphs), ""
    except (GraphFileError, OSError):
        return None, ""  # it is made again
    except Exception as error:  # noqa: BLE001 - a library that does not fit this computer may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return None, tr("ONNX Runtime cannot be used here ({reason}): torch computes, more slowly.", reason=reason)


def _on_cpu(device: str) -> bool:
    return device == "cpu" or (device == "auto" and not has_nvidia_driver())


def has_nvidia_driver() -> bool:
    """Return whether there is a GPU that torch might use; only torch itself knows whether it can."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def _has_bfloat16() -> bool:
    """Return whether the CPU computes 16-bit floats; `model.network.precision` asks torch the same."""
    wish = os.environ.get("ANNOTATOR_BF16", "")
    if wish in ("0", "1"):
        return wish == "1"
    try:
        flags = read_regular("/proc/cpuinfo")
    except OSError:
        return False
    return b"avx512_bf16" in flags or b"amx_tile" in flags
