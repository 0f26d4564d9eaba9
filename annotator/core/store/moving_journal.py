"""The journal, which goes elsewhere when the place where it is fails: a full or pulled disk, a folder deleted."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, TypeVar

from annotator.core.store.project_folder import InUseError
from annotator.core.store.recovery import DATABASE, absorb_fallback
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.core.store.recovery import OpenedProject

Result = TypeVar("Result")

_FAILURES = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
"""What SQLite reports of a place, and not of what is written: any other place may be better."""
DELETED_WITHIN = 0.2
"""Seconds that deleting the folder takes at the most: it is small."""


class MovingJournal:
    """Writes to the journal of a project in the first place that takes it. Calls must not overlap."""

    def __init__(
        self, opened: OpenedProject, put_everything: Callable[[], object], notify: Callable[[str], object]
    ) -> None:
        """Go on where the project was opened.

        Args:
            opened: The project. Its folder and its journal move together.
            put_everything: Writes everything on record to the journal, which may lack all of it.
            notify: Called with a sentence when it has moved.
        """
        self._project, self._put_everything, self._notify = opened, put_everything, notify
        self._failure: Exception | None = None  # of all places: the journal may be closed, or lack anything

    @property
    def is_lost(self) -> bool:
        """Whether no place took it the last time."""
        return self._failure is not None

    def write(self, job: Callable[[], Result]) -> Result:
        """Return what `job`, which writes to the journal, returns; where the place fails, do it again in another.

        Raises:
            OSError, sqlite3.Error: no place takes it.
        """
        if self._failure:
            self._move(self._failure)
        try:
            return job()
        except (OSError, sqlite3.Error) as error:
            if not _is_of_the_place(error):
                raise
            self._move(error)
        return job()

    def go_home(self) -> None:
        """Go back to the folder of photos if that takes the journal again."""
        folder = self._project.folder
        if folder.is_fallback:
            with contextlib.suppress(OSError, sqlite3.Error, InUseError):
                folder.take(folder.places[0])  # tried out before everything is written again
                self._move(sqlite3.OperationalError())

    def _move(self, cause: Exception) -> None:
        """Go to the first place that takes everything on record; `cause` is why the one before does not."""
        folder, before = self._project.folder, self._project.folder.path
        self._failure = cause
        problems: list[Exception] = []
        # Whoever deletes the folder may still be at it, and take what is made again along.
        again = folder.places[:1] if isinstance(cause, FileNotFoundError) else ()
        for place in (*again, *folder.places):
            if again and len(problems) == 1:
                time.sleep(DELETED_WITHIN)
            try:
                folder.take(place)
                with contextlib.suppress(OSError):  # its disk is gone, say
                    folder.import_from_photos(DATABASE)
                damaged = self._project.journal.move_to(place / DATABASE)
                if not folder.is_fallback:
                    absorb_fallback(folder, self._project.journal)
                self._put_everything()
            except (OSError, sqlite3.Error, InUseError) as error:
                problems.append(error)
                continue
            self._failure = None
            if damaged:
                self._notify(damaged)
            if place != before and folder.is_fallback:
                self._notify(folder.warning(problems[0]))
            elif isinstance(cause, FileNotFoundError):
                self._notify(
                    tr(
                        "{folder} was deleted while it was in use; it has been made again, "
                        "with every edit, answer and done mark.",
                        folder=place,
                    )
                )
            return
        self._failure = problems[0]
        raise problems[0]


def _is_of_the_place(error: OSError | sqlite3.Error) -> bool:
    return isinstance(error, OSError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _FAILURES
