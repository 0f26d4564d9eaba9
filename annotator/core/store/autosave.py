"""When things are written: the journal within moments of an edit, the file soon after."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dataset.i18n import tr
from dataset.messages import UserError, os_reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JOURNAL_AFTER = 0.1  # seconds from an edit to the journal
FILE_AFTER = 1.5  # seconds from an edit to the file
SHARE = 10  # the file is written at most a tenth of the time
RETRY_AFTER = 3.0  # seconds
NEVER = float("inf")


class SaveState(StrEnum):
    """What a notice is about."""

    SAVED = "saved"  # all is in the file
    FAILED = "failed"  # something could not be written; it is tried again
    NOTE = "note"  # something the person should know


@dataclass(frozen=True, slots=True)
class SaveNotice:
    """Something that happened while saving: `message` is one sentence, "" for SAVED."""

    state: SaveState
    message: str = ""


class StoreError(UserError):
    """Something that could not be opened or saved. The message is one sentence for the person."""


class Autosave:
    """Calls `journal()` and `save()` in time, tries again what failed, and sends a notice when that changes.

    One thread journals, another does what concerns the file, so that a file that takes seconds never holds up the
    journal. Both functions raise OSError, sqlite3.Error or ValueError when they fail, and keep what they could
    not write.
    """

    def __init__(
        self, path: Path, journal: Callable[[], None], save: Callable[[], bool], notify: Callable[[SaveNotice], object]
    ) -> None:
        """Start the threads.

        Args:
            path: The file, for messages; may be changed.
            journal: Writes the journal.
            save: Writes the file; whether there was anything to write.
            notify: Called from either thread.
        """
        self.path = path
        self._journal, self._save, self._notify = journal, save, notify
        self._wake = threading.Condition()
        self._journal_at = self._file_at = NEVER
        self._not_before = 0.0  # the next automatic save of the file
        self._saving = False
        self._closing = False
        self._problems: dict[str, str] = {}  # what failed last: "journal", "file" -> why
        self._files = ThreadPoolExecutor(1, "file")
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def mark_dirty(self, *, file: bool) -> None:
        """Something changed: the journal is to be written, and the file if `file`. From any thread."""
        now = time.monotonic()
        with self._wake:
            self._journal_at = min(self._journal_at, now + JOURNAL_AFTER)
            if file:
                self._file_at = min(self._file_at, now + FILE_AFTER)
            self._wake.notify()

    def submit(self, job: Callable[[], object]) -> Future[None]:
        """Do a job that saves on the file's thread. A failure is the future's StoreError, and a notice."""
        return self._files.submit(self._do, job)

    def save_now(self) -> Future[None]:
        """Save the file now. A failure is the future's StoreError."""
        return self._files.submit(self._timed_save)

    def close(self) -> None:
        """Write what is to be written and end the threads. More than once is fine."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        self._thread.join()
        if self._file_at < NEVER:
            self._files.submit(self._attempt_file)
        self._files.shutdown(wait=True)

    def note(self, message: str) -> None:
        """Tell the person something."""
        self._notify(SaveNotice(SaveState.NOTE, message))

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._closing and (due := self._due()) > (now := time.monotonic()):
                    self._wake.wait(None if due == NEVER else due - now)
                closing = self._closing
                now = time.monotonic()
                journal = self._journal_at <= now or (closing and self._journal_at < NEVER)
                file = not (self._saving or closing) and max(self._file_at, self._not_before) <= now
                self._saving |= file
            if journal:
                self._attempt_journal()
            if file:
                self._files.submit(self._attempt_file)
            if closing:
                return

    def _due(self) -> float:
        return min(self._journal_at, NEVER if self._saving else max(self._file_at, self._not_before))

    def _attempt_journal(self) -> None:
        with self._wake:
            self._journal_at = NEVER
        try:
            self._journal()
        except (OSError, sqlite3.Error) as error:
            with self._wake:
                self._journal_at = min(self._journal_at, time.monotonic() + RETRY_AFTER)
            text = tr("Your last edits could not be noted down: {reason}; it is tried again.", reason=_reason(error))
            self._failed("journal", text)
        else:
            self._problems.pop("journal", None)

    def _attempt_file(self) -> None:
        with contextlib.suppress(StoreError):  # it has been reported
            self._timed_save()

    def _do(self, job: Callable[[], object]) -> None:
        try:
            job()
        except (OSError, sqlite3.Error, ValueError) as error:
            message = tr(
                "The annotations could not be saved there: {reason}; they stay in {file}.",
                reason=_reason(error),
                file=self.path,
            )
            self._notify(SaveNotice(SaveState.FAILED, message))
            raise StoreError(message) from error
        self._notify(SaveNotice(SaveState.SAVED))

    def _timed_save(self) -> None:
        """Save the file. StoreError if it fails, after a notice."""
        with self._wake:
            self._file_at = NEVER
        started = time.monotonic()
        wrote, failure = False, None
        try:
            wrote = self._save()
        except (OSError, sqlite3.Error, ValueError) as error:
            failure = error
        now = time.monotonic()
        with self._wake:
            self._saving = False
            self._not_before = now + (RETRY_AFTER if failure else SHARE * (now - started))
            if failure:
                self._file_at = now
            self._wake.notify()
        if failure:
            values = {"file": self.path, "reason": _reason(failure)}
            if "journal" in self._problems:
                message = tr(
                    "{file} could not be saved ({reason}); it is tried again, and keep the window open until it is.",
                    **values,
                )
            else:
                message = tr(
                    "{file} could not be saved ({reason}); it is tried again, and your work is kept meanwhile.",
                    **values,
                )
            self._failed("file", message)
            raise StoreError(message) from failure
        if self._problems.pop("file", None) or wrote:
            self._notify(SaveNotice(SaveState.SAVED))

    def _failed(self, what: str, message: str) -> None:
        if self._problems.get(what) != message:
            self._problems[what] = message
            self._notify(SaveNotice(SaveState.FAILED, message))


def _reason(error: Exception) -> str:
    return os_reason(error) if isinstance(error, OSError) else str(error)
