"""The project's private folder: `.annotator` in the folder of photos, or a place of the user's own."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import sqlite3
import time
from itertools import chain, count
from typing import TYPE_CHECKING

from annotator.core.store import same_photos
from dataset.atomic_files import copy_file, free_name
from dataset.i18n import tr
from dataset.messages import UserError, os_reason
from dataset.output_places import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = PRIVATE
LOCK_WAIT = 3.0  # seconds: a window that is being closed lets go within that
BACKUPS = 10  # files kept
_TICK = 2_000_000_000  # nanoseconds: the coarsest time of change that a file system keeps, FAT's
_TRIAL = 4096  # bytes: a full disk still makes files, but puts nothing in them
LOCK = "lock.sqlite"


class InUseError(UserError):
    """Another process has the folder, or the file, open. The message is one sentence for the person."""


class ProjectFolder:
    """A private folder that is ours until `close`. It may move: see `take`."""

    def __init__(self, images: Path, fallback: Path, names: Sequence[str] = ()) -> None:
        """Take no place yet. OSError if the folder of photos is not there; `names` are the photos."""
        self._images = images
        self._device = images.stat().st_dev
        self._fallback = fallback
        self._photos = same_photos.some_photos(images, names)
        """Some of them, by which the folder is known again: once its disk is pulled they cannot be asked."""
        self.others_path, self.fallback_path = _places_of_the_user(fallback / _key(images), images)
        """The place of the user's own for other photos in this folder, if there is one; and the one for these photos,
        which may hold what an earlier session left there."""
        self.path = images / NAME
        """The folder; it exists once `take` has returned."""
        self._locks: dict[Path, sqlite3.Connection] = {}
        self._file_lock: sqlite3.Connection | None = None
        self._locked_file: Path | None = None

    @property
    def places(self) -> tuple[Path, Path]:
        """Where it can be, the better place first."""
        return self._images / NAME, self.fallback_path

    @property
    def is_fallback(self) -> bool:
        """Whether it is not in the folder of photos."""
        return self.path == self.fallback_path

    def take(self, place: Path) -> None:
        """Go to one of the places, which is made where it is missing, and lock it.

        Raises:
            InUseError: another process has the folder open.
            OSError: it cannot be written to.
        """
        if place != self.fallback_path and self._images.stat().st_dev != self._device:
            # The disk was pulled, and what is seen is the empty folder that it was mounted on.
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), os.fspath(self._images))
        place.mkdir(parents=place == self.fallback_path, exist_ok=True)
        self._lock(place)  # first: also of a folder that can only be read another window may know better
        _try_out(place)
        if place == self.fallback_path:
            same_photos.note(place, self._images, self._photos)
        self.path = place

    def warning(self, reason: Exception) -> str:
        """Return the sentence about why it is in the fallback."""
        return tr(
            "{folder} cannot be written to ({reason}), so your work is kept in {place} until it can.",
            folder=self._images,
            place=self.path,
            reason=os_reason(reason) if isinstance(reason, OSError) else reason,
        )

    def lock_file(self, file: Path) -> None:
        """Lock a COCO file, which folders can share, and let go of the one before.

        Raises:
            InUseError: another process of the user has it open.
        """
        if file == self._locked_file:
            return
        locks = self._fallback / "locks"
        lock = None
        with contextlib.suppress(OSError):  # then there is nothing to know it by
            locks.mkdir(parents=True, exist_ok=True)
            lock = _locked(locks / f"{_key(file)}.sqlite", file)
        if self._file_lock:
            self._file_lock.close()
        self._file_lock, self._locked_file = lock, file

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
        for lock in (*self._locks.values(), self._file_lock):
            if lock:
                lock.close()

    def back_up(self, file: Path) -> None:
        """Keep a copy of a file; the oldest copies go. OSErrors pass through."""
        folder = self.path / "backup"
        folder.mkdir(exist_ok=True)
        older = sorted((path.lstat().st_mtime_ns, path) for path in folder.iterdir() if _BACKUP.fullmatch(path.name))
        copy = free_name(folder / file.name, time.strftime("%Y%m%d-%H%M%S"))
        copy_file(file, copy)
        if older:  # the clock may have been set back, and the newest must not count as the oldest
            after = max(copy.stat().st_mtime_ns, older[-1][0] + _TICK)
            os.utime(copy, ns=(after, after))
        for _, old in older[: max(0, len(older) + 1 - BACKUPS)]:
            old.unlink(missing_ok=True)

    def _lock(self, place: Path) -> None:
        if place in self._locks:
            if (place / LOCK).exists():
                return
            self._locks.pop(place).close()  # it was deleted, and locks nobody out any more
        lock = _locked(place / LOCK, self._images)
        if lock:
            self._locks[place] = lock


_BACKUP = re.compile(r".+\.\d{8}-\d{6}(-\d+)?(\.[^.]*)?")
"""The name of a file that `back_up` made: no other is ever deleted."""


def _key(path: Path) -> str:
    """Return 16 hexadecimal digits that stand for a path."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]


def _places_of_the_user(first: Path, images: Path) -> tuple[Path | None, Path]:
    """Return a place that is of other photos in the same folder, if any is, and the one that is of these, or free."""
    others, free = None, None
    for place in chain([first], (first.with_name(f"{first.name}-{number}") for number in count(2))):
        is_known = same_photos.is_of(place, images)
        if is_known:
            return others, place
        if is_known is None:
            free = free or place
        else:
            others = place
        if not os.path.exists(place):  # noqa: PTH110 - false, too, where the folder around it cannot be entered
            return others, free or place
    raise AssertionError


def _try_out(folder: Path) -> None:
    """Write to a folder. OSError if that cannot be done."""
    trial = folder / f".trial-{os.getpid()}"
    trial.unlink(missing_ok=True)
    try:
        with trial.open("xb") as file:
            file.write(bytes(_TRIAL))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with contextlib.suppress(OSError):
            trial.unlink(missing_ok=True)


def _locked(path: Path, what: Path) -> sqlite3.Connection | None:
    """Return a lock that the system takes back from a killed process: an SQLite transaction left open.

    None where no lock can be made.

    Raises:
        InUseError: another process has it; the sentence names `what` it is about.
    """
    try:
        lock = sqlite3.connect(path, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False)
    except sqlite3.Error:
        return None
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if "locked" in str(error):
            raise InUseError(
                tr("{folder} is open in another Annotator window; close it there first.", folder=what)
            ) from None
        with contextlib.suppress(OSError):  # a damaged lock file: nobody's
            path.unlink()
        return None
    return lock
