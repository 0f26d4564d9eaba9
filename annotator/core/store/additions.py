"""Annotations that many photos are given at once: JSON from the start, because as records they would take gigabytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from annotator.core.store.coco_codec import encode_annotation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annotator.core.annotation import Annotation
    from annotator.core.store.coco_images import Image


NOTHING: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PhotoAddition:
    """What follows the annotations that a COCO file has for a photo."""

    image: Image
    """The photo's entry."""
    records: tuple[tuple[int, bytes], ...]
    """Id and JSON of each annotation."""
    class_counts: Counter[int] = field(default_factory=Counter)
    """How many are of each class, by its id."""
    keypoint_counts: Mapping[int, int] = field(default_factory=lambda: NOTHING)
    """How many keypoints those of a class have, for classes that have some."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the photo."""
        return self.image.size or (0, 0)

    @classmethod
    def of(cls, image: Image, annotations: Sequence[Annotation], class_ids: Mapping[int, Any]) -> PhotoAddition:
        """Return that of annotations in a photo whose entry has its size; `class_ids` as for `encode_annotation`."""
        size = image.size or (0, 0)
        records = ((a.id, encode_annotation(a, image.id, size, class_ids)) for a in annotations)
        points = {a.category_id: len(a.keypoints) for a in annotations if a.keypoints}
        return cls(image, tuple(records), Counter(a.category_id for a in annotations), points or NOTHING)

    def followed_by(self, other: PhotoAddition) -> PhotoAddition:
        """Return this one and what comes after it, whose entry was made of this one's."""
        points = {**self.keypoint_counts, **other.keypoint_counts}
        return PhotoAddition(other.image, self.records + other.records, self.class_counts + other.class_counts, points)
