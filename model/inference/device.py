"""Which device computes."""

from __future__ import annotations

from dataset.i18n import tr
from dataset.messages import UserError


class DeviceError(UserError):
    """There is no such device; the text is one sentence for people."""


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
    return chosen


def no_such_device(name: str) -> str:
    """Return the sentence that says so."""
    return tr("There is no device {device}: choose auto, cpu or cuda.", device=name)
