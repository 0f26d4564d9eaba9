"""The fingerprints of a folder's photos: taken by several threads, and each but once while its file stays the same."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from dataset.atomic_files import write_bytes
from dataset.pictures.fingerprints import ImageFingerprint, fingerprint
from dataset.pictures.images import PhotoError
from dataset.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

CACHE_NAME = "fingerprints"
"""Of the file in a project's private folder."""
_AHEAD = 4  # photos for each thread that are being read or waiting


class UnreadablePhoto(NamedTuple):
    """A photo without a fingerprint."""

    name: str
    reason: str
    """A sentence."""


class _Kept(msgspec.Struct, array_like=True, gc=False):
    file_size: int
    mtime_ns: int
    digest: str
    dhash: bytes
    time: float | None
    size: tuple[int, int]


_decoder = msgspec.msgpack.Decoder(dict[str, _Kept])


def fingerprints(
    folder: Path, names: Sequence[str], cache: Path | None = None
) -> Iterator[ImageFingerprint | UnreadablePhoto]:
    """Yield the fingerprint of each photo, or why it has none, in order.

    Args:
        folder: Of the photos.
        names: Their paths in it.
        cache: A file that has those taken before, and gets the new ones at the end; one that cannot be written is
            none.
    """
    known = _read(cache) if cache else {}
    kept: dict[str, _Kept] = {}
    threads = max(1, min(8, os.cpu_count() or 1))
    with ThreadPoolExecutor(threads, thread_name_prefix="fingerprints") as pool:
        waiting: deque[Future[tuple[_Kept | None, ImageFingerprint | UnreadablePhoto]]] = deque()
        try:
            for name in names:
                waiting.append(pool.submit(_take, folder, name, known.get(name)))
                if len(waiting) > _AHEAD * threads:
                    yield _keep(waiting.popleft().result(), kept)
            while waiting:
                yield _keep(waiting.popleft().result(), kept)
        finally:
            for future in waiting:
                future.cancel()
            if cache and any(known.get(name) != entry for name, entry in kept.items()):
                with contextlib.suppress(OSError, UnicodeEncodeError):
                    write_bytes(cache, msgspec.msgpack.encode(known | kept))


def _keep(
    taken: tuple[_Kept | None, ImageFingerprint | UnreadablePhoto], kept: dict[str, _Kept]
) -> ImageFingerprint | UnreadablePhoto:
    entry, found = taken
    if entry is not None:
        kept[found.name] = entry
    return found


def _take(folder: Path, name: str, known: _Kept | None) -> tuple[_Kept | None, ImageFingerprint | UnreadablePhoto]:
    path = folder / name
    try:
        status = path.stat()
        if known is not None and (known.file_size, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            dhash = np.unpackbits(np.frombuffer(known.dhash, np.uint8)).astype(bool)
            return known, ImageFingerprint(name, known.digest, dhash, known.time, known.size)
        found = fingerprint(path, name)
    except PhotoError as error:
        return None, UnreadablePhoto(name, str(error))
    except (OSError, ValueError) as error:
        return None, UnreadablePhoto(name, str(error))
    packed = np.packbits(found.dhash).tobytes()
    return _Kept(status.st_size, status.st_mtime_ns, found.digest, packed, found.time, found.size), found


def _read(cache: Path) -> dict[str, _Kept]:
    try:
        return _decoder.decode(read_regular(cache))
    except (OSError, ValueError, msgspec.MsgspecError):
        return {}
