"""A crash of the graphs' library at its first use is not repeated at the next start.

An instruction that a processor lacks ends the process, and with it the window, before anything could be said. So what
is begun for the first time stands in a file while it runs: who finds it there later computes otherwise.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Literal

import numpy as np

from dataset.json_text import loads
from dataset.regular_files import read_regular
from model.inference.engines.engine_record import machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.inference.engines.onnx_engine import OnnxEngine

State = Literal["begun", "well"]
SIDE = 64
"""Pixels along the sides of the picture that is tried."""


class CrashedBeforeError(Exception):
    """The first use of these graphs on this computer ended its process; the text is the file that says so."""


def try_out(file: Path, make: Callable[[], OnnxEngine]) -> OnnxEngine:
    """Return an engine after every graph of it has run once; where that went well before it is only made.

    Raises:
        CrashedBeforeError: It ended the process the last time.
        Exception: Whatever the library raises.
    """
    state = _state(file)
    if state == "begun":
        raise CrashedBeforeError(file)
    if state == "well":
        return make()
    _write(file, "begun")
    try:
        engine = make()
        _run_all(engine)
    except BaseException:  # an error, or Ctrl+C, is no crash
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        raise
    _write(file, "well")
    return engine


def _run_all(engine: OnnxEngine) -> None:
    (features,) = engine.encode(np.zeros((1, 3, SIDE, SIDE), np.float32), [(SIDE, SIDE)])
    boxes = np.array([[8, 8, 40, 56]], np.float32)
    engine.classify(features, boxes)
    if engine.config.mask_head != "none":
        engine.masks(features, boxes, np.ones(1, np.int64))
    if engine.config.keypoints:
        engine.keypoints(features, boxes)


def _state(file: Path) -> State | None:
    """Return what a file says of this computer; None where it says nothing, or another process is just at it."""
    try:
        content = loads(read_regular(file))
        if content["machine"] != machine() or content["state"] not in ("begun", "well"):
            return None
        return None if content["state"] == "begun" and _is_running(int(content["process"])) else content["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_running(process: int) -> bool:
    if process == os.getpid() or os.name == "nt":  # on Windows a signal would end it
        return False
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _write(file: Path, state: State) -> None:
    with contextlib.suppress(OSError):  # where nothing can be kept, everything is a first use
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {"state": state, "process": os.getpid(), "machine": machine()}
        file.write_text(json.dumps(content, indent=1), encoding="utf-8")
