"""Opening a project: the COCO file, and what the journal knows better."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from annotator.core.store import same_photos
from annotator.core.store.autosave import StoreError
from annotator.core.store.coco_codec import decode_categories, encode_category
from annotator.core.store.journal import Journal, JournalRow
from annotator.core.store.project_file import ProjectFile
from annotator.core.store.project_folder import InUseError, ProjectFolder
from dataset.atomic_files import FileMark, exchanged_leftovers, free_name, remove_leftovers
from dataset.coco.checks import sentences
from dataset.i18n import plural, tr
from dataset.messages import listing, os_reason
from dataset.photo_names import match_names, namesakes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from annotator.core.photo_state import PhotoState
    from dataset.coco.categories import Category

DATABASE = "project.sqlite"
DEFAULT_FILE = "annotations.json"
"""The COCO file of a folder of photos, if no other was chosen."""


@dataclass(slots=True)
class OpenedProject:
    """A project that was opened."""

    images: Path
    """The folder of photos."""
    names: Sequence[str]
    """The photos in it."""
    folder: ProjectFolder
    """Our folder."""
    journal: Journal
    """Our database."""
    file: ProjectFile
    """The COCO file."""
    key: str
    """What the COCO file goes by in the journal: see `file_key`."""
    remembered: str | None = None
    """The key of the file that the folder opens with the next time; None for the default."""
    journal_rows: dict[str, JournalRow] = field(default_factory=dict)
    """What the journal has of photos."""
    recovered: dict[str, PhotoState] = field(default_factory=dict)
    """Photos whose annotations in the journal are newer than the file."""
    categories: tuple[Category, ...] | None = None
    """The classes; None if the file has the newest."""
    changed_externally: bool = False
    """The file was changed by another program before the recovered edits got into it."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for the person."""

    @property
    def recovers_classes(self) -> bool:
        """Whether the journal has classes that are to get into a file; alone they make none."""
        return self.categories is not None and self.file.mark is not None


def file_key(images: Path, file: Path) -> str:
    """Return what a COCO file goes by in the journal: relative to the photos where it is among them."""
    file = file.resolve()
    images = images.resolve()
    return file.relative_to(images).as_posix() if file.is_relative_to(images) else os.fspath(file)


def open_project(images: Path, file: Path | None, names: Sequence[str], fallback: Path) -> OpenedProject:
    """Open a project; on failure everything is closed again.

    Args:
        images: The folder of photos.
        file: The COCO file; None for the one that the folder was last worked on with, by default `DEFAULT_FILE` in it.
        names: The photos.
        fallback: Where private data goes when the folder cannot be written to.

    Raises:
        CocoError: the file is not COCO.
        StoreError: the project is open elsewhere, or nothing can be written anywhere.
    """
    own_name = images.resolve().name
    try:
        folder = ProjectFolder(images, fallback, names)
    except OSError as error:
        raise StoreError(tr("{folder} cannot be read: {reason}.", folder=images, reason=os_reason(error))) from None
    default = images / DEFAULT_FILE
    was_here = any((place / DATABASE).exists() for place in folder.places)
    # A folder that was never open gets nothing of ours if its file is refused.
    project = None if was_here else ProjectFile((file or default).resolve(), names, own_name)
    with ExitStack() as closing:
        closing.callback(folder.close)
        journal, warnings = _open_journal(folder, images, fallback)
        closing.callback(journal.close)
        try:
            apart = _earlier_namesakes(names, journal)
            if project is None:
                path, sentence = (file, "") if file else _remembered(journal.remembered_file(), images, default)
                warnings += [sentence] if sentence else []
                project = ProjectFile(path.resolve(), names, own_name, apart)
            folder.lock_file(project.path)
            remove_leftovers(project.path)
            key = file_key(images, project.path)
            remembered = journal.remembered_file()
            opened = OpenedProject(images, names, folder, journal, project, key, remembered, warnings=warnings)
            _follow_renamed(opened, own_name, apart)
            _apply_journal(opened)
        except InUseError as error:
            raise StoreError(str(error)) from None
        except (sqlite3.Error, OSError) as error:
            text = tr("The project's history in {folder} cannot be opened: {reason}.", folder=folder.path, reason=error)
            raise StoreError(text) from None
        closing.pop_all()
    opened.warnings += _about_the_file(project)
    if folder.others_path and (folder.others_path / DATABASE).exists():
        text = tr(
            "What was done to other photos that were in {folder} is kept in {place} until they are there again.",
            folder=images,
            place=folder.others_path,
        )
        opened.warnings.append(text)
    return opened


