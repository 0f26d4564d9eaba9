"""The COCO file of a project: whose annotation is whose, and how changes get into the file."""

from __future__ import annotations

import gc
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.core.store.coco_codec import CocoError, decode_annotation, encode_annotation
from annotator.core.store.coco_document import MAX_FILE, CocoFile, Image, parse
from dataset.atomic_files import FileMark, replace_file
from dataset.i18n import tr
from dataset.messages import os_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoState
    from dataset.categories import Category
    from dataset.json_text import Raw


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a photo's state goes into the file: see `ProjectFile.lay_out`."""

    state: PhotoState
    replaced: dict[int, Raw | None]
    added: list[Raw]
    image: Image | None  # with another size
    raws: dict[int, tuple[Annotation, Raw]]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the cyclic garbage collector, which looks through a million new records again and again for nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class ProjectFile:
    """A COCO file as it was opened, and the way to write it with changes."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """Read the file for a folder with those photos; there may be none.

        Raises:
            CocoError: it is not COCO, or cannot be read.
        """
        self.path = path
        """Where it is, or will be."""
        self._data = b""
        self.mark: FileMark | None = None
        """The file when last read or written by us, None where there was none."""
        with _no_collection():
            self.coco = self._read()
            """What it held when it was opened."""
            self._index(names)

    def _index(self, names: Sequence[str]) -> None:
        self._images: dict[str, list[Image]] = {}
        self._places: dict[str, list[int]] = {}
        self._new: dict[str, Image] = {}
        # Ids that only annotations name are taken too: a new photo must not come by those annotations.
        named = (image_id for image_id in self.coco.image_ids if image_id is not None)
        self._last_image_id = max(max((image.id for image in self.coco.images), default=0), max(named, default=0))
        self._keypoint_counts = {category.id: len(category.keypoint_names) for category, _ in self.coco.categories}
        self._layouts: dict[str, _Layout] = {}
        self.orphans = 0
        """How many of its annotations belong to no photo of it."""
        self.missing = self._assign(names)
        """How many of its photos are not in the folder."""

    def _read(self) -> CocoFile:
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_size > MAX_FILE:
                    raise CocoError(
                        tr(
                            "{file} is larger than {n} GB; split it into smaller files.",
                            file=self.path,
                            n=MAX_FILE >> 30,
                        )
                    )
                self._data = file.read()
        except FileNotFoundError:
            return CocoFile()
        except OSError as error:
            raise CocoError(tr("{file} cannot be read: {reason}.", file=self.path, reason=os_reason(error))) from None
        self.mark = FileMark(len(self._data), status.st_mtime_ns, "")
        return parse(self._data, self.path)

    # What it holds

    def names(self) -> Iterable[str]:
        """Return the photos that have annotations in it."""
        return self._places.keys()

    def count(self, name: str) -> int:
        """Return how many annotations it holds for a photo."""
        return len(self._places.get(name, ()))

    def size(self, name: str) -> tuple[int, int] | None:
        """Return the size (width, height) that it gives for a photo."""
        images = self._images.get(name)
        return images[0].size if images else None

    def knows(self, name: str) -> bool:
        """Return whether the photo has an entry."""
        return name in self._images or name in self._new

    def annotations(self, name: str) -> tuple[Annotation, ...]:
        """Return the annotations that it holds for a photo.

        Raises:
            CocoError: one of them is not COCO; the sentence names it and the photo.
        """
        return tuple(annotation for annotation, _ in self._decoded(name).values())

    def _decoded(self, name: str) -> dict[int, tuple[Annotation, Raw]]:
        decoded = {}
        for place in self._places.get(name, ()):
            raw, annotation_id = self.coco.annotations[place], self.coco.ids[place]
            try:
                annotation = decode_annotation(raw, annotation_id, self._keypoint_counts)
            except CocoError as error:
                text = tr(
                    "The annotations of {photo} in {file} cannot be used. {reason}",
                    photo=name,
                    file=self.path,
                    reason=error,
                )
                raise CocoError(text) from None
            decoded[annotation_id] = (annotation, raw)
        return decoded

    def holds(self, name: str, state: PhotoState) -> bool:
        """Return whether the file has the annotations of that state, to the decimals that it keeps."""
        try:
            layout = self._laid_out(name, state, None)
        except (CocoError, ValueError):
            return False
        return not layout.added and all(
            raw is not None and bytes(raw) == bytes(self.coco.annotations[place])
            for place, raw in layout.replaced.items()
        )

    # Writing

    def changed_externally(self) -> bool:
        """Whether another program has written the file since we read or wrote it. OSError if that cannot be read."""
        if self.mark is None or not self.path.exists():
            return self.path.exists()
        if not self.mark.sha256 and not self.mark.is_of(self.path):
            self.mark = FileMark(self.mark.size, self.mark.mtime_ns, hashlib.sha256(self._data).hexdigest())
        return not self.mark.is_of(self.path)

    def lay_out(self, states: Mapping[str, PhotoState]) -> dict[str, Exception]:
        """Settle where the annotations of photos go in the next `write`.

        Returns the photos whose annotations cannot be written, and why; those stay as they were laid out before.
        """
        refused: dict[str, Exception] = {}
        for name, state in states.items():
            layout = self._layouts.get(name)
            if layout is None or layout.state is not state:
                try:
                    self._layouts[name] = self._laid_out(name, state, layout)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other photos are written
                    refused[name] = error
        return refused

    def write(self, path: Path, categories: Sequence[Category], about_to: Callable[[int, str], None]) -> FileMark:
        """Write the file with the photos that were laid out; what is there stays as it is if that fails.

        Args:
            path: Where to.
            categories: All classes.
            about_to: Called with size and SHA-256 just before the new file takes its place.

        Raises:
            OSError: it could not be written.
        """
        replaced: dict[int, Raw | None] = {}
        added: list[Raw] = []
        resized: dict[int, Image] = {}
        for layout in self._layouts.values():
            replaced.update(layout.replaced)
            added += layout.added
            if layout.image:
                resized[layout.image.id] = layout.image
        images = [resized.get(image.id, image).raw for image in (*self.coco.images, *self._new.values())]
        return replace_file(path, self.coco.chunks(images, categories, replaced, added), about_to)

    def _laid_out(self, name: str, state: PhotoState, before: _Layout | None) -> _Layout:
        """Return where the annotations of a photo go. Those that are as they were keep their JSON byte for byte."""
        original = self._decoded(name)
        if not (self.knows(name) or state.annotations or state.done):
            return _Layout(state, {}, [], None, {})
        image = self._image(name, state.size)
        known = before.raws if before else {}
        raws: dict[int, tuple[Annotation, Raw]] = {}
        for a in state.annotations:
            if a.id in original and original[a.id][0] == a:
                raws[a.id] = original[a.id]
            elif a.id in known and known[a.id][0] is a:
                raws[a.id] = known[a.id]
            else:
                raws[a.id] = (a, encode_annotation(a, image.id, state.size))
        replaced = {
            place: raws[self.coco.ids[place]][1] if self.coco.ids[place] in raws else None
            for place in self._places.get(name, ())
        }
        added = [raw for i, (_, raw) in sorted(raws.items()) if i not in original]
        changed = raws != original
        other_size = changed and state.size != image.size
        return _Layout(state, replaced, added, image.resized(state.size) if other_size else None, raws)

    def _image(self, name: str, size: tuple[int, int]) -> Image:
        """Return the photo's entry, made where there is none."""
        if name in self._images:
            return self._images[name][0]
        if name not in self._new:
            self._last_image_id += 1
            self._new[name] = Image.new(self._last_image_id, name, size)
        return self._new[name]

    def _assign(self, names: Sequence[str]) -> int:
        """Find out which photo each entry is about, and put the annotations to it; how many photos there are not.

        An entry is about the photo with exactly its path; failing that, about the only photo with its last part, if no
        other entry is.
        """
        present = set(names)
        by_last: dict[str, list[str]] = {}
        for name in names:
            by_last.setdefault(name.rpartition("/")[2], []).append(name)
        exact = {image.name for image in self.coco.images} & present
        claims: dict[str, set[str]] = {}  # photo -> paths of the entries that may be about it
        for image in self.coco.images:
            candidates = by_last.get(image.name.rpartition("/")[2], ())
            if image.name not in exact and len(candidates) == 1 and candidates[0] not in exact:
                claims.setdefault(candidates[0], set()).add(image.name)
        found = {next(iter(paths)): name for name, paths in claims.items() if len(paths) == 1}
        name_of: dict[int | None, str] = {}
        missing = 0
        for image in self.coco.images:
            name = found.get(image.name, image.name)
            missing += name not in present
            name_of[image.id] = name
            self._images.setdefault(name, []).append(image)
        for place, image_id in enumerate(self.coco.image_ids):
            name = name_of.get(image_id)
            if name is None:
                self.orphans += 1
            else:
                self._places.setdefault(name, []).append(place)
        return missing
