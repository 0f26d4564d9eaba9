"""An open project: the annotations of every photo. The only truth about photos that are not open as a document.

What was `put` is in the journal within 0.3 s and in the COCO file within about 2 s (later when the file takes long to
write, see `autosave`). Methods belong to one thread, the GUI's, and return at once, unless they say otherwise.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.core.categories import Categories
from annotator.core.photo_state import PhotoState
from annotator.core.store.autosave import Autosave, SaveNotice, SaveState, StoreError
from annotator.core.store.journal import JournalRow, pack
from annotator.core.store.recovery import file_key, open_project, packed_categories, packed_mark, timestamp
from annotator.core.store.suggestion_pools import SuggestionPools
from dataset.atomic_files import FileMark, copy_file, free_name
from dataset.coco_checks import sentences
from dataset.folder import list_images
from dataset.i18n import tr
from dataset.masks import checked_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.store.recovery import OpenedProject

__all__ = ["SaveNotice", "SaveState", "Store", "StoreError"]

_KEPT = 64  # photos looked at and not changed whose records stay in memory


class Store:
    """The data of an open project."""

    def __init__(self, opened: OpenedProject, notify: Callable[[SaveNotice], object]) -> None:
        """Use `open`."""
        self.notify = notify
        """Called from other threads with each `SaveNotice`; may be set at any time."""
        self._project = opened
        coco = opened.file.coco
        self.categories = Categories(opened.categories or [category for category, _ in coco.categories])
        """The classes. Changes to them are saved like annotations."""
        self._lock = threading.Lock()  # guards what follows; held for moments
        self._states = dict(opened.recovered)  # photos that are not as the file had them when it was opened
        self._unsaved = dict(opened.recovered)  # of those, what the file on disk does not have
        self._unjournaled: set[str] = set()  # photos that the journal does not have
        self._classes = tuple(self.categories)
        self._classes_unsaved = opened.categories is not None
        self._classes_unjournaled = False
        self._recently_read: OrderedDict[str, PhotoState] = OrderedDict()
        self.class_counts = Counter(coco.class_counts)
        """How many annotations each class has, by its id."""
        for name, state in opened.recovered.items():
            self._recount(self._project.file.annotations(name), state.annotations)
        recorded = [a.id for state in self._states.values() for a in state.annotations]
        self._last_id = max(max(coco.ids, default=0), max(recorded, default=0))
        self._journaling = threading.Lock()  # held while the journal's photos are written
        self._backed_up: set[Path] = set()
        self.categories.changed.connect(self._categories_changed)
        self._autosave = Autosave(self._project.file.path, self._write_journal, self._save, self._forward)
        self.pools = SuggestionPools(opened.images, opened.journal, lambda: self._autosave.mark_dirty(file=False))
        """The suggestions of the models, which may be used from any thread."""
        if self._unsaved:
            self._autosave.mark_dirty(file=True)

    @classmethod
    def open(
        cls,
        images: Path,
        file: Path | None = None,
        *,
        fallback: Path,
        progress: Callable[[float], object] | None = None,
        names: Sequence[str] | None = None,
        notify: Callable[[SaveNotice], object] | None = None,
    ) -> Store:
        """Open a project. Slow: for a thread of its own.

        Args:
            images: The folder of photos.
            file: The COCO file, which need not exist; by default the one that the folder was last worked on with,
                `images`/annotations.json if there was none.
            fallback: Where private data goes when the folder cannot be written to.
            progress: Called with a fraction.
            names: The photos, if they have been listed already (`folder.list_images`).
            notify: Called from other threads with each `SaveNotice`.

        Raises:
            FolderError: the folder cannot be read.
            CocoError: the file is not COCO.
            StoreError: the project is open in another process, or nothing can be written anywhere.
        """
        report = progress or (lambda _fraction: None)
        names = list_images(images) if names is None else names
        report(0.1)
        opened = open_project(images, file, names, fallback)
        report(0.9)
        store = cls(opened, notify or (lambda _notice: None))
        report(1.0)
        return store

    @property
    def images(self) -> Path:
        """The folder of photos."""
        return self._project.images

    @property
    def names(self) -> Sequence[str]:
        """The photos in it, in natural order: paths relative to it, with forward slashes."""
        return self._project.names

    @property
    def warnings(self) -> Sequence[str]:
        """Sentences for the person about the opening."""
        return self._project.warnings

    @property
    def file(self) -> Path:
        """The COCO file."""
        return self._project.file.path

    @property
    def private_folder(self) -> Path:
        """Where the project keeps what is not in the COCO file."""
        return self._project.folder.path

    @property
    def unsaved(self) -> bool:
        """Whether the file lacks something that is on record."""
        with self._lock:
            return bool(self._unsaved) or (self._classes_unsaved and self._project.file.mark is not None)

    def new_id(self) -> int:
        """Return an id for a new annotation. From any thread."""
        with self._lock:
            self._last_id += 1
            return self._last_id

    def share_categories(self, categories: Categories) -> None:
        """Hold the classes in this object from now on; what it held before is gone."""
        self.categories.changed.disconnect(self._categories_changed)
        categories.become(self.categories)
        self.categories = categories
        categories.changed.connect(self._categories_changed)

    # Photos

    def load(self, name: str) -> PhotoState:
        """Return what is on record for a photo; its size is (0, 0) where it was never worked on."""
        return self._state(name)

    def problems(self, name: str) -> list[str]:
        """Return sentences about what of a photo's annotations in the file cannot be used; it is kept as it stands."""
        return sentences(self._project.file.problems(name), self._project.file.path.name)

    def size_in_file(self, name: str) -> tuple[int, int] | None:
        """Return the (width, height) that the COCO file gives for a photo, if it does: the photo's may be another."""
        return self._project.file.size(name)

    def put(self, name: str, state: PhotoState) -> None:
        """Record what is known of a photo, in memory at once and soon on disk.

        Raises:
            ValueError: no photo has that size.
        """
        checked_size(state.size)
        before = self._state(name)
        if replace(before, size=state.size) == state:
            return
        is_new_entry = state.done and not self._project.file.knows(name)
        self._recount(before.annotations, state.annotations)
        with self._lock:
            self._recently_read.pop(name, None)
            self._states[name] = state
            unsaved = name in self._unsaved or is_new_entry or before.annotations != state.annotations
            if unsaved:
                self._unsaved[name] = state
            self._unjournaled.add(name)
        self._autosave.mark_dirty(file=unsaved)

    def count(self, name: str) -> int:
        """Return how many annotations a photo has."""
        state = self._states.get(name)
        return self._project.file.count(name) if state is None else len(state.annotations)

    def is_done(self, name: str) -> bool:
        """Return whether the photo has the done mark."""
        known = self._states.get(name) or self._project.journal_rows.get(name)
        return known is not None and known.done

    def is_started(self, name: str) -> bool:
        """Return whether the photo has annotations or reviewed suggestions."""
        if self.count(name):
            return True
        state = self._states.get(name)
        if state is not None:
            return bool(state.reviewed)
        return name in self._project.journal_rows and self._project.journal_rows[name].reviewed != pack(())

    def _recount(self, before: Iterable[Annotation], after: Iterable[Annotation]) -> None:
        self.class_counts.subtract(a.category_id for a in before)
        self.class_counts.update(a.category_id for a in after)

    def _state(self, name: str) -> PhotoState:
        state = self._states.get(name) or self._recently_read.get(name)
        if state is None:
            row = self._project.journal_rows.get(name) or JournalRow((0, 0), None, pack(()), done=False)
            try:
                state = row.state()
            except ValueError:  # damaged: the suggestions are shown again
                state = PhotoState(row.size, done=row.done)
            state = replace(state, annotations=self._project.file.annotations(name))
            self._recently_read[name] = state
            while len(self._recently_read) > _KEPT:
                self._recently_read.popitem(last=False)
        return state

    # Saving

    def save(self) -> Future[None]:
        """Save the COCO file now. A failure is the future's StoreError."""
        return self._autosave.save_now()

    def save_as(self, path: Path) -> Future[None]:
        """Save to another COCO file and go on with that one. A failure is the future's StoreError."""
        return self._autosave.submit(lambda: self._save_as(path.resolve()))

    def close(self) -> None:
        """Write what is to be written and end. Slow when the file is large. More than once is fine."""
        with contextlib.suppress(ValueError):
            self.categories.changed.disconnect(self._categories_changed)
        self._autosave.close()
        self._project.journal.close()
        self._project.folder.close()

    def _categories_changed(self) -> None:
        with self._lock:
            self._classes = tuple(self.categories)
            self._classes_unsaved = self._classes_unjournaled = True
            # Classes alone do not make a file: opening a folder of photos leaves no trace beside them.
            file = self._project.file.mark is not None
        self._autosave.mark_dirty(file=file)

    def _forward(self, notice: SaveNotice) -> None:
        self.notify(notice)

    def _write_journal(self) -> None:
        """Write to the journal what it does not have. On the journal's thread."""
        with self._journaling:
            with self._lock:
                names, self._unjournaled = self._unjournaled, set()
                rows = {name: self._row(name) for name in names}
                classes = packed_categories(self._classes) if self._classes_unjournaled else None
                self._classes_unjournaled = False
            metadata: dict[str, bytes | None] = {"mark": packed_mark(self._project.file.mark)}
            if classes is not None:
                metadata["categories"] = classes
            try:
                self._project.journal.put(self._key(), {name: make() for name, make in rows.items()}, metadata)
                self.pools.write_journal()
            except BaseException:
                with self._lock:
                    self._unjournaled |= names
                    self._classes_unjournaled |= classes is not None
                raise

    def _row(self, name: str) -> Callable[[], JournalRow]:
        state, saved = self._states[name], name not in self._unsaved
        return lambda: JournalRow.of(state, saved=saved)

    def _key(self) -> str:
        return file_key(self.images, self._project.file.path)

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
        if path not in self._backed_up and path.exists():
            self._project.folder.back_up(path)
        self._backed_up.add(path)
        with self._lock:
            states, unsaved, classes = dict(self._states), dict(self._unsaved), self._classes
        old, new = self._key(), file_key(self.images, path)

        def about_to(size: int, sha256: str) -> None:
            with self._journaling:
                self._project.journal.put(new, {}, {"next": packed_mark(FileMark(size, 0, sha256))})

        mark = self._project.file.write(path, states, classes, about_to)
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
            if old != new:
                self._project.journal.move(old, new)
            metadata: dict[str, bytes | None] = {"mark": packed_mark(mark), "next": None}
            if not self._classes_unsaved:
                metadata["categories"] = None
            self._project.journal.clear(new, saved, metadata)

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
