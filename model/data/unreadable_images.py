"""Photos that cannot be read, or no longer: the work goes on without them, and says so once of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.console import print_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataset.images import PhotoError


class UnreadableImages:
    """What has been left out so far."""

    def __init__(self, tell: Callable[[str], None] = print_message) -> None:
        """Begin with nothing; `tell` hears a sentence on each photo."""
        self.paths: set[Path] = set()
        self._tell = tell

    def add(self, path: Path, error: PhotoError) -> None:
        """Leave a photo out because of an error."""
        if path not in self.paths:
            self.paths.add(path)
            self._tell(f"Left out {path}: {error}")

    def __reduce__(self) -> tuple[type[UnreadableImages], tuple[()]]:
        """Go to a process that loads photos without the one that listens here: that process speaks for itself."""
        return UnreadableImages, ()
