"""Writing a file so that the last good one is never damaged."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from dataset.file_swap import put_or_swap
from dataset.i18n import tr
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Flags of `os.open` for a file that must be the one named, not where a link leads; its bytes as they are."""
_SWAP = "swap"  # what a finished file is called while it changes places with the one before
_TOKEN = 8  # random bytes in the name of a temporary file: nobody puts a link there beforehand


class WriteProtectedError(PermissionError):
    """A file that must not be replaced without asking, although the system would let us."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """What a file was when we last read or wrote it: size in bytes, time of change, SHA-256 in hex."""

    size: int
    mtime_ns: int
    sha256: str

    def is_of(self, path: Path) -> bool:
        """Whether the file is still that. A missing one is not. OSError if it cannot be read."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        if (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns):
            return True
        return status.st_size == self.size and sha256(path) == self.sha256


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_file(
    path: Path,
    chunks: Iterable[bytes],
    about_to: Callable[[int, str], None] = lambda _size, _sha256: None,
    *,
    place_for: Callable[[Path], Path | None] | None = None,
    even_protected: bool = False,
) -> FileMark:
    """Put a new file in the place of `path`, or leave everything as it was. Several processes may do so at once.

    Args:
        path: The file.
        chunks: Its contents. They go to a temporary file in the same folder, which is on the disk before it takes the
            other's place.
        about_to: Called with size and SHA-256 just before that.
        place_for: Called with a path of what is replaced; returns where to keep that, or None. On Linux no version
            that another program writes meanwhile is missed, because both files change places in one step.
        even_protected: Whether a file that is write-protected is replaced, too.

    Raises:
        WriteProtectedError: The file is write-protected.
        OSError: It cannot be written; there is no temporary file left.
    """
    digest = hashlib.sha256()
    with _temporary_file(path, even_protected=even_protected) as (file, temporary):
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
        status = _finish(file)
        about_to(status.st_size, digest.hexdigest())
        _put_in_place(temporary, path, place_for)
    sync_folder(path.parent)
    return FileMark(status.st_size, path.stat().st_mtime_ns, digest.hexdigest())


@contextlib.contextmanager
def replacement(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once the block has ended without an error; OSErrors name `path`.

    The folder is made when missing.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_file(path) as (file, temporary):
            yield file
            _finish(file)
            temporary.replace(path)
        sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file's contents in one step; its folder is made when missing.

    Raises:
        OSError: The file, which the error names, cannot be written; what was there is unchanged.
    """
    with replacement(path) as file:
        file.write(data)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError name the file that was to be written, not the temporary one or the folder that failed."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_unprotected(path: Path) -> None:
    """Raise WriteProtectedError if the file is there and write-protected.

    Permission to write the folder is enough to replace a file in it, so that the system would not say so.
    """
    with contextlib.suppress(FileNotFoundError):
        if not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise WriteProtectedError(errno.EACCES, tr("the file is write-protected"), str(path))


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while they wrote `path` have left beside it: nobody must be writing it.

    What they were exchanging stays: see `exchanged_leftovers`.
    """
    for left in _leftovers(path, "tmp"):
        with contextlib.suppress(OSError):
            left.unlink()


def exchanged_leftovers(path: Path) -> list[Path]:
    """Return what processes have left that were killed while two files changed places: the new one, or the one before.

    The one before may be another program's version that is nowhere else.
    """
    return _leftovers(path, _SWAP)


def _leftovers(path: Path, ending: str) -> list[Path]:
    ours = re.compile(rf"\.{re.escape(path.name)}(\.[0-9a-f]{{{2 * _TOKEN}}})?\.{ending}")
    try:
        return sorted(left for left in path.parent.iterdir() if ours.fullmatch(left.name))
    except OSError:
        return []


@contextlib.contextmanager
def _temporary_file(path: Path, *, even_protected: bool = False) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a new file beside `path`, with its permissions; what is left of it at the end is removed."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(_TOKEN)}.tmp")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | NO_FOLLOW, 0o600 if path.exists() else 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            if not even_protected:
                check_unprotected(path)
            with contextlib.suppress(FileNotFoundError):
                shutil.copymode(path, temporary)
            yield file, temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _finish(file: IO[bytes]) -> os.stat_result:
    """Bring a file to the disk and close it; what it is."""
    file.flush()
    os.fsync(file.fileno())
    status = os.fstat(file.fileno())
    file.close()
    return status


def _put_in_place(temporary: Path, path: Path, place_for: Callable[[Path], Path | None] | None) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if place_for is None:
        temporary.replace(path)
        return
    new = temporary.with_suffix(f".{_SWAP}")
    temporary.rename(new)
    try:
        _exchange(new, path, place_for)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def _exchange(new: Path, path: Path, place_for: Callable[[Path], Path | None]) -> None:
    swapped = put_or_swap(new, path)
    if swapped is None:  # what another program writes from here on is missed
        place = place_for(path) if path.exists() else None
        if place:
            copy_file(path, place)
        new.replace(path)
    elif swapped:
        try:
            place = place_for(new)
            if place:
                new.rename(place)  # not a copy: a program that still writes to it goes on there
        except BaseException:
            put_or_swap(new, path)
            raise


def copy_file(source: Path, target: Path) -> FileMark:
    """Copy a file to a new one and return what the source was. On OSError, which passes through, there is no copy."""
    digest = hashlib.sha256()
    with open_regular(source) as reading, target.open("xb") as writing:
        try:
            status = os.fstat(reading.fileno())
            while chunk := reading.read(1 << 20):
                writing.write(chunk)
                digest.update(chunk)
            _finish(writing)
        except BaseException:
            with contextlib.suppress(OSError):
                writing.close()
                target.unlink(missing_ok=True)
            raise
    return FileMark(status.st_size, status.st_mtime_ns, digest.hexdigest())


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def free_name(path: Path, mark: str) -> Path:
    """A path beside `path` that nothing has: "name.MARK.json", then "name.MARK-2.json" and so on."""
    candidate = path.with_name(f"{path.stem}.{mark}{path.suffix}")
    number = 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}.{mark}-{number}{path.suffix}")
        number += 1
    return candidate
