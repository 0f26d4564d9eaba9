"""Saving of a training run's state now and then, so that a kill costs little work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class PeriodicSave:
    """Saves when called, and is due again so many seconds later."""

    def __init__(self, save: Callable[[], None], seconds: float, first: float | None = None) -> None:
        """Start the clock.

        Args:
            save: Writes the state.
            seconds: From one save to the next.
            first: Seconds to the first save; None is as many as between the others.
        """
        self._save, self._seconds = save, seconds
        self._due = time.monotonic() + (seconds if first is None else first)

    def due(self) -> bool:
        """Return whether it is time to save."""
        return time.monotonic() > self._due

    def __call__(self) -> None:
        """Save, and start the clock again."""
        self._save()
        self._due = time.monotonic() + self._seconds
