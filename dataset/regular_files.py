"""Files that hold data: a named pipe, a socket or a device is neither read nor waited for, whatever its name."""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING

from dataset.i18n import tr

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # Windows has neither these nor pipes in folders
FLAGS = os.O_RDONLY | NONBLOCK | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
LEASE_SECONDS = 2.0
"""How long another program, such as a file server, may take to give back a file that is its own for the moment."""


MAX_FILE = 8 << 30
"""Bytes; a larger file is refused before memory is taken for it. A few of them on the disk may claim any size."""


class NotRegularFileError(OSError):
    """A path leads to something that is no file with a content; `strerror` says so."""


class LargeFileError(OSError):
    """A file is larger than may be read; the text is one sentence that names it, `strerror` the reason alone."""

    def __init__(self, path: str | Path, limit: int) -> None:
        super().__init__(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        self._text = tr("{file} is larger than {n} GB; split it into smaller files.", file=path, n=limit >> 30)

    def __str__(self) -> str:
        return self._text


def open_regular(path: str | Path) -> BufferedReader:
    """Open a file for reading.

    Raises:
        NotRegularFileError: It is a named pipe, a socket or a device.
        IsADirectoryError: It is a folder.
        OSError: It cannot be opened.
    """
    _check(os.stat(path), path)  # noqa: PTH116 - a str or a Path; a device may do something when it is opened
    handle = _open(path)
    try:
        _check(os.fstat(handle), path)  # it may have been replaced since
        if NONBLOCK:
            os.set_blocking(handle, True)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: str | Path, limit: int = MAX_FILE) -> bytes:
    """Return a file's content.

    Raises:
        LargeFileError: It has more bytes than `limit`.
        OSError: As of `open_regular`.
    """
    with open_regular(path) as file:
        check_size(os.fstat(file.fileno()), path, limit)
        return file.read()


def check_size(status: os.stat_result, path: str | Path, limit: int = MAX_FILE) -> None:
    """Raise LargeFileError if a file has more bytes than `limit`."""
    if status.st_size > limit:
        raise LargeFileError(path, limit)


def _open(path: str | Path) -> int:
    """Return a handle of a file, without waiting for somebody who writes where it is a pipe by now."""
    deadline = 0.0
    while True:
        try:
            return os.open(path, FLAGS)
        except BlockingIOError:  # another program holds a lease, and has been asked to give it back
            deadline = deadline or time.monotonic() + LEASE_SECONDS
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _check(status: os.stat_result, path: str | Path) -> None:
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):  # a folder is refused by `fdopen`
        raise NotRegularFileError(0, tr("this is a pipe, a socket or a device, not a file"), str(path))
