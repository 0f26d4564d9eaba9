"""Which photos of several files are one."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataset.coco.raw_file import decode_record
from dataset.merge.fields import changed, with_fields
from dataset.photo_names import match_names

if TYPE_CHECKING:
    from dataset.check.contents import Contents, ImageEntry
    from dataset.json_text import Raw


@dataclass
class MergedPhotos:
    """The photos of all files, by their paths."""

    raws: list[Raw] = field(default_factory=list)
    others: list[Raw] = field(default_factory=list)
    """Entries that are no records."""
    united: int = 0
    """How many photos of later files were there already."""
    other_fields: list[str] = field(default_factory=list)
    """Photos of which a later file has other values of some fields: the first file's are kept."""
    other_size: list[str] = field(default_factory=list)
    """Photos of the path of one before, but of another size: they are kept apart."""
    unclear: list[str] = field(default_factory=list)
    """Names that may mean several photos of the files before: they are photos of their own."""
    _places: dict[str, int] = field(default_factory=dict)
    _sizes: list[tuple[int, int] | None] = field(default_factory=list)
    _ids: list[int | str] = field(default_factory=list)
    _taken: set[int | str] = field(default_factory=set)
    """Ids of photos, and those that objects of no photo have: no photo gets one of these."""
    _next_id: int = 0

    def add(self, contents: Contents) -> dict[int | str | None, int | str]:
        """Add a file's photos; return the id that each of its `image_id` has now."""
        before = list(self._places)
        names = list(dict.fromkeys(image.photo for image in contents.images if image.photo))
        matches = match_names(names, before)
        self.unclear += [name for name in names if name in matches.ambiguous]
        same = {name: photo for name, photo in matches.photos.items() if _is_end(name, photo)}
        own = {key for image in contents.images if isinstance(key := image.key, int | str)}
        self._next_id = max([self._next_id, *(key for key in own | self._taken if isinstance(key, int))], default=0)
        ids: dict[int | str | None, int | str] = {}
        for image in contents.images:
            number = self._add(image, contents.raw.images[image.place], same.get(image.photo, image.photo))
            ids.setdefault(image.key, number)
        self.others += [contents.raw.images[place] for place in contents.no_images]
        self._next_id = max([self._next_id, *(k for k in contents.ids.image_ids if isinstance(k, int))])
        return ids

    def _add(self, image: ImageEntry, raw: Raw, photo: str) -> int | str:
        at = self._places.get(photo) if photo else None
        if at is not None:
            size = self._sizes[at]
            if size is None or image.size is None or size == image.size:
                if size is None and image.size is not None:  # also in the place of a 0, or of what is no number
                    self._sizes[at] = image.size
                    self.raws[at] = changed(self.raws[at], width=image.size[0], height=image.size[1])
                self.raws[at], differs = with_fields(self.raws[at], raw, ("id", "file_name"))
                if differs:
                    self.other_fields.append(photo)
                self.united += 1
                return self._ids[at]
            self.other_size.append(photo)
        number = image.key
        if number is None or number in self._taken:
            self._next_id += 1
            number = self._next_id
        record = decode_record(raw) or {}
        self._taken.add(number)
        if at is None and photo:
            self._places[photo] = len(self.raws)
        self.raws.append(raw if record.get("id") == number else changed(raw, id=number))
        self._sizes.append(image.size)
        self._ids.append(number)
        return number

    def stray_id(self, wanted: int | str | None) -> int | str | None:
        """Return an `image_id` for objects of no photo that none has or gets: the wanted one, where that is so."""
        if wanted is None:
            return None
        if wanted in self._taken:
            self._next_id += 1
            wanted = self._next_id
        self._taken.add(wanted)
        return wanted


def _is_end(name: str, photo: str) -> bool:
    """Return whether one path is the other, or its end; photos of one name in two folders are two."""
    one, other = (unicodedata.normalize("NFC", path).casefold().split("/") for path in (name, photo))
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]
