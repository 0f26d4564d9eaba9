"""The run over the whole folder: which photos are still to be looked at, and how far that is."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from annotator.suggestions.messages import FolderProgress

if TYPE_CHECKING:
    from collections.abc import Iterable


class FolderRun:
    """Photos that are looked at when nothing else is wanted. Not safe for threads: whoever has it guards it."""

    def __init__(self) -> None:
        self._left: deque[str] = deque()
        self._total = 0
        self._since = 0.0
        self.is_running = False
        """Whether its end is still to be reported."""

    def __bool__(self) -> bool:
        """Whether there is a photo to look at."""
        return bool(self._left)

    def start(self, names: Iterable[str]) -> None:
        """Look at these, and no more at those there were."""
        self._left = deque(names)
        self._total, self._since = len(self._left), time.monotonic()
        self.is_running = bool(self._left)

    def stop(self) -> bool:
        """Leave the rest. Returns whether it was running."""
        was_running = self.is_running
        self._left.clear()
        self.is_running = False
        return was_running

    def take(self) -> str:
        """Return the photo that is to be looked at now."""
        return self._left.popleft()

    def put_back(self, name: str, *, first: bool) -> None:
        """Look at a photo again, before the others or after them, unless the run has ended since it was taken."""
        if self.is_running:
            (self._left.appendleft if first else self._left.append)(name)

    def report(self) -> FolderProgress | None:
        """Return how far it is after a photo that was taken; None with the last one, at which it ends."""
        done = self._total - len(self._left)
        if done == self._total:
            self.is_running = False
            return None
        return FolderProgress(done, self._total, time.monotonic() - self._since)
