"""Which annotations of other tools a folder of photos holds, by cheap looks: names, and the first bytes of some files.

Nothing is decoded; whether a file is good shows when it is read.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset.folder import natural_key
from dataset.formats.base import formats
from dataset.formats.csv_boxes import is_header
from dataset.messages import listing
from dataset.pictures.images import SUFFIXES
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dataset.formats.base import Format

MAX_DEPTH = 3
"""Folders in one another that are looked into."""
MAX_ENTRIES = 200_000
"""Names that are looked at; more of a folder's are left alone."""
MAX_HEADS = 40
"""Files whose first bytes are looked at."""
HEADS_A_FOLDER = 3
"""Of one kind, before photos' own files are taken for alike."""
HEAD = 1 << 15
"""Bytes of a file that are looked at."""
IN_FOLDERS = ("labelme", "x_anylabeling")
"""Formats of a file beside each photo: the whole folder is read."""
_ENDINGS = (".json", ".geojson", ".xml", ".csv", ".txt", ".yaml", ".yml", ".iap")
_LABEL_LINE = re.compile(rb"\d+(?: -?[0-9.eE+-]+){4,}\s*$")


@dataclass(frozen=True, slots=True)
class FoundAnnotations:
    """Annotations of one format in a folder."""

    format: Format
    sources: tuple[Path, ...]
    """Files or folders that are to be read, one after the other."""

    def names(self, folder: Path) -> str:
        """Return the sources as people read them: relative to the folder, the first of them by name."""
        return listing([path.relative_to(folder).as_posix() for path in self.sources if path != folder], 1)


class _Listing:
    """The names in a folder and its subfolders, but for hidden ones."""

    def __init__(self, folder: Path, skip: frozenset[Path], cancelled: Callable[[], bool]) -> None:
        self.folder = folder
        self.files: dict[str, list[str]] = {}
        """By folder, relative to the whole ("" for itself): the files with endings of annotations."""
        self.pictures: dict[str, set[str]] = {}
        """Names of pictures without their endings, by folder: of those that have any."""
        self._heads: dict[str, bytes] = {}
        waiting, left = [""], MAX_ENTRIES
        while waiting and left > 0 and not cancelled():
            here = waiting.pop()
            files, subfolders, seen = self._list(here, skip)
            left -= seen
            self.files[here] = files
            if here.count("/") + bool(here) < MAX_DEPTH:
                waiting += [f"{here}/{name}" if here else name for name in reversed(subfolders)]

    def _list(self, here: str, skip: frozenset[Path]) -> tuple[list[str], list[str], int]:
        files: list[str] = []
        subfolders: list[str] = []
        seen = 0
        try:
            with os.scandir(self.folder / here) as entries:
                for entry in entries:
                    seen += 1
                    name = entry.name
                    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122  a Path each costs ten times the listing
                    if name.startswith("."):
                        continue
                    if ending in SUFFIXES:
                        self.pictures.setdefault(here, set()).add(_stem(name))
                    elif ending in _ENDINGS:
                        if self.folder / here / name not in skip:
                            files.append(name)
                    elif entry.is_dir(follow_symlinks=False):
                        subfolders.append(name)
        except OSError:
            pass
        return sorted(files, key=natural_key), sorted(subfolders, key=natural_key), seen

    def ending(self, *endings: str) -> Iterator[str]:
        """Yield the first files of each folder with one of some endings, relative to the whole.

        Those that are called like a picture come after those of the whole folder, and are counted apart.
        """
        for here, names in self.files.items():
            pictures = self.pictures.get(here, set())
            found = [name for name in names if name.lower().endswith(endings)]
            whole = [name for name in found if _stem(name) not in pictures]
            beside = [name for name in found if _stem(name) in pictures]
            chosen = whole[:HEADS_A_FOLDER] + beside[:HEADS_A_FOLDER]
            yield from (f"{here}/{name}" if here else name for name in chosen)

    def head(self, name: str) -> bytes:
        """Return the first bytes of a file in UTF-8; empty where it cannot be read, or too many were looked at."""
        if name not in self._heads and len(self._heads) < MAX_HEADS:
            try:
                with open_regular(self.folder / name) as file:
                    self._heads[name] = _as_utf8(file.read(HEAD))
            except OSError:
                self._heads[name] = b""
        return self._heads.get(name, b"")


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _as_utf8(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="ignore").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


