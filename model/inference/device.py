"""Which device computes.

CUDA and the CPU are tested. Apple's GPU by torch (`mps`), and Core ML and DirectML by ONNX Runtime, are there to be
chosen by name where a computer has them; nothing chooses them by itself, because nobody has measured them here.
"""

from __future__ import annotations

import sys
from importlib import metadata

from dataset.i18n import tr
from dataset.messages import UserError

PROVIDERS = {"coreml": "CoreMLExecutionProvider", "directml": "DmlExecutionProvider"}
"""What ONNX Runtime calls devices of its own."""
CPU = "CPUExecutionProvider"
TESTED = ("auto", "cpu", "cuda")


class DeviceError(UserError):
    """There is no such device; the text is one sentence for people."""


def selectable_devices() -> tuple[str, ...]:
    """Return the names that can be asked for on this computer; whether such a device is there is known when it is."""
    if sys.platform == "darwin":
        return (*TESTED, "mps", "coreml")
    if sys.platform == "win32" and _is_installed("onnxruntime-directml"):
        return (*TESTED, "directml")
    return TESTED


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def choose_device(name: str) -> str:
    """Return the device for a name: `auto` is CUDA where there is one, else the CPU; others stay as they are.

    Raises:
        DeviceError: There is no such device.
    """
    import torch  # noqa: PLC0415 - seconds of it

    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        torch.device(chosen)
    except RuntimeError:
        raise DeviceError(no_such_device(chosen)) from None
    if chosen.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError(tr("This computer has no CUDA device that torch can use: choose auto or cpu."))
    if chosen.startswith("mps") and not torch.backends.mps.is_available():
        raise DeviceError(tr("This computer has no Apple GPU that torch can use: choose auto or cpu."))
    return chosen


def choose_provider(device: str, present: list[str]) -> str:
    """Return ONNX Runtime's name of a device of its own, or of the CPU, of those that are present.

    Raises:
        DeviceError: There is no such device.
    """
    if device in ("auto", "cpu"):
        return CPU
    if device not in PROVIDERS:
        raise DeviceError(no_such_device(device))
    if PROVIDERS[device] not in present:
        raise DeviceError(tr("ONNX Runtime has no {device} on this computer: choose auto or cpu.", device=device))
    return PROVIDERS[device]


def no_such_device(name: str) -> str:
    """Return the sentence that says so."""
    return tr("There is no device {device}: choose auto, cpu or cuda.", device=name)
