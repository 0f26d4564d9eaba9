"""Where commands on COCO files look for photos, and how they write files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dataset.atomic_files import replace_file
from dataset.check.contents import read_contents
from dataset.coco.raw_file import batches, chunks
from dataset.coco.reader import DataError, Source
from dataset.folder import list_images
from dataset.i18n import plural, tr
from dataset.messages import counted_photos, os_reason
from dataset.output_places import check_place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataset.coco.raw_file import RawCoco


def photo_folder(raw: RawCoco, file: Path, images: Path | None) -> Path | None:
    """Return the folder of a file's photos; None, with a sentence, where none was named and none of them are found.

    Raises:
        FolderError: The folder that was named is not there, or cannot be read.
    """
    if images is not None:
        list_images(images)
        return images
    folder = Source(file).folder()
    contents = read_contents(raw, folder)
    if any(image.is_found for image in contents.images) or not contents.images:
        return folder
    text = tr("None of the photos are in {folder}: they are not looked at. Name their folder with --images.",
              folder=folder)  # fmt: skip
    print(text, file=sys.stderr)  # noqa: T201 - what a command is for
    return None


def check_target(target: Path, sources: Sequence[Path], *, overwrite: bool) -> None:
    """Check that a file may be written.

    Raises:
        DataError: It is one of the sources, or it is there already and `overwrite` is false.
        PlaceError: It is a photo, or in a private folder.
    """
    check_place(target)
    if any(target.exists() and source.exists() and target.samefile(source) for source in sources):
        raise DataError(tr("{file} is what is read; choose another place.", file=target))
    if target.exists() and not overwrite:
        raise DataError(tr("{file} is there already; --overwrite replaces it.", file=target))


def write_file(target: Path, raw: RawCoco) -> None:
    """Write a COCO file, whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    lists = {
        "images": batches(raw.images),
        "annotations": batches(raw.annotations),
        "categories": batches(raw.categories),
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, chunks(raw.fields, lists))
    except OSError as error:
        raise DataError(tr("{file} cannot be written: {reason}.", file=target, reason=os_reason(error))) from None


def summary(file: Path, photos: int, objects: int) -> str:
    """Return what a file has, as one line."""
    return plural("{file}: {photos}, {n:,} object", "{file}: {photos}, {n:,} objects", objects, file=file,
                  photos=counted_photos(photos))  # fmt: skip
