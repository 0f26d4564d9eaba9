"""Which class an index of a class mask is: `labelmap.txt` as CVAT writes it, and the files that other tools write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataset.coco.values import as_color, as_whole
from dataset.formats.base import FormatError, read_bytes
from dataset.formats.csv_text import CsvError, read_rows
from dataset.formats.mask_pictures import MAX_INDEX, colours
from dataset.i18n import tr
from dataset.json_text import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dataset.formats.base import ClassRecord

NAME = "labelmap.txt"
BACKGROUND = "background"
BACKGROUNDS = (BACKGROUND, "_background_", "unlabeled")
MAX_BYTES = 1 << 20
OTHER_NAMES = ("_classes.csv", "dataset_meta.json", "class_names.txt", "classes.txt")
"""Of the same by other tools: Roboflow, Datumaro, labelme, and lists of names."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Names and colours of classes by index, from 1 on."""

    names: dict[int, str] = field(default_factory=dict)
    colors: dict[int, str] = field(default_factory=dict)
    """As "#rrggbb"; not of all."""


def read_label_map(path: Path) -> LabelMap:
    """Return what a `labelmap.txt` says; nothing where there is no file.

    Raises:
        FormatError: It cannot be read.
    """
    if not path.exists():
        return LabelMap()
    lines = [line for line in _text(path).splitlines() if line.strip() and not line.startswith("#")]
    fields = [line.rsplit(":", 3) if line.count(":") >= 3 else [line, ""] for line in lines]
    listed = [(name.strip(), _color(color)) for name, color, *_ in fields]
    return _numbered([name for name, _ in listed], [color for _, color in listed])


def find_label_map(folders: Iterable[Path]) -> LabelMap:
    """Return what the first file in some folders says of classes, in any form known; nothing where there is none.

    Raises:
        FormatError: It cannot be read.
    """
    for folder in folders:
        if (folder / NAME).exists():
            return read_label_map(folder / NAME)
        for name in OTHER_NAMES:
            if (folder / name).exists():
                return _read_other(folder / name)
    return LabelMap()


def _read_other(path: Path) -> LabelMap:
    if path.suffix == ".json":
        return _datumaro(path)
    if path.suffix == ".csv":
        try:
            rows = [row for row in read_rows(path, MAX_BYTES) if len(row) > 1]
        except CsvError as error:
            raise FormatError(str(error)) from None
        found = {number: name for value, name, *_ in rows if (number := as_whole(value)) is not None}
        return LabelMap({index: name.strip() for index, name in found.items() if _is_class(index, name)})
    return _numbered([line.strip() for line in _text(path).splitlines() if line.strip() not in ("", "__ignore__")])


def _datumaro(path: Path) -> LabelMap:
    try:
        given = loads(read_bytes(path, MAX_BYTES)).get("label_map", {})
        pairs = [(as_whole(index), name) for index, name in given.items()]
    except (ValueError, AttributeError):
        raise FormatError(tr("{file} is damaged: {reason}.", file=path, reason=tr("it has no label map"))) from None
    return LabelMap({index: name for index, name in pairs if index is not None and _is_class(index, name)})


def _is_class(index: int, name: object) -> bool:
    return 0 < index <= MAX_INDEX and isinstance(name, str) and name.strip() != ""


def _numbered(names: Sequence[str], colors: Sequence[str] = ()) -> LabelMap:
    """Return classes in order, from 0 where the first one is the background, else from 1."""
    first = 0 if names[:1] and names[0].casefold() in BACKGROUNDS else 1
    found = {index: name for index, name in enumerate(names, first) if _is_class(index, name)}
    return LabelMap(found, {i: color for i, color in enumerate(colors, first) if color and i in found})


def _text(path: Path) -> str:
    try:
        return read_bytes(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError(tr("{file} is not text in UTF-8.", file=path)) from None


def _color(text: str) -> str:
    return as_color([as_whole(value) for value in text.split(",")])


def class_indices(classes: Sequence[ClassRecord], file: Path) -> dict[str, int]:
    """Return the indices of classes in masks by name, those of the target's label map first; there are 254 at most.

    Which photos are exported makes no difference: all classes of the project have one.

    Raises:
        FormatError: That cannot be read.
    """
    names = read_label_map(file).names
    known = {name: index for index, name in names.items()}
    first = max(names, default=0) + 1
    new = [c.name for c in classes if one_line(c.name) not in known]
    made = {c.name: known[one_line(c.name)] for c in classes if one_line(c.name) in known}
    found = known | made | {name: index for index, name in enumerate(new, first) if index <= MAX_INDEX}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def label_map(names: Mapping[int, str], colors: Mapping[int, str] | None = None) -> bytes:
    """Return the file for names by index, all from 1 on, in VOC's colours where no others are given."""
    rows = ["# label:color_rgb:parts:actions", f"{BACKGROUND}:0,0,0::"]
    palette = colours().tolist()
    for index, name in sorted(names.items()):
        color = bytes.fromhex(colors[index][1:]) if colors and colors.get(index) else palette[index]
        rows.append(f"{one_line(name)}:{','.join(map(str, color))}::")
    return "".join(f"{row}\n" for row in rows).encode(errors="replace")


def one_line(name: str) -> str:
    """Return a name without breaks of lines."""
    return " ".join(name.split())
