"""Processes of our own that leave the processor to others."""

from __future__ import annotations

import contextlib
import os
import sys

NICENESS = 10
_BELOW_NORMAL = 0x4000  # Windows' BELOW_NORMAL_PRIORITY_CLASS
_MAY_SET = 0x0200  # and PROCESS_SET_INFORMATION


def lower_priority(process: int) -> None:
    """Let a process have what others leave of the processor. One that is gone, or not ours, stays as it is."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - on Windows only

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(_MAY_SET, False, process)
        kernel.SetPriorityClass(handle, _BELOW_NORMAL)
        kernel.CloseHandle(handle)
    else:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process, NICENESS)
