"""Projects of VIA 3, written; `via` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.formats import via
from dataset.formats.base import Format
from dataset.formats.via import version3
from dataset.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataset.formats.base import Dataset


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the project."""
    yield "", encode(version3.project(data))


FORMAT = Format("via3", "VIA 3 JSON", ".json", None, write, losses=via.losses)
