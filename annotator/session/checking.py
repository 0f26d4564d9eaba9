"""The check of the open project, in a thread beside the window, and the repairs of what it finds."""

from __future__ import annotations

import gc
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from threading import Event as Flag
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.repairs import REPAIRABLE, repair
from annotator.core.store.autosave import StoreError
from annotator.core.store.project_file import no_collection
from annotator.session.time_slices import TimeSlicer
from annotator.session.worker_thread import WorkerThread
from dataset.check.contents import read_contents
from dataset.check.findings import Finding
from dataset.check.run import CheckOptions, DatasetCheck
from dataset.coco.raw_file import RawCoco, load_raw
from dataset.i18n import tr
from dataset.messages import UserError
from dataset.pictures.fingerprint_cache import CACHE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from annotator.core.document import Document, Edit
    from annotator.core.store.store import Store
    from annotator.session.session import Session

SURE_SCORE = 0.9
"""A suggestion of so much is most likely an object."""
_STEP = 0.01  # of the share between two signals


@dataclass(frozen=True)
class CheckResult:
    """What was found in a project."""

    findings: list[Finding]
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """(width, height) of the photos that are as large as the file says."""
    notice: str = ""
    """A sentence on what was not looked at."""


class _Stopped(Exception):  # noqa: N818 - nothing went wrong
    pass


class ProjectChecker(QObject):
    """Checks what is on record, once it is in the file, with the photos of the folder. One check at a time.

    Signals:
        progressed: (share, from 0 to 1) so much is looked at.
        ended: (CheckResult, a sentence, or None) what was found, why nothing could be, or that it was stopped.
    """

    progressed = Signal(float)
    ended = Signal(object)
    _answered = Signal(object, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._thread: WorkerThread | None = None
        self._stop = Flag()
        self._answered.connect(self._take)
        session.project_changed.connect(lambda _project: self.stop())

    @property
    def is_running(self) -> bool:
        """Whether a check is under way."""
        return self._thread is not None

    def start(self) -> None:
        """Begin a check of the open project."""
        store, names = self._session.store, list(self._session.photos.names)
        if store is None or self._thread is not None:
            return
        self._session.end_gesture()
        done = [name for name in names if store.is_done(name)]
        stop = self._stop = Flag()
        question = partial(self._check, store, names, done, store.save(), stop)

        def work() -> None:
            self._answered.emit(stop, _answer(question))

        self._thread = WorkerThread(work, "check", background=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up the check that is under way. Its end follows as a signal."""
        self._stop.set()

    def close(self, seconds: float | None = None) -> bool:
        """Stop, wait for the thread (at most so long), and return whether it has ended."""
        self.stop()
        if self._thread is not None and self._thread.end(seconds):
            self._thread = None
        return self._thread is None

    def _take(self, stop: Flag, result: object) -> None:
        if self._thread is not None and stop is self._stop:
            self._thread.end()
            self._thread = None
            self.ended.emit(None if stop.is_set() else result)

    # In the thread

    def _check(
        self, store: Store, names: Sequence[str], done: Sequence[str], saved: Future[None], stop: Flag
    ) -> CheckResult:
        notice = ""
        try:
            saved.result()
        except StoreError as error:
            notice = tr("{reason} What is checked is the file as it is.", reason=error)
        with no_collection():
            raw = load_raw(store.file) if store.file.exists() else RawCoco({}, [], [], [])
            contents = read_contents(raw, store.images, names)
        options = CheckOptions(lists_folder=False, cache=store.private_folder / CACHE_NAME, photos=tuple(names))
        check = DatasetCheck(contents, options)
        shown, total = 0.0, max(1, check.total + len(done))
        with closing(check.run()) as steps:
            for step in steps:
                if stop.is_set():
                    raise _Stopped
                gc.freeze()  # or the collector of cycles goes through all of it again and again, a second a time
                if step / total - shown >= _STEP:
                    shown = step / total
                    self.progressed.emit(shown)
        findings = check.findings
        for name in done:
            if stop.is_set():
                raise _Stopped
            findings += _unanswered(store, name)
        other = {finding.photo for finding in findings if finding.kind in ("size_wrong", "photo_unreadable")}
        sizes = {i.photo: i.size for i in contents.images if i.is_found and i.size and i.photo not in other}
        return CheckResult(findings, sizes, notice)


def _answer(question: Callable[[], CheckResult]) -> object:
    try:
        return question()
    except _Stopped:
        return None
    except UserError as error:
        return str(error)


def _unanswered(store: Store, name: str) -> Iterator[Finding]:
    scores = [suggestion.score or 0.0 for suggestion in store.pools.unanswered(name) or ()]
    if scores and max(scores) >= SURE_SCORE:
        yield Finding("unanswered", name, values={"score": max(scores)})


class Repairer(QObject):
    """Makes one edit in each photo of what was found there, in slices between events; each can be undone there.

    Signals:
        done: (list of findings) these are repaired.
    """

    done = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._edits: list[tuple[Document, Edit]] = []
        self._repaired: list[Finding] = []
        self._slices = TimeSlicer(self)
        self._slices.done.connect(lambda _: self._end())
        session.project_changed.connect(self._leave)

    @property
    def is_running(self) -> bool:
        """Whether something is being repaired."""
        return self._slices.is_running

    def start(self, findings: Sequence[Finding], sizes: Mapping[str, tuple[int, int]]) -> None:
        """Repair these findings of one kind of `REPAIRABLE`; `sizes` are those of the photos."""
        by_photo: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.kind in REPAIRABLE and finding.photo in self._session.photos:
                by_photo.setdefault(finding.photo, []).append(finding)
        self._session.end_gesture()
        self._edits, self._repaired = [], []
        self._slices.start(self._each(by_photo, sizes))

    def undo(self) -> int:
        """Undo the last repairs where nothing was done since; return in how many photos that was so."""
        undone = 0
        for document, edit in self._edits:
            undone += self._session.undo_last(document, edit)
        self._edits = []
        return undone

    def _each(self, by_photo: Mapping[str, list[Finding]], sizes: Mapping[str, tuple[int, int]]) -> Iterator[None]:
        for name, findings in by_photo.items():
            document = self._session.document_of(name, sizes.get(name))
            if document is not None:
                edit = repair(document, findings)
                if not edit.is_empty:
                    self._session.push_to(document, edit)
                    self._edits.append((document, edit))
                    self._repaired += [f for f in findings if f.annotation in edit.annotations]
            yield

    def _end(self) -> None:
        self.done.emit(self._repaired)

    def _leave(self, _project: object) -> None:
        self._slices.stop()
        self._edits, self._repaired = [], []
