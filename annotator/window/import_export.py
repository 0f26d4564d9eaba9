"""File > Import and File > Export: a menu entry for each format; files are read and written in the disk's thread."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from annotator.core import edits
from annotator.core.disk_thread import answered
from annotator.core.exchange import (
    add_classes,
    known_ids,
    left_out,
    lost_keypoints,
    names_to_export,
    read_dataset,
    read_found,
    suggestions_added,
    to_annotations,
    to_dataset,
    to_suggestions,
    with_replaced,
)
from annotator.core.training_set import labelled
from annotator.session.photo_facts import show_stored
from annotator.session.time_slices import TimeSlicer
from annotator.window.file_dialogs import dialog_start
from dataset.formats.base import FilesExistError, FormatError, formats
from dataset.formats.exporting import export
from dataset.formats.stored_images import only
from dataset.i18n import plural, tr
from dataset.messages import UserError, counted_photos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from annotator.core.store.store import Store
    from annotator.core.training_set import TrainingPhoto
    from annotator.session.session import Session
    from dataset.formats.base import Dataset, Format, ImageRecord, KnownIds
    from dataset.formats.recognition import FoundAnnotations

TOPIC = "exchange"


class _Exchange(QObject):
    """What import and export share: a menu of formats, work in the disk's thread, slices of work between events."""

    _answered = Signal(int, object, object)

    def __init__(self, session: Session, title: str, kind: str, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self._number = 0  # of the task: results of earlier ones are late
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

    def _choose(self, file_format: Format, _on: object = None) -> None:
        raise NotImplementedError

    def _use_project(self, project: object) -> None:
        self._number += 1
        self._slices.stop()
        self.menu.setEnabled(project is not None)

    def _on_disk(self, work: Callable[[], object], then: Callable[[object], object]) -> None:
        """Do `work` in the disk's thread, then `then` with its result here, if the project is still open."""
        self._number += 1
        number = self._number

        def job() -> None:
            try:
                result: object = work()
            except UserError as error:
                result = error
            except Exception as error:  # noqa: BLE001 - a format's fault is a sentence as well
                result = FormatError(tr("This failed: {reason}.", reason=f"{type(error).__name__}: {error}"))
            self._answered.emit(number, result, then)

        self._session.on_disk(job)

    def _take(self, number: int, result: object, then: Callable[[object], object]) -> None:
        if number != self._number:
            return
        if isinstance(result, UserError) and not isinstance(result, FilesExistError):
            self._session.message.emit(str(result), "error", TOPIC)
        else:
            then(result)

    def _ask(self, name: str, text: str, details: Sequence[str], answers: Sequence[str]) -> int:
        """Return the number of the answer that was chosen, -1 for none."""
        question = QMessageBox(QMessageBox.Icon.Question, "Annotator", text, parent=self._window)
        question.setObjectName(name)
        question.setInformativeText("\n".join(details))
        buttons = [question.addButton(answer, QMessageBox.ButtonRole.AcceptRole) for answer in answers]
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.setDefaultButton(buttons[0])
        question.exec()
        clicked = question.clickedButton()
        return next((i for i, button in enumerate(buttons) if button is clicked), -1)


class Importer(_Exchange):
    """Adds another program's annotations to the open project."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, tr("&Import"), "import", window)
        self._suggestions = 0  # that were imported
        self._slices.done.connect(self._finish)

    def _choose(self, file_format: Format, _on: object = None) -> None:
        folder, store, title = self._session.folder, self._session.store, tr("Import annotations")
        if folder is None or store is None:
            return
        if file_format.suffix:
            pattern = f"{tr(file_format.title)} (*{file_format.suffix})"
            source, _ = QFileDialog.getOpenFileName(self._window, title, dialog_start(folder), pattern)
        else:
            source = QFileDialog.getExistingDirectory(self._window, title, dialog_start(folder))
        if source:
            self._read(partial(read_dataset, file_format, Path(source)), folder, store)

    def import_found(self, found: FoundAnnotations) -> None:
        """Add annotations that were found in the open folder."""
        folder, store = self._session.folder, self._session.store
        if folder is not None and store is not None:
            self._read(partial(read_found, found), folder, store)

    def _read(self, read: Callable[[Path, Sequence[str], KnownIds], Dataset], folder: Path, store: Store) -> None:
        names, classes = self._session.photos.names, list(self._session.categories)

        def work() -> Dataset:
            return with_replaced(read(folder, names, known_ids(store, classes)), store)

        self._on_disk(work, self._confirm)

    def _confirm(self, data: object) -> None:
        dataset: Dataset = data  # type: ignore[assignment]
        store, images = self._session.store, dataset.images
        assert store is not None, "late results are dropped"
        free = [image for image in images if not (image.objects and store.count(image.name))]
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
            objects = dataset.object_count or dataset.suggestion_count
            text = plural("Add {n:,} object to the photos?", "Add {n:,} objects to the photos?", objects)
            if not dataset.object_count:
                text = plural("Show {n:,} suggestion on the photos?", "Show {n:,} suggestions on the photos?", objects)
            answer = self._ask("import.question", text, details, answers)
        if answer >= 0:
            add_classes(self._session.categories, dataset)
            self._suggestions = 0
            self._slices.start(self._add(dataset, free if answer else images))

    def _add(self, data: Dataset, images: Sequence[ImageRecord]) -> Iterator[int]:
        """Put the objects of one image after the other on record, and give their number."""
        for image in images:
            if image.suggestions:
                suggestions = to_suggestions(image, data, self._session.categories)
                self._suggestions += len(suggestions)
                self._session.suggestions_imported.emit(image.name, suggestions)
            if not image.objects:
                yield 0
                continue
            annotations = to_annotations(image, data, self._session.categories, self._session.new_id)
            history = self._session.history.document(image.name)
            current = self._session.document
            document = current if current and current.name == image.name else history
            if document:
                text = plural("import of {n} object", "import of {n} objects", len(annotations))
                edit = edits.add(document, annotations, text)
                self._session.push_to(document, replace(edit, selection=(document.selection,) * 2))
                yield len(annotations)
                continue
            store = self._session.store
            assert store is not None, "the slices end with the project"
            state = store.load(image.name)
            state = replace(state, size=image.size, annotations=(*state.annotations, *annotations))
            store.put(image.name, state)
            show_stored(self._session.photos, store, image.name)
            yield len(annotations)

    def _finish(self, counts: list[int]) -> None:
        self._session.report_saved()
        self._session.edited.emit()
        photos = counted_photos(len(counts))
        said = [plural("{n:,} object added in {photos}.", "{n:,} objects added in {photos}.", sum(counts),
                       photos=photos)] if any(counts) or not self._suggestions else []  # fmt: skip
        said += [suggestions_added(self._suggestions)] if self._suggestions else []
        self._session.message.emit(" ".join(said), "info", TOPIC)


class Exporter(_Exchange):
    """Writes the open project's annotations for another program."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, tr("&Export"), "export", window)
        self._slices.done.connect(self._collected)
        self._task: tuple[Format, Path] | None = None
        self._names: list[str] = []  # of the photos to export
        self._partly: list[str] = []  # of those with annotations that are not understood

    def _choose(self, file_format: Format, _on: object = None) -> None:
        folder, store, title = self._session.folder, self._session.store, tr("Export annotations")
        if folder is None or store is None:
            return
        if file_format.suffix:
            start = dialog_start(folder.parent, f"{folder.name}-{file_format.name}{file_format.suffix}")
            pattern = f"{tr(file_format.title)} (*{file_format.suffix})"
            target, _ = QFileDialog.getSaveFileName(self._window, title, start, pattern)
        else:
            target = QFileDialog.getExistingDirectory(self._window, title, dialog_start(folder))
        if not target:
            return
        names = names_to_export(store)
        if not names:
            self._session.message.emit(tr("There are no annotations to export."), "info", TOPIC)
        elif answered(Path(target).resolve) == store.file:
            text = tr("{file} is the project's own file; choose another place.", file=target)
            self._session.message.emit(text, "error", TOPIC)
        else:
            self._task = file_format, Path(target)
            self._names = names
            self._partly = []
            self._slices.start(labelled(store, names, partly=self._partly))

    def _collected(self, photos: list[TrainingPhoto]) -> None:
        assert self._task is not None, "photos are collected for a task"
        (file_format, _), folder, categories = self._task, self._session.folder, list(self._session.categories)
        assert folder is not None, "the slices end with the project"
        done = frozenset(p.name for p in photos if p.state.done)
        said = left_out(len(self._names) - len(photos), self._partly)

        def work() -> tuple[Dataset, list[str], frozenset[str]]:
            data = to_dataset(folder, photos, categories)
            return data, [*said, *file_format.losses(data)], done

        self._on_disk(work, self._confirm)

    def _confirm(self, collected: object) -> None:
        data, details, done = collected  # type: ignore[misc]
        photos = len(data.images)
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

        def work() -> int:
            return export(file_format, data, target, overwrite=confirmed)

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
