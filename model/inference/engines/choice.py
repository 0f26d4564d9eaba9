"""Which engine computes.

On a CPU that which was measured to be the fastest with these weights here (`engine_record`, made in the background by
`model.graphs.prepare`). Until then a rule decides: graphs in 8 bits, where they are there; they need no torch, whose
import alone takes longer than the first prediction; else torch where the processor has 16-bit floats, and else graphs
in 32-bit floats. On other devices torch computes.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.i18n import tr
from dataset.regular_files import read_regular
from model.inference.device import PROVIDERS, DeviceError
from model.inference.engines.engine_record import NAMES, EngineName, read_record
from model.inference.engines.first_use import CrashedBeforeError, try_out
from model.inference.graph_cache import places_of
from model.inference.graph_file import GraphFileError, Graphs, read
from model.torch_import import interruptible, large_import, preload_torch

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint
    from model.inference.engine import Engine
    from model.inference.engines.onnx_engine import OnnxEngine
    from model.inference.graph_cache import GraphPlaces

VARIABLE = "ANNOTATOR_ENGINE"
"""Environment variable: `torch` or `graphs` where that is to compute, whatever is faster."""

PREPARES = "ANNOTATOR_PREPARE"
"""Environment variable: 0 where nothing is to be made or measured in the background."""


def open_engine(weights: str | Path | Checkpoint | Graphs, device: str) -> Engine:
    """Return an engine with weights on a device.

    Args:
        weights: A name or file as `model.checkpoints.weights.load` takes it, or what it returned, or graphs.
        device: `auto` (CUDA when there is one), `cpu`, `cuda` or another name that torch or `model.inference.device`
            knows.

    Raises:
        model.checkpoints.weights.WeightsError: The weights cannot be used.
        model.inference.device.DeviceError: There is no such device.
    """
    notice = ""
    if isinstance(weights, str | Path) and device in PROVIDERS:
        weights = _graphs_for(device, weights)
    if isinstance(weights, Graphs):
        from model.inference.engines.onnx_engine import OnnxEngine  # noqa: PLC0415

        return OnnxEngine(weights, device)
    if isinstance(weights, str | Path) and _on_cpu(device) and os.environ.get(VARIABLE) != "torch":
        engine, notice = _from_graphs(weights)
        if engine is not None:
            return engine
    if "torch" not in sys.modules:
        with interruptible(), large_import():
            preload_torch()
            import_module("model.inference.engines.torch_engine")
    from model.checkpoints.weights import load  # noqa: PLC0415 - torch, seconds of it
    from model.inference.engines.torch_engine import TorchEngine  # noqa: PLC0415

    checkpoint = load(weights) if isinstance(weights, str | Path) else weights
    return TorchEngine(checkpoint, device, notice)


def is_to_prepare(weights: str | Path, device: str, *, has_photos: bool = False) -> bool:
    """Return whether there is something to make, or to measure, for weights on this device in the background.

    Args:
        weights: A name or file.
        device: Where they compute.
        has_photos: Whether there are photos to calibrate graphs in 8 bits on.
    """
    if not _on_cpu(device) or os.environ.get(VARIABLE) == "torch" or os.environ.get(PREPARES) == "0":
        return False
    places = places_of(weights)
    if places is None:
        return False
    if not places.is_shipped and not places.floats.is_file():
        return True
    record = read_record(places.record)
    if record is None or record.fastest([*_usable(places), "torch"]) is None:
        return True
    return has_photos and not places.is_shipped and record.rounding is None


def _graphs_for(device: str, weights: str | Path) -> Graphs:
    """Return the graphs of weights for a device of ONNX Runtime's, in floats if there are any.

    Raises:
        DeviceError: There are none yet.
    """
    places = places_of(weights)
    for file in (places.floats, places.rounded) if places is not None else ():
        with suppress(GraphFileError, OSError):
            return read(file)
    text = tr(
        "What {device} computes is made while {weights} computes on the CPU: choose cpu first, and {device} at the "
        "next start.",
        device=device,
        weights=weights,
    )
    raise DeviceError(text)


def _usable(places: GraphPlaces) -> dict[EngineName, Path]:
    """Return the files of graphs that are there and find what they should, those that are preferred first."""
    found: dict[EngineName, Path] = {}
    record = None if places.is_shipped else read_record(places.record)
    if places.is_shipped or (record is not None and record.rounding is not None and record.rounding.used):
        found["int8"] = places.rounded
    found["float32"] = places.floats
    return {name: file for name, file in found.items() if file.is_file()}


def preferred(places: GraphPlaces) -> list[Path]:
    """Return the graphs that are to compute, the best first; none where torch is."""
    usable = _usable(places)
    if os.environ.get(VARIABLE) == "graphs":
        return list(usable.values())
    record = read_record(places.record)
    names: list[EngineName] = [*usable, "torch"]
    fastest = record.fastest(names) if record is not None else None
    if fastest is None:
        fastest = "int8" if "int8" in usable else "torch" if _has_bfloat16() else "float32"
    if fastest == "torch":
        return []
    # What comes after it in the order of preference is the way out where it cannot be read.
    return [usable[name] for name in NAMES[NAMES.index(fastest) :] if name in usable]


def _from_graphs(weights: str | Path) -> tuple[OnnxEngine | None, str]:
    """Return the engine that runs the graphs of weights, or why there is none, where a person should know that."""
    places = places_of(weights)
    for file in preferred(places) if places is not None else ():
        assert places is not None
        try:
            graphs = read(file)
            from model.inference.engines.onnx_engine import OnnxEngine  # noqa: PLC0415 - its library may be missing

            return try_out(places.trial(file), lambda made=graphs: OnnxEngine(made)), ""
        except (GraphFileError, OSError):
            continue  # it is made again
        except CrashedBeforeError as error:
            return None, tr(
                "ONNX Runtime ended the program when it was used first: torch computes, more slowly. Delete {file} to "
                "try it again.",
                file=error,
            )
        except Exception as error:  # noqa: BLE001 - a library that does not fit this computer may raise anything
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            return None, tr("ONNX Runtime cannot be used here ({reason}): torch computes, more slowly.", reason=reason)
    return None, ""


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
