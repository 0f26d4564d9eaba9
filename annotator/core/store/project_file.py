"""The COCO file of a project: whose annotation is whose, and how changes get into the file."""

from __future__ import annotations

import errno
import gc
import hashlib
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator.core.annotation import NOTHING
from annotator.core.photo_state import NO_NOTES
from annotator.core.store.additions import PhotoAddition
from annotator.core.store.annotated_photos import UNCLEAR, AnnotatedPhotos
from annotator.core.store.coco_codec import (
    UnreadableError,
    decode_annotation,
    decode_json,
    encode_annotation,
    encode_change,
)
from annotator.core.store.coco_document import CocoFile, parse
from annotator.core.store.coco_images import Image
from annotator.core.store.rescaling import (
    FRACTIONS,
    Scaled,
    SizeMismatch,
    find_mismatch,
    fits_in,
    in_fractions,
    is_moved,
    scaled,
    sizes_of,
    taken_over,
)
from dataset.atomic_files import FileMark, replace_file
from dataset.coco.raw_file import LISTS
from dataset.coco.values import as_id
from dataset.i18n import tr
from dataset.json_text import encode
from dataset.messages import os_reason
from dataset.photo_names import match_names
from dataset.regular_files import LargeFileError, check_size, open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, KeysView, Mapping, Sequence
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoNotes, PhotoState
    from annotator.core.store.rescaling import Size
    from dataset.coco.categories import Category
    from dataset.coco.checks import Problem
    from dataset.json_text import Raw


MANY = 20_000
"""Objects made since the last collection that take the collector a noticeable time."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a photo's state goes into the file: see `ProjectFile.lay_out`."""

    state: PhotoState
    replaced: dict[int, Raw | None]
    added: list[Raw]
    image: Image | None  # with another size, tags or note
    entry: Image | None  # that it was made for
    raws: dict[int, tuple[Annotation, Raw]]


@contextmanager
def no_collection() -> Iterator[None]:
    """Do without the collector of cycles, which looks through a million new records again and again for nothing.

    Nor does it look at what so many became, which would stop every thread for 40 ms: until `gc.unfreeze`, which the
    session calls when it leaves a project.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > MANY:
            gc.freeze()
        if was_enabled:
            gc.enable()


def _disk_of(path: Path) -> int | None:
    """Return a number for the disk that the file's folder is on; None where there is no such folder."""
    try:
        return path.parent.stat().st_dev
    except OSError:
        return None


