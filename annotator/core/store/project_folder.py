"""The project's private folder: `.annotator` in the folder of photos, or a place of the user's own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING

from dataset.atomic_files import copy_file, free_name
from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".annotator"
LOCK_WAIT = 3.0  # seconds: a window that is being closed lets go within that
BACKUPS = 10  # files kept


class InUseError(UserError):
    """Another process has the folder open. The message is one sentence for the person."""


class ProjectFolder:
    """A private folder that is ours until `close`."""

    def __init__(self, images: Path, fallback: Path) -> None:
        """Make and lock the private folder for the photos in `images`.

        Raises:
            InUseError: another process has it.
            OSError: neither it nor one in `fallback` can be made.
        """
        key = hashlib.sha256(os.fsencode(images.resolve())).hexdigest()[:16]
        self.fallback_path = fallback / key
        """The place of the user's own for these photos, which may hold what an earlier session left there."""
        self.warning = ""
        """A sentence, if it is not where it should be, else ""."""
        self._images = images
        self.path = images / NAME
        """The folder; it exists."""
        try:
            _try_out(self.path)
        except OSError:
            self.path = self.fallback_path
            _try_out(self.path)
            self.warning = tr(
                "{folder} cannot be written to, so your work is kept in {place} until it can.",
                folder=images,
                place=self.path,
            )
        self._lock = _lock(self.path, images)

    @property
    def is_fallback(self) -> bool:
        """Whether it is not in the folder of photos."""
        return self.path == self.fallback_path

    def import_from_photos(self, database: str) -> None:
        """Start with what the folder of photos has, if that could only be read. OSErrors pass through."""
        if not self.is_fallback or (self.path / database).exists():
            return
        for suffix in ("-wal", ""):  # the database last: where it is, all is there
            source = self._images / NAME / (database + suffix)
            if source.is_file():
                (self.path / source.name).unlink(missing_ok=True)
                copy_file(source, self.path / source.name)

    def close(self) -> None:
        """Let others have it. More than once is fine."""
        if self._lock:
            self._lock.close()

    def back_up(self, file: Path) -> None:
        """Keep a copy of a file; the oldest copies go. OSErrors pass through."""
        folder = self.path / "backup"
        folder.mkdir(exist_ok=True)
        copy = free_name(folder / file.name, time.strftime("%Y%m%d-%H%M%S"))
        copy_file(file, copy)
        for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)[:-BACKUPS]:
            old.unlink(missing_ok=True)


def _try_out(folder: Path) -> None:
    """Make the folder and write to it. OSError if that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    trial = folder / f".trial-{os.getpid()}"
    trial.touch()
    trial.unlink()


def _lock(folder: Path, images: Path) -> sqlite3.Connection | None:
    """A lock that the system takes back from a killed process, on every platform: an SQLite transaction left open."""
    lock = sqlite3.connect(folder / "lock.sqlite", timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if "locked" in str(error):
            text = tr("{folder} is open in another Annotator window; close it there first.", folder=images)
            raise InUseError(text) from None
        with contextlib.suppress(OSError):  # a damaged lock file: nobody's
            (folder / "lock.sqlite").unlink()
        return None
    return lock