def _open_journal(folder: ProjectFolder, images: Path, fallback: Path) -> tuple[Journal, list[str]]:
    """Return the journal, in the better place that takes it, and sentences for the person."""
    failure: Exception | None = None
    for place in folder.places:
        try:
            folder.take(place)
            folder.import_from_photos(DATABASE)
            journal, damaged = Journal.open(place / DATABASE)
        except InUseError as error:
            raise StoreError(str(error)) from None
        except (OSError, sqlite3.Error) as error:
            failure = failure or error
            continue
        try:
            if folder.is_fallback:
                journal.note_changes()
            else:
                absorb_fallback(folder, journal)
        except (OSError, sqlite3.Error) as error:
            journal.close()
            failure = failure or error
            continue
        moved = folder.warning(failure) if failure else ""
        return journal, [sentence for sentence in (moved, damaged) if sentence]
    text = tr(
        "Neither {folder} nor {fallback} can be written to ({reason}); free one of them.",
        folder=images,
        fallback=fallback,
        reason=os_reason(failure) if isinstance(failure, OSError) else failure,
    )
    raise StoreError(text)


def absorb_fallback(folder: ProjectFolder, journal: Journal) -> None:
    """Put what was kept elsewhere, while the folder could not be written to, where it belongs."""
    left = folder.fallback_path / DATABASE
    if left.exists():
        other, _ = Journal.open(left)  # brings its log into the database, and sets a damaged one aside
        other.note_changes()
        other.close()
        journal.absorb(left)
        left.unlink()
        (left.parent / same_photos.FILE).unlink(missing_ok=True)  # the place is free for any photos


def _remembered(key: str | None, images: Path, default: Path) -> tuple[Path, str]:
    """Return the COCO file that the folder was last worked on with, and a sentence if that is not there any more."""
    path = images / key if key else default
    if key is None or path == default or os.path.exists(path):  # noqa: PTH110 - false, too, where it cannot be reached
        return path, ""
    return default, tr(
        "{file}, to which this folder was last saved, is not there, so {default} is open; "
        "put it back and open the folder again to go on with it.",
        file=path,
        default=DEFAULT_FILE,
    )


def _earlier_namesakes(names: Sequence[str], journal: Journal) -> frozenset[str]:
    """Return photos that were here before beside others of their name: one that is gone is none of these."""
    before, now = journal.namesakes(), namesakes(names)
    if now - before:
        journal.add_namesakes(now)
    return before


def _follow_renamed(opened: OpenedProject, own_name: str, apart: frozenset[str]) -> None:
    """Read the journal's photos, with those that have other names by now under these, as in the file."""
    rows = opened.journal.rows(opened.key)
    meant = match_names(rows, opened.names, own_name, apart).photos
    renamed = {name: photo for name, photo in meant.items() if photo not in rows}
    if renamed:
        opened.journal.rename(opened.key, renamed)
    opened.journal_rows = {renamed.get(name, name): row for name, row in rows.items()}


def _apply_journal(opened: OpenedProject) -> None:
    """Find out what the journal knows better than the file."""
    file = opened.file
    metadata = opened.journal.metadata(opened.key)
    _recover_photos(opened)
    marks = [msgspec.json.decode(metadata[k], type=FileMark) for k in ("mark", "next") if metadata.get(k)]
    _keep_exchanged(opened, marks)
    is_ours = file.mark is None or any(mark.is_of(file.path) for mark in marks)
    packed = metadata.get("categories")
    # Classes alone that were noted where there was no file, as the model's are, give way to those of one that has come.
    if packed and (is_ours or marks or opened.recovered):
        opened.categories = _recovered_categories(packed, file, is_ours=is_ours)
    if opened.recovered:
        text = plural(
            "Unsaved edits of {n} photo were recovered.",
            "Unsaved edits of {n} photos were recovered.",
            len(opened.recovered),
        )
        opened.warnings.append(text)
    elif opened.recovers_classes:
        opened.warnings.append(tr("Unsaved changes of the classes were recovered."))
    if (opened.recovered or opened.recovers_classes) and not is_ours:
        opened.changed_externally = True
        opened.warnings.append(
            tr(
                "{file} was changed by another program meanwhile; its version will be kept beside it.",
                file=file.path.name,
            )
        )


