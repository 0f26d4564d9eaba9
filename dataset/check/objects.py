"""The objects of some photos, read together for their checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset import rle
from dataset.check.outlines import Outlines, measure
from dataset.coco.raw_file import decode_record
from dataset.coco.values import as_box, as_flag, as_segmentation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dataset.check.contents import Contents, ImageEntry, Key
    from dataset.coco.values import OutlineProblem
    from dataset.rle import Rle

_SHORT, _NEAR = 1400, 2e3
"""A ring of so many numbers, none of them further off, is never too long for the rasteriser."""


@dataclass(slots=True)
class ObjectEntry:
    """An annotation that is a record and belongs to a photo."""

    place: int
    """In the file's list."""
    key: Key
    """Its id as it is compared."""
    image: ImageEntry
    category: int | None
    """Id of its class in the table; None where it is of none."""
    record: dict[str, Any]
    box: tuple[float, float, float, float] | None
    """Its bbox: x, y, width, height."""
    rings: list[NDArray[np.float64]]
    """Those of its outline that are some, each [V, 2]; empty where it has a mask or neither."""
    mask: Rle | None
    """Its run-length encoded mask."""
    problem: OutlineProblem | None
    """What is wrong with its segmentation."""
    row: int = -1
    """In the measures of the outlines; -1 where it has no rings."""

    @property
    def is_crowd(self) -> bool:
        """Whether it covers several objects."""
        return as_flag(self.record.get("iscrowd"))


@dataclass(frozen=True)
class ObjectBatch:
    """Objects with the measures of their outlines."""

    objects: list[ObjectEntry]
    outlines: Outlines


def read_batch(contents: Contents, images: Iterable[ImageEntry]) -> ObjectBatch:
    """Return the objects of some photos."""
    objects: list[ObjectEntry] = []
    outlined: list[list[NDArray[np.float64]]] = []
    for image in images:
        for place in image.annotations:
            found = _read(contents, image, place)
            if found is not None:
                if found.rings:
                    found.row = len(outlined)
                    outlined.append(found.rings)
                objects.append(found)
    return ObjectBatch(objects, measure(outlined))


def _read(contents: Contents, image: ImageEntry, place: int) -> ObjectEntry | None:
    record = decode_record(contents.raw.annotations[place])
    if record is None:
        return None
    category = contents.table.ids.get(contents.ids.category_ids[place])
    given = record.get("segmentation")
    rings = _plain_rings(given)
    mask, problem = None, None
    if rings is None:
        rings = []
        found, problem = as_segmentation(given, image.size, fits=False)
        if isinstance(found, dict):
            mask = rle.from_coco(found, (found["size"][0], found["size"][1]))
        elif found:
            rings = [np.reshape(ring, (-1, 2)) for ring in found]
    box = as_box(record.get("bbox"))
    return ObjectEntry(place, contents.ids.ids[place], image, category, record, box, rings, mask, problem)


def _plain_rings(given: object) -> list[NDArray[np.float64]] | None:
    """Return the rings of a segmentation that is as COCO has it, None for any other, which takes a closer look."""
    if not isinstance(given, list) or not given:
        return None
    rings = []
    for numbers in given:
        if type(numbers) is not list or len(numbers) < 6 or len(numbers) % 2 or len(numbers) > _SHORT:
            return None
        try:
            ring = np.array(numbers)
        except (ValueError, OverflowError):
            return None
        if ring.ndim != 1 or ring.dtype.kind not in "if" or not np.abs(ring).max() < _NEAR:  # NaN is neither
            return None
        rings.append(ring.astype(np.float64).reshape(-1, 2))
    return rings
