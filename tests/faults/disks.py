"""Disks of a test's own: small ones that fill up, and that can be pulled."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def delete(folder: Path, seconds: float = 30) -> None:
    """Delete a folder in which an open project may just be writing its journal.

    Raises:
        OSError: It is still there after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        else:
            return


class Disk:
    """A mounted disk of a few hundred KB."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Leave not a byte of room."""
        with (self.path / "filler").open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def make_room(self) -> None:
        """Take back what `fill` did."""
        (self.path / "filler").unlink()

    def pull(self) -> None:
        """Take it out while files on it are open. What stays is the empty folder that it was mounted on."""
        subprocess.run(["umount", "--lazy", self.path], check=True)


@contextmanager
def small_disk(path: Path, size: str = "400k") -> Iterator[Disk]:
    """Mount a small disk; the test is skipped where that cannot be done."""
    path.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk takes Linux and root")
    try:
        yield Disk(path)
    finally:
        while path.is_mount():
            subprocess.run(["umount", "--lazy", path], check=True)
