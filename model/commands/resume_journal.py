"""What a run over many photos has found so far, in a file beside its output: one that was killed goes on from there.

The first line says what the results were made with; each further one is the record of a photo. A team of processes
keeps a file each, and a later run reads all of them, whatever number of processes it has itself.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Self, TypeVar

from dataset.atomic_files import NO_FOLLOW
from dataset.i18n import tr
from dataset.regular_files import read_regular
from model.console import print_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from model.distributed import ProcessGroup

Item = TypeVar("Item")

ENDING = ".partial"
"""Of a journal's name, after the output's; of several processes the rank follows."""
SYNC_SECONDS = 5.0
"""How much work a power cut may cost."""


def journal_file(output: Path, group: ProcessGroup) -> Path:
    """Return where this process keeps its journal."""
    return output.with_name(output.name + ENDING + ("" if group.size == 1 else str(group.rank)))


def journal_files(output: Path) -> list[Path]:
    """Return the journals that there are of an output, by whatever number of processes.

    Raises:
        OSError: The output's folder cannot be read.
    """
    ours = re.compile(re.escape(output.name + ENDING) + "[0-9]*")
    return sorted(path for path in output.parent.iterdir() if ours.fullmatch(path.name))


def stamp(path: Path) -> list[int]:
    """Return the size of a file in bytes and its time of change in ns: others once it is replaced or repaired."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # the latter of names that no file can have
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


def read_journals(output: Path, settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records that earlier runs with the same settings left, the damaged ones apart.

    Raises:
        OSError: A journal cannot be read.
    """
    for path in journal_files(output):
        first, *lines = (_parsed(line) for line in read_regular(path).split(b"\n"))
        if first == settings:
            yield from (record for record in lines if record is not None and _is_result(record))


def left_to_do(
    items: Sequence[Item], name_of: Callable[[Item], str], earlier: Mapping[str, object], group: ProcessGroup
) -> list[Item]:
    """Return those of some photos that no earlier run has done, and say how many it has.

    To be called by all processes before any of them writes.

    Args:
        items: The photos.
        name_of: Returns the name of one.
        earlier: The records by name that the main process has found.
        group: Processes that share the photos.
    """
    done = {name for part in group.all_gather(list(earlier)) for name in part}
    left = [item for item in items if name_of(item) not in done]
    if len(left) < len(items) and group.is_main:
        text = tr("{done} of {n} photos are done already.", done=len(items) - len(left), n=len(items))
        print_message(text)
    return left


class ResumeLog:
    """Appends to a journal, as a context. What an earlier run of the same settings left in it stays."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path, self.settings = path, settings
        self._file: IO[bytes]
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        """Drop a half-written line, or all of it where the settings were others.

        Raises:
            OSError: The file cannot be written.
        """
        # Not through a link that somebody has put there: what it leads to would be cut off.
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o666)
        self._file = os.fdopen(handle, "r+b")
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if _parsed(data.partition(b"\n")[0]) != self.settings:
            whole = 0
        self._file.seek(whole)
        self._file.truncate()
        if whole == 0:
            self._write(self.settings)
        return self

    def __exit__(self, *_: object) -> None:
        """Force everything to disk."""
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def add(self, record: dict[str, Any]) -> None:
        """Append a photo's record: JSON-ready, with `file_name`, `stamp`, `width`, `height` and `annotations`.

        Raises:
            OSError: The disk is full, say.
        """
        self._write(record)

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        if time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _is_result(record: dict[str, Any]) -> bool:
    """Return whether a record has all that the output needs of it; one of a photo that could not be read has not."""
    kinds = {"file_name": str, "stamp": list, "width": int, "height": int, "annotations": list}
    whole = all(isinstance(record.get(key), kind) for key, kind in kinds.items())
    return whole and all(isinstance(found, dict) for found in record["annotations"])
