"""The open folder: its photos, the one being worked on, its document, and the store that keeps every edit."""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import fields, replace
from itertools import islice
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.core.categories import Categories
from annotator.core.disk_thread import Deadline
from annotator.core.document import Document, ObjectMarks, ShownRecords
from annotator.core.image_list import ImageList
from annotator.core.no_overlap import without_overlap
from annotator.core.store.autosave import SaveNotice, SaveState
from annotator.core.store.coco_codec import CocoError, UnreadableError
from annotator.session import messages, photo_facts
from annotator.session.image_cache import ImageCache, LateError
from annotator.session.image_loader import ImageLoader
from annotator.session.messages import FOLDER, HIDDEN, PHOTO, SAVING, SKIPPED
from annotator.session.project_opener import Listing, ProjectOpener
from annotator.session.undo import UndoHistory
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from annotator.canvas.tools.base import GestureStep
    from annotator.core.document import Edit
    from annotator.core.no_overlap import OverlapRule
    from annotator.core.photo_state import PhotoState
    from annotator.core.project import Project
    from annotator.core.store.store import Store
    from annotator.session.decoded_image import DecodedImage
    from annotator.settings import Settings
    from dataset.pictures.parts import PartChoice

WATCH_INTERVAL = 1000  # milliseconds between two looks at whether saving has stalled
KEPT_INTERVAL = 30  # milliseconds between two looks at whether the last edit is on disk

MAX_UPCOMING = 3  # photos kept decoded, and looked at by the model, in the direction of travel

_SHOWN = tuple(field.name for field in fields(ShownRecords))


