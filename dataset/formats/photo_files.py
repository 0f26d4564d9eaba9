"""The photos of a dataset whose annotations lie in files of their own: names and sizes, and names for new files."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from dataset.folder import FolderError, list_images
from dataset.photo_names import file_in, match_names
from dataset.pictures.images import PhotoError, photo_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class PhotoPath(NamedTuple):
    """Where the photo of a file of annotations lies, or would lie."""

    full: str
    """Relative to the dataset's folder."""
    short: str
    """Relative to the folder of images, or of those of its split."""


class FoundPhoto(NamedTuple):
    """A photo under the name that `ImageRecord` has."""

    name: str
    size: tuple[int, int]
    """(width, height) of the upright photo; (0, 0) where there is none that can be read."""


def images_in(folder: Path) -> list[str]:
    """Return the images in a folder and its subfolders; none where it cannot be read."""
    try:
        return list_images(folder)
    except FolderError:
        return []


def find_photos(paths: Sequence[PhotoPath], folder: Path, images: Path) -> Iterator[FoundPhoto]:
    """Yield the photos that a dataset's files mean, with sizes, for which each is looked into.

    Args:
        paths: Of the photos in the dataset.
        folder: The dataset's.
        images: The folder of images that annotations are read for; its photos have the sizes that count.
    """
    photos = images_in(images)
    often = Counter(_stem(path.short) for path in paths)
    stems = Counter(map(_stem, photos))
    known = {photo: photo for photo in photos} | {_stem(photo): photo for photo in photos if stems[_stem(photo)] == 1}

    def named(path: PhotoPath) -> str:
        wanted = (path.full, path.short) if often[_stem(path.short)] == 1 else (path.full,)
        keys = [key for name in wanted for key in (name, _stem(name))]
        return next((known[key] for key in keys if key in known), path.full)

    names = [named(path) for path in paths]
    matches = match_names(names, photos, images.name).photos
    for path, name in zip(paths, names, strict=True):
        file = file_in(images, matches.get(name, "")) or file_in(folder, path.full)
        yield FoundPhoto(name, _size(file) if file else (0, 0))


def _stem(name: str) -> str:
    """Return a path without its ending, as no photo of the folder is called."""
    path = PurePosixPath(name)
    return f"{path.with_suffix('') if path.name else path}/"


def _size(file: Path) -> tuple[int, int]:
    try:
        return photo_size(file)
    except PhotoError:
        return (0, 0)


def separate_stems(names: Sequence[str]) -> list[str]:
    """Return a path for each photo so that no two are the same but for the ending or the case of letters.

    A later one of `cup.jpg` and `cup.png` becomes `png/cup.png`.
    """
    taken: set[str] = set()
    made = []
    for name in names:
        path, number = PurePosixPath(name), 1
        while str(path.with_suffix("")).casefold() in taken:
            given, number = PurePosixPath(name), number + 1
            path = given.parent / (given.suffix.lstrip(".") + ("" if number == 2 else str(number))) / given.name
        taken.add(str(path.with_suffix("")).casefold())
        made.append(str(path))
    return made
