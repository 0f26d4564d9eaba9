"""Renames that notice what is at the new place, where the system has them (Linux since 3.15, most file systems)."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2  # flags of renameat2(2)
_MISSING = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM})


def put_or_swap(new: Path, path: Path) -> bool | None:
    """Rename `new` to `path`; what is there is afterwards found as `new`.

    Returns:
        Whether there was something; None where the system cannot do that: nothing has happened then.

    Raises:
        OSError: It could not be done.
    """
    while True:
        for flag in (_EXCHANGE, _NOREPLACE):
            code = _rename(new, path, flag)
            if code == 0:
                return flag == _EXCHANGE
            if code in _MISSING:
                return None
            if code not in {errno.ENOENT, errno.EEXIST}:  # it came, or went, in between: again
                raise OSError(code, os.strerror(code), str(path))
        if not new.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _rename(old: Path, new: Path, flag: int) -> int:
    """Return the number of the error, 0 for none."""
    library = _library()
    if library is None:
        return errno.ENOSYS
    failed = library.renameat2(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), flag)
    return ctypes.get_errno() if failed else 0


@cache
def _library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "renameat2") else None
