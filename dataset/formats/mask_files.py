"""Files of masks: which files of a folder are some, of which photo each is, what is in them, and names for new ones."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.formats.base import FormatError
from dataset.formats.mask_pictures import MAX_OBJECTS, VOID, outlines
from dataset.formats.photo_files import images_in
from dataset.i18n import plural, tr
from dataset.masks import MAX_DECODED
from dataset.messages import listing, os_reason
from dataset.photo_names import match_names
from dataset.pictures.images import PhotoError, photo_size, read_indices, read_photo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from shapely import MultiPolygon

SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
FOLDERS = ("masks", "mask", "class_masks", "instance_masks", "SegmentationClass", "SegmentationObject", "labels")
"""In which masks lie beside their photos, in the order in which they are looked for."""
_WORD = re.compile(r"[._-](?:cp_)?(?:masks?|labels?|seg|instances?|gt)$", re.IGNORECASE)
"""After the photo's name in that of its mask."""
_OBJECT = re.compile(r"(?P<name>.*?[^\W\d_].*?)[ ._-]?\d{1,6}$")
"""The name of a mask of one object, with a number after its class."""
_HASH = re.compile(r"[0-9a-f]{16,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A file of masks."""

    name: str
    """Relative to the folder that they are in."""
    photo: str
    """As the folder of photos has it; "" where there is none."""
    of_object: bool = False
    """Whether a photo has a file for each of its objects."""

    @property
    def class_name(self) -> str:
        """The class of its object, as its name has it before a number; "" where it has none."""
        stem = PurePosixPath(self.name).stem
        own = PurePosixPath(self.photo).stem
        stem = stem[len(own) :].lstrip(" ._-") if own and stem.startswith(own) else stem
        found = _OBJECT.match(stem)
        name = found["name"].strip(" ._-") if found and not _HASH.fullmatch(stem) else ""
        return "" if name.lower() in ("mask", "object", "instance", "label", "seg", "obj") else name


@dataclass(slots=True)
class MaskProblems:
    """What of a folder of masks is left out."""

    damaged: list[str] = field(default_factory=list)
    missing: int = 0
    """Masks of no photo."""

    def sentences(self) -> tuple[str, ...]:
        """Return a sentence for each kind."""
        found = []
        if self.missing:
            found.append(
                plural(
                    "{n:,} mask is of no photo in the folder and is left out.",
                    "{n:,} masks are of no photos in the folder and are left out.",
                    self.missing,
                )
            )
        if self.damaged:
            found.append(plural("{names} is no mask of whole numbers in its photo's size and is left out.",
                                "{names} are no masks of whole numbers in their photos' sizes and are left out.",
                                len(self.damaged), names=listing(self.damaged)))  # fmt: skip
        return tuple(found)


def mask_names(names: Sequence[str]) -> list[str]:
    """Return the path of a mask for each photo: `cup.png` for `cup.jpg`, `cup.jpg.png` where there is another `cup`."""
    often = Counter(str(PurePosixPath(name).with_suffix("")).casefold() for name in names)
    taken: set[str] = set()
    made = []
    for name in names:
        stem = str(PurePosixPath(name).with_suffix(""))
        made.append(f"{stem if often[stem.casefold()] == 1 and f'{stem}.png'.casefold() not in taken else name}.png")
        taken.add(made[-1].casefold())
    return made


def masks_folder(source: Path) -> Path:
    """Return the folder of a dataset's masks. Raises FormatError where there is none."""
    try:
        if not source.exists():
            raise FormatError(tr("{file} does not exist.", file=source))
        if not source.is_dir():
            return source.parent
        listed = [source / name for name in FOLDERS]
        return next((path for path in listed if path.is_dir()), source)
    except OSError as error:
        raise FormatError(tr("{file} cannot be read: {reason}.", file=source, reason=os_reason(error))) from None


def find_masks(source: Path, images: Path) -> list[MaskFile]:
    """Return the masks in a folder, or one file of them, each with the photo that it is of.

    A photo's mask has its name, maybe with a word such as `_mask` after it, or lies in a folder of its name, or has a
    name that begins with it: then it is of one object. Photos of the project are no masks, unless they lie in a folder
    of masks or have such a word in their name.

    Raises:
        FormatError: It cannot be read.
    """
    folder = masks_folder(source)
    listed = list(_listed(folder)) if source.is_dir() else [source.name]
    base, root = folder.resolve(), images.resolve()
    photos = images_in(images)
    places = {str(root / name): name for name in photos}
    if base == root or not base.is_relative_to(root):
        listed = [name for name in listed if str(base / name) not in places or _is_marked(name)]
    own = {str(base / name) for name in listed}
    return _matched(listed, [name for place, name in places.items() if place not in own], root.name)


def _matched(listed: Sequence[str], photos: Sequence[str], folder: str) -> list[MaskFile]:
    stems = Counter(map(_stem, photos))
    known = {_stem(photo): photo for photo in photos if stems[_stem(photo)] == 1} | {photo: photo for photo in photos}
    direct = {name: known.get(_stem(name)) or known.get(_bare(name), "") for name in listed}
    taken = set(direct.values())
    ends = {name: f"{_bare(name)}.png" for name, photo in direct.items() if not photo}
    matches = match_names(dict.fromkeys(ends.values()), [p for p in photos if p not in taken], folder).photos
    found = {name: direct[name] or matches.get(ends[name], "") for name in listed}
    owners = {PurePosixPath(stem).name: known[stem] for stem in known} if not all(found.values()) else {}
    return [MaskFile(name, photo) if photo else _of_object(name, owners) for name, photo in found.items()]


def _of_object(name: str, owners: Mapping[str, str]) -> MaskFile:
    """Return the mask of one object: its folder is called as its photo, or its name begins with the photo's."""
    path = PurePosixPath(name)
    folder = next((part for part in reversed(path.parent.parts) if part not in FOLDERS), "")
    if folder in owners:
        return MaskFile(name, owners[folder], of_object=True)
    stem = path.stem
    ends = [at for at, character in enumerate(stem) if character in " ._-"]
    photo = next((owners[stem[:end]] for end in reversed(ends) if stem[:end] in owners), "")
    return MaskFile(name, photo, of_object=True)


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _bare(name: str) -> str:
    return _WORD.sub("", _stem(name))


def _is_marked(name: str) -> bool:
    """Return whether a name says that the file is a mask."""
    return _bare(name) != _stem(name) or any(part in FOLDERS for part in PurePosixPath(name).parent.parts)


def _listed(folder: Path) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(here, name).relative_to(folder).as_posix()


class PhotoSizes:
    """The sizes of a folder's photos, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, int]] = {}

    def __getitem__(self, name: str) -> tuple[int, int]:
        """Return a photo's (width, height); (0, 0) where it cannot be read."""
        if name not in self._known:
            try:
                self._known[name] = photo_size(self._folder / name)
            except PhotoError:
                self._known[name] = (0, 0)
        return self._known[name]


def read_mask(path: Path, size: tuple[int, int]) -> NDArray[Any]:
    """Return a mask's indices [H, W] in 8 or 16 bits; one in colours as [H, W] of 24 bits, red first.

    Raises:
        PhotoError: It is no picture.
        ValueError: It is not of that size.
    """
    if photo_size(path) != size or size[0] * size[1] > MAX_DECODED:
        raise ValueError(size)
    try:
        return read_indices(path)
    except PhotoError:
        red, green, blue = read_photo(path).transpose(2, 0, 1).astype(np.uint32)
        return red << 16 | green << 8 | blue


def shapes_in(mask: NDArray[Any], void: int | None = VOID) -> dict[int, MultiPolygon]:
    """Return the outline of each index of a mask, or of each colour but black. Raises ValueError where it is none."""
    if mask.itemsize < 4:
        return outlines(mask, void if mask.itemsize == 1 else None)
    found, indices = np.unique(mask, return_inverse=True)
    if len(found) > MAX_OBJECTS:
        raise ValueError("a photo, not a mask")
    numbers = np.arange(len(found)) + (found[0] != 0)  # black is 0
    shapes = outlines(numbers.astype(np.uint16)[indices.reshape(mask.shape)], None)
    colors = dict(zip(numbers.tolist(), found.tolist(), strict=True))
    return {colors[number]: shape for number, shape in shapes.items()}
