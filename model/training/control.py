"""Control of a run from outside: the lines pause, resume, stop and quit on standard input."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from model.protocol import Paused, Resumed

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from model.distributed import ProcessGroup
    from model.protocol import TrainingEvent

ORDERS = ("go", "pause", "stop", "quit")
"""go: run; stop: finish now with the best model so far; quit: save the state for a later run, and end."""
POLL_SECONDS = 0.1
"""Between two checks of a run that pauses."""


class Stop(Exception):  # noqa: N818 - an order, no error
    """The run is to finish now with the best model so far."""


class Quit(Exception):  # noqa: N818 - an order, no error
    """The run is to save its state and end."""


class Control:
    """Reader of orders, in a thread of its own, so that the run never waits for them."""

    def __init__(self, on_event: Callable[[TrainingEvent], None], stream: int | None = None) -> None:
        """Start the thread.

        Args:
            on_event: Called with `Paused` and `Resumed`.
            stream: File descriptor to read lines from, to its end; None without orders.
        """
        self._on_event = on_event
        self._order = "go"
        self.waited = 0.0
        """Seconds that the run has paused."""
        if stream is not None:
            threading.Thread(target=self._read, args=(stream,), name="orders", daemon=True).start()

    def _read(self, stream: int) -> None:
        """Read the stream to its end, unbuffered: a buffered file would hold a lock when Python ends."""
        rest = b""
        while True:
            try:
                part = os.read(stream, 4096)
            except OSError:
                part = b""
            *lines, rest = (rest + part).split(b"\n")
            for line in lines if part else (*lines, rest):
                self.order(line.decode("utf-8", "replace").strip())
            if not part:
                if self._order == "pause":  # nobody is left to resume it
                    self._order = "go"
                return

    def order(self, word: str) -> None:
        """Set the order; unknown words are ignored, and after stop or quit all but quit."""
        word = "go" if word == "resume" else word
        if word in ORDERS and self._order != "quit" and (self._order != "stop" or word == "quit"):
            self._order = word

    def finish(self) -> None:
        """Mark a stop as done: `check` raises it no more."""
        if self._order == "stop":
            self._order = "go"

    def check(self, team: ProcessGroup | None = None, device: torch.device | None = None) -> None:
        """Wait while the run is to pause; all processes of a group follow the order of the main one.

        Raises:
            Stop: The run is to finish now.
            Quit: The run is to end and go on another time.
        """
        order = self._agreed(team, device)
        if order == "pause":
            begin = time.monotonic()
            self._on_event(Paused())
            while order == "pause":
                time.sleep(POLL_SECONDS)
                order = self._agreed(team, device)
            self.waited += time.monotonic() - begin
            self._on_event(Resumed())
        if order == "stop":
            raise Stop
        if order == "quit":
            raise Quit

    def check_cancelled(self, team: ProcessGroup) -> None:
        """Check between two photos that a process handles by itself; several processes check at the next step only.

        Raises:
            Stop: As `check` does.
            Quit: As `check` does.
        """
        if team.size == 1:
            self.check()

    def _agreed(self, team: ProcessGroup | None, device: torch.device | None) -> str:
        if team is None or team.size == 1 or device is None:
            return self._order
        return ORDERS[int(team.broadcast(float(ORDERS.index(self._order)), device))]


def standard_input() -> int | None:
    """Return the file descriptor of standard input, or None where there is none."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
