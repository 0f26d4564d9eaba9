"""What is on record and not yet on disk, and how it gets there: each edit into the journal, then into the COCO file."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

from annotator.core.store.autosave import Autosave, SaveNotice, StoreError, reason_of
from annotator.core.store.journal import JournalRow
from annotator.core.store.recovery import file_key, packed_categories, packed_mark, timestamp
from annotator.core.store.suggestion_pools import SuggestionPools
from dataset.atomic_files import FileMark, copy_file, free_name
from dataset.i18n import tr
from dataset.messages import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from annotator.core.photo_state import PhotoState
    from annotator.core.store.recovery import OpenedProject
    from dataset.categories import Category

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
        self._lock = threading.Lock()  # guards what follows; held for moments
        self.states = dict(opened.recovered)
        """The photos that are not as the file had them when it was opened. Changed by `put` alone."""
        self._unsaved = dict(opened.recovered)  # of those, what the file on disk does not have
        self._unjournaled: set[str] = set()  # photos that the journal does not have
        self._classes = tuple(classes)
        self._classes_unsaved = opened.categories is not None
        self._classes_unjournaled = False
        self._journaling = threading.Lock()  # held while the journal's photos are written
        self._backed_up: set[Path] = set()
        self._autosave = Autosave(opened.file.path, self._write_journal, self._save, notify)
        self.pools = SuggestionPools(opened.images, opened.journal, lambda: self._autosave.mark_dirty(file=False))
        """The suggestions of the models, which may be used from any thread."""
        if self._unsaved:
            self._autosave.mark_dirty(file=True)

    @property
    def is_saved(self) -> bool:
        """Whether the file has everything that is on record."""
        with self._lock:
            return not self._unsaved and (not self._classes_unsaved or self._project.file.mark is None)

    @property
    def is_kept(self) -> bool:
        """Whether everything is on disk, be it in the journal: it survives the end of the process."""
        with self._lock:
            return not (self._unjournaled or self._classes_unjournaled)

    def put(self, name: str, state: PhotoState, *, into_file: bool) -> None:
        """Record a photo, in memory at once and soon on disk: `into_file` if the file is to have it, too."""
        with self._lock:
            self.states[name] = state
            unsaved = name in self._unsaved or into_file
            if unsaved:
                self._unsaved[name] = state
            self._unjournaled.add(name)
        self._autosave.mark_dirty(file=unsaved)

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
        """Save to another COCO file and go on with that one. A failure is the future's StoreError."""
        return self._autosave.submit(lambda: self._save_as(path.resolve()))

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
            refused = self._journal_pending({})
        self.pools.write_journal()
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
        with self._lock:
            states = {name: (self.states[name], name not in self._unsaved) for name in self._unjournaled}
            recorded, saved = self._classes, not self._classes_unsaved
            classes = {"": None if saved else recorded} if self._classes_unjournaled else {}
        refused, rows = _converted(states, lambda known: JournalRow.of(known[0], saved=known[1]))
        facts = {"mark": packed_mark(self._project.file.mark), **metadata}
        unwritten, packed = _converted(classes, lambda known: None if known is None else packed_categories(known))
        if packed:
            facts["categories"] = packed[""]
        refused |= unwritten | self._project.journal.put(self._key(), rows, facts)
        with self._lock:
            for name, (state, _) in states.items():
                if name not in refused and self.states[name] is state:
                    self._unjournaled.remove(name)
            if packed and self._classes is recorded:
                self._classes_unjournaled = False
        return refused

    def _key(self) -> str:
        return file_key(self._project.images, self._project.file.path)

    def _save(self) -> bool:
        """Write the COCO file if it lacks something. On the file's thread."""
        with self._lock:
            nothing = not self._unsaved and not self._classes_unsaved and self._project.file.mark is not None
        if nothing:
            return False
        path = self._project.file.path
        if self._project.changed_externally or self._project.file.changed_externally():
            self._keep_external_copy(path)
        self._write(path)
        return True

    def _save_as(self, path: Path) -> None:
        if path == self._project.file.path:
            self._save()
            return
        self._write(path)
        self._autosave.path = path
        self._autosave.mark_dirty(file=False)

    def _write(self, path: Path) -> None:
        """Write the COCO file.

        Raises:
            StoreError: the annotations of some photos cannot be written; all else is.
        """
        with self._lock:
            states, unsaved, classes = dict(self.states), dict(self._unsaved), self._classes
            only_photos = path == self._project.file.path and not self._classes_unsaved
        refused = self._project.file.lay_out(states)
        if not (refused and only_photos and unsaved.keys() <= refused.keys()):
            self._replace_file(path, {name: state for name, state in unsaved.items() if name not in refused}, classes)
        if refused:
            text = tr(
                "The annotations of {photos} could not be written to {file}: {reason}; it is tried again.",
                photos=listing(list(refused)),
                file=path,
                reason=reason_of(next(iter(refused.values()))),
            )
            raise StoreError(text)

    def _replace_file(self, path: Path, unsaved: Mapping[str, PhotoState], classes: Sequence[Category]) -> None:
        """Write the COCO file with what is laid out; `unsaved` is what it lacked."""
        if path not in self._backed_up and path.exists():
            self._project.folder.back_up(path)
        self._backed_up.add(path)
        old, new = self._key(), file_key(self._project.images, path)

        def about_to(size: int, sha256: str) -> None:
            # The rows of what the file is about to hold, too: a new file beside an older row, which has no annotations
            # of its own, would be a state of the photo that never was.
            following = packed_mark(FileMark(size, 0, sha256))
            with self._journaling:
                self._journal_pending({"next": following} if old == new else {})
                if old != new:
                    self._project.journal.put(new, {}, {"next": following})

        mark = self._project.file.write(path, classes, about_to)
        with self._journaling:
            with self._lock:
                self._project.file.path, self._project.file.mark = path, mark
                self._project.changed_externally = False
                for name, state in unsaved.items():
                    if self._unsaved.get(name) is state:
                        del self._unsaved[name]
                self._classes_unsaved = self._classes is not classes
                saved = [name for name in unsaved if name not in self._unsaved]
                if old != new:
                    self._unjournaled |= self._unsaved.keys()
            metadata: dict[str, bytes | None] = {"mark": packed_mark(mark), "next": None}
            if not self._classes_unsaved:
                metadata["categories"] = None
            try:
                if old != new:
                    self._project.journal.move(old, new)
                self._project.journal.clear(new, saved, metadata)
            except BaseException:
                with self._lock:  # the journal still has what will be old one day
                    self._unjournaled.update(saved)
                    self._classes_unjournaled = True
                self._autosave.mark_dirty(file=False)
                raise

    def _keep_external_copy(self, path: Path) -> None:
        """Keep the file that another program wrote beside ours."""
        copy = free_name(path, timestamp())
        self._project.file.mark, self._project.changed_externally = copy_file(path, copy), False
        self._autosave.note(
            tr(
                "{file} was changed by another program; its version is kept as {copy}.",
                file=path.name,
                copy=copy.name,
            )
        )


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
