"""What is on record and not yet on disk, and how it gets there: each edit into the journal, then into the COCO file."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from annotator.core.store.autosave import Autosave, SaveNotice, StoreError, reason_of
from annotator.core.store.journal import JournalRow
from annotator.core.store.moving_journal import MovingJournal
from annotator.core.store.project_folder import InUseError
from annotator.core.store.recovery import file_key, kept_beside, packed_categories, packed_mark, timestamp
from annotator.core.store.suggestion_pools import SuggestionPools
from dataset.atomic_files import FileMark, copy_file, free_name
from dataset.i18n import tr
from dataset.messages import listing
from dataset.output_places import PlaceError, check_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import NewStates, PhotoState
    from annotator.core.store.additions import PhotoAddition
    from annotator.core.store.recovery import OpenedProject
    from dataset.coco.categories import Category

Value = TypeVar("Value")
Made = TypeVar("Made")


class Saver:
    """The photos and classes of an open project that are not as the COCO file had them, written in threads of its own.

    Every crash leaves each photo in a state that was recorded as a whole: the journal has it, or the file its
    annotations and the journal the rest.
    """

    def __init__(
        self, opened: OpenedProject, classes: Sequence[Category], notify: Callable[[SaveNotice], object]
    ) -> None:
        """Start with what was recovered; `notify` is called from other threads."""
        self._project = opened
        self._lock = threading.RLock()  # guards what follows; held for moments
        self.states = dict(opened.recovered)
        """The photos that are not as the file had them when it was opened. Changed by `put` alone."""
        self._unsaved = dict(opened.recovered)  # of those, what the file on disk does not have
        self._unjournaled: set[str] = set()  # photos that the journal does not have
        self._classes = tuple(classes)
        self._classes_unsaved = opened.categories is not None
        self._classes_unjournaled = False
        self._additions = self._written_additions = 0  # to the file: how many there were, and how many it has on disk
        self._journaling = threading.Lock()  # held while the journal's photos are written
        self._backed_up: set[Path] = set()
        self._journaled_key = opened.key  # what the COCO file goes by in the journal on disk
        self._copy: tuple[Path, Mapping[str, PhotoState], Sequence[Category]] | None = None
        self.replaces_protected = False
        """Whether the COCO file is replaced even where it is write-protected."""
        self._autosave = Autosave(opened.file.path, self._write_journal, self._save, self._kept_in, notify)
        self._journal = MovingJournal(opened, self._put_everything, self._autosave.note)
        self.pools = SuggestionPools(opened.images, opened.journal, lambda: self._autosave.mark_dirty(file=False))
        """The suggestions of the models, which may be used from any thread."""
        if self._unsaved or opened.recovers_classes:
            self._autosave.mark_dirty(file=True)

    @property
    def is_saved(self) -> bool:
        """Whether the file has everything that is on record."""
        with self._lock:
            return not (self._unsaved or self._lacks_classes or self._lacks_additions)

    @property
    def is_kept(self) -> bool:
        """Whether everything is on disk, be it in the journal: it survives the end of the process."""
        with self._lock:
            lacks = self._unjournaled or self._classes_unjournaled or self._lacks_additions
            return not (lacks or self._journal.is_lost)

    @property
    def unsaved_photos(self) -> list[str]:
        """What is on record and not in the file: photos, and "" for the classes."""
        with self._lock:
            return [*([""] if self._lacks_classes else []), *sorted(self._unsaved)]

    @property
    def _lacks_classes(self) -> bool:
        """Whether there is a file, and it has other classes."""
        return self._classes_unsaved and self._project.file.mark is not None

    @property
    def _lacks_additions(self) -> bool:
        """Whether there are additions that the file on disk does not have; the journal never has them."""
        return self._additions > self._written_additions

    @property
    def unkept_photos(self) -> list[str]:
        """What is on record and not on disk at all: photos, and "" for the classes."""
        with self._lock:
            lost = self._unsaved if self._journal.is_lost else {}  # with what it had
            return [*([""] if self._classes_unjournaled else []), *sorted({*self._unjournaled, *lost})]

    @property
    def copy(self) -> Path | None:
        """The file that `save_as` wrote while a disk hung, if it has all annotations on record."""
        with self._lock:
            if self._copy is None:
                return None
            path, states, classes = self._copy
            has_all = classes is self._classes and all(states.get(name) is s for name, s in self.states.items())
            return path if has_all else None

    def together(self) -> AbstractContextManager[object]:
        """Return a context: what is put in it is on disk together or not at all."""
        return self._lock

    def put(self, new: NewStates, *, unanswered: Sequence[Annotation] | None = None) -> None:
        """Record photos, in memory at once and soon on disk, together or not at all.

        With each, in the same transaction, what is `unanswered` in a photo that is being marked done.
        """
        with self._lock:
            self.states |= new.by_name
            other = new.by_name.keys() - new.into_file.keys()
            pending = {name: new.by_name[name] for name in other if name in self._unsaved}
            self._unsaved |= new.into_file | pending
            self._unjournaled |= new.by_name.keys()
            if unanswered is not None:
                for name in new.by_name:
                    self.pools.put_unanswered(name, unanswered)
        self._autosave.mark_dirty(file=bool(new.into_file or pending))

    def add(self, additions: Mapping[str, PhotoAddition], fields: Mapping[str, Any]) -> None:
        """Add annotations to what the file has of photos, in memory at once, and have the file written."""
        with self._lock:
            self._project.file.add(additions, fields)
            self._additions += 1
        self._autosave.mark_dirty(file=True)

    def add_fields(self, name: str, size: tuple[int, int], fields: Mapping[str, Any]) -> None:
        """Add to the fields of a photo's entry those that it lacks, in memory at once, and have the file written."""
        with self._lock:
            self._project.file.add_fields(name, size, fields)
            self._additions += 1
        self._autosave.mark_dirty(file=True)

    def put_classes(self, classes: Sequence[Category]) -> None:
        """Record the classes."""
        with self._lock:
            self._classes = tuple(classes)
            self._classes_unsaved = self._classes_unjournaled = True
            # Classes alone do not make a file: opening a folder of photos leaves no trace beside them.
            file = self._project.file.mark is not None
        self._autosave.mark_dirty(file=file)

    def save(self) -> Future[None]:
        """Save the COCO file now. A failure is the future's StoreError."""
        return self._autosave.save_now()

    def save_as(self, path: Path) -> Future[None]:
        """Save to another COCO file and go on with that one. A failure is the future's StoreError.

        While the disk hangs on which things are kept so far, the other file is a copy, and things are kept there.
        """
        if self._autosave.is_stalled:
            return self._autosave.submit_beside(path, lambda: self._save_copy(path.resolve()), self._kept_as_known)
        return self._autosave.submit(path, lambda: self._save_as(path.resolve()))

    def check_progress(self) -> None:
        """Report a save that has stalled, by a notice. To be called now and then."""
        self._autosave.check_progress()

    def close(self) -> None:
        """Write what is to be written and end. Slow when the file is large. More than once is fine."""
        with contextlib.ExitStack() as closing:  # whatever fails, the folder is let go
            closing.callback(self._project.folder.close)
            closing.callback(self._project.journal.close)
            closing.callback(self._autosave.close)

    def _write_journal(self) -> None:
        """Write to the journal what it does not have. On the journal's thread.

        Raises:
            StoreError: some of it cannot be written; all else is.
        """
        with self._journaling:
            refused = self._journal.write(lambda: self._journal_pending({}))
            self._journal.write(self.pools.write_journal)
        if refused:
            text = tr(
                "Your last edits of {what} could not be noted down: {reason}; it is tried again.",
                what=listing([name or tr("the classes") for name in refused]),
                reason=reason_of(next(iter(refused.values()))),
            )
            raise StoreError(text)

    def _journal_pending(self, metadata: Mapping[str, bytes | None]) -> dict[str, Exception]:
        """Write to the journal what it does not have, and metadata, in one transaction. With `_journaling` held.

        Returns the photos ("" for the classes) that could not be written, and why; they stay pending.
        """
        project = self._project
        with self._lock:
            states = {name: (self.states[name], name not in self._unsaved) for name in self._unjournaled}
            recorded, saved = self._classes, not self._classes_unsaved
            classes = {"": None if saved else recorded} if self._classes_unjournaled else {}
            pools = self.pools.pending_unanswered()
        refused, rows = _converted(states, lambda known: JournalRow.of(known[0], saved=known[1]))
        facts = {"mark": packed_mark(project.file.mark), **metadata}
        unwritten, packed = _converted(classes, lambda known: None if known is None else packed_categories(known))
        if packed:
            facts["categories"] = packed[""]
        moved_from = None if project.key == self._journaled_key else self._journaled_key
        offered = {key: row for key, row in self.pools.rows(pools).items() if key[1] not in refused}
        refused |= unwritten | project.journal.put(project.key, rows, facts, offered, moved_from=moved_from)
        if moved_from is not None:
            self.pools.move_imported(moved_from, project.key)
        self._journaled_key = project.key
        self.pools.journaled({key: pools[key] for key in offered if key[1] not in refused})
        with self._lock:
            for name, (state, _) in states.items():
                if name not in refused and self.states[name] is state:
                    self._unjournaled.discard(name)
            if packed and self._classes is recorded:
                self._classes_unjournaled = False
        return refused

    def _put_everything(self) -> None:
        """Write all that is on record to the journal, which has moved. With `_journaling` held."""
        project = self._project
        with self._lock:
            others = {name: row for name, row in project.journal_rows.items() if name not in self.states}
            self._unjournaled |= self.states.keys()
            self._classes_unjournaled = True
        self._journaled_key = project.key
        project.journal.put(project.key, others, {})
        if project.folder.is_fallback:
            project.journal.note_changes()
        if project.remembered is not None:
            project.journal.remember_file(project.remembered)
        self._journal_pending({"next": None})

    def _kept_in(self) -> Path | None:
        """Return where everything on record is now: the COCO file, else the folder of the journal; None if nowhere."""
        file = self._project.file
        has_file = self._find_file()
        try:
            self._write_journal()
        except Exception:  # noqa: BLE001 - whatever it is, it is not kept
            return None
        if not self.is_kept:
            return None
        if has_file:
            return file.path if self.is_saved else self._project.folder.path
        return self._project.folder.path if file.names() <= self.states.keys() else None

    def _find_file(self) -> bool:
        """Return whether the COCO file is as it was written last; if it is gone, what it had is unsaved again."""
        file = self._project.file
        with contextlib.suppress(OSError):
            if file.mark is None or file.is_in_place():
                return True
        with self._journaling, self._lock:
            self._unsaved |= self.states
            self._unjournaled |= self.states.keys()
        return False

    def _save(self) -> bool:
        """Write the COCO file if it lacks something, or is not there any more. On the file's thread."""
        if self._find_file() and self._project.file.mark is not None and self.is_saved:
            return False
        self._write(self._project.file.path)
        return True

    def _save_as(self, path: Path) -> None:
        project = self._project
        if path == project.file.path:
            self._save()
            self.remember_file()
            return
        _check_place(path)
        try:
            project.folder.lock_file(path)
            self._write(path)
        except InUseError as error:
            raise StoreError(str(error)) from None
        finally:
            project.folder.lock_file(project.file.path)

    def _save_copy(self, path: Path) -> None:
        """Write a copy of the COCO file without what the other threads may hold while they wait for a disk."""
        _check_place(path)
        with self._lock:
            states, classes = dict(self.states), self._classes
        refused = self._project.file.lay_out(states)
        self._project.file.write_copy(path, classes)
        if refused:
            raise next(iter(refused.values()))
        with self._lock:
            self._copy = (path, states, classes)
        text = tr("All annotations are in {copy}. {file} is still waited for.", copy=path, file=self._project.file.path)
        self._autosave.note(text)

    def _kept_as_known(self) -> Path | None:
        """Return where everything on record is, without a look at the disk; None if nowhere."""
        return self._project.folder.path if self.is_kept else None

    def remember_file(self) -> None:
        """Have the folder open with this COCO file the next time."""
        self._project.remembered = self._project.key
        with self._journaling, contextlib.suppress(OSError, sqlite3.Error):
            self._journal.write(lambda: self._project.journal.remember_file(self._project.key))

    def _write(self, path: Path) -> None:
        """Write the COCO file.

        Raises:
            StoreError: the annotations of some photos cannot be written; all else is.
        """
        with self._lock:
            states, unsaved, classes = dict(self.states), dict(self._unsaved), self._classes
            only_photos = path == self._project.file.path and not (self._classes_unsaved or self._lacks_additions)
            additions = self._additions
        refused = self._project.file.lay_out(states)
        if not (refused and only_photos and unsaved.keys() <= refused.keys()):
            self._replace_file(path, {name: state for name, state in unsaved.items() if name not in refused}, classes)
            with self._lock:
                self._written_additions = max(self._written_additions, additions)
        if refused:
            text = tr(
                "The annotations of {photos} could not be written to {file}: {reason}; it is tried again.",
                photos=listing(list(refused)),
                file=path,
                reason=reason_of(next(iter(refused.values()))),
            )
            raise StoreError(text)

    def _replace_file(self, path: Path, unsaved: Mapping[str, PhotoState], classes: Sequence[Category]) -> None:
        """Write the COCO file with what is laid out; `unsaved` is what it lacked.

        The journal may fail meanwhile: what is in the file needs none, and the rest is tried again.
        """
        project = self._project
        is_same, key = path == project.file.path, file_key(project.images, path)
        self._back_up(path)
        kept: list[Path] = []

        def about_to(size: int, sha256: str) -> None:
            # The rows of what the file is about to hold, too: a new file beside an older row, which has no annotations
            # of its own, would be a state of the photo that never was. Another file needs nothing of the journal's.
            following = packed_mark(FileMark(size, 0, sha256))
            with self._journaling, contextlib.suppress(OSError, sqlite3.Error):
                if is_same:
                    self._journal.write(lambda: self._journal_pending({"next": following}))

        def place_for(found: Path) -> Path | None:
            if is_same and (project.changed_externally or not project.file.is_ours(found)):
                kept.append(free_name(path, timestamp()))
                return kept[-1]
            return None

        protected = is_same and self.replaces_protected
        mark = project.file.write(path, classes, about_to, place_for, even_protected=protected)
        with self._journaling:
            with self._lock:
                project.file.path, project.file.mark, project.key = path, mark, key
                project.changed_externally = False
                if not is_same:
                    project.remembered = key
                for name, state in unsaved.items():
                    if self._unsaved.get(name) is state:
                        del self._unsaved[name]
                self._classes_unsaved = self._classes is not classes
                self._unjournaled |= unsaved.keys() | self._unsaved.keys()
                self._classes_unjournaled = True
            self._autosave.path = path
            self._autosave.mark_dirty(file=False)  # if the journal fails now
            with contextlib.suppress(OSError, sqlite3.Error):
                self._journal.write(lambda: self._journal_pending({"next": None}))
                if path.is_relative_to(project.images.resolve()):
                    self._journal.go_home()
        for copy in kept:
            self._autosave.note(kept_beside(path, copy))

    def _back_up(self, path: Path) -> None:
        """Keep a copy of a file before it is first replaced: beside it, where the private folder takes none."""
        if path not in self._backed_up and path.exists():
            try:
                self._project.folder.back_up(path)
            except OSError:
                self._back_up_elsewhere(path)
        self._backed_up.add(path)

    def _back_up_elsewhere(self, path: Path) -> None:
        try:
            with self._journaling:
                self._journal.write(lambda: self._journal_pending({}))  # it moves if its folder is gone
            self._project.folder.back_up(path)
        except (OSError, sqlite3.Error):
            copy_file(path, free_name(path, timestamp()))


def _check_place(path: Path) -> None:
    """Check that another COCO file is no photo and in no private folder. Raises StoreError."""
    try:
        check_place(path)
    except PlaceError as error:
        raise StoreError(str(error)) from None


def _converted(
    values: Mapping[str, Value], convert: Callable[[Value], Made]
) -> tuple[dict[str, Exception], dict[str, Made]]:
    """Return the keys whose values cannot be converted, with the reasons, and the others' converted values."""
    refused: dict[str, Exception] = {}
    converted: dict[str, Made] = {}
    for key, value in values.items():
        try:
            converted[key] = convert(value)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are written
            refused[key] = error
    return refused, converted
