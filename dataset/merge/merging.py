"""COCO files made into one: no record is lost, and what is not as it was is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dataset.check.contents import read_contents
from dataset.check.object_copies import check_copies, has_more
from dataset.check.objects import read_batch
from dataset.coco.raw_file import LISTS, RawCoco, decode_record
from dataset.merge.classes import MergedClasses
from dataset.merge.fields import changed, with_fields
from dataset.merge.photos import MergedPhotos

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dataset.check.contents import Contents, ImageEntry
    from dataset.check.findings import Finding
    from dataset.json_text import Raw


@dataclass
class Merged:
    """What has become of the files."""

    fields: dict[str, Raw] = field(default_factory=dict)
    other_fields: list[str] = field(default_factory=list)
    """Fields of the files, such as `info`, of which a later one has another value: the first file's are kept."""
    photos: MergedPhotos = field(default_factory=MergedPhotos)
    classes: MergedClasses = field(default_factory=MergedClasses)
    annotations: list[Raw] = field(default_factory=list)
    renumbered: int = 0
    """How many objects have another id now."""
    strays: int = 0
    """How many objects are of no photo or class of their file; they are kept, and are of none now either."""
    copies: list[Finding] = field(default_factory=list)
    """Objects of a later file that one of an earlier file is already, exactly or nearly."""
    fuller: set[int] = field(default_factory=set)
    """Places of those that have what the earlier file's lack, such as keypoints: they are kept."""
    _starts: list[int] = field(default_factory=list)
    _taken: set[int | str] = field(default_factory=set)
    _others: list[Raw] = field(default_factory=list)

    @property
    def raw(self) -> RawCoco:
        """The one file."""
        return RawCoco(
            self.fields, [*self.photos.raws, *self.photos.others], self.annotations, [*self.classes.raws, *self._others]
        )

    def add(self, contents: Contents, label: str) -> None:
        """Add a file; `label` tells its classes from others of the same name that have other keypoints."""
        self._add_fields(contents)
        classes = self.classes.add(contents, label)
        self._others += [
            raw for raw, record in zip(contents.raw.categories, contents.categories, strict=True) if record is None
        ]
        photos = self.photos.add(contents)
        self._add_objects(contents, photos, classes)

    def _add_fields(self, contents: Contents) -> None:
        fields = dict(contents.raw.fields)
        if not self.fields:
            self.fields = fields
            return
        for key, value in fields.items():
            if key not in LISTS and key in self.fields:
                _, differs = with_fields(b'{"x":%s}' % bytes(self.fields[key]), b'{"x":%s}' % bytes(value))
                self.other_fields += [key] if differs else []
        self.fields = fields | self.fields

    def _add_objects(
        self,
        contents: Contents,
        photos: Mapping[int | str | None, int | str],
        classes: Mapping[int | str | None, int],
    ) -> None:
        ids, orphans = contents.ids, set(contents.orphans)
        self._starts.append(len(self.annotations))
        unclear = dict.fromkeys(ids.image_ids[place] for place in contents.orphans)
        strays = {key: self.photos.stray_id(key) for key in unclear}
        own = (key for key in ids.ids if isinstance(key, int))
        next_id = max([*own, *(key for key in self._taken if isinstance(key, int))], default=0)
        for place, raw in enumerate(contents.raw.annotations):
            key, image, category = ids.ids[place], ids.image_ids[place], ids.category_ids[place]
            if key is None and decode_record(raw) is None:
                self.annotations.append(raw)
                continue
            values: dict[str, object] = {}
            if key is None or key in self._taken:
                next_id += 1
                values["id"] = key = next_id
                self.renumbered += 1
            self._taken.add(key)
            photo = strays[image] if place in orphans else photos[image]
            if photo != image:
                values["image_id"] = photo
            if category in classes:
                if classes[category] != category:
                    values["category_id"] = classes[category]
            elif category is not None:
                self.strays += place not in orphans
                values["category_id"] = self.classes.stray_id(category)
            self.strays += place in orphans
            self.annotations.append(changed(raw, **values) if values else raw)

    def find_copies(self) -> Iterator[int]:
        """Find what several files have of one photo; yield how many photos were looked at."""
        contents = read_contents(self.raw)
        ids = {str(key): place for place, key in enumerate(contents.ids.ids)}
        for done, image in enumerate(contents.images, 1):
            if len({self._file_of(place) for place in image.annotations}) > 1:
                self.copies += self._copies(contents, image, ids)
            yield done

    def _copies(self, contents: Contents, image: ImageEntry, ids: Mapping[str, int]) -> Iterator[Finding]:
        batch = read_batch(contents, [image])
        entries = {entry.place: entry for entry in batch.objects}
        for finding in check_copies(batch):
            other = ids[str((finding.values or {})["other"])]
            if self._file_of(other) != self._file_of(finding.place):
                if has_more(entries[finding.place], entries[other]):
                    self.fuller.add(finding.place)
                yield finding

    def _file_of(self, place: int) -> int:
        return sum(start <= place for start in self._starts)

    def without_copies(self) -> RawCoco:
        """Return the one file without the objects that are copies, of which nothing is lost."""
        gone = {finding.place for finding in self.copies} - self.fuller
        kept = [raw for place, raw in enumerate(self.annotations) if place not in gone]
        return replace(self.raw, annotations=kept)


def merge(files: Sequence[tuple[Contents, str]]) -> Merged:
    """Return files made into one, in this order, each with its label (`Merged.add`)."""
    merged = Merged()
    for contents, label in files:
        merged.add(contents, label)
    return merged
