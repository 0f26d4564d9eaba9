"""Detection in photos much larger than the network's input: the whole photo, and tiles of it, merged.

Small objects have too few pixels left in the whole photo, scaled down; large ones are cut by the tiles. So both are
looked at, tiles overlapping (slicing aided inference, Akyon et al., ICIP 2022), and what a tile cuts is left to another
look that has it whole, or joined with what the next tile has of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from dataset.geometry import from_parts, rectangle, to_parts, valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from dataset.coco.categories import Category
    from model.inference.instance import Instance, Polygons
    from model.inference.likely_objects import LikelyObject
    from model.inference.segmenter import Segmenter

LARGE = 3.0
"""A photo is looked at in tiles if its longer side is more than so many times the longer side of the model's input."""
LEAST_SIDE = 1000
"""Pixels of the longer side up to which no photo is, whatever the model: its small objects have few pixels anyway."""
TILE = 1.25
"""Longer side of a tile, in such sides, at most; more where the photo would have more than MAX_ACROSS tiles a side."""
MAX_ACROSS = 4
OVERLAP = 0.25
"""Of a tile's sides, that the next one has as well."""
SAME_IOU = 0.5
"""IoU of two masks of a class from which they are one object (of two parts of it: where both tiles are)."""
COVERED = 0.7
"""Share of a mask under another one of its class from which it is a part of it; half of that if a tile cut it."""
BORDER = 2.0
"""Pixels from a tile's edge within which a box is cut by it, at the input's scale."""
ID = "tiles-2"
"""Of what is found so: it is another for other rules."""


class LookGivenUpError(Exception):
    """Something more urgent came between two tiles. The same photo goes on from there, unless another comes before."""


class PhotoTile(NamedTuple):
    """A part of a photo, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass
class _Found:
    """What one look has found."""

    instance: Instance
    shape: BaseGeometry
    tile: PhotoTile | None = None
    """The tile that cuts it."""


class _Begun(NamedTuple):
    """What the first tiles of a photo have shown."""

    photo: NDArray[np.uint8]
    score: float
    seen: list[list[Instance]]


def tiles(width: int, height: int, side: float) -> list[PhotoTile]:
    """Return overlapping tiles of a photo's proportions, none longer than `side` unless that were too many."""
    count = next((n for n in range(1, MAX_ACROSS) if max(width, height) / _spread(n) <= side), MAX_ACROSS)
    across, down = (np.linspace(0, full - full / _spread(count), count) for full in (width, height))
    return [
        PhotoTile(int(x), int(y), int(np.ceil(x + width / _spread(count))), int(np.ceil(y + height / _spread(count))))
        for y, x in product(down, across)
    ]


def _spread(count: int) -> float:
    """Return how many tiles long so many overlapping ones are."""
    return 1 + (count - 1) * (1 - OVERLAP)


