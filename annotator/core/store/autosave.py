"""When things are written: the journal within moments of an edit, the file soon after."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from annotator.core.disk_thread import DiskThread
from dataset.atomic_files import WriteProtectedError
from dataset.i18n import tr
from dataset.messages import UserError, os_reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

JOURNAL_AFTER = 0.002  # seconds from an edit to the journal: what follows at once, or while it is written, goes along
FILE_AFTER = 1.5  # seconds from an edit to the file
SHARE = 10  # the file is written at most a tenth of the time
RETRY_AFTER = 3.0  # seconds
JOURNAL_STALLED_AFTER = 10.0  # seconds
FILE_STALLED_AFTER = 60.0  # seconds
NEVER = float("inf")


class SaveState(StrEnum):
    """What a notice is about."""

    SAVED = "saved"  # all is in the file
    FAILED = "failed"  # something could not be written; it is tried again
    PROTECTED = "protected"  # the same, because the file is write-protected: the person decides
    NOTE = "note"  # something the person should know


@dataclass(frozen=True, slots=True)
class SaveNotice:
    """Something that happened while saving: `message` is one sentence, "" for SAVED."""

    state: SaveState
    message: str = ""
    is_saved: bool = False
    """Of a failure to save elsewhere: the COCO file has everything nevertheless."""


class StoreError(UserError):
    """Something that could not be opened or saved. The message is one sentence for the person."""


class Autosave:
    """Calls `journal()` and `save()` in time, tries again what failed, and sends a notice when that changes.

    One thread journals, another does what concerns the file, so that a file that takes seconds never holds up the
    journal. Whatever either function raises is reported, the sentence itself if it is a StoreError, and tried again;
    both keep what they could not write.
    """

    def __init__(
        self,
        path: Path,
        journal: Callable[[], None],
        save: Callable[[], bool],
        kept_in: Callable[[], Path | None],
        notify: Callable[[SaveNotice], object],
    ) -> None:
        """Start the threads.

        Args:
            path: The file, for messages; may be changed.
            journal: Writes the journal.
            save: Writes the file; whether there was anything to write.
            kept_in: Returns the file or folder on disk that has everything on record, None where none has.
            notify: Called from either thread.
        """
        self.path = path
        self._journal, self._save, self._kept_in, self._receive = journal, save, kept_in, notify
        self._wake = threading.Condition()
        self._journal_at = self._file_at = NEVER
        self._not_before = 0.0  # the next automatic save of the file
        self._journaling_since = self._saving_since = NEVER
        self._saving = False
        self._closing = False
        self._problems: dict[str, str] = {}  # what failed last: "journal", "file" -> why
        self._files = DiskThread("file")
        self._beside: list[DiskThread] = []  # of `submit_beside`
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

    def submit(self, path: Path, job: Callable[[], object]) -> Future[None]:
        """Save to `path` with a job on the file's thread. A failure is the future's StoreError, and a notice."""
        return self._files.submit(lambda: self._do(path, job))

    def submit_beside(self, path: Path, job: Callable[[], object], kept: Callable[[], Path | None]) -> Future[None]:
        """Save a copy to `path` in a thread of its own, because the others wait for a disk: see `is_stalled`.

        `kept` is `kept_in` without a look at the disk. A failure is the future's StoreError, and a notice.
        """

        def work() -> None:
            try:
                job()
            except BaseException as error:
                raise self._failed_there(path, error, kept()) from error

        thread = DiskThread("file")
        self._beside.append(thread)
        future = thread.submit(work)
        thread.finish()
        return future

    def save_now(self) -> Future[None]:
        """Save the file now. A failure is the future's StoreError."""
        return self._files.submit(self._timed_save)

    def close(self) -> None:
        """Write what is to be written and end the threads, however long a disk takes. More than once is fine."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        self._thread.join()
        if self._file_at < NEVER:
            self._files.submit(self._attempt_file)
        self._files.finish()
        self._files.join()
        if self._journal_at < NEVER:  # it failed
            self._attempt_journal()
        for thread in self._beside:
            thread.join()

    def note(self, message: str) -> None:
        """Tell the person something."""
        self._notify(SaveNotice(SaveState.NOTE, message))

    @property
    def is_stalled(self) -> bool:
        """Whether something should have been written long since: its disk may hang."""
        return any(self._stalled())

    def _stalled(self) -> tuple[bool, bool]:
        """Return whether the journal is stalled, and whether the file is."""
        now = time.monotonic()
        with self._wake:
            journal_since = min(self._journal_at, self._journaling_since)
            due = NEVER if self._saving else max(self._file_at, self._not_before)
            file_since = min(due, self._saving_since)
        return now - journal_since > JOURNAL_STALLED_AFTER, now - file_since > FILE_STALLED_AFTER

    def check_progress(self) -> None:
        """Report what should have been written long since. From any thread, now and then."""
        journal, file = self._stalled()
        if journal:
            text = tr(
                "Your last edits have not been noted down for more than {n:.0f} seconds: "
                "keep the window open until they are, or save them to another place.",
                n=JOURNAL_STALLED_AFTER,
            )
            self._failed("journal", text)
        if file:
            text = tr(
                "{file} has not been written for more than {n:.0f} seconds: "
                "keep the window open until it is, or save to another place.",
                file=self.path,
                n=FILE_STALLED_AFTER,
            )
            self._failed("file", text)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._take_turn()
            except BaseException as error:  # noqa: BLE001 - without this thread nothing would be saved any more
                with contextlib.suppress(BaseException):
                    self._failed("journal", _not_noted_down(error))
                with self._wake:
                    self._wake.wait(RETRY_AFTER)
                    self._journal_at = min(self._journal_at, time.monotonic())
        if self._journal_at < NEVER:
            self._attempt_journal()

    def _take_turn(self) -> None:
        """Wait until something is due, and do it."""
        with self._wake:
            while not self._closing and (due := self._due()) > (now := time.monotonic()):
                self._wake.wait(None if due == NEVER else due - now)
            now = time.monotonic()
            journal = self._journal_at <= now
            file = not (self._saving or self._closing) and max(self._file_at, self._not_before) <= now
        if journal:
            self._attempt_journal()
        if file:
            self._start_saving()

    def _start_saving(self) -> None:
        with self._wake:
            self._saving = True
        try:
            self._files.submit(self._attempt_file)
        except BaseException as error:  # noqa: BLE001 - no thread can be started, say
            with self._wake:
                self._saving, self._not_before = False, time.monotonic() + RETRY_AFTER
            self._failed("file", self._not_saved(error))

    def _due(self) -> float:
        return min(self._journal_at, NEVER if self._saving else max(self._file_at, self._not_before))

    def _attempt_journal(self) -> None:
        with self._wake:
            self._journal_at, self._journaling_since = NEVER, time.monotonic()
        failure: BaseException | None = None
        try:
            self._journal()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is tried again
            failure = error
        with self._wake:
            self._journaling_since = NEVER
            if failure:
                self._journal_at = min(self._journal_at, time.monotonic() + RETRY_AFTER)
        if failure:
            self._failed("journal", _not_noted_down(failure))
        else:
            self._succeeded("journal")

    def _attempt_file(self) -> None:
        with contextlib.suppress(StoreError):  # it has been reported
            self._timed_save()

    def _do(self, path: Path, job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as error:
            raise self._failed_there(path, error, self._kept_in()) from error
        self._succeeded("file", always=True)

    def _failed_there(self, path: Path, error: BaseException, kept: Path | None) -> StoreError:
        message = _not_saved_there(path, error, kept)
        self._notify(SaveNotice(SaveState.FAILED, message, is_saved=kept == self.path))
        return StoreError(message)

    def _timed_save(self) -> None:
        """Save the file. StoreError if it fails, after a notice."""
        started = time.monotonic()
        with self._wake:
            self._file_at, self._saving_since = NEVER, started
        wrote = False
        failure: BaseException | None = None
        try:
            wrote = self._save()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is tried again
            failure = error
        now = time.monotonic()
        with self._wake:
            self._saving, self._saving_since = False, NEVER
            self._not_before = now + (RETRY_AFTER if failure else SHARE * (now - started))
            if failure:
                self._file_at = now
            self._wake.notify()
        if failure:
            message = self._not_saved(failure)
            protected = isinstance(failure, WriteProtectedError)
            self._failed("file", message, SaveState.PROTECTED if protected else SaveState.FAILED)
            raise StoreError(message) from failure
        self._succeeded("file", always=wrote)

    def _not_saved(self, error: BaseException) -> str:
        if isinstance(error, StoreError):
            return str(error)
        kept = self._kept_in()
        if kept is None:
            return tr(
                "{file} could not be saved ({reason}); it is tried again, and keep the window open until it is.",
                file=self.path,
                reason=reason_of(error),
            )
        if isinstance(error, WriteProtectedError):
            return tr(
                "{file} is write-protected and is replaced only if you say so; your work is kept meanwhile in {place}.",
                file=self.path,
                place=kept,
            )
        return tr(
            "{file} could not be saved ({reason}); it is tried again, and your work is kept meanwhile in {place}.",
            file=self.path,
            reason=reason_of(error),
            place=kept,
        )

    def _failed(self, what: str, message: str, state: SaveState = SaveState.FAILED) -> None:
        with self._wake:
            known = self._problems.get(what) == message
            self._problems[what] = message
        if not known:
            self._notify(SaveNotice(state, message))

    def _succeeded(self, what: str, *, always: bool = False) -> None:
        """Send a notice if that ends a problem, or `always`: of the problem that is left, if there is one."""
        if what == "file" and "journal" in self._problems:
            self._attempt_journal()  # what was in the way may be gone
        with self._wake:
            mended = self._problems.pop(what, None) is not None
            left = next(iter(self._problems.values()), None)
        if left is None and (mended or always):
            self._notify(SaveNotice(SaveState.SAVED))
        elif left is not None and mended:
            self._notify(SaveNotice(SaveState.FAILED, left))

    def _notify(self, notice: SaveNotice) -> None:
        with contextlib.suppress(Exception):  # a window that is gone must not end the saving
            self._receive(notice)


def reason_of(error: BaseException) -> str:
    """Return why something failed, to go on in a sentence."""
    if isinstance(error, OSError):
        return os_reason(error)
    text = str(error).rstrip(".")
    if isinstance(error, UserError | sqlite3.Error) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _not_saved_there(path: Path, error: BaseException, kept: Path | None) -> str:
    if isinstance(error, StoreError):
        return str(error)
    if kept is None:
        return tr(
            "The annotations could not be saved there: {reason} ({target}); your last edits are only in this window, "
            "so keep it open and choose another place.",
            reason=reason_of(error),
            target=path,
        )
    return tr(
        "The annotations could not be saved there: {reason} ({target}); they stay in {place}.",
        reason=reason_of(error),
        target=path,
        place=kept,
    )


def _not_noted_down(error: BaseException) -> str:
    if isinstance(error, StoreError):
        return str(error)
    return tr("Your last edits could not be noted down: {reason}; it is tried again.", reason=reason_of(error))
