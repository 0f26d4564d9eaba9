"""Which class an index of a class mask is: `labelmap.txt` as CVAT writes it, else the twenty classes of VOC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.formats.base import FormatError, read_bytes
from dataset.formats.voc.masks import MAX_INDEX, colours
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "labelmap.txt"
BACKGROUND = "background"
MAX_BYTES = 1 << 20
VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


def read_label_map(path: Path) -> dict[int, str]:
    """Return the names of classes by index, from 1 on; none where there is no file.

    Raises:
        FormatError: It cannot be read.
    """
    if not path.exists():
        return {}
    try:
        lines = read_bytes(path, MAX_BYTES).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise FormatError(tr("{file} is not text in UTF-8.", file=path)) from None
    listed = [line for line in lines if line.strip() and not line.startswith("#")]
    names = [(line.rsplit(":", 3)[0] if line.count(":") >= 3 else line).strip() for line in listed]
    first = 0 if names[:1] == [BACKGROUND] else 1
    return {index: name for index, name in enumerate(names, first) if 0 < index <= MAX_INDEX and name}


def label_map(names: Mapping[int, str]) -> bytes:
    """Return the file for names by index, all from 1 on."""
    rows = ["# label:color_rgb:parts:actions", f"{BACKGROUND}:0,0,0::"]
    palette = colours().tolist()
    for index, name in sorted(names.items()):
        rows.append(f"{one_line(name)}:{','.join(map(str, palette[index]))}::")
    return "".join(f"{row}\n" for row in rows).encode(errors="replace")


def one_line(name: str) -> str:
    """Return a name without breaks of lines."""
    return " ".join(name.split())