class CloserLook:
    """A `model.inference.segmenter.Segmenter` that looks at large photos in tiles, too; at others as the model does.

    Prompts with boxes and places are answered as by the model, from the whole photo's features: for a small box it
    enlarges a crop around it by itself.
    """

    def __init__(self, model: Segmenter, is_given_up: Callable[[], bool] = lambda: False) -> None:
        """`is_given_up` is asked between tiles: then `detect` raises LookGivenUpError."""
        self.model = model
        self.on_whole: Callable[[list[Instance]], object] = lambda _found: None
        """Called by `detect` with what a large photo shows as a whole, before its tiles are looked at, once a photo."""
        self._is_given_up = is_given_up
        self._photo: NDArray[np.uint8] | None = None
        self._begun: _Begun | None = None

    @property
    def id(self) -> str:
        """Another than the model's: large photos have other predictions."""
        return f"{self.model.id}-{ID}"

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def device(self) -> str:
        """The model's."""
        return self.model.device

    @property
    def categories(self) -> tuple[Category, ...]:
        """The model's."""
        return self.model.categories

    @property
    def notice(self) -> str:
        """What a person should know about how the model computes."""
        return self.model.notice

    @property
    def has_masks(self) -> bool:
        """The model's."""
        return self.model.has_masks

    @property
    def long_side(self) -> int:
        """The model's."""
        return self.model.long_side

    @property
    def batch(self) -> int:
        """The model's."""
        return self.model.batch

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the photo."""
        return self.model.image_size

    def is_large(self, width: int, height: int) -> bool:
        """Return whether a photo of this size is looked at in tiles."""
        return max(width, height) > max(LARGE * self.model.long_side, LEAST_SIDE)

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Encode the whole photo; tiles are when something is to be detected."""
        self.model.set_image(image)
        self._photo = image

    @property
    def encoded(self) -> Any:  # noqa: ANN401 - the model's
        """The whole photo as the model has encoded it; see `Segmenter.encoded`."""
        return None if self.model.encoded is None else (self._photo, self.model.encoded)

    def restore(self, encoded: Any) -> None:  # noqa: ANN401 - likewise
        """Make a photo the current one again; see `Segmenter.restore`."""
        self._photo = encoded[0]
        self.model.restore(encoded[1])

    def forget(self) -> None:
        """Drop the photo."""
        self.model.forget()
        self._photo = None

    def detect(self, score: float = 0.05, max_detections: int | None = None) -> list[Instance]:
        """Return what is in the photo, best first; see `Segmenter.detect`.

        Raises:
            LookGivenUpError: Something more urgent came.
        """
        photo, whole = self._photo, self.model.detect(score, max_detections)
        if photo is None or not self.is_large(photo.shape[1], photo.shape[0]):
            return whole
        parts = tiles(photo.shape[1], photo.shape[0], TILE * self.model.long_side)
        if self._begun is None or self._begun.photo is not photo or self._begun.score != score:
            self._begun = _Begun(photo, score, [])
            self.on_whole(whole[:max_detections])
        seen, encoded = self._begun.seen, self.model.encoded
        try:
            while len(seen) < len(parts):
                if self._is_given_up():
                    raise LookGivenUpError
                chosen = parts[len(seen) : len(seen) + self.model.batch]
                pixels = [np.ascontiguousarray(photo[t.top : t.bottom, t.left : t.right]) for t in chosen]
                seen += self.model.detect_many(pixels, score)
        finally:
            self.model.forget()
        self._begun = None
        self.model.restore(encoded)  # for the prompts that follow
        longer = max(parts[0].right - parts[0].left, parts[0].bottom - parts[0].top)
        margin = BORDER * longer / self.model.long_side
        merged = merge(whole, zip(parts, seen, strict=True), (photo.shape[1], photo.shape[0]), margin)
        return merged[:max_detections]

    def detect_many(
        self, images: Sequence[NDArray[np.uint8]], score: float = 0.05, max_detections: int | None = None
    ) -> list[list[Instance]]:
        """Return what is in each of several photos; see `Segmenter.detect_many`."""
        small = [i for i, image in enumerate(images) if not self.is_large(image.shape[1], image.shape[0])]
        seen = self.model.detect_many([images[i] for i in small], score, max_detections) if small else []
        found = dict(zip(small, seen, strict=True))
        for index, image in enumerate(images):
            if index not in found:
                self.set_image(image)
                found[index] = self.detect(score, max_detections)
        self.forget()
        return [found[index] for index in range(len(images))]

    def masks_for_boxes(
        self, boxes: NDArray[np.floating], categories: Sequence[int | None] | None = None, *, quick: bool = False
    ) -> list[Instance]:
        """Return the model's."""
        return self.model.masks_for_boxes(boxes, categories, quick=quick)

    def keypoints_for_boxes(self, boxes: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the model's."""
        return self.model.keypoints_for_boxes(boxes)

    def objects_at(self, x: float, y: float) -> list[LikelyObject]:
        """Return the model's."""
        return self.model.objects_at(x, y)

    def likeness(self, x: float, y: float, box: NDArray[np.floating], cells: int) -> NDArray[np.float32]:
        """Return the model's."""
        return self.model.likeness(x, y, box, cells)

    def outline_of(self, mask: NDArray[np.float32], box: NDArray[np.float32]) -> Polygons:
        """Return the model's."""
        return self.model.outline_of(mask, box)

    def reduce_memory(self) -> str:
        """Have the model take less."""
        self._photo = self._begun = None
        return self.model.reduce_memory()


def merge(
    whole: Iterable[Instance], parts: Iterable[tuple[PhotoTile, list[Instance]]], size: tuple[int, int], margin: float
) -> list[Instance]:
    """Return the objects that several looks at a photo have found, each once, best first.

    Args:
        whole: Those of the whole photo.
        parts: Those of each tile, in its pixels.
        size: (width, height) of the photo.
        margin: Pixels from a tile's edge within which a box is cut by it.
    """
    uncut, cut = [_Found(instance, _shape(instance)) for instance in whole], []
    for tile, instances in parts:
        for instance in (instance.moved(tile.left, tile.top) for instance in instances):
            is_cut = _is_cut(instance.box, tile, size, margin)
            (cut if is_cut else uncut).append(_Found(instance, _shape(instance), tile if is_cut else None))
    kept: list[_Found] = []
    for found in (*_by_score(uncut), *_by_score(cut)):
        others = [k for k in kept if k.instance.category_id == found.instance.category_id and _touch(k, found)]
        if any(_is_same(found, other) for other in others):
            continue
        part_of = next((other for other in others if _continues(found, other)), None)
        if part_of is None:
            kept.append(found)
        else:
            _join(part_of, found)
    return [found.instance for found in _by_score(kept)]


def _by_score(found: Iterable[_Found]) -> list[_Found]:
    return sorted(found, key=lambda f: -f.instance.score)


def _shape(instance: Instance) -> BaseGeometry:
    return valid(from_parts(instance.polygons) if instance.polygons else rectangle(*map(float, instance.box)))


def _is_cut(box: NDArray[np.float32], tile: PhotoTile, size: tuple[int, int], margin: float) -> bool:
    """Return whether a box reaches an edge of a tile that is none of the photo's."""
    edges = np.array(tile)
    inside = np.array((edges[0] > 0, edges[1] > 0, edges[2] < size[0], edges[3] < size[1]))
    return bool((inside & (np.abs(box - edges) < margin)).any())


def _touch(a: _Found, b: _Found) -> bool:
    first, second = a.instance.box, b.instance.box
    return bool((first[:2] < second[2:]).all() and (second[:2] < first[2:]).all())


def _is_same(found: _Found, kept: _Found) -> bool:
    """Return whether what is kept is the same object, or has this part of it."""
    if kept.tile is not None and found.tile is not None and kept.tile != found.tile:
        return False
    area, other, both = found.shape.area, kept.shape.area, found.shape.intersection(kept.shape).area
    covered = COVERED if found.tile is None else COVERED / 2
    return both > SAME_IOU * (area + other - both) or both > covered * area


def _continues(found: _Found, kept: _Found) -> bool:
    """Return whether two parts of an object, cut by two tiles, agree where both tiles are."""
    if kept.tile is None or found.tile is None or kept.tile == found.tile:
        return False
    a, b = kept.tile, found.tile
    common = (max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom))
    if common[0] >= common[2] or common[1] >= common[3]:
        return False
    first, second = (shapely.clip_by_rect(shape, *common) for shape in (kept.shape, found.shape))
    both = first.intersection(second).area
    return both > SAME_IOU * (first.area + second.area - both)


def _join(kept: _Found, found: _Found) -> None:
    """Make one object of two parts: the better one's score, class and keypoints, and the outline of both."""
    assert kept.tile is not None
    assert found.tile is not None
    a, b = kept.tile, found.tile
    kept.tile = PhotoTile(min(a.left, b.left), min(a.top, b.top), max(a.right, b.right), max(a.bottom, b.bottom))
    first, second = kept.instance.box, found.instance.box
    box = np.concatenate((np.minimum(first[:2], second[:2]), np.maximum(first[2:], second[2:])))
    kept.shape = kept.shape.union(found.shape)
    polygons = kept.instance.polygons
    if polygons:
        parts = [p for p in shapely.get_parts(kept.shape) if isinstance(p, shapely.Polygon) and not p.is_empty]
        outlines = to_parts(shapely.MultiPolygon(sorted(parts, key=lambda part: -part.area)))
        polygons = [[ring.astype(np.float32) for ring in part] for part in outlines]
    kept.instance = replace(kept.instance, box=box, polygons=polygons)