class ProjectFile:
    """A COCO file as it was opened, and the way to write it with changes."""

    def __init__(self, path: Path, names: Sequence[str], folder: str = "", apart: Collection[str] = ()) -> None:
        """Read the file for a folder of that name with those photos; there may be none.

        `apart` is as `match_names` takes it.

        Raises:
            CocoError: it is not COCO, or cannot be read.
        """
        self.path = path
        """Where it is, or will be."""
        self._data = b""
        self.mark: FileMark | None = None
        """The file when last read or written by us, None where there was none."""
        self._disk = _disk_of(path)
        with no_collection():
            self.coco = self._read()
            """What it held when it was opened."""
            self._index(names, folder, apart)

    def _index(self, names: Sequence[str], folder: str, apart: Collection[str]) -> None:
        self._images: dict[str, list[Image]] = {}
        self._new: dict[str, Image] = {}
        self._added: dict[str, PhotoAddition] = {}
        self._numbering = threading.RLock()  # held while an entry is made
        # Ids that only annotations name are taken too: a new photo must not come by those annotations.
        named = {*(as_id(image.id) for image in self.coco.images), *self.coco.used_image_ids}
        self._last_image_id = max((number for number in named if isinstance(number, int)), default=0)
        self._keypoint_counts = {category.id: len(category.keypoint_names) for category, _ in self.coco.categories}
        self._layouts: dict[str, _Layout] = {}
        self._last_decoded: tuple[str, tuple[dict[int, tuple[Annotation, Raw]], list[Problem]]] = ("", ({}, []))
        self.orphans = 0
        """How many of its annotations belong to no photo of it."""
        self.unclear = 0
        """How many of its annotations may belong to several photos, which have the same id."""
        self.ambiguous: list[str] = []
        """Names of photos in it that may mean several photos of the folder."""
        self.missing = self._assign(names, folder, apart)
        """How many of its photos are not in the folder."""

    def _read(self) -> CocoFile:
        try:
            with open_regular(self.path) as file:
                status = os.fstat(file.fileno())
                check_size(status, self.path)
                self._data = file.read()
        except FileNotFoundError:
            return CocoFile()
        except LargeFileError as error:
            raise UnreadableError(str(error)) from None
        except OSError as error:
            text = tr(
                "{file} cannot be read ({reason}); make it readable, or open another file.",
                file=self.path,
                reason=os_reason(error),
            )
            raise UnreadableError(text) from None
        self.mark = FileMark(len(self._data), status.st_mtime_ns, "")
        return parse(self._data, self.path)

    # What it holds

    def names(self) -> KeysView[str]:
        """Return the photos that have annotations in it."""
        names = self._annotated.names
        added = [name for name, addition in self._added.items() if addition.records]
        return dict.fromkeys((*names, *added)).keys() if added else names

    def images(self) -> KeysView[str]:
        """Return the photos that have entries in it."""
        return self._images.keys()

    def count(self, name: str) -> int:
        """Return how many annotations it holds for a photo."""
        added = self._added.get(name)
        return self._annotated.count(name) + (len(added.records) if added else 0)

    def category_ids(self, name: str) -> frozenset[int]:
        """Return the classes of the annotations that it holds for a photo."""
        added = self._added.get(name)
        known = self._annotated.category_ids(name)
        return known | frozenset(added.class_counts) if added else known

    def size(self, name: str) -> tuple[int, int] | None:
        """Return the size (width, height) that it gives for a photo."""
        images = self._images.get(name)
        if images:
            return images[0].size
        return self._added[name].image.size if name in self._added else None

    def notes(self, name: str) -> PhotoNotes | None:
        """Return the tags and the note that it gives for a photo; None where it has neither."""
        own = self._own_image(name)
        return own.notes if own else None

    def fields(self, name: str) -> dict[str, Any]:
        """Return the fields of a photo's entry that have no known meaning."""
        own = self._own_image(name)
        return own.fields if own else {}

    def own_fields(self) -> dict[str, Any]:
        """Return the fields of the file as a whole, such as `info`."""
        return {key: decode_json(raw) for key, raw in self.coco.fields.items() if key not in LISTS}

    def photo_ids(self) -> dict[int | str, str]:
        """Return the photos by the ids of their entries, those that only one photo has. From any thread."""
        entries = [(name, image) for name, images in self._images.items() for image in images]
        ids = {as_id(image.id): name for name, image in (*entries, *dict(self._new).items())}
        return {key: name for key, name in ids.items() if key is not None and key not in self.coco.unclear_images}

    def knows(self, name: str) -> bool:
        """Return whether the photo has an entry."""
        return name in self._images or name in self._new

    def annotations(self, name: str) -> tuple[Annotation, ...]:
        """Return the annotations that it holds for a photo, as far as they can be understood."""
        return tuple(annotation for annotation, _ in self._decoded(name)[0].values())

    def hides(self, name: str) -> bool:
        """Return whether it holds annotations for a photo of which nothing can be shown."""
        return len(self._decoded(name)[0]) < self.count(name)

    def problems(self, name: str) -> list[Problem]:
        """Return what of a photo's annotations cannot be used; it is kept as it stands."""
        return self._decoded(name)[1]

    def size_mismatch(self, name: str, size: Size) -> SizeMismatch | None:
        """Return what of a photo's annotations was made for another size than it has; None where nothing was."""
        raws = [self.coco.annotations[place] for place in self._annotated.places(name)]
        return find_mismatch(raws, [*self._decoded(name)[0].values()], self.size(name), size) if raws else None

    def scaled(
        self,
        name: str,
        size: Size,
        current: Mapping[int, Annotation],
        made_for: Size | None = None,
        *,
        stretch: bool = False,
    ) -> Scaled:
        """Return what of a photo's annotations is otherwise once they are scaled to its size.

        Args:
            name: The photo.
            size: Its (width, height).
            current: What is on record for it, by id: what a person has moved meanwhile stays.
            made_for: (width, height) that those were made for which do not say it; None: what the file says.
            stretch: Whether they are also scaled where the proportions differ.
        """
        given, coco = made_for or self.size(name) or size, self.coco
        decoded, _ = self._decoded(name)
        found: dict[int, Annotation] = {}
        refused = 0
        for place in self._annotated.places(name):
            raw, number = coco.annotations[place], coco.ids[place]
            mask, mark = sizes_of(raw)
            points, mask = mark or given, mask or mark or given
            if mask == points == size and (number not in decoded or not in_fractions(raw, decoded[number][0])):
                continue
            read, _ = decode_annotation(raw, number, self._keypoint_counts, class_ids=coco.class_ids, size=mask)
            if read is not None and in_fractions(raw, read):
                mask = points = FRACTIONS
            if read is None or not (stretch or (fits_in(mask, size) and fits_in(points, size))):
                refused += 1
                continue
            own = decoded[number][0] if number in decoded else None
            new = taken_over(current.get(number), own, scaled(read, mask, points, size))
            if new is not None and new != current.get(number):
                found[number] = new
        return Scaled(found, refused)

    def _decoded(self, name: str) -> tuple[dict[int, tuple[Annotation, Raw]], list[Problem]]:
        last, found = self._last_decoded
        if last != name:
            found = self._decode(name)
            self._last_decoded = (name, found)
        return found

    def _decode(self, name: str) -> tuple[dict[int, tuple[Annotation, Raw]], list[Problem]]:
        coco = self.coco
        decoded: dict[int, tuple[Annotation, Raw]] = {}
        problems: list[Problem] = []
        size = self.size(name)
        own = [(coco.ids[place], coco.annotations[place]) for place in self._annotated.places(name)]
        groups: list[tuple[Sequence[tuple[int, Raw]], Mapping[int, int], Mapping[int | str | None, int]]]
        groups = [(own, self._keypoint_counts, coco.class_ids)]
        if addition := self._added.get(name):  # whose classes may be newer than the file
            points = {**self._keypoint_counts, **addition.keypoint_counts}
            groups.append((addition.records, points, {**{c: c for c in addition.class_counts}, **coco.class_ids}))
        for records, points, class_ids in groups:
            for annotation_id, raw in records:
                annotation, found = decode_annotation(
                    raw, annotation_id, points, class_ids=class_ids, size=size, where=name
                )
                problems += found
                if annotation is not None:
                    decoded[annotation_id] = (annotation, raw)
        return decoded, problems

    def holds(self, name: str, state: PhotoState) -> bool:
        """Return whether the file has the annotations of that state, to the decimals that it keeps."""
        try:
            layout = self._laid_out(name, state, None)
        except ValueError:
            return False
        is_noted = layout.image is None or layout.image.notes == self.notes(name)
        return (
            is_noted
            and not layout.added
            and all(
                raw is not None and bytes(raw) == bytes(self.coco.annotations[place])
                for place, raw in layout.replaced.items()
            )
        )

    # Adding to many photos

    def takes_additions(self, name: str, size: Size) -> bool:
        """Return whether the file gives no other size than that (width, height) for a photo. From any thread."""
        own = self._own_image(name)
        return own is None or own.size in (None, size)

    def addition(
        self, name: str, size: Size, annotations: Sequence[Annotation], fields: Mapping[str, Any] = NOTHING
    ) -> PhotoAddition:
        """Return what `add` takes for a photo of that (width, height), whose entry gets `fields` that it lacks.

        From any thread.

        Raises:
            ValueError: no photo has that size.
        """
        image = self._known_image(name) or self._entry(name, size)
        if image.size is None:
            image = image.resized(size)
        return PhotoAddition.of(image.with_fields(fields), annotations, self.coco.written_class_ids)

    def add(self, additions: Mapping[str, PhotoAddition], fields: Mapping[str, Any] = NOTHING) -> None:
        """Have annotations after those of photos, in memory, from the next `write` on also in the file.

        The file gets `fields` that it lacks.
        """
        new = {key: encode(value) for key, value in fields.items() if key not in LISTS}
        self.coco.fields = {**new, **self.coco.fields}
        added = dict(self._added)  # in the place of the other one: threads may be going through that
        for name, addition in additions.items():
            known = added.get(name)
            added[name] = known.followed_by(addition) if known else addition
            if self._own_image(name) is None:
                self._new[name] = addition.image
        self._added = added
        self._last_decoded = ("", ({}, []))

    def add_fields(self, name: str, size: Size, fields: Mapping[str, Any]) -> None:
        """Have those of the fields in a photo's entry that it lacks, in memory; the photo may have been laid out.

        An entry that is made for them gets this size.
        """
        with self._numbering:
            image = self._known_image(name) or self._entry(name, size)
            self.add({name: PhotoAddition(image.with_fields(fields), ())})

    def _entry(self, name: str, size: Size) -> Image:
        """Return an entry for a photo that has none."""
        with self._numbering:
            self._last_image_id += 1
            return Image.new(self._last_image_id, name, size)

    # Writing

    def is_ours(self, path: Path) -> bool:
        """Whether a file is the one that was last read or written here. OSError if it cannot be read."""
        if self.mark is None:
            return False
        if not self.mark.sha256 and not self.mark.is_of(path):
            self.mark = FileMark(self.mark.size, self.mark.mtime_ns, hashlib.sha256(self._data).hexdigest())
        return self.mark.is_of(path)

    def is_in_place(self) -> bool:
        """Whether the file is as it was last read or written here. OSError if it cannot be read."""
        return self.is_ours(self.path)

    def lay_out(self, states: Mapping[str, PhotoState]) -> dict[str, Exception]:
        """Settle where the annotations of photos go in the next `write`.

        Returns the photos whose annotations cannot be written, and why; those stay as they were laid out before.
        """
        refused: dict[str, Exception] = {}
        for name, state in states.items():
            layout = self._layouts.get(name)
            if layout is None or layout.state is not state or layout.entry is not self._known_image(name):
                try:
                    self._layouts[name] = self._laid_out(name, state, layout)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other photos are written
                    refused[name] = error
        return refused

    def write(
        self,
        path: Path,
        categories: Sequence[Category],
        about_to: Callable[[int, str], None],
        place_for: Callable[[Path], Path | None],
        *,
        even_protected: bool = False,
    ) -> FileMark:
        """Write the file with the photos that were laid out; what is there stays as it is if that fails.

        Args:
            path: Where to.
            categories: All classes.
            about_to: Called with size and SHA-256 just before the new file takes its place.
            place_for: Returns where to keep what is replaced: see `replace_file`.
            even_protected: Whether a file that is write-protected is replaced, too.

        Raises:
            OSError: it could not be written.
        """
        if path == self.path and not path.exists() and self._disk not in {None, _disk_of(path)}:
            # The disk was pulled, and what is seen is the empty folder that it was mounted on.
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), os.fspath(path))
        chunks = self._chunks(categories)
        mark = replace_file(path, chunks, about_to, place_for=place_for, even_protected=even_protected)
        self._disk = _disk_of(path)
        return mark

    def write_copy(self, path: Path, categories: Sequence[Category]) -> None:
        """Write the same elsewhere, be it while `write` waits for its disk. OSError if that cannot be done."""
        replace_file(path, self._chunks(categories))

    def _chunks(self, categories: Sequence[Category]) -> Iterable[bytes]:
        """Return the file with the photos that were laid out."""
        replaced: dict[int, Raw | None] = {}
        added: list[Raw] = []
        changed: dict[int, Image] = {}
        for layout in self._layouts.values():
            replaced.update(layout.replaced)
            added += layout.added
            if layout.image:
                changed[layout.image.id] = layout.image
        for name, addition in self._added.items():
            changed.setdefault(addition.image.id, addition.image)  # it may have got its size
            if name not in self._layouts:
                added += [raw for _, raw in addition.records]
        images = (changed.get(image.id, image).raw for image in (*self.coco.images, *self._new.values()))
        return self.coco.chunks(images, categories, replaced, added)

    def _laid_out(self, name: str, state: PhotoState, before: _Layout | None) -> _Layout:
        """Return where the annotations of a photo go. Those that are as they were keep their JSON byte for byte."""
        original, _ = self._decoded(name)
        noted = state.notes is not None and state.notes != (self.notes(name) or NO_NOTES)
        if not (self.knows(name) or state.annotations or state.done or noted):
            return _Layout(state, {}, [], None, None, {})
        image = self._image(name, state.size)
        own = {self.coco.ids[place] for place in self._annotated.places(name)}
        old = self._made_for(image, state, original)
        known = before.raws if before and old is None else {}
        raws: dict[int, tuple[Annotation, Raw]] = {}
        for a in state.annotations:
            if a.id in original and original[a.id][0] == a:
                raws[a.id] = original[a.id]
            elif a.id in known and known[a.id][0] is a:
                raws[a.id] = known[a.id]
            else:
                raws[a.id] = (a, self._encoded(a, original.get(a.id), image, state.size, old))
        replaced = {
            place: raws[number][1] if (number := self.coco.ids[place]) in raws else None
            for place in self._annotated.places(name)
            if self.coco.ids[place] in original or self.coco.ids[place] in raws
        }
        added = [raw for i, (_, raw) in sorted(raws.items()) if i not in own]
        changed = image
        if image.size != state.size and old is None and (raws != original or not own):
            changed = image.resized(state.size)
        if noted and state.notes is not None:
            changed = changed.with_notes(state.notes)
        return _Layout(state, replaced, added, None if changed is image else changed, image, raws)

    def _made_for(self, image: Image, state: PhotoState, original: Mapping[int, tuple[Annotation, Raw]]) -> Size | None:
        """Return the size that the entry gives, as long as annotations are where they were made for that other size."""
        if image.size is None or image.size == state.size:
            return None
        for a in state.annotations:
            own = original.get(a.id)
            if own is not None and not is_moved(a, own[0]) and state.size not in sizes_of(own[1]):
                return image.size
        return None

    def _encoded(
        self, a: Annotation, original: tuple[Annotation, Raw] | None, image: Image, size: Size, old: Size | None
    ) -> Raw:
        """Return the JSON of an annotation that is not as the file has it.

        Where others of the photo are still made for the `old` size, it says so if it is not.
        """
        class_ids = self.coco.written_class_ids
        if original is None:
            return encode_annotation(a, image.id, size, class_ids, mark=size if old else None)
        moved = is_moved(a, original[0])
        after = size if moved or image.size is None else image.size
        mark = size if moved and old else None
        return encode_change(original[1], original[0], a, after, class_ids, size_before=image.size, mark=mark)

    def _image(self, name: str, size: tuple[int, int]) -> Image:
        """Return the photo's entry, made where there is none of its own."""
        with self._numbering:
            known = self._known_image(name)
            if known is None:
                known = self._new[name] = self._entry(name, size)
            return known

    def _known_image(self, name: str) -> Image | None:
        """Return the photo's own entry, be it one that was made for it."""
        return self._own_image(name) or self._new.get(name)

    def _own_image(self, name: str) -> Image | None:
        """Return the entry that is of this photo and no other."""
        if name in self._added:
            return self._added[name].image
        return next((i for i in self._images.get(name, ()) if as_id(i.id) not in self.coco.unclear_images), None)

    def _assign(self, names: Sequence[str], folder: str, apart: Collection[str]) -> int:
        """Find out which photo each entry is about, and put the annotations to it; how many photos there are not."""
        present = set(names)
        matches = match_names((image.file_name for image in self.coco.images), names, folder, apart)
        self.ambiguous = sorted(matches.ambiguous)
        numbers: dict[str, int] = {}  # of photos
        keys: dict[int | str | None, int] = dict.fromkeys(self.coco.unclear_images, UNCLEAR)
        missing = 0
        for image in self.coco.images:
            name = matches.photos.get(image.file_name, image.name)
            missing += name not in present and image.file_name not in matches.ambiguous
            if (key := as_id(image.id)) not in self.coco.unclear_images:
                keys[key] = numbers.setdefault(name, len(numbers))
            self._images.setdefault(name, []).append(image)
        self._annotated = AnnotatedPhotos(self.coco, numbers, keys)
        self.unclear, self.orphans = self._annotated.unclear, self._annotated.orphans
        return missing
