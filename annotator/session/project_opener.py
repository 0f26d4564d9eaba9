"""Lists a folder and opens its project in the disk thread; what arrives of a folder that was left meanwhile is late."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.project import Project
from annotator.core.store.autosave import reason_of
from annotator.settings import data_folder
from dataset import folder as folders
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from annotator.core.store.autosave import SaveNotice


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder has: its photos, or why it cannot be used."""

    number: int
    """Folders asked for until this one, itself included."""
    folder: Path
    file: Path | None
    """The COCO file to open it with; None: the folder's own."""
    names: list[str]
    error: folders.FolderError | None = None


class ProjectOpener(QObject):
    """Lists folders and opens projects, one after the other, in a thread that does whatever else needs their files.

    Signals:
        listed: (Listing) of a folder that was asked for.
        opened: (Project or None, why not) of the folder that is open.
        noticed: (SaveNotice, is_current) of a project; not current: of one that was left.
        failed: (sentence) something that nobody foresaw; the thread goes on.
    """

    listed = Signal(object)
    opened = Signal(object, object)
    noticed = Signal(object, bool)
    failed = Signal(str)

    _opened = Signal(int, object, object)
    _noticed = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked = 0  # folders asked for so far: listings that carry an older number are late
        self._current = 0  # the number of the one that is open
        self._closed = False
        self._disk = ThreadPoolExecutor(1, "disk")
        self._opened.connect(self._take_project)
        self._noticed.connect(self._pass_notice)

    def list(self, folder: Path, file: Path | None) -> None:
        """List a folder of photos; the one asked for before is no longer wanted."""
        self._asked += 1
        number = self._asked

        def work() -> None:
            try:
                names = folders.list_images(folder, cancelled=lambda: number != self._asked)
            except folders.FolderError as error:
                self.listed.emit(Listing(number, folder, file, [], error))
            else:
                self.listed.emit(Listing(number, folder, file, names))

        self.run(work)

    def is_late(self, listing: Listing) -> bool:
        """Return whether another folder has been asked for since."""
        return listing.number != self._asked

    def enter(self, listing: Listing) -> None:
        """Make a listed folder the open one: what arrives of the one before is late."""
        self._current = listing.number

    def open(self, listing: Listing) -> None:
        """Open the project of the folder that is open."""
        fallback = data_folder() / "projects"

        def notify(notice: SaveNotice) -> None:
            self._noticed.emit(listing.number, notice)

        def work() -> None:
            try:
                project = Project.open(
                    listing.folder, listing.file, fallback=fallback, names=listing.names, notify=notify
                )
            except Exception as error:  # noqa: BLE001 - one sentence, and the photos can still be looked at
                self._opened.emit(listing.number, None, error)
                return
            if listing.number == self._current:
                self._opened.emit(listing.number, project, None)
            else:
                project.store.close()  # another folder was asked for meanwhile, or the window was closed

        self.run(work)

    def _take_project(self, number: int, project: Project | None, error: Exception | None) -> None:
        if number == self._current:
            self.opened.emit(project, error)
        elif project:
            threading.Thread(target=project.store.close, name="late store").start()

    def _pass_notice(self, number: int, notice: SaveNotice) -> None:
        self.noticed.emit(notice, number == self._current)

    def run(self, job: Callable[[], object]) -> None:
        """Do what takes time with the project's files in the thread, after what was given before."""

        def work() -> None:
            try:
                job()
            except Exception as error:  # noqa: BLE001 - nobody looks at the future
                self.failed.emit(tr("Something failed: {reason}.", reason=reason_of(error)))

        if not self._closed:
            self._disk.submit(work)

    def cancel(self) -> None:
        """Drop what is being listed and opened."""
        self._asked = self._current = self._asked + 1

    def close(self) -> None:
        """Do what was given, and stop the thread. Waits for the disk."""
        self._closed = True
        self._disk.shutdown(wait=True)
