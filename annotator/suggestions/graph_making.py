"""Making a model's graphs, and measuring what computes it fastest, in a process of its own beside the window.

What is found serves from the next start on.
"""

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

    from annotator.suggestions.source import AnswerSource

ROOT = Path(__file__).resolve().parents[2]
ENOUGH_PHOTOS = 16
"""Photos to calibrate on; `model.graphs.rounding` has the same, and imports torch."""


class GraphMaking:
    """One process at a time, at a low priority. What is wrong with it concerns nobody: torch goes on."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, weights: Sequence[str], photos: Path | None = None) -> bool:
        """Make the graphs of weights and measure them, unless others are being made; return whether it has begun.

        `photos` is a folder of photos to calibrate graphs in 8 bits on.
        """
        if getattr(sys, "frozen", False):  # the packed application is no interpreter that runs a module
            return False
        if not weights or (self._process is not None and self._process.poll() is None):
            return False
        given = [f"--photos={photos}"] if photos is not None else []
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(  # noqa: S603 - this program's own module
                [sys.executable, "-m", "model.graphs.prepare", *given, "--", *weights],
                cwd=ROOT,  # where the module is, however the application was started
                env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},  # ROOT counts
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            lower_priority(self._process.pid)
            return True
        return False

    def end(self) -> None:
        """End it: what it was making is made another time, and nothing half is left."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process = None


class Preparation:
    """What there is to prepare for the model in use, once that has nothing else to do. Of the model's thread alone."""

    def __init__(self) -> None:
        self._making = GraphMaking()
        self._weights: Sequence[str] = ()
        self._device = ""
        self._last: object = None

    def use(self, weights: Sequence[str], device: str) -> None:
        """Take over which weights are in use, and on which device."""
        self._weights, self._device, self._last = weights, device, None

    def go_on(self, source: AnswerSource | None) -> None:
        """Begin what is to be done, with the photos of the folder that is open if they are enough."""
        from model.inference.engines.choice import is_to_prepare  # noqa: PLC0415 - after the window is up

        photos = source.folder if source is not None and source.photos >= ENOUGH_PHOTOS else None
        wanted = (*self._weights, self._device, photos)
        if not self._weights or wanted == self._last:
            return
        todo = [w for w in self._weights if is_to_prepare(w, self._device, has_photos=photos is not None)]
        if not todo or self._making.start(todo, photos):
            self._last = wanted

    def end(self) -> None:
        """End what is being done."""
        self._making.end()
