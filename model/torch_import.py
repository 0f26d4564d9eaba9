"""Loading torch's libraries without stopping the window.

`import torch` opens libraries of a gigabyte while it holds Python's global lock, and the window stands still for as
long: 310 to 350 ms on two busy cores. A foreign call holds no lock, so the libraries are opened by one beforehand
(160 to 290 ms is the longest stop that is left); the import then finds them open.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib.util
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("libc10.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch.so")  # those that do not call Python


@contextmanager
def large_import() -> Iterator[None]:
    """Import something large without stopping the window for Python's cyclic garbage collector.

    A million new objects make it look through all of them again and again, and once more now and then for the rest of
    the day, the window standing still: 150 to 700 ms each time beside torch, on two busy cores. What is there
    afterwards is there for good, and is not looked at again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
        atexit.unregister(gc.unfreeze)
        atexit.register(gc.unfreeze)  # libraries look for what is left of theirs when Python ends


def preload_torch() -> None:
    """Open torch's libraries, where that is known to help; whatever is wrong with them, the import will say."""
    if sys.platform != "linux":
        return
    spec = importlib.util.find_spec("torch")
    try:
        dlopen = ctypes.CDLL(None).dlopen
    except (OSError, AttributeError):
        return
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    for place in spec.submodule_search_locations or () if spec else ():
        for name in LIBRARIES:
            library = Path(place) / "lib" / name
            if library.is_file():
                dlopen(os.fsencode(library), os.RTLD_NOW)


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl+C ends this block, at its end if not before: large imports may swallow it, or make another error of it."""
    pressed = False

    def interrupt(*_: object) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not in the main thread, which alone is interrupted
        yield
        return
    try:
        yield
    except Exception:
        if not pressed:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
