"""The whole check of a data set, in slices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataset.check.findings import KINDS, Finding
from dataset.check.object_copies import check_copies
from dataset.check.objects import read_batch
from dataset.check.photos import check_alike, check_sizes, unlisted
from dataset.check.references import check_references
from dataset.check.shapes import check_shapes
from dataset.pictures.fingerprint_cache import UnreadablePhoto, fingerprints

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from dataset.check.contents import Contents, ImageEntry
    from dataset.pictures.fingerprints import ImageFingerprint

_AT_ONCE = 500  # objects of a batch, and photos


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What is looked at beside the file itself."""

    compares_photos: bool = True
    """Whether photos that are there twice, or look the same, are looked for: each is decoded for that."""
    lists_folder: bool = True
    """Whether photos of the folder count that the file does not list."""
    cache: Path | None = None
    """File of the photos' fingerprints."""
    photos: tuple[str, ...] = ()
    """Of the folder, compared beside those that the file lists."""
    ignored: frozenset[str] = frozenset()
    """Names of kinds that do not matter."""


@dataclass
class DatasetCheck:
    """A check, and what it has found so far."""

    contents: Contents
    options: CheckOptions = field(default_factory=CheckOptions)
    findings: list[Finding] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of steps: objects, photos, and photos once more where they are compared."""
        photos = len(self.contents.images)
        return len(self.contents.raw.annotations) + photos + (len(self._compared()) if self._compares else 0)

    @property
    def _compares(self) -> bool:
        return self.options.compares_photos and self.contents.folder is not None

    def _compared(self) -> list[str]:
        listed = [image.photo for image in self.contents.images if image.is_found]
        return list(dict.fromkeys((*listed, *self.options.photos)))

    def run(self) -> Generator[int]:
        """Find everything; yield how many steps of `total` are done."""
        contents, done = self.contents, len(self.contents.orphans)
        self._add(check_references(contents))
        yield 0
        for start in range(0, len(contents.images), _AT_ONCE):
            some = contents.images[start : start + _AT_ONCE]
            self._add(check_sizes(contents, some))
            done += len(some)
            yield done
        for some in _grouped(contents.images):
            batch = read_batch(contents, some)
            self._add(check_shapes(contents, batch))
            self._add(check_copies(batch))
            done += len(batch.objects)
            yield done
        if contents.folder is not None and self.options.lists_folder:
            self._add(unlisted(contents, contents.folder))
        if self._compares:
            yield from self._compare(contents.folder, done)
        order = {kind: n for n, kind in enumerate(KINDS)}
        self.findings.sort(key=lambda finding: order[finding.kind])

    def _compare(self, folder: Path | None, done: int) -> Iterator[int]:
        assert folder is not None, "checked before"
        unread = {finding.photo for finding in self.findings if finding.kind == "photo_unreadable"}
        found: list[ImageFingerprint] = []
        for photo in fingerprints(folder, self._compared(), self.options.cache):
            if not isinstance(photo, UnreadablePhoto):
                found.append(photo)
            elif photo.name not in unread:
                values = {"reason": photo.reason.rstrip(".")}
                self._add(iter([Finding("photo_unreadable", photo.name, values=values)]))
            done += 1
            yield done
        self._add(check_alike(found))

    def _add(self, findings: Iterator[Finding]) -> None:
        ignored = self.options.ignored
        self.findings += [finding for finding in findings if finding.kind not in ignored]


def _grouped(images: list[ImageEntry]) -> Iterator[list[ImageEntry]]:
    """Yield photos with about `_AT_ONCE` objects together."""
    group: list[ImageEntry] = []
    held = 0
    for image in images:
        group.append(image)
        held += len(image.annotations)
        if held >= _AT_ONCE:
            yield group
            group, held = [], 0
    if held:
        yield group
