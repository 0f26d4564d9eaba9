"""Making a model's graphs in a process of its own while torch answers: they serve from the next start on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.session.process_priority import lower_priority

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]


class GraphMaking:
    """One process at a time, at a low priority. What is wrong with it concerns nobody: torch goes on."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, weights: Sequence[str]) -> None:
        """Make the graphs of weights, unless others are being made."""
        if getattr(sys, "frozen", False):  # the packed application is no interpreter that runs a module
            return
        if not weights or (self._process is not None and self._process.poll() is None):
            return
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(  # noqa: S603 - this program's own module
                [sys.executable, "-m", "model.graphs.prepare", *weights],
                cwd=ROOT,  # where the module is, however the application was started
                env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},  # ROOT counts
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            lower_priority(self._process.pid)

    def end(self) -> None:
        """End it: what it was making is made another time, and nothing half is left."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process = None