def _keep_exchanged(opened: OpenedProject, marks: Sequence[FileMark]) -> None:
    """Keep another program's version of the file that a process was taking out of its place when it was killed."""
    path = opened.file.path
    for left in exchanged_leftovers(path):
        with suppress(OSError):  # it is looked at again the next time
            if any(mark.is_of(left) for mark in marks):
                left.unlink()
                continue
            copy = free_name(path, timestamp())
            left.rename(copy)
            opened.warnings.append(kept_beside(path, copy))


def kept_beside(path: Path, copy: Path) -> str:
    """Return in a sentence that another program's version of a file is kept."""
    return tr("{file} was changed by another program; its version is kept as {copy}.", file=path.name, copy=copy.name)


def _recover_photos(opened: OpenedProject) -> None:
    damaged = 0
    for name, row in opened.journal_rows.items():
        if row.annotations is None:
            continue
        try:
            state = row.state()
        except ValueError:
            damaged += 1
            continue
        if state.notes is None:  # nothing was noted, or by a version that knew no notes
            state = replace(state, notes=opened.file.notes(name))
        if not opened.file.holds(name, state):
            opened.recovered[name] = state
    if damaged:
        opened.warnings.append(
            plural(
                "The history of {n} photo was damaged; those are as in {file}.",
                "The history of {n} photos was damaged; those are as in {file}.",
                damaged,
                file=opened.file.path,
            )
        )


def _recovered_categories(packed: bytes, file: ProjectFile, *, is_ours: bool) -> tuple[Category, ...] | None:
    """Return the classes of the journal; None where the file has the same.

    Those that another program has added to the file meanwhile are kept, or objects would be of none.
    """
    noted = tuple(decode_categories(msgspec.json.decode(packed, type=list[msgspec.Raw]))[1])
    known = tuple(category for category, _ in file.coco.categories)
    if not is_ours:
        ids, names = {category.id for category in noted}, {category.name for category in noted}
        noted += tuple(category for category in known if category.id not in ids and category.name not in names)
    return None if noted == known else noted


def packed_categories(categories: Iterable[Category]) -> bytes:
    """Return classes for the journal."""
    return b"[" + b",".join(encode_category(category) for category in categories) + b"]"


def packed_mark(mark: FileMark | None) -> bytes | None:
    """Return a file's mark for the journal."""
    return msgspec.json.encode(mark) if mark else None


def timestamp() -> str:
    """Return the local time, for file names."""
    return time.strftime("%Y%m%d-%H%M%S")


def _about_the_file(file: ProjectFile) -> list[str]:
    warnings = []
    name = file.path.name
    if file.missing:
        warnings.append(
            plural(
                "{n} photo of {file} is not in the folder; its annotations are kept.",
                "{n} photos of {file} are not in the folder; their annotations are kept.",
                file.missing,
                file=name,
            )
        )
    if file.orphans:
        warnings.append(
            tr(
                "{n} annotations of {file} belong to no photo of it; they are kept as they are.",
                n=file.orphans,
                file=name,
            )
        )
    if file.unclear:
        warnings.append(
            plural(
                "{n} annotation of {file} has an image_id that several photos have: it is kept, and shown on none.",
                "{n} annotations of {file} have image_ids that several photos have: they are kept, and shown on none.",
                file.unclear,
                file=name,
            )
        )
    if file.ambiguous:
        warnings.append(
            plural(
                "{names} of {file} may be several photos of the folder; its annotations are kept, and shown on none.",
                "{names} of {file} may be several photos of the folder; their annotations are kept, and shown on none.",
                len(file.ambiguous),
                names=listing(file.ambiguous),
                file=name,
            )
        )
    warnings += sentences((p for p in file.coco.problems if p.kind != "image_unclear"), name)
    if file.coco.changed_ids:
        warnings.append(
            tr(
                "{n} annotations of {file} had no id of their own and got new ones.",
                n=file.coco.changed_ids,
                file=name,
            )
        )
    return warnings