_OWN = re.compile(rb'"generator"\s*:\s*"annotator ')
"""In files of suggestions that the application's own commands wrote: no person has looked at them."""


def find_annotations(
    folder: Path, own: Sequence[Path] = (), cancelled: Callable[[], bool] = lambda: False
) -> list[FoundAnnotations]:
    """Return the annotations of other tools in a folder of photos and its subfolders, by format. Slow: reads a disk.

    Args:
        folder: The folder.
        own: The project's own files, which are none.
        cancelled: Called before each folder; once it returns true the search ends.
    """
    look = _Listing(folder, frozenset(own), cancelled)
    found: dict[str, dict[str, None]] = {}
    for name, source in _all(look):
        found.setdefault(name, {})[source] = None
    known = {file_format.name: file_format for file_format in formats()}
    return [
        FoundAnnotations(known[name], tuple(folder / source for source in sources)) for name, sources in found.items()
    ]


def _all(look: _Listing) -> Iterator[tuple[str, str]]:
    """Yield formats, and sources relative to the folder."""
    for name in look.ending(".json", ".geojson"):
        head = look.head(name)
        if not _OWN.search(head) and (kind := _kind_of_json(head)):
            yield kind, "" if kind in IN_FOLDERS else _folder_of(name) if kind == "geojson" else name
    for name in look.ending(".iap"):
        yield "digitalsreeni", name
    for name in look.ending(".xml"):
        if b"<annotations" in look.head(name):
            yield "cvat", name
        elif b"<annotation" in look.head(name):
            yield "voc", _dataset_of(name, "Annotations")
    for name in look.ending(".csv"):
        if is_header(look.head(name).partition(b"\n")[0].decode(errors="replace")):
            yield "csv", name
    yield from _yolo(look)
    yield from _masks(look)


def _kind_of_json(head: bytes) -> str:
    """Return the format of a JSON file by its beginning, "" for others."""
    start = head.lstrip()[:1]
    if b'"shapes"' in head or (b'"imagePath"' in head and start == b"{"):
        is_dialect = b'"kie_linking"' in head or b'"checked"' in head
        return "x_anylabeling" if is_dialect else "labelme"
    if b'"_via_' in head or b'"shape_attributes"' in head or b'"data_format_version"' in head:
        return "via"
    if b'"FeatureCollection"' in head:
        return "geojson"
    if start == b"[":
        if b'"image_id"' in head and b'"category_id"' in head:
            return "coco"
        return "label_studio" if b'"data"' in head and re.search(rb'"(annotations|predictions)"', head) else ""
    is_coco = re.search(rb'"images"\s*:\s*\[', head) or re.search(rb'"annotations"\s*:\s*\[', head)
    return "coco" if is_coco and re.search(rb'"(file_name|image_id|category_id|supercategory)"', head) else ""


def _yolo(look: _Listing) -> Iterator[tuple[str, str]]:
    described = False
    for name in look.ending(".yaml", ".yml"):
        if re.search(rb"^names\s*:", look.head(name), re.MULTILINE):
            described = True
            yield "yolo", name
    for name in look.ending(".txt") if not described else ():
        if _LABEL_LINE.match(look.head(name).partition(b"\n")[0].strip()):
            yield "yolo", _dataset_of(name, "labels")
            return


def _masks(look: _Listing) -> Iterator[tuple[str, str]]:
    for here, names in look.files.items():
        inside = here in look.pictures or any(start.startswith(f"{here}/" if here else "") for start in look.pictures)
        if inside and "objects.csv" in names:
            yield "instance_masks", here
        elif inside and {"labelmap.txt", "_classes.csv", "class_names.txt"} & set(names):
            is_voc = any(name.rpartition("/")[2] == "Annotations" for name in look.files)
            if not is_voc:
                yield "class_masks", here


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _dataset_of(name: str, folder: str) -> str:
    """Return the folder that a dataset's folder of such a name is in, for a file in it; else the file's own folder."""
    parts = name.split("/")[:-1]
    return "/".join(parts[: parts.index(folder)] if folder in parts else parts)
