"""A COCO file made ready for its check: whose object is whose, which photo an entry means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset.coco.categories import read_categories
from dataset.coco.raw_file import decode_record, read_ids
from dataset.coco.values import as_file_name, as_id, as_size
from dataset.photo_names import NameMatches, find_photos, match_names, with_slashes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataset.coco.categories import CategoryTable
    from dataset.coco.raw_file import AnnotationIds, RawCoco

Key = int | str | None


@dataclass(slots=True)
class ImageEntry:
    """An entry of `images` that is a record."""

    place: int
    """In the file's list."""
    key: Key
    """Its id as it is compared."""
    name: str
    """Its file name, as it stands."""
    photo: str
    """The photo's path in the folder; else the file name with forward slashes."""
    size: tuple[int, int] | None
    """(width, height) of its photo, as far as it is known: as the file has it, or as the photo has it."""
    is_found: bool = False
    """Whether the photo is in the folder."""
    annotations: list[int] = field(default_factory=list)
    """Places of its objects."""


@dataclass(frozen=True)
class Contents:
    """A COCO file's parts."""

    raw: RawCoco
    ids: AnnotationIds
    images: list[ImageEntry]
    no_images: list[int]
    """Places of entries of `images` that are no records."""
    categories: list[dict[str, Any] | None]
    """The entries of `categories`; None for what is no record."""
    table: CategoryTable
    orphans: list[int]
    """Places of annotations that belong to no photo, or may belong to several."""
    folder: Path | None
    """Of the photos; None where they are not looked at."""
    ambiguous: frozenset[str]
    """File names that may mean several photos."""

    def image_of(self, key: Key) -> ImageEntry | None:
        """Return the first entry with an id."""
        return next((image for image in self.images if image.key == key), None)


def read_contents(raw: RawCoco, folder: Path | None = None, names: Sequence[str] | None = None) -> Contents:
    """Return the contents of a file.

    Args:
        raw: The file.
        folder: Of its photos; None where they are not to be looked at.
        names: What photos there are in the folder, where they were listed already.
    """
    ids = read_ids(raw.annotations)
    categories = [decode_record(record) for record in raw.categories]
    table = read_categories(categories, set(ids.category_ids))
    images, no_images, ambiguous = _images(raw, folder, names)
    first: dict[Key, ImageEntry] = {}
    by_photo: dict[str, ImageEntry] = {}
    unclear: set[Key] = set()
    for image in images:
        # What is listed twice is one photo: its objects are judged together.
        entry = by_photo.setdefault(image.photo, image) if image.photo else image
        if image.key is not None and first.setdefault(image.key, entry) is not entry:
            unclear.add(image.key)
    orphans = []
    for place, key in enumerate(ids.image_ids):
        if key in first and key not in unclear:
            first[key].annotations.append(place)
        else:
            orphans.append(place)
    return Contents(raw, ids, images, no_images, categories, table, orphans, folder, ambiguous)


def _images(
    raw: RawCoco, folder: Path | None, names: Sequence[str] | None
) -> tuple[list[ImageEntry], list[int], frozenset[str]]:
    records = [decode_record(entry) for entry in raw.images]
    wanted = [as_file_name(record) for record in records if record is not None]
    if folder is None:
        matches = NameMatches()
    elif names is None:
        matches = find_photos(wanted, folder)
    else:
        matches = match_names(wanted, names, folder.name)
    images, no_images = [], []
    for place, record in enumerate(records):
        if record is None:
            no_images.append(place)
            continue
        name = as_file_name(record)
        photo = matches.photos.get(name)
        size, key = as_size(record), as_id(record.get("id"))
        images.append(ImageEntry(place, key, name, photo or with_slashes(name), size, photo is not None))
    return images, no_images, matches.ambiguous
