"""Writing a dataset in a format: all of its files, or none."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.atomic_files import check_unprotected, replace_file
from dataset.formats.base import Dataset, FilesExistError, Format, FormatError, ImageRecord, StoredImages, no_progress
from dataset.i18n import tr
from dataset.messages import os_reason
from dataset.output_places import check_place
from dataset.pictures.images import SUFFIXES
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dataset.formats.base import Content, OnProgress

COPIED_AT_ONCE = 1 << 20
"""Bytes of a photo that is copied."""


def export(
    file_format: Format, data: Dataset, target: Path, *, overwrite: bool = False, on_progress: OnProgress = no_progress
) -> int:
    """Write a dataset and return the number of files. Until all are made none is put in its place.

    What `on_progress` raises passes through; then, and whenever this fails before all files are made, what was there
    is as it was, and nothing is added.

    Raises:
        FilesExistError: A file is there already and `overwrite` is false.
        FormatError: A file cannot be written.
        PlaceError: The target is a photo, or in a private folder.
    """
    check_place(target)
    assert file_format.write is not None, "a format of the export list"
    data = replace(data, images=WatchedImages(data, on_progress, file_format.passes))
    files = file_format.write(data, target)
    writing = _Writing(data.folder, target, overwrite=overwrite)
    try:
        for name, content in files:
            writing.make(name, content)
        return writing.put_in_place()
    except OSError as error:
        raise FormatError(
            tr("{file} cannot be written: {reason}.", file=writing.path, reason=os_reason(error))
        ) from None
    finally:
        writing.clear()


class _Writing:
    """The files of an export, which are made in a folder of their own beside where they belong."""

    def __init__(self, photos: Path, target: Path, *, overwrite: bool) -> None:
        self._photos, self._root, self._target = photos.resolve(), target.resolve(), target
        self._overwrite = overwrite
        self.path = target
        """The file that is written."""
        self._staging: Path | None = None
        self._made_folders: list[Path] = []  # of the target, which were not there
        self._staged: dict[str, None] = {}  # relative to the target
        self._written = 0

    def make(self, name: str, content: Content) -> None:
        """Make a file; the only one of an export, which has no name, is put in its place at once."""
        path = self.path = self._target / name if name else self._target
        if isinstance(content, Path) and path.exists() and path.samefile(content):
            return
        self._check_apart(path, content)
        if path.exists() and not self._overwrite:
            raise FilesExistError(tr("{files} would be replaced; choose another place.", files=path.name))
        if not path.resolve().is_relative_to(self._root):
            raise FormatError(tr("{file} lies outside {target} and is not written.", file=path, target=self._target))
        if not name:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, _chunks(content))
            self._written += 1
            return
        check_unprotected(path)
        staged = self._folder() / name
        staged.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("wb") as file:
            file.writelines(_chunks(content))
        self._staged[name] = None

    def _check_apart(self, path: Path, content: Content) -> None:
        """Raise FormatError where a picture would come into the folder of photos, and be one of them from then on."""
        is_picture = isinstance(content, Path) or path.suffix.lower() in SUFFIXES
        if not is_picture or not path.resolve().is_relative_to(self._photos):
            return
        if isinstance(content, Path):
            text = tr("Photos would be copied into {folder}, where they are; choose a folder elsewhere.",
                      folder=self._photos)  # fmt: skip
        else:
            text = tr("Masks would come among the photos of {folder}; choose a folder elsewhere.",
                      folder=self._photos)  # fmt: skip
        raise FormatError(text)

    def _folder(self) -> Path:
        if self._staging is None:
            self._made_folders = [p for p in (self._target, *self._target.parents) if not p.exists()]
            self._target.mkdir(parents=True, exist_ok=True)
            staging = self._target / f".export-{secrets.token_hex(8)}"
            staging.mkdir()
            self._staging = staging
        return self._staging

    def put_in_place(self) -> int:
        """Put all files in their places and return their number."""
        if self._staging is not None:
            if hasattr(os, "sync"):
                os.sync()  # a sync for each file takes minutes where there are 100,000
            self._made_folders = []
            for name in self._staged:
                path = self.path = self._target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                (self._staging / name).replace(path)
                self._written += 1
        return self._written

    def clear(self) -> None:
        """Remove what is not in its place."""
        with contextlib.suppress(OSError):
            if self._staging is not None:
                shutil.rmtree(self._staging, ignore_errors=True)
            for folder in self._made_folders:
                folder.rmdir()


class WatchedImages(StoredImages):
    """The images of a dataset, where it is reported how many of them have been gone over."""

    def __init__(self, data: Dataset, on_progress: OnProgress, passes: int = 1) -> None:
        self._images, self.heads = data.images, data.heads
        self._on_progress, self._total = on_progress, passes * len(data.images)
        self._passes, self._begun = passes, 0

    def image(self, place: int) -> ImageRecord:
        """Return one of them."""
        return self._images[place]

    def __iter__(self) -> Iterator[ImageRecord]:
        before = min(self._begun, self._passes - 1) * len(self._images)  # a look that soon ends is none of the passes
        self._begun += 1
        for number, image in enumerate(self._images):
            self._on_progress(before + number, self._total)
            yield image


def _chunks(content: Content) -> Iterable[bytes]:
    if isinstance(content, bytes):
        return (content,)
    return _read(content) if isinstance(content, Path) else content


def _read(path: Path) -> Iterator[bytes]:
    with open_regular(path) as file:
        while chunk := file.read(COPIED_AT_ONCE):
            yield chunk
