"""Photos that cannot be read, or no longer: they are left out, with one message for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr
from model.console import print_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataset.pictures.images import PhotoError


class UnreadableImages:
    """Paths of the photos that were left out so far."""

    def __init__(self, on_message: Callable[[str], None] = print_message) -> None:
        """Begin with nothing; `on_message` is called once for each photo."""
        self.paths: set[Path] = set()
        self.reasons: list[PhotoError] = []
        """Of each of them."""
        self._on_message = on_message

    def add(self, path: Path, error: PhotoError) -> None:
        """Leave a photo out because of an error."""
        if path not in self.paths:
            self.paths.add(path)
            self.reasons.append(error)
            self._on_message(tr("Left out {file}: {reason}", file=path, reason=error))

    def silent(self) -> UnreadableImages:
        """Return a copy for a worker process, which tells nobody: what it adds comes back with the batches."""
        return _silent(self.paths, self.reasons)

    def __reduce__(self) -> tuple[Callable[..., UnreadableImages], tuple[set[Path], list[PhotoError]]]:
        """Return a `silent` copy for a process that is started anew: whom this one tells is not there."""
        return _silent, (self.paths, self.reasons)


def _silent(paths: set[Path], reasons: list[PhotoError]) -> UnreadableImages:
    made = UnreadableImages(lambda _: None)
    made.paths, made.reasons = set(paths), list(reasons)
    return made
