"""The photos of a data set: which are missing or cannot be read, of what size they are, and which show the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.check.findings import Finding
from dataset.folder import FolderError, list_images
from dataset.photo_names import is_inside
from dataset.pictures.images import PhotoError, is_sideways, photo_size
from dataset.pictures.near_duplicates import copies, joined, similar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dataset.check.contents import Contents, ImageEntry
    from dataset.pictures.fingerprints import ImageFingerprint


def check_sizes(contents: Contents, images: Sequence[ImageEntry]) -> Iterator[Finding]:
    """Yield what is wrong with the sizes of photos, and which are missing; an entry is given the size that holds."""
    for image in images:
        real = None
        if contents.folder is not None and image.name and image.name not in contents.ambiguous:
            if not image.is_found or not is_inside(image.photo):
                yield Finding("photo_missing", image.photo, place=image.place)
            else:
                try:
                    real = photo_size(contents.folder / image.photo)
                except PhotoError as error:
                    values = {"reason": str(error).rstrip(".")}
                    yield Finding("photo_unreadable", image.photo, values=values, place=image.place)
        yield from _size(contents, image, real)


def _size(contents: Contents, image: ImageEntry, real: tuple[int, int] | None) -> Iterator[Finding]:
    given = image.size
    if given is None:
        yield Finding("size_missing", image.photo, place=image.place)
        image.size = real
    elif real is not None and given != real:
        assert contents.folder is not None, "the photo was read"
        if given == real[::-1] and is_sideways(contents.folder / image.photo):
            yield Finding("size_turned", image.photo, place=image.place)
            image.size = real
        else:
            values = {"width": real[0], "height": real[1], "file_width": given[0], "file_height": given[1]}
            yield Finding("size_wrong", image.photo, values=values, place=image.place)


def unlisted(contents: Contents, folder: Path) -> Iterator[Finding]:
    """Yield the photos of the folder that the file does not list."""
    listed = {image.photo for image in contents.images if image.is_found}
    try:
        names = list_images(folder)
    except FolderError:
        return
    for name in names:
        if name not in listed:
            yield Finding("photo_unlisted", name)


def check_alike(photos: Sequence[ImageFingerprint]) -> Iterator[Finding]:
    """Yield the photos that are the same file as another one, or look like it, each once."""
    told: set[int] = set()
    for first, *others in copies(photos):
        told.update(others)
        for i in others:
            yield Finding("photo_copy", photos[i].name, values={"other": photos[first].name})
    for first, *others in joined(len(photos), similar(photos)):
        for i in others:
            if i not in told:
                yield Finding("photo_near", photos[i].name, values={"other": photos[first].name})
