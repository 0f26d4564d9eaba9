"""Which photo of a folder the `file_name` of a record means, written as another computer or tool has it."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataset.folder import FolderError, list_images

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

MAX_PARTS = 64
"""Parts of a path that are compared, from the last on."""


@dataclass(frozen=True, slots=True)
class NameMatches:
    """What names mean."""

    photos: dict[str, str] = field(default_factory=dict)
    """Name, as in the file -> the photo, as a path relative to the folder. Names of no photo are not there."""
    ambiguous: frozenset[str] = frozenset()
    """Names that may mean several photos, or the same photo as another name."""


def with_slashes(name: str) -> str:
    """Return a path as Windows may have written it, with forward slashes."""
    return name.replace("\\", "/").removeprefix("./")


def namesakes(photos: Iterable[str]) -> frozenset[str]:
    """Return the photos whose last part of the path others have, too, but for upper and lower case."""
    last = {photo: _caseless(photo.rpartition("/")[2]) for photo in photos}
    counts = Counter(last.values())
    return frozenset(photo for photo, name in last.items() if counts[name] > 1)


def match_names(
    names: Iterable[str], photos: Sequence[str], folder: str = "", apart: Collection[str] = ()
) -> NameMatches:
    """Return which of a folder's photos names mean; a name without doubt goes before one with less in common.

    A photo is meant by exactly its path; or, where that has a backslash, by the path that it is on Windows; or by what
    follows the folder's own name; or by the longest common end of the paths, where the last part is the same but for,
    in this order: nothing, the composition of its characters (NFC or NFD), upper and lower case, the ending. No photo
    is meant by two names.

    Args:
        names: As in a file.
        photos: Paths relative to the folder.
        folder: The folder's own name.
        apart: Photos that are not meant by the last part of a path alone: they were there beside their `namesakes`.
    """
    present = set(photos)
    names = list(names)
    if present.issuperset(names):
        return NameMatches({name: name for name in names})  # a loop of Python's, which lets other threads in
    paths = {name: name if name in present else with_slashes(name) for name in names}
    matches = _match_paths(list(dict.fromkeys(paths.values())), present, photos, folder, apart)
    return NameMatches(
        {name: matches.photos[path] for name, path in paths.items() if path in matches.photos},
        frozenset(name for name, path in paths.items() if path in matches.ambiguous),
    )


def _match_paths(
    wanted: list[str], present: set[str], photos: Sequence[str], folder: str, apart: Collection[str]
) -> NameMatches:
    found = {name: name for name in wanted if name in present}
    rest = [name for name in wanted if name and name not in present]
    if not rest:
        return NameMatches(found)
    taken = set(found)
    for name in rest:
        after = _after_folder(name, folder)
        if after in present and after not in taken:
            found[name] = after
            taken.add(after)
    claims, unclear = _claims(
        [name for name in rest if name not in found], [photo for photo in photos if photo not in taken], apart
    )
    for photo, claimants in claims.items():
        length = max(claimants)[0]
        longest = [name for common, name in claimants if common == length]
        if len(longest) == 1:
            found[longest[0]] = photo
        unclear.update(name for _, name in claimants if found.get(name) != photo)
    return NameMatches(found, frozenset(unclear))


def _claims(
    names: list[str], photos: list[str], apart: Collection[str]
) -> tuple[dict[str, list[tuple[int, str]]], set[str]]:
    """Return the names that may mean each photo, with how many parts they have in common, and names of several."""
    claims: dict[str, list[tuple[int, str]]] = {}
    unclear: set[str] = set()
    for plain in (_same, _composed, _caseless, _without_ending):
        ends = _by_end(photos, plain)
        left = []
        for name in names:
            end = next((end for end in _ends(plain(name)) if end in ends), None)
            if end is None:
                left.append(name)
            elif not ends[end] or ("/" not in name and ends[end] in apart):
                unclear.add(name)
            elif "/" in end or ends[end] not in apart:
                claims.setdefault(ends[end], []).append((end.count("/"), name))
        names = left
        if not names:
            break
    return claims, unclear


def find_photos(names: Sequence[str], folder: Path) -> NameMatches:
    """Return which files in a folder names mean. None that a name leads to outside the folder is looked at."""
    direct = {
        name: path
        for name in dict.fromkeys(names)
        for path in (with_slashes(name), name)  # the last one counts
        if file_in(folder, path)
    }
    others = [name for name in names if name and name not in direct]
    if not others:
        return NameMatches(direct)
    try:
        photos = list_images(folder)
    except FolderError:
        return NameMatches(direct)
    taken = set(direct.values())
    matches = match_names(others, [photo for photo in photos if photo not in taken], folder.resolve().name)
    return NameMatches(direct | matches.photos, matches.ambiguous)


def file_in(folder: Path, name: str) -> Path | None:
    """Return the file that a path relative to a folder leads to; None where it leaves the folder, or there is none."""
    path = folder / name if is_inside(name) else None
    return path if path and _is_file(path) else None


def is_inside(name: str) -> bool:
    """Return whether a path stays in the folder that it starts from."""
    parts = name.replace(os.sep, "/").split("/")
    return bool(name) and bool(parts[0]) and ".." not in parts and ":" not in parts[0] and "\0" not in name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or that no file can have
        return False


def _after_folder(name: str, folder: str) -> str:
    _, slash, after = f"/{name}".partition(f"/{folder}/") if folder else ("", "", "")
    return after if slash else ""


def _ends(path: str) -> Iterator[str]:
    """Yield the ends of a path, the longest first: "a/b/c", "b/c", "c"."""
    parts = path.split("/")[-MAX_PARTS:]
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _by_end(photos: Sequence[str], plain: Callable[[str], str]) -> dict[str, str]:
    """Return the photo that each end of a path belongs to, "" where there are several."""
    found: dict[str, str] = {}
    for photo in photos:
        for end in _ends(plain(photo)):
            found[end] = "" if end in found else photo
    return found


def _same(name: str) -> str:
    return name


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _caseless(name: str) -> str:
    return _composed(name).casefold()


def _without_ending(name: str) -> str:
    stem, dot, ending = _caseless(name).rpartition(".")
    return stem if dot and stem and "/" not in ending else _caseless(name)


def unique_ids(
    ids: Sequence[int | str | None], names: Sequence[str], used: Collection[int | str | None]
) -> tuple[list[int | str], frozenset[int | str]]:
    """Return an id for every entry of `images`, and those ids that are of several photos which nothing tells apart.

    An entry without an id gets a new one, and so does a later entry of another photo with the same id, as long as no
    annotation has that id: it would belong to either.

    Args:
        ids: As in the file (`coco_values.as_id`).
        names: Of the photos.
        used: Ids that annotations have.
    """
    next_id = max((number for number in (*ids, *used) if isinstance(number, int)), default=0)
    first: dict[int | str, str] = {}
    found: list[int | str] = []
    unclear: set[int | str] = set()
    for number, name in zip(ids, names, strict=True):
        if number is not None and first.setdefault(number, name) == name:
            found.append(number)
        elif number is not None and number in used:
            unclear.add(number)
            found.append(number)
        else:
            next_id += 1
            found.append(next_id)
    return found, frozenset(unclear)
