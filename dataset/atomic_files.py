"""Writing a file so that the last good one is never damaged."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


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
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_file(
    path: Path,
    chunks: Iterable[bytes],
    about_to: Callable[[int, str], None] = lambda _size, _sha256: None,
    *,
    shared: bool = False,
) -> FileMark:
    """Put a new file in the place of `path`, or leave everything as it was.

    The chunks go to a temporary file in the same folder, which is on the disk before it takes the other's place.
    `about_to(size, sha256)` is called just before that. OSErrors pass through, the temporary file removed.
    With `shared` several processes may write the same file at once.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp") if shared else _temporary(path)
    digest = hashlib.sha256()
    try:
        with temporary.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
            status = os.fstat(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        about_to(status.st_size, digest.hexdigest())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return FileMark(status.st_size, path.stat().st_mtime_ns, digest.hexdigest())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file's contents in one step; its folder is made when missing.

    Raises:
        OSError: The file, which the error names, cannot be written; what was there is unchanged.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, [data], shared=True)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError name the file that was to be written, not the temporary one or the folder that failed."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_leftover(path: Path) -> None:
    """Remove what a process that was killed while it wrote `path` has left beside it."""
    with contextlib.suppress(OSError):
        _temporary(path).unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def copy_file(source: Path, target: Path) -> FileMark:
    """Copy a file and say what the source was. On OSError, which passes through, there is no target."""
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reading, target.open("wb") as writing:
            status = os.fstat(reading.fileno())
            while chunk := reading.read(1 << 20):
                writing.write(chunk)
                digest.update(chunk)
            writing.flush()
            os.fsync(writing.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
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
