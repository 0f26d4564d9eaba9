"""File > Import and File > Export: a menu entry for each format; files are read and written in the disk's thread."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from annotator.core import edits
from annotator.core.disk_thread import answered
from annotator.core.exchange import (
    add_classes,
    fields_added,
    known_ids,
    left_out,
    lost_keypoints,
    names_to_export,
    put_image,
    read_dataset,
    read_found,
    suggestions_added,
    to_additions,
    to_annotations,
    to_dataset,
    to_suggestions,
    with_replaced,
    without_known_fields,
)
from annotator.core.store.coco_images import filled_notes
from annotator.core.training_set import labelled
from annotator.session.photo_facts import show_stored
from annotator.session.time_slices import TimeSlicer
from annotator.window.file_dialogs import dialog_start
from dataset.formats.base import CancelledError, FilesExistError, FormatError, formats, watched
from dataset.formats.exporting import WatchedImages, export
from dataset.formats.stored_images import only
from dataset.i18n import plural, tr
from dataset.messages import UserError, counted_photos

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from annotator.core.annotation import Annotation
    from annotator.core.document import Document
    from annotator.core.store.additions import PhotoAddition
    from annotator.core.store.store import Store
    from annotator.session.session import Session
    from dataset.formats.base import Dataset, Format, OnProgress
    from dataset.formats.recognition import FoundAnnotations

TOPIC = "exchange"
TOLD_EVERY = 0.1  # seconds: how far the work in the disk's thread is
LISTED_AT_ONCE = 500  # photos whose rows are shown together


class _Exchange(QObject):
    """What import and export share: a menu of formats, work in the disk's thread, slices of work between events.

    Signals:
        started: something is being done that may take long.
        progressed: (share, from 0 to 1) so much of it is done.
        ended: (sentence) it is done, or cancelled; what came of that, or "".
    """

    started = Signal()
    progressed = Signal(float)
    ended = Signal(str)

    _answered = Signal(int, object, object)
    _advanced = Signal(int, float)

    def __init__(self, session: Session, title: str, kind: str, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self._number = 0  # of the task: results of earlier ones are late
        self._is_awaited = False  # what the disk's thread does
        self._slices = TimeSlicer(self)
        self.menu = QMenu(title, window)
        self.menu.setObjectName(f"file.{kind}")
        for file_format in formats():
            if getattr(file_format, "read" if kind == "import" else "write"):
                action = self.menu.addAction(tr("{format}…", format=tr(file_format.title)))
                action.setObjectName(f"file.{kind}.{file_format.name}")
                action.triggered.connect(partial(self._choose, file_format))
        self.menu.setEnabled(False)
        session.project_changed.connect(self._use_project)
        self._answered.connect(self._take)
        self._advanced.connect(self._show)

    def cancel(self) -> None:
        """Stop what is being done."""
        self._drop()
        self.ended.emit(self._cancelled())

    def _drop(self) -> None:
        self._number += 1
        self._is_awaited = False
        self._slices.stop()

    def _cancelled(self) -> str:
        """Return what came of being cancelled."""
        raise NotImplementedError

    def _busy(self) -> str:
        """Return why another one cannot be begun while one is running."""
        raise NotImplementedError

    def _may_begin(self) -> bool:
        """Return whether nothing is being done; where something is, say that it goes on."""
        is_running = self._is_awaited or self._slices.is_running
        if is_running:
            self._session.message.emit(self._busy(), "info", TOPIC)
        return not is_running

    def _show(self, number: int, share: float) -> None:
        if number == self._number:
            self.progressed.emit(share)

    def _choose(self, file_format: Format, _on: object = None) -> None:
        raise NotImplementedError

    def _use_project(self, project: object) -> None:
        self._drop()
        self.ended.emit("")
        self.menu.setEnabled(project is not None)

    def _on_disk(self, work: Callable[[OnProgress], object], then: Callable[[object], object]) -> None:
        """Do `work` in the disk's thread, then `then` with its result here, if it is still wanted."""
        self._number += 1
        self._is_awaited = True
        number = self._number
        told = time.monotonic()
        self.started.emit()

        def on_progress(done: int, total: int) -> None:
            nonlocal told
            if number != self._number:
                raise CancelledError
            if time.monotonic() - told >= TOLD_EVERY:
                told = time.monotonic()
                self._advanced.emit(number, done / max(total, 1))

        def job() -> None:
            try:
                result: object = work(on_progress)
            except UserError as error:
                result = error
            except Exception as error:  # noqa: BLE001 - a format's fault is a sentence as well
                result = FormatError(tr("This failed: {reason}.", reason=f"{type(error).__name__}: {error}"))
            self._answered.emit(number, result, then)

        self._session.on_disk(job)

    def _take(self, number: int, result: object, then: Callable[[object], object]) -> None:
        if number != self._number:
            return
        self._is_awaited = False
        self.ended.emit("")
        if isinstance(result, UserError) and not isinstance(result, FilesExistError):
            self._session.message.emit(str(result), "error", TOPIC)
        else:
            then(result)

    def _ask(self, name: str, text: str, details: Sequence[str], answers: Sequence[str]) -> int:
        """Return the number of the answer that was chosen; -1 for none, or where the project was left meanwhile."""
        number = self._number
        question = QMessageBox(QMessageBox.Icon.Question, "Annotator", text, parent=self._window)
        question.setObjectName(name)
        question.setInformativeText("\n".join(details))
        buttons = [question.addButton(answer, QMessageBox.ButtonRole.AcceptRole) for answer in answers]
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.setDefaultButton(buttons[0])
        question.exec()
        clicked = question.clickedButton()
        if number != self._number:
            return -1
        return next((i for i, button in enumerate(buttons) if button is clicked), -1)


