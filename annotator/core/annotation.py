"""One annotation: what it is, where it is, where it came from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from shapely import MultiPolygon

if TYPE_CHECKING:
    from collections.abc import Mapping


class Origin(StrEnum):
    """Who made the outline."""

    DRAWN = "drawn"  # a person, from nothing
    SUGGESTED = "suggested"  # the model, accepted as it was
    EDITED = "edited"  # the model, corrected by a person


class Visibility(IntEnum):
    """COCO's keypoint flag v."""

    UNLABELLED = 0  # x = y = 0
    OCCLUDED = 1
    VISIBLE = 2


class Keypoint(NamedTuple):
    """A keypoint in pixels of the upright photo; the pixel (0, 0) covers [0, 1) x [0, 1)."""

    x: float
    y: float
    visibility: Visibility


UNLABELLED = Keypoint(0.0, 0.0, Visibility.UNLABELLED)
"""One that is not on the photo, as COCO writes it."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
Z_ORDER = "z_order"  # an annotation's field in the COCO file, as CVAT has it: what has more lies over what has less


@dataclass(frozen=True, slots=True)
class Annotation:
    """An object in a photo. Never changed in place: an edit puts a new record where the old one was.

    A suggestion is the same record, with an id below zero, a score and `Origin.SUGGESTED`.
    """

    id: int
    """Above zero and unique in the file for annotations, below zero for suggestions."""
    category_id: int
    """The id of its `Category`."""
    shape: MultiPolygon = field(default_factory=MultiPolygon)
    """Parts and holes in pixels of the upright photo. May be empty (keypoints only) or self-intersecting."""
    keypoints: tuple[Keypoint, ...] = ()
    """As many as its category names, or none."""
    origin: Origin = Origin.DRAWN
    """Who made the outline."""
    score: float | None = None
    """The model's confidence in [0, 1], for what came from a model."""
    is_box: bool = False
    """The shape is the outline of a box, and no mask was ever given."""
    is_crowd: bool = False
    """COCO's `iscrowd`: the shape covers a group, not one object."""
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """COCO fields that we do not know, as they came."""

    @property
    def is_suggestion(self) -> bool:
        """Whether the model offers it and nobody has accepted it yet."""
        return self.id < 0

    def with_shape(self, shape: MultiPolygon) -> Annotation:
        """Return the same object with another outline, drawn by a person."""
        return replace(self, shape=shape, origin=self._touched(), is_box=False)

    def with_keypoints(self, keypoints: tuple[Keypoint, ...]) -> Annotation:
        """Return the same object with other keypoints, set by a person."""
        return replace(self, keypoints=keypoints, origin=self._touched())

    def _touched(self) -> Origin:
        return Origin.DRAWN if self.origin is Origin.DRAWN else Origin.EDITED


def painting_key(record: Annotation) -> tuple[float, int]:
    """Return what objects on record are sorted by, the lowest first: `z_order`, 0 without one, then the id."""
    value = record.extra.get(Z_ORDER, 0)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return (value if is_number else 0, record.id)