class Session(QObject):
    """One open folder at a time. Everything slow happens in threads; signals arrive in the GUI thread.

    Signals:
        listing: (folder or None) a folder is being listed; None: it could not be.
        opened: (folder) its photos are listed; the annotations may still be loading.
        project_changed: (Project or None) the annotations are there.
        current_changed: (name or None) another photo is current.
        photo_changed: (DecodedImage or None) the current photo's pixels are there.
        leaving: another photo or folder is about to be shown, or this one to be marked done: what is being drawn is to
            be handed over now.
        document_changed: (Document or None) the current photo can be worked on.
        shown_changed: something is shown or hidden now.
        upcoming_changed: other photos are likely next, because others are listed.
        edited: something is now otherwise on record for the current photo.
        skeleton_changed: (SkeletonChange) a class has other keypoints, and so have the records everywhere.
        suggestions_imported: (name, suggestions) what another model found in a photo, in the project's classes.
        class_removed: (a function from a record to another or None) a class is gone, or back; so are the records of it.
        saved_changed: (bool) whether everything is in the COCO file.
        refused: (sentence, damaged) the annotations cannot be opened: photos can be looked at, no more; `damaged` where
            that is due to what their file holds.
        late: (sentence) the disk of the folder asked for last has not answered for long; "" once it has.
        protected: (sentence) the COCO file is write-protected, and is replaced only by `replace_protected`.
        message: (sentence, kind, topic) for the banner; kind is "info", "warning" or "error", a topic of `messages.py`.
    """

    listing = Signal(object)
    opened = Signal(object)
    project_changed = Signal(object)
    current_changed = Signal(object)
    photo_changed = Signal(object)
    leaving = Signal()
    document_changed = Signal(object)
    shown_changed = Signal()
    upcoming_changed = Signal()
    edited = Signal()
    skeleton_changed = Signal(object)
    suggestions_imported = Signal(str, object)
    class_removed = Signal(object)
    saved_changed = Signal(bool)
    refused = Signal(str, bool)
    late = Signal(str)
    protected = Signal(str)
    message = Signal(str, str, str)

    def __init__(self, settings: Settings, cache: ImageCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.photos = ImageList()
        self.categories = Categories()  # of the open project; one object, so that widgets may hold on to it
        self.history = UndoHistory(self)
        self.folder: Path | None = None
        self.file: Path | None = None  # the COCO file that the folder was opened with; None: the folder's own
        self.project: Project | None = None
        self.current: str | None = None
        self.document: Document | None = None
        self.save_error = ""  # why what is unsaved could not be saved
        self.confirm_discard: Callable[[], bool] = lambda: True  # asked before a folder with a problem is left
        self.is_asking: Callable[[], bool] = lambda: False  # whether a dialog or menu is open: it is about the folder
        self.threshold = settings.threshold
        self.overlap_rule = settings.overlap_rule
        self.shown = ShownRecords(*(settings.flag(f"show_{name}", default=True) for name in _SHOWN))
        self.marks: dict[str, ObjectMarks] = {}  # by photo that was left: what is hidden or locked there
        self._settings = settings
        self._cache = cache
        self._photo: DecodedImage | None = None
        self._step = 1
        self._skipping_unreadable = False
        self._skipped: list[str] = []  # photos passed over on the way to one that can be read
        self._closed = False
        self._discarding = False  # whether the person lets go of what could not be saved, for the folder asked for last
        self._watch = QTimer(self, interval=WATCH_INTERVAL)
        self._watch.timeout.connect(self._check_progress)
        self._loader = ImageLoader(cache, self)
        self._loader.loaded.connect(self._photo_loaded)
        self._loader.failed.connect(self._photo_failed)
        self._loader.broken.connect(lambda sentence: self.message.emit(sentence, "error", ""))
        self._opener = ProjectOpener(self)
        self._opener.listed.connect(self._use_listing)
        self._opener.opened.connect(self._use_project)
        self._opener.noticed.connect(self._report)
        self._opener.late.connect(self.late)
        self._opener.failed.connect(lambda sentence: self.message.emit(sentence, "error", ""))
        self.photos.filtered.connect(self._prefetch)

    @property
    def is_kept(self) -> bool:
        """Whether every edit is on disk, be it in the journal alone: the folder can be left, and the window closed."""
        return self.store is None or self.store.is_kept

    @property
    def store(self) -> Store | None:
        """The annotations of the open project, once they are there."""
        return self.project.store if self.project else None

    # Folder

    def open(self, folder: Path, file: Path | None = None) -> None:
        """Open a folder of photos, with its `annotations.json` or another COCO file.

        What is open stays so until the folder has been listed and no question is open, and for good if it cannot be.
        """
        if self.save_error and not self.confirm_discard():
            return
        self._discarding = bool(self.save_error)
        self._opener.list(folder, file)
        self.listing.emit(folder)

    def on_disk(self, job: Callable[[], object]) -> None:
        """Do what takes time with the project's files in the thread that opens and closes projects, in order.

        What it raises unforeseen is shown in a sentence.
        """
        self._opener.run(job)

    def with_photo(self, name: str, use: Callable[[DecodedImage], object]) -> None:
        """Call `use` with a photo of the folder, in the thread that reads it; never where it cannot be read."""
        if self.folder is not None:
            with suppress(LateError):
                self._cache.when_read(self.folder / name, use, keep=False)

    def with_part(
        self,
        name: str,
        choice: PartChoice,
        use: Callable[[DecodedImage], object],
        fail: Callable[[BaseException], object],
    ) -> None:
        """Call `use` with a page or bands of a photo of the folder, or `fail`, in the thread that reads it."""
        if self.folder is not None:
            with suppress(LateError):
                self._cache.read_part(self.folder / name, choice, use, fail)

    @property
    def unsaved(self) -> Sequence[Store]:
        """The projects, those that were left included, that have something on its way to the disk."""
        return self._opener.unsaved

    def stop(self) -> None:
        """Hand over everything and stop the threads, because the window is gone. Does not wait for them."""
        if not self._closed:
            self._closed = True
            self._leave()
            self._loader.stop()
            self._opener.stop()

    def close(self, seconds: float | None = None) -> bool:
        """Stop, wait for the disks (at most so long), and return whether all is done; `unsaved` is what is not."""
        self.stop()
        deadline = Deadline(seconds)
        disks_ended = self._opener.close(deadline.left)
        return self._loader.close(deadline.left) and disks_ended

    def _leave(self) -> None:
        """Let go of the open folder; its store writes what is left when the opener closes it."""
        self.leaving.emit()
        self._set_document(None)
        self.history.clear()
        self.marks.clear()
        if self.store:
            self.store.share_categories(Categories())  # it may still have to write them, and ours are emptied below
        self._watch.stop()
        had_project = self.project is not None
        self.project = None
        self.save_error = ""
        self._skipped = []
        self.folder = None
        self.project_changed.emit(None)
        self.categories.become(())
        self._set_current(None)
        self.photos.set_photos([])
        self._cache.clear()
        if had_project:
            gc.unfreeze()

    def _use_listing(self, listing: Listing) -> None:
        if self._opener.is_late(listing):
            return
        self.late.emit("")
        if listing.error:
            self.listing.emit(None)
            self.message.emit(str(listing.error), "error", FOLDER)
            return
        is_kept = self.is_kept or self.save_error  # moments later it is, or there is an error to decide about
        if self.is_asking() or not is_kept:
            QTimer.singleShot(KEPT_INTERVAL, self, lambda: self._use_listing(listing))
            return
        if self.save_error and not (self._discarding or self.confirm_discard()):
            return
        self._leave()
        self._opener.enter(listing)
        folder, names = listing.folder, listing.names
        self.folder, self.file = folder, listing.file
        self.photos.set_photos(names)
        self._settings.add_recent(folder)
        self.opened.emit(folder)
        if not names:  # nothing to keep, so nothing is made in it
            self.message.emit(messages.no_photos(folder.name, has_hidden=listing.has_hidden), "warning", FOLDER)
            return
        self._opener.open(listing)
        last = self._settings.last_photo(folder)
        self._show(last if last in self.photos else names[0], skip_unreadable=True)

    def _use_project(self, project: Project | None, error: Exception | None) -> None:
        self.late.emit("")
        if project is None:
            damaged = isinstance(error, CocoError) and not isinstance(error, UnreadableError)
            self.refused.emit(str(error), damaged)
            return
        self.project, store = project, project.store
        store.share_categories(self.categories)
        photo_facts.show_project(self.photos, project)
        self.project_changed.emit(project)
        self._watch.start()
        for warning in store.warnings:
            self.message.emit(warning, "warning", "")
        self._open_document()
        gc.freeze()  # it stays until the folder is left: the collector need not go through all of it again and again

    # The current photo

    def go_to(self, name: str) -> None:
        """Make a photo current, be it one that cannot be read."""
        self._show(name, skip_unreadable=False)

    def _show(self, name: str, *, skip_unreadable: bool) -> None:
        if self.folder is None or name == self.current or name not in self.photos:
            return
        if self.current is not None:
            self._step = 1 if self.photos.index(name) > self.photos.index(self.current) else -1
        self.leaving.emit()
        self._settings.set_last_photo(self.folder, name)
        self._skipping_unreadable = skip_unreadable  # over photos that turn out to be unreadable
        self._set_document(None)
        self._set_current(name)
        self.read_again()
        photo = self._cache.peek(self.folder / name)
        if photo:
            self._photo_loaded(self.folder / name, photo)

    def read_again(self) -> None:
        """Read the current photo, once more if its file may have been repaired."""
        if self.folder is not None and self.current is not None:
            self._loader.show(self.folder / self.current, [self.folder / other for other in self.upcoming()])

    def go(self, step: int) -> None:
        """Make the next (1) or previous (-1) photo of the list current."""
        name = self.photos.next(self.current, step) if self.current else None
        if name:
            self._show(name, skip_unreadable=not self.photos.lists_unreadable)
        elif self.current and self.photos.filter.is_set:
            self.message.emit(tr("No further photo matches the filter."), "info", PHOTO)

    def go_next_not_done(self) -> None:
        """Make the next photo of the list current on which something is left to do."""
        name = self.photos.next_not_done(self.current) if self.current else None
        if name and name != self.current:
            self._show(name, skip_unreadable=True)
        elif self.current:
            filtered, skipped = self.photos.filter.is_set, self.photos.skipped > 0
            self.message.emit(messages.nothing_left_to_do(filtered=filtered, skipped=skipped), "info", PHOTO)

    def upcoming(self) -> list[str]:
        """Return the photos of the list that are likely next, in the direction of travel."""
        return list(islice(self.photos.following(self.current, self._step), MAX_UPCOMING)) if self.current else []

    def _prefetch(self) -> None:
        if self.folder is not None:
            self._loader.prefetch([self.folder / name for name in self.upcoming()])
            self.upcoming_changed.emit()

    def _set_current(self, name: str | None) -> None:
        self.current = name
        self._photo = None
        self.current_changed.emit(name)

    def _photo_loaded(self, path: Path, photo: DecodedImage) -> None:
        photo_facts.show_readable(self.photos, self.store, self._listed_name(path))
        if self._photo is photo or self.folder is None or self.current is None or path != self.folder / self.current:
            return
        self._photo, self._skipped = photo, []
        self.photo_changed.emit(photo)
        self._open_document()

    def _listed_name(self, path: Path) -> str | None:
        """Return the photo of the open folder that a path is of."""
        if self.folder is None or not path.is_relative_to(self.folder):
            return None
        name = path.relative_to(self.folder).as_posix()
        return name if name in self.photos else None

    def _photo_failed(self, path: Path, reason: str) -> None:
        name = self._listed_name(path)
        if name is None:
            return
        self.photos.update(name, error=reason)
        if name == self.current:
            self.photo_changed.emit(None)
            if not self._skipping_unreadable:
                self.message.emit(messages.photo_unreadable(name, reason), "warning", PHOTO)
                return
            self._skipped.append(name)
            self.message.emit(messages.photos_skipped(self._skipped, reason), "warning", SKIPPED)
            self.go(self._step)

    # The document

    def push(self, edit: Edit) -> None:
        """Do an edit on the current document, so that it can be undone. What a person has just drawn is shown."""
        if edit.draws:
            self.show(annotations=True)
        if self.document:
            spared = edit.sparing(self.document.marks.spared)
            if spared is not edit:
                self.message.emit(tr("Locked and hidden objects are left alone."), "info", HIDDEN)
            self.history.push(self.document, self.without_overlap(self.document, spared))

    def without_overlap(self, document: Document, edit: Edit, instead_of: Edit | None = None) -> Edit:
        """Return an edit of a document as `overlap_rule` has it.

        Args:
            document: What is edited.
            edit: Not yet made.
            instead_of: An edit that has been made, and whose place it is to take.
        """
        spared = document.marks.spared
        before = {annotation.id: annotation for annotation in document.annotations if annotation.id not in spared}
        for i, (old, _) in instead_of.annotations.items() if instead_of else ():
            before.pop(i, None)
            before |= {} if old is None else {i: old}
        return without_overlap(edit, before, self.overlap_rule, document.size)

    def amend(self, document: Document, made: Edit, edit: Edit) -> bool:
        """Let an edit that was made be another one, as `overlap_rule` has it; return whether that still can be.

        A neighbour may have been edited since: then the other one is taken as it is.
        """
        separated = self.without_overlap(document, edit, made)
        return self.history.amend(document, made, separated) or self.history.amend(document, made, edit)

    def push_to(self, document: Document, edit: Edit) -> None:
        """Do an edit on a document that has a history, be it no longer the current one."""
        self.history.push(document, edit)
        self.history.activate(self.document)

    def undo_last(self, document: Document, edit: Edit) -> bool:
        """Undo an edit of a document, shown or not, if it is what was done last there; return whether it was."""
        if self.history.last(document) is not edit:
            return False
        self.history.activate(document)
        self.history.undo()
        self.history.activate(self.document)
        return True

    def push_step(self, step: GestureStep) -> None:
        """Remember a step of a gesture on the current document, so that it can be undone."""
        if self.document:
            self.history.push_step(self.document, step)

    def end_gesture(self) -> None:
        """Have what is being drawn on the current photo handed over, as when it is left."""
        self.leaving.emit()

    def finish_gesture(self, edit: Edit) -> None:
        """Do the edit that a gesture on the current document has become: its steps are not to be undone any more."""
        if self.document:
            self.history.forget_steps(self.document)
        self.push(edit)

    def new_id(self) -> int:
        """Return a free annotation id."""
        assert self.store is not None, "there are no documents without a store"
        return self.store.new_id()

    def _open_document(self) -> None:
        if self.store is None or self._photo is None or self.current is None:
            return
        document = self.history.document(self.current)
        if document is None:
            state = self.store.load(self.current)
            problems = self.store.problems(
                self.current, besides=("mask_size", "fractions")
            )  # the window offers to scale these
            if problems:
                text = tr("{problem} It is kept as it stands.", problem=" ".join(problems))
                self.message.emit(text, "warning", PHOTO)
            document = self._made(self.current, replace(state, size=self._photo.size))
        document.threshold, document.shown = self.threshold, self.shown
        document.marks = self.marks.get(self.current, ObjectMarks())
        self._set_document(document)

    @property
    def documents(self) -> dict[str, Document]:
        """The documents by photo: those that have a history, and the one that is shown."""
        documents = {document.name: document for document in self.history.documents}
        return documents if self.document is None else documents | {self.document.name: self.document}

    def document_of(self, name: str, size: tuple[int, int] | None) -> Document | None:
        """Return the document of a photo, be it not shown; None where it has none yet and its (width, height) is None.

        One that is new is kept by an edit of it (`push_to`) alone.
        """
        if self.document is not None and self.document.name == name:
            return self.document
        document = self.history.document(name)
        if document is None and size is not None and self.store is not None:
            document = self._made(name, replace(self.store.load(name), size=size))
        return document

    def _made(self, name: str, state: PhotoState) -> Document:
        document = Document(name, state)
        document.changed.connect(self._store_on_change(document))
        return document

    def _set_document(self, document: Document | None) -> None:
        if document is not self.document:
            if self.document:
                self.document.select(())
                self.marks[self.document.name] = self.document.marks
            self.document = document
            self.history.activate(document)
            self.document_changed.emit(document)

    def _store_on_change(self, document: Document) -> Callable[[frozenset[int]], None]:
        def keep(_ids: frozenset[int]) -> None:
            assert self.store is not None
            marked = document.done and not self.store.is_done(document.name)
            unanswered = document.suggestions if marked and document.has_pool else None
            self.store.put(document.name, document.state, unanswered)
            self.report_saved()
            photo_facts.show_document(self.photos, document)
            self.edited.emit()

        return keep

    def forget_suggestion_marks(self, names: Iterable[str] | None = None) -> None:
        """Show every suggestion in these photos, by default in all: other objects get the ids."""
        if self.document:
            self.marks[self.document.name] = self.document.marks
        for name in self.marks.keys() & (self.marks if names is None else names):
            self.marks[name] = self.marks[name].without_suggestions()
        if self.document:
            self.document.marks = self.marks[self.document.name]

    def set_threshold(self, threshold: float) -> None:
        """Offer suggestions from this score on, here and everywhere."""
        self.threshold = self._settings.threshold = threshold
        if self.document:
            self.document.threshold = threshold

    def set_overlap_rule(self, rule: OverlapRule) -> None:
        """Resolve overlaps of what is edited from now on by this rule, here and everywhere."""
        self.overlap_rule = self._settings.overlap_rule = rule

    def set_shown(self, shown: ShownRecords) -> None:
        """Show or hide the objects and the suggestions, here and everywhere."""
        self.shown = shown
        for name in _SHOWN:
            self._settings.set_flag(f"show_{name}", value=getattr(shown, name))
        if self.document:
            self.document.shown = shown
        self.shown_changed.emit()

    def show(self, *, annotations: bool = False, suggestions: bool = False) -> None:
        """Show again what is hidden of these."""
        shown = ShownRecords(self.shown.annotations or annotations, self.shown.suggestions or suggestions)
        if shown != self.shown:
            self.set_shown(shown)

    # Saving

    def save(self) -> None:
        """Write the COCO file now. A notice of the store follows when it is done, or why not."""
        if self.store:
            self.store.save()

    def save_as(self, file: Path) -> None:
        """Write the annotations to another COCO file and go on with that one."""
        if self.store:
            self.store.save_as(file)

    def replace_protected(self) -> None:
        """Write the COCO file although it is write-protected."""
        if self.store:
            self.store.replace_protected()

    def report_saved(self) -> None:
        """Emit whether everything is saved, after a change."""
        if self.store:
            self.saved_changed.emit(not (self.save_error or self.store.unsaved))

    def _check_progress(self) -> None:
        if self.store:
            self.store.check_progress()

    def _report(self, notice: SaveNotice, is_current: bool) -> None:  # noqa: FBT001 - a signal's argument
        failed = notice.state in {SaveState.FAILED, SaveState.PROTECTED}
        if not is_current or self.store is None:
            if failed:  # of a folder that was left: there is nothing else that could show it
                self.message.emit(notice.message, "error", "")
            return
        if notice.state is SaveState.NOTE:
            self.message.emit(notice.message, "warning", "")
            return
        if not notice.is_saved:
            self.save_error = notice.message if failed else ""
        self.report_saved()
        if notice.state is SaveState.PROTECTED:
            self.protected.emit(notice.message)
        elif failed:
            self.message.emit(notice.message, "error", SAVING)
