"""An open project: the annotations of every photo. The only truth about photos that are not open as a document.

What was `put` is in the journal within 0.3 s and in the COCO file within about 2 s (later when the file takes long to
write, see `autosave`). Methods belong to one thread, the GUI's, and return at once, unless they say otherwise.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from annotator.core.annotation import NOTHING
from annotator.core.categories import Categories
from annotator.core.document import MARKED, Status
from annotator.core.photo_state import NO_NOTES, Mark, NewState, NewStates, PhotoNotes, PhotoState
from annotator.core.store.autosave import SaveNotice, SaveState, StoreError
from annotator.core.store.coco_images import lacking_fields, note_fields, read_notes
from annotator.core.store.journal import imported_by
from annotator.core.store.packing import pack, unpack_scores
from annotator.core.store.recorded import RecordedPhotos, read_photo
from annotator.core.store.recovery import DEFAULT_FILE, open_project
from annotator.core.store.saver import Saver
from dataset.coco.checks import sentences
from dataset.folder import list_images
from dataset.masks import checked_size

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.store.additions import PhotoAddition
    from annotator.core.store.recovery import OpenedProject
    from annotator.core.store.rescaling import Scaled, SizeMismatch
    from dataset.coco.checks import Kind

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
        self._lock = threading.Lock()  # guards the next id
        self._recently_read: OrderedDict[str, PhotoState] = OrderedDict()
        self.added: list[str] = []
        """The photos of all additions, in their order."""
        self.class_counts = Counter(coco.class_counts)
        """How many annotations each class has, by its id."""
        for name, state in opened.recovered.items():
            self.class_counts.update(_gained(self._project.file.annotations(name), state.annotations))
        recorded = [a.id for state in opened.recovered.values() for a in state.annotations]
        self._last_id = max(coco.last_id, *recorded, 0)
        self.categories.changed.connect(self._categories_changed)
        self._saver = Saver(opened, tuple(self.categories), self._forward)
        self.pools = self._saver.pools
        """The suggestions of the models, which may be used from any thread."""

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

    def set_names(self, names: Sequence[str]) -> None:
        """Take note of what photos there are in the folder now."""
        self._project.names = names

    @property
    def warnings(self) -> Sequence[str]:
        """Sentences for the person about the opening."""
        return self._project.warnings

    @property
    def file(self) -> Path:
        """The COCO file."""
        return self._project.file.path

    @property
    def file_label(self) -> str:
        """The COCO file as people name it; "" for the folder's own annotations.json."""
        return "" if self._project.key == DEFAULT_FILE else self._project.key

    @property
    def private_folder(self) -> Path:
        """Where the project keeps what is not in the COCO file."""
        return self._project.folder.path

    @property
    def unsaved(self) -> bool:
        """Whether the file lacks something that is on record."""
        return not self._saver.is_saved

    @property
    def is_kept(self) -> bool:
        """Whether everything is on disk, be it in the journal: it survives the end of the process."""
        return self._saver.is_kept

    @property
    def unsaved_photos(self) -> Sequence[str]:
        """What is on record and the file lacks: photos, and "" for the classes."""
        return self._saver.unsaved_photos

    @property
    def unkept_photos(self) -> Sequence[str]:
        """What is on record and not on disk, not even in the journal: photos, and "" for the classes."""
        return self._saver.unkept_photos

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

    def hides(self, name: str) -> bool:
        """Return whether the file has annotations of a photo of which nothing can be shown."""
        return self._project.file.hides(name)

    def problems(self, name: str, besides: Container[Kind] = ()) -> list[str]:
        """Return sentences about what of a photo's annotations in the file cannot be used; it is kept as it stands."""
        problems = self._project.file.problems(name)
        return sentences((p for p in problems if p.kind not in besides), self._project.file.path.name)

    def size_in_file(self, name: str) -> tuple[int, int] | None:
        """Return the (width, height) that the COCO file gives for a photo, if it does: the photo's may be another."""
        return self._project.file.size(name)

    def size_mismatch(self, name: str, size: tuple[int, int]) -> SizeMismatch | None:
        """Return what of a photo's annotations in the file was made for another (width, height) than this, its own."""
        return self._project.file.size_mismatch(name, size)

    def scaled(
        self,
        name: str,
        size: tuple[int, int],
        current: Mapping[int, Annotation],
        made_for: tuple[int, int] | None = None,
        *,
        stretch: bool = False,
    ) -> Scaled:
        """Return what of a photo's annotations is otherwise once they are scaled to its size: `ProjectFile.scaled`."""
        return self._project.file.scaled(name, size, current, made_for, stretch=stretch)

    def photo_ids_in_file(self) -> dict[int | str, str]:
        """Return the photos that the COCO file has an entry for, by its id. From any thread."""
        return self._project.file.photo_ids()

    def class_ids_in_file(self) -> dict[int | str, int]:
        """Return the class that each `category_id` of the COCO file means. From any thread."""
        return {key: number for key, number in self._project.file.coco.class_ids.items() if key is not None}

    @property
    def imported_pool(self) -> str:
        """What goes in the place of a model for suggestions that were imported; their classes are the COCO file's."""
        return imported_by(self._project.key)

    def changed(self, name: str) -> PhotoState | None:
        """Return what is on record for a photo if that is not as the file had it."""
        return self._saver.states.get(name)

    def all_changed(self) -> dict[str, PhotoState]:
        """Return what is on record for the photos of which that is not as the file had it, in a new dictionary."""
        return dict(self._saver.states)

    def changed_since(self, known: Mapping[str, PhotoState]) -> list[str]:
        """Return the photos that were put on record since `all_changed` returned this."""
        return [name for name, state in self._saver.states.items() if known.get(name) is not state]

    def put(
        self,
        name: str,
        state: PhotoState,
        unanswered: Sequence[Annotation] | None = None,
        *,
        before: PhotoState | None = None,
    ) -> None:
        """Record what is known of a photo, in memory at once and soon on disk.

        `unanswered` is what is on offer in it while it is marked done; it is recorded with the mark or not at all.
        `before` is what `load` would return, where that is known: reading it from the file again takes time.

        Raises:
            ValueError: no photo has that size.
        """
        before = before or self._state(name)
        if replace(before, size=state.size) == state:
            checked_size(state.size)
            return
        self.put_all(NewStates([self.prepared(name, state, before=before)]), unanswered)

    def prepared(self, name: str, state: PhotoState, *, before: PhotoState) -> NewState:
        """Return all that `put_all` needs of a photo that is to become so, where `load` returns `before`.

        Raises:
            ValueError: no photo has that size.
        """
        checked_size(state.size)
        is_noted = (state.notes or NO_NOTES) != (before.notes or NO_NOTES)
        is_new_entry = state.done and not self._project.file.knows(name)
        into_file = is_new_entry or is_noted or before.annotations != state.annotations
        return NewState(name, state, into_file, _gained(before.annotations, state.annotations))

    def put_all(self, new: NewStates, unanswered: Sequence[Annotation] | None = None) -> None:
        """Record what has become of photos, on disk together or not at all; else as `put`, and in a moment."""
        self.class_counts.update(new.gained)
        for name in self._recently_read.keys() & new.by_name.keys():
            del self._recently_read[name]
        self._saver.put(new, unanswered=unanswered)

    def together(self) -> AbstractContextManager[object]:
        """Return a context: photos and classes that are put in it are on disk together or not at all."""
        return self._saver.together()

    @property
    def annotated(self) -> list[str]:
        """The photos that have annotations, or had some, also those of the file that are not in the folder."""
        return list(dict.fromkeys((*self._project.file.names(), *self._saver.states)))

    @property
    def on_record(self) -> set[str]:
        """The photos of which anything at all is known."""
        return {*self._project.file.images(), *self._project.journal_rows, *self._saver.states}

    def count(self, name: str) -> int:
        """Return how many annotations a photo has."""
        state = self._saver.states.get(name)
        return self._project.file.count(name) if state is None else len(state.annotations)

    def category_ids(self, name: str) -> frozenset[int]:
        """Return the classes of a photo's annotations."""
        state = self._saver.states.get(name)
        return self._project.file.category_ids(name) if state is None else state.category_ids

    def mark(self, name: str) -> Mark:
        """Return what was decided about the photo."""
        known = self._saver.states.get(name) or self._project.journal_rows.get(name)
        return Mark.NONE if known is None else known.mark

    def notes(self, name: str) -> PhotoNotes:
        """Return what is noted about a photo."""
        state = self._saver.states.get(name)
        return (self._project.file.notes(name) if state is None else state.notes) or NO_NOTES

    def reviewed_scores(self, name: str) -> list[tuple[float, int]]:
        """Return the scores of the suggestions that were accepted or rejected in a photo, each with its class.

        Quick: neither their shapes nor the photo's annotations are read.
        """
        state, row = self._saver.states.get(name), self._project.journal_rows.get(name)
        if state is not None:
            return [(s.score or 0.0, s.category_id) for s in state.reviewed]
        try:
            return [] if row is None else unpack_scores(row.reviewed)
        except ValueError:  # damaged: the suggestions are shown again
            return []

    def is_done(self, name: str) -> bool:
        """Return whether the photo has the done mark."""
        return self.mark(name) is Mark.DONE

    def is_started(self, name: str) -> bool:
        """Return whether the photo has annotations or reviewed suggestions."""
        if self.count(name):
            return True
        state = self._saver.states.get(name)
        if state is not None:
            return bool(state.reviewed)
        return name in self._project.journal_rows and self._project.journal_rows[name].reviewed != pack(())

    def status(self, name: str) -> Status:
        """Return how far the work on a photo is, as far as it is on record."""
        mark = self.mark(name)
        if mark is not Mark.NONE:
            return MARKED[mark]
        return Status.STARTED if self.is_started(name) else Status.NEW

    def _state(self, name: str) -> PhotoState:
        state = self._saver.states.get(name) or self._recently_read.get(name)
        if state is None:
            state = read_photo(self._project, name)
            self._recently_read[name] = state
            while len(self._recently_read) > _KEPT:
                self._recently_read.popitem(last=False)
        return state

    def recorded(self) -> RecordedPhotos:
        """Return what is on record now, for other threads."""
        return RecordedPhotos(self._project, self.all_changed())

    # Many photos at once

    def takes_additions(self, name: str, size: tuple[int, int]) -> bool:
        """Return whether `add` takes a photo of that (width, height): it is as the file had it. From any thread."""
        return name not in self._saver.states and self._project.file.takes_additions(name, size)

    def addition(
        self,
        name: str,
        size: tuple[int, int],
        annotations: Sequence[Annotation],
        fields: Mapping[str, Any] = NOTHING,
    ) -> PhotoAddition:
        """Return what `add` takes for a photo of that (width, height), with annotations of new ids. From any thread.

        The photo's entry in the file gets those of the `fields` that it lacks, tags and a note among them.

        Raises:
            ValueError: no photo has that size.
        """
        checked_size(size)
        return self._project.file.addition(name, size, annotations, fields)

    def add(self, additions: Mapping[str, PhotoAddition], fields: Mapping[str, Any] = NOTHING) -> None:
        """Record annotations of photos that take additions: in memory at once, on disk with the file, all or none.

        The file gets those of the `fields` that it lacks.
        """
        for name, addition in additions.items():
            self.class_counts.update(addition.class_counts)
            self._recently_read.pop(name, None)
        self.added += additions
        self._saver.add(additions, fields)

    def lacks(self, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the fields that a photo lacks, tags and a note among them. From any thread."""
        there = {**self._project.file.fields(name), **note_fields(self.notes(name))}
        return lacking_fields(there, fields)

    def add_fields(self, name: str, size: tuple[int, int], fields: Mapping[str, Any]) -> None:
        """Give the entry of a photo of that (width, height) those of the fields that it lacks, as `add` does.

        Not its tags and its note: those are what is `put`.
        """
        noted = note_fields(read_notes(fields) or NO_NOTES)
        if others := {key: value for key, value in fields.items() if key not in noted}:
            self._saver.add_fields(name, size, others)

    # Saving

    def save(self) -> Future[None]:
        """Save the COCO file now. A failure is the future's StoreError."""
        return self._saver.save()

    def save_as(self, path: Path) -> Future[None]:
        """Save to another COCO file and go on with that one. A failure is the future's StoreError.

        While a save is stalled, the other file is a copy.
        """
        return self._saver.save_as(path)

    @property
    def copy(self) -> Path | None:
        """The copy that has all annotations on record, if `save_as` wrote one while a save was stalled."""
        return self._saver.copy

    def replace_protected(self) -> Future[None]:
        """Save to the COCO file although it is write-protected, now and for as long as this is open."""
        self._saver.replaces_protected = True
        return self._saver.save()

    def remember_file(self) -> None:
        """Have the folder open with this COCO file the next time. Writes to the disk."""
        self._saver.remember_file()

    def check_progress(self) -> None:
        """Report a save that has stalled, by a notice. To be called now and then."""
        self._saver.check_progress()

    def close(self) -> None:
        """Write what is to be written and end. Slow when the file is large. More than once is fine."""
        with contextlib.suppress(ValueError):
            self.categories.changed.disconnect(self._categories_changed)
        self._saver.close()

    def _categories_changed(self) -> None:
        self._saver.put_classes(tuple(self.categories))

    def _forward(self, notice: SaveNotice) -> None:
        self.notify(notice)


def _gained(before: Iterable[Annotation], after: Iterable[Annotation]) -> Counter[int]:
    """Return how many annotations each class has more than before, by its id."""
    counts = Counter(a.category_id for a in after)
    counts.subtract(a.category_id for a in before)
    return counts