class Importer(_Exchange):
    """Adds another program's annotations to the open project."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, tr("&Import"), "import", window)
        self._suggestions = 0  # that were imported
        self._counts: list[int] = []  # of the objects that were added, by photo
        self._noted = 0  # photos that got fields alone
        self._slices.done.connect(self._finish)

    def _choose(self, file_format: Format, _on: object = None) -> None:
        folder, store, title = self._session.folder, self._session.store, tr("Import annotations")
        if folder is None or store is None or not self._may_begin():
            return
        if file_format.suffix:
            pattern = f"{tr(file_format.title)} (*{file_format.suffix})"
            source, _ = QFileDialog.getOpenFileName(self._window, title, dialog_start(folder), pattern)
        else:
            source = QFileDialog.getExistingDirectory(self._window, title, dialog_start(folder))
        if source and self._session.store is store:
            self._read(partial(read_dataset, file_format, Path(source)), folder, store)

    def import_found(self, found: FoundAnnotations) -> None:
        """Add annotations that were found in the open folder."""
        folder, store = self._session.folder, self._session.store
        if folder is not None and store is not None and self._may_begin():
            self._read(partial(read_found, found), folder, store)

    def _read(self, read: Callable[..., Dataset], folder: Path, store: Store) -> None:
        names, classes = self._session.photos.names, list(self._session.categories)

        def work(on_progress: OnProgress) -> Dataset:
            data = read(folder, names, known_ids(store, classes), on_progress=on_progress)
            return with_replaced(without_known_fields(data, store), store)

        self._on_disk(work, self._confirm)

    def _cancelled(self) -> str:
        return tr("The import was cancelled: no object was added.")

    def _busy(self) -> str:
        return tr("Annotations are being imported: others can be when that is done.")

    def _confirm(self, data: object) -> None:
        dataset: Dataset = data  # type: ignore[assignment]
        store, heads = self._session.store, dataset.heads
        assert store is not None, "late results are dropped"
        images = range(len(heads))
        free = [i for i in images if not (heads[i].object_count and store.count(heads[i].name))]
        details = list(dataset.problems)
        if lost := lost_keypoints(dataset, self._session.categories):
            details.append(plural(
                "{n:,} keypoint is left out: the project's class does not have it.",
                "{n:,} keypoints are left out: the project's classes do not have them.", lost,
            ))  # fmt: skip
        answers = [tr("Add to all {photos}", photos=counted_photos(len(images)))]
        if len(free) < len(images):
            there = len(images) - len(free)
            details.append(plural("{n:,} photo has annotations already.", "{n:,} photos have annotations already.",
                                  there))  # fmt: skip
            if free:
                answers.append(tr("Only to the {photos} without", photos=counted_photos(len(free))))
        answer = 0
        if details:
            answer = self._ask("import.question", _question(dataset), details, answers)
        if answer >= 0:
            self._prepare(store, dataset, free if answer else images)

    def _prepare(self, store: Store, data: Dataset, images: Sequence[int]) -> None:
        """Make what is to be added to photos that nobody has worked on since the project was opened."""
        heads, open_names = data.heads, self._session.documents.keys()
        many = [
            i
            for i in images
            if (heads[i].object_count or heads[i].has_only_fields) and heads[i].name not in open_names
            if store.takes_additions(heads[i].name, heads[i].size)
        ]
        before, classes = tuple(self._session.categories), self._session.categories.copy()
        add_classes(classes, data)

        def put(additions: object) -> None:
            if before != tuple(self._session.categories):
                text = tr("The classes were changed meanwhile: nothing was imported.")
                self._session.message.emit(text, "warning", TOPIC)
                return
            add_classes(self._session.categories, data)  # only now: a cancelled import leaves nothing
            self._put(data, images, additions)  # type: ignore[arg-type]

        self._on_disk(lambda progress: to_additions(data, many, store, classes, progress), put)

    def _put(self, data: Dataset, images: Sequence[int], additions: dict[str, PhotoAddition]) -> None:
        """Put all on record: what was made for many photos at once, and what goes to single ones, in slices."""
        store, heads = self._session.store, data.heads
        assert store is not None, "late results are dropped"
        open_names = self._session.documents.keys()
        added = {
            name: addition
            for name, addition in additions.items()
            if name not in open_names and store.takes_additions(name, addition.size)
        }
        store.add(added, data.extra)
        self._suggestions = 0
        single = [i for i in images if heads[i].suggestion_count or heads[i].name not in added]
        of_objects = {heads[i].name for i in images if heads[i].object_count}
        self._counts = [len(addition.records) for name, addition in added.items() if name in of_objects]
        self._noted = len(added) - len(self._counts)
        self._slices.start(self._finish_each(data, single, added.keys()))

    def _finish_each(self, data: Dataset, single: Sequence[int], added: Collection[str]) -> Iterator[None]:
        """Add to the photos that were worked on, one after the other, and show what the list has of the others."""
        store, photos = self._session.store, self._session.photos
        assert store is not None, "the slices end with the project"
        for place in single:
            self._add(store, data, place, is_new=data.heads[place].name not in added)
            yield
        listed = list(added)
        for start in range(0, len(listed), LISTED_AT_ONCE):
            with photos.together():
                for name in listed[start : start + LISTED_AT_ONCE]:
                    show_stored(photos, store, name)
            yield

    def _add(self, store: Store, data: Dataset, place: int, *, is_new: bool) -> None:
        image = data.images[place]
        if image.suggestions:
            suggestions = to_suggestions(image, data, self._session.categories)
            self._suggestions += len(suggestions)
            self._session.suggestions_imported.emit(image.name, suggestions)
        if not is_new or not (image.objects or data.heads[place].has_only_fields):
            return
        annotations = to_annotations(image, data, self._session.categories, self._session.new_id)
        if image.objects:
            self._counts.append(len(annotations))
        else:
            self._noted += 1
        document = self._session.document_of(image.name, None)
        if document:
            self._add_to(document, annotations, store.lacks(image.name, image.extra), store)
            return
        put_image(store, image, annotations)
        show_stored(self._session.photos, store, image.name)

    def _add_to(
        self, document: Document, annotations: Sequence[Annotation], fields: Mapping[str, Any], store: Store
    ) -> None:
        """Add objects, tags and a note to a document in one step that can be undone, and fields to its entry."""
        text = plural("import of {n} object", "import of {n} objects", len(annotations))
        if not annotations:
            text = tr("import of tags and note")
        notes = document.state.notes, filled_notes(document.state.notes, fields)
        edit = replace(edits.add(document, annotations, text), selection=(document.selection,) * 2, notes=notes)
        if not edit.is_empty:
            self._session.push_to(document, edit)
        store.add_fields(document.name, document.size, fields)

    def _finish(self, _taken: object) -> None:
        counts = self._counts
        self._session.report_saved()
        self._session.edited.emit()
        photos = counted_photos(len(counts))
        said = [plural("{n:,} object added in {photos}.", "{n:,} objects added in {photos}.", sum(counts),
                       photos=photos)] if any(counts) or not (self._suggestions or self._noted) else []  # fmt: skip
        said += [fields_added(self._noted)] if self._noted else []
        said += [suggestions_added(self._suggestions)] if self._suggestions else []
        self._session.message.emit(" ".join(said), "info", TOPIC)


def _question(data: Dataset) -> str:
    """Return what is asked before an import."""
    if data.object_count:
        return plural("Add {n:,} object to the photos?", "Add {n:,} objects to the photos?", data.object_count)
    if not data.suggestion_count:
        return tr("Add tags, notes and other fields to the photos?")
    return plural(
        "Show {n:,} suggestion on the photos?", "Show {n:,} suggestions on the photos?", data.suggestion_count
    )


class Exporter(_Exchange):
    """Writes the open project's annotations for another program."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, tr("&Export"), "export", window)
        self._task: tuple[Format, Path] | None = None

    def _choose(self, file_format: Format, _on: object = None) -> None:
        folder, store, title = self._session.folder, self._session.store, tr("Export annotations")
        if folder is None or store is None or not self._may_begin():
            return
        if file_format.suffix:
            start = dialog_start(folder.parent, f"{folder.name}-{file_format.name}{file_format.suffix}")
            pattern = f"{tr(file_format.title)} (*{file_format.suffix})"
            target, _ = QFileDialog.getSaveFileName(self._window, title, start, pattern)
        else:
            target = QFileDialog.getExistingDirectory(self._window, title, dialog_start(folder))
        if not target or self._session.store is not store:
            return
        if answered(Path(target).resolve) == store.file:
            text = tr("{file} is the project's own file; choose another place.", file=target)
            self._session.message.emit(text, "error", TOPIC)
            return
        self._task = file_format, Path(target)
        recorded, categories = store.recorded(), list(self._session.categories)

        def work(on_progress: OnProgress) -> tuple[Dataset, list[str], frozenset[str]]:
            names, partly = names_to_export(recorded), []
            photos = watched(names, lambda done, total: on_progress(done, 2 * total))
            known = known_ids(store, categories)
            data = to_dataset(folder, labelled(recorded, photos, partly=partly), categories, known, recorded)

            def on_losses(done: int, total: int) -> None:
                on_progress(total + done, 2 * total)

            said = left_out(len(names) - len(data.images), partly)
            said += file_format.losses(replace(data, images=WatchedImages(data, on_losses)))
            return data, said, frozenset(name for name in data.names if recorded.is_done(name))

        self._on_disk(work, self._confirm)

    def _cancelled(self) -> str:
        return tr("The export was cancelled: nothing was written.")

    def _busy(self) -> str:
        return tr("Annotations are being exported: once more when that is done.")

    def _confirm(self, collected: object) -> None:
        data, details, done = collected  # type: ignore[misc]
        photos = len(data.images)
        if not photos:
            self._session.message.emit(" ".join((tr("There are no annotations to export."), *details)), "info", TOPIC)
            return
        answers = [tr("Export all {photos}", photos=counted_photos(photos))]
        every = 0  # the answer that is all photos
        if len(done) < photos:
            details = [plural("{n:,} photo is not marked done.", "{n:,} photos are not marked done.",
                              photos - len(done)), *details]  # fmt: skip
            if done:
                answers.insert(
                    0, plural("Only the {n:,} photo that is done", "Only the {n:,} photos that are done", len(done))
                )
                every = 1
        answer = 0
        if details:
            text = plural("Export {n:,} object?", "Export {n:,} objects?", data.object_count)
            answer = self._ask("export.question", text, details, answers)
        if 0 <= answer < every:
            data = only(data, done)
        if answer >= 0:
            self._write(data)

    def _write(self, data: Dataset, *, overwrite: bool = False) -> None:
        assert self._task is not None, "there is a task until the next"
        file_format, target = self._task
        confirmed = overwrite or bool(file_format.suffix)  # the dialog for a file has asked

        def work(on_progress: OnProgress) -> int:
            return export(file_format, data, target, overwrite=confirmed, on_progress=on_progress)

        self._on_disk(work, partial(self._written, data))

    def _written(self, data: Dataset, result: object) -> None:
        assert self._task is not None, "there is a task until the next"
        if isinstance(result, FilesExistError):
            if self._ask("export.replace", str(result), (), [tr("Replace")]) == 0:
                self._write(data, overwrite=True)
            return
        text = plural("{n:,} object of {photos} written to {target}.", "{n:,} objects of {photos} written to {target}.",
                      data.object_count, photos=counted_photos(len(data.images)), target=self._task[1])  # fmt: skip
        self._session.message.emit(text, "info", TOPIC)
