"""Lists a folder and opens its project in threads; what arrives of a folder that was left meanwhile is late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.core.disk_thread import Deadline, DiskThread
from annotator.core.project import Project
from annotator.core.store.autosave import reason_of
from annotator.session import messages
from annotator.settings import data_folder
from dataset import folder as folders
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from annotator.core.store.autosave import SaveNotice
    from annotator.core.store.store import Store

LATE_AFTER = 10.0  # seconds after which a disk is said not to answer
OTHERS_PATIENCE = 3.0  # seconds that a folder's opening waits for others to be closed, with which it may share a file


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
    has_hidden: bool = False
    """Whether it has no photos but hidden ones, which are left out."""


@dataclass(eq=False)
class _Opening:
    """What is done with the files of one folder, in a thread of its own, until its project is closed in the end."""

    folder: Path | None = None
    thread: DiskThread = field(default_factory=lambda: DiskThread("disk"))
    store: Store | None = None
    """Its annotations once they are there. Set in the thread."""

    def close(self) -> None:
        """Let others have the folder. In the thread."""
        if self.store:
            self.store.close()


class ProjectOpener(QObject):
    """Lists folders and opens projects, each in a thread that does whatever else needs its files, one after the other.

    A folder whose disk does not answer so holds up no other.

    Signals:
        listed: (Listing) of a folder that was asked for.
        opened: (Project or None, why not) of the folder that is open.
        noticed: (SaveNotice, is_current) of a project; not current: of one that was left.
        late: (sentence) a disk that has not answered for long.
        failed: (sentence) something that nobody foresaw; the thread goes on.
    """

    listed = Signal(object)
    opened = Signal(object, object)
    noticed = Signal(object, bool)
    late = Signal(str)
    failed = Signal(str)

    _opened = Signal(int, object, object)
    _noticed = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked = 0  # folders asked for so far: listings that carry an older number are late
        self._current = 0  # the number of the one that is open
        self._closed = False
        self._listings: list[DiskThread] = []  # those that go on, be they unwanted
        self._opening = _Opening()
        self._openings = [self._opening]  # those whose threads go on, the folder that is open last
        self._opened.connect(self._take_project)
        self._noticed.connect(self._pass_notice)

    @property
    def unsaved(self) -> Sequence[Store]:
        """The projects, the one that was open last included, that have something not in its place on disk."""
        stores = [opening.store for opening in self._openings if opening.store]
        return [store for store in stores if store.unsaved or not store.is_kept]

    def list(self, folder: Path, file: Path | None) -> None:
        """List a folder of photos; the one asked for before is no longer wanted."""
        self._asked += 1
        number = self._asked

        def work() -> None:
            names, problem, hidden = [], None, False
            try:
                names = folders.list_images(folder, cancelled=lambda: number != self._asked)
                hidden = not names and folders.has_hidden_images(folder, cancelled=lambda: number != self._asked)
            except folders.FolderError as error:
                problem = error
            if number == self._asked:
                self.listed.emit(Listing(number, folder, file, names, problem, hidden))

        self._forget_ended()
        self._listings.append(DiskThread("listing"))
        self._submit(self._listings[-1], work, messages.listing_late(folder), lambda: number == self._asked)
        self._listings[-1].finish()

    def is_late(self, listing: Listing) -> bool:
        """Return whether another folder has been asked for since."""
        return listing.number != self._asked

    def enter(self, listing: Listing) -> None:
        """Make a listed folder the open one: the one before is closed, and what arrives of it is late."""
        self._current = listing.number
        self._end()
        self._opening = _Opening(listing.folder)
        self._openings.append(self._opening)

    def open(self, listing: Listing) -> None:
        """Open the project of the folder that is open."""
        fallback = data_folder() / "projects"

        def notify(notice: SaveNotice) -> None:
            self._noticed.emit(listing.number, notice)

        opening = self._opening
        before = [other for other in self._openings if other is not opening]

        def work() -> None:
            self._await(before, opening.folder)
            if listing.number != self._current:
                return
            try:
                project = Project.open(
                    listing.folder, listing.file, fallback=fallback, names=listing.names, notify=notify
                )
            except Exception as error:  # noqa: BLE001 - one sentence, and the photos can still be looked at
                self._opened.emit(listing.number, None, error)
                return
            opening.store = project.store  # closed in the end, whether or not it is wanted by now
            if listing.number == self._current:
                self._opened.emit(listing.number, project, None)

        self._submit(
            opening.thread, work, messages.opening_late(listing.folder), lambda: listing.number == self._current
        )

    @staticmethod
    def _await(before: Sequence[_Opening], folder: Path | None) -> None:
        """Wait for other folders to be closed, for ever only where it is the same one: its disk has to answer."""
        patience = Deadline(OTHERS_PATIENCE)
        for other in before:
            other.thread.join(None if other.folder == folder else patience.left)

    def _take_project(self, number: int, project: Project | None, error: Exception | None) -> None:
        if number == self._current:
            self.opened.emit(project, error)

    def _pass_notice(self, number: int, notice: SaveNotice) -> None:
        self.noticed.emit(notice, number == self._current)

    def run(self, job: Callable[[], object]) -> None:
        """Do what takes time with the files of the folder that is open, in its thread, after what was given before."""
        if not self._closed:
            self._opening.thread.submit(self._reporting(job))

    def cancel(self) -> None:
        """Drop what is being listed and opened."""
        self._asked = self._current = self._asked + 1

    def stop(self) -> None:
        """Close the project after what was given, and take no more. Does not wait for it."""
        if not self._closed:
            self._closed = True
            self.cancel()
            self._end()

    def close(self, seconds: float | None = None) -> bool:
        """Stop, wait for the disks (at most so long), and return whether all is done."""
        self.stop()
        deadline = Deadline(seconds)
        threads = [*self._listings, *(opening.thread for opening in self._openings)]
        ended = [thread.join(deadline.left) for thread in threads]
        return all(ended)

    def _end(self) -> None:
        """Close the folder that is open after what was given for it."""
        self._opening.thread.submit(self._reporting(self._opening.close))
        self._opening.thread.finish()

    def _reporting(self, job: Callable[[], object]) -> Callable[[], None]:
        def work() -> None:
            try:
                job()
            except Exception as error:  # noqa: BLE001 - nobody looks at the future
                self.failed.emit(tr("Something failed: {reason}.", reason=reason_of(error)))

        return work

    def _submit(
        self, thread: DiskThread, work: Callable[[], None], sentence: str, is_wanted: Callable[[], bool]
    ) -> None:
        """Do what was asked for in a thread; say so in a sentence if that is late and still wanted."""
        done = thread.submit(self._reporting(work)).done

        def look() -> None:
            if is_wanted() and not done():
                self.late.emit(sentence)

        QTimer.singleShot(round(1000 * LATE_AFTER), self, look)

    def _forget_ended(self) -> None:
        self._listings = [thread for thread in self._listings if not thread.join(0)]
        self._openings = [o for o in self._openings if o is self._opening or not o.thread.join(0)]
