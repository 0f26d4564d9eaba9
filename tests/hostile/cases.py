"""One input of a kind: files for a folder, and what a reader is that opens them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


Reader: TypeAlias = "Callable[[Path], Callable[[], object] | None]"
"""Opens the file in a folder, and may return what checks the result, outside of the limits.

It raises the UserError that a person would see, or WrongError where the result is not right; so does the check.
"""


class WrongError(Exception):
    """A reader gave a result that is not right."""


@dataclass(frozen=True, slots=True)
class HostileCase:
    """Files that somebody may have made, by mistake or to harm."""

    name: str
    """Says what is wrong with them."""
    readers: tuple[str, ...]
    """What opens them, of `readers.READERS`."""
    files: Mapping[str, bytes]
    """Content by name."""
    expected: NDArray[Any] | None = None
    """What a photo must look like, [height, width, 3], where it must be readable."""
    make: Callable[[Path], object] | None = None
    """Makes in the folder what is no plain file."""
    named: tuple[str, ...] = field(default=())
    """A refusal has one of these in it."""

    def put(self, folder: Path) -> None:
        """Make the folder anew with the files."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if self.expected is not None:
            np.save(folder / "expected.npy", self.expected)
        if self.make:
            self.make(folder)


def fifo(name: str) -> Callable[[Path], object]:
    """Return what makes a pipe that nobody writes to."""
    return lambda folder: os.mkfifo(folder / name)
