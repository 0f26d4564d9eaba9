"""Which classes of several files are one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TYPE_CHECKING

from dataset.coco.raw_file import decode_record
from dataset.json_text import decode_object, encode
from dataset.merge.fields import changed, with_fields

if TYPE_CHECKING:
    from dataset.check.contents import Contents
    from dataset.coco.categories import Category
    from dataset.json_text import Raw


@dataclass
class MergedClasses:
    """The classes of all files, by what they are called."""

    raws: list[Raw] = field(default_factory=list)
    """Their JSON."""
    alike: list[tuple[str, str]] = field(default_factory=list)
    """Names that were taken for one although they differ by case or space at their ends: as it is, as it was."""
    apart: list[tuple[str, str]] = field(default_factory=list)
    """Classes that have other keypoints than one of that name: the name, and the one that they got."""
    skeletons: list[str] = field(default_factory=list)
    """Classes with the same keypoints and other lines between them: the first file's are kept."""
    other_fields: list[str] = field(default_factory=list)
    """Classes of which a later file has other values of some fields: the first file's are kept."""
    _places: dict[str, int] = field(default_factory=dict)
    _known: list[Category] = field(default_factory=list)
    _strays: set[int | str] = field(default_factory=set)

    def add(self, contents: Contents, label: str) -> dict[int | str | None, int]:
        """Add a file's classes; return the id that each of its `category_id` has now.

        Args:
            contents: The file.
            label: What tells its classes from those of the same name before, in brackets.
        """
        ids: dict[int, int] = {}
        for category, place in zip(contents.table.categories, contents.table.places, strict=True):
            ids[category.id] = self._add(category, contents.raw.categories[place], label)
        return {key: ids[number] for key, number in contents.table.ids.items()}

    def stray_id(self, wanted: int | str) -> int | str:
        """Return a `category_id` for objects of no class that none has or gets: the wanted one, where that is so."""
        if any(known.id == wanted for known in self._known):
            wanted = f"{wanted}?"
        self._strays.add(wanted)
        return wanted

    def _add(self, category: Category, raw: Raw, label: str) -> int:
        name = category.name
        at = self._places.get(_plain(name))
        if at is None:
            return self._append(category, raw, name)
        known = self._known[at]
        if known.keypoint_names and category.keypoint_names and known.keypoint_names != category.keypoint_names:
            return self._add_apart(category, raw, label)
        if known.name != name:
            self.alike.append((known.name, name))
        if known.keypoint_names and category.keypoint_names and known.skeleton != category.skeleton:
            self.skeletons.append(name)
        self.raws[at], differs = with_fields(self.raws[at], raw, ("id", "name", "keypoints", "skeleton"))
        if differs:
            self.other_fields.append(name)
        if not known.keypoint_names and category.keypoint_names:
            fields = {key: value for key, value in decode_object(raw).items() if key in ("keypoints", "skeleton")}
            self.raws[at] = encode({**decode_object(self.raws[at]), **fields})
            self._known[at] = replace(known, keypoint_names=category.keypoint_names, skeleton=category.skeleton)
        return known.id

    def _add_apart(self, category: Category, raw: Raw, label: str) -> int:
        """Add a class whose name is that of one with other keypoints, by a name that tells it from all such."""
        plain = category.name
        names = chain([f"{plain} ({label})"], (f"{plain} ({label} {n})" for n in count(2)))  # files may share a label
        name = next(name for name in names if self._has_keypoints(name, category))
        self.apart.append((plain, name))
        at = self._places.get(_plain(name))
        return self._append(category, raw, name) if at is None else self._known[at].id

    def _has_keypoints(self, name: str, category: Category) -> bool:
        """Return whether a class of that name has the keypoints of another, or is yet to be."""
        at = self._places.get(_plain(name))
        return at is None or self._known[at].keypoint_names == category.keypoint_names

    def _append(self, category: Category, raw: Raw, name: str) -> int:
        taken = {known.id for known in self._known} | {key for key in self._strays if isinstance(key, int)}
        number = category.id if category.id not in taken else max(taken) + 1
        record = decode_record(raw) or {}
        if (record.get("id"), record.get("name")) != (number, name):
            raw = changed(raw, id=number, name=name)
        self._places[_plain(name)] = len(self.raws)
        self.raws.append(raw)
        self._known.append(replace(category, id=number, name=name))
        return number


def _plain(name: str) -> str:
    return name.strip().casefold()
