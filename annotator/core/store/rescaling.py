"""Annotations that were made for another size than their photo has: how they are told, and scaled to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import shapely

from annotator.core.annotation import Visibility
from annotator.core.store.coco_codec import decode_json
from dataset.affine import scaling
from dataset.coco.checks import is_in_fractions
from dataset.coco.values import as_whole
from dataset.masks import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annotator.core.annotation import Annotation
    from dataset.affine import Affine
    from dataset.json_text import Raw

Size = tuple[int, int]
FRACTIONS: Size = (1, 1)
"""What coordinates from 0 to 1 were made for."""
REACH = 1.05
"""Objects that lie farther out of their photo than this share of its side were made for a larger one."""
MIN_REACH = 3
"""Pixels; outlines run out of photos by so many without a reason."""
MIN_SHARE = 0.25
"""Of a photo's objects that then do: one that runs out of it is a slip."""
MARK = "size"
"""Field of `annotator` in an annotation: the (width, height) it was made for, where the photo's entry gives another."""


@dataclass(frozen=True, slots=True)
class SizeMismatch:
    """That annotations of a photo were made for another size."""

    kind: Literal["photo", "mask", "reach", "fractions"]
    """The entry in `images` gives another size than the photo has; masks have another; objects lie far outside; or
    coordinates are parts of the photo instead of pixels."""
    made_for: Size
    """(width, height); of the kind "reach" the smallest multiple of the photo's size in which all objects lie."""
    size: Size
    """(width, height) of the photo."""
    objects: int
    """How many annotations."""

    @property
    def keeps_aspect(self) -> bool:
        """Whether both sizes have the same proportions, but for rounding to whole pixels."""
        return fits_in(self.made_for, self.size)


@dataclass(frozen=True, slots=True)
class Scaled:
    """What annotations of a file become on a photo of another size than they were made for."""

    records: dict[int, Annotation]
    """By id; those that fit as they are, are not in it."""
    refused: int = 0
    """How many were made for a size of other proportions, or have nothing that could be scaled."""


def same_aspect(a: Size, b: Size) -> bool:
    """Return whether one size is the other one scaled and rounded to whole pixels, up or down."""
    (w, h), (large_w, large_h) = sorted((a, b))
    return abs(w - large_w * h / large_h) <= 1 or abs(h - large_h * w / large_w) <= 1


def fits_in(made_for: Size, size: Size) -> bool:
    """Return whether what was made for one size can be scaled to another without a stretch."""
    return made_for == FRACTIONS or same_aspect(made_for, size)


def in_fractions(raw: Raw, annotation: Annotation) -> bool:
    """Return whether an annotation, read from this JSON, is in parts of the photo, from 0 to 1."""
    if annotation.shape.is_empty or max(shapely.bounds(annotation.shape)) > 1:
        return False
    record = decode_json(raw)
    return isinstance(record, dict) and is_in_fractions(record)


def sizes_of(raw: Raw) -> tuple[Size | None, Size | None]:
    """Return the (width, height) that an annotation's JSON gives for its mask, and for itself; None where it does not.

    The second is what `mark_of` reads.
    """
    if b'"size"' not in bytes(raw):
        return None, None
    record = decode_json(raw)
    return (mask_size(record), mark_of(record)) if isinstance(record, dict) else (None, None)


def mask_size(record: Mapping[str, Any]) -> Size | None:
    """Return the (width, height) that the run-length encoded mask of an annotation was made for."""
    mask = record.get("segmentation")
    mask = mask[0] if isinstance(mask, list) and mask else mask
    height_width = _size(mask.get("size")) if isinstance(mask, dict) else None
    return height_width[::-1] if height_width else None


def mark_of(record: Mapping[str, Any]) -> Size | None:
    """Return the (width, height) that we noted an annotation was made for, where its photo's entry gives another."""
    own = record.get("annotator")
    return _size(own.get(MARK)) if isinstance(own, dict) else None


def _size(value: object) -> Size | None:
    sides = [as_whole(v) for v in value] if isinstance(value, list) else []
    if len(sides) != 2 or sides[0] is None or sides[1] is None or min(sides[0], sides[1]) < 1:
        return None
    return (sides[0], sides[1]) if sides[0] * sides[1] <= MAX_PIXELS else None


def find_mismatch(
    raws: Sequence[Raw], read: Sequence[tuple[Annotation, Raw]], entry: Size | None, size: Size
) -> SizeMismatch | None:
    """Return what of a photo's annotations was made for another size, None where nothing was.

    Args:
        raws: The JSON of those that the file has.
        read: Those that can be understood, with their JSON.
        entry: (width, height) that the file gives for the photo.
        size: (width, height) of the photo.
    """
    parts = sum(in_fractions(raw, annotation) for annotation, raw in read)
    if parts:
        return SizeMismatch("fractions", FRACTIONS, size, parts)
    sizes = [sizes_of(raw) for raw in raws]
    given = entry or size
    others = sum((mark or given) != size for _, mark in sizes)
    if others and entry is not None:
        return SizeMismatch("photo", entry, size, others)
    masks = [mask for mask, _ in sizes if mask not in (None, size)]
    if masks and masks[0] is not None:
        return SizeMismatch("mask", masks[0], size, len(masks))
    return _reaching([annotation for annotation, _ in read], size)


def _reaching(annotations: Sequence[Annotation], size: Size) -> SizeMismatch | None:
    """Return that objects were made for a larger photo: many lie far out of it, to the right or below alone."""
    boxes = [shapely.bounds(a.shape).tolist() for a in annotations if not a.shape.is_empty]
    if any(min(x, y) < -MIN_REACH for x, y, _, _ in boxes):
        return None
    ends = [max(x / size[0], y / size[1]) for _, _, x, y in boxes]
    outside = [end for end, box in zip(ends, boxes, strict=True) if end > REACH and _is_far(box[2], box[3], size)]
    factor = math.ceil(max(outside, default=1) - 0.02)
    if factor < 2 or len(outside) < MIN_SHARE * len(boxes):
        return None
    return SizeMismatch("reach", (factor * size[0], factor * size[1]), size, len(outside))


def _is_far(x: float, y: float, size: Size) -> bool:
    return x > size[0] + MIN_REACH or y > size[1] + MIN_REACH


def scaled(annotation: Annotation, made_for: Size, points_for: Size, size: Size) -> Annotation:
    """Return an annotation on a photo of another size.

    Args:
        annotation: Its outline and keypoints are where they were made.
        made_for: (width, height) that the outline was made for.
        points_for: (width, height) that keypoints, and a box without an outline, were made for.
        size: (width, height) of the photo.
    """
    outline = _map(points_for if annotation.is_box else made_for, size)
    move = _map(points_for, size)
    points = [
        k if k.visibility is Visibility.UNLABELLED else k._replace(x=move.xx * k.x, y=move.yy * k.y)
        for k in annotation.keypoints
    ]
    return replace(annotation, shape=outline.shape(annotation.shape), keypoints=tuple(points))


def _map(source: Size, target: Size) -> Affine:
    return scaling((0, 0, *source), (0, 0, *target))


def taken_over(current: Annotation | None, own: Annotation | None, new: Annotation) -> Annotation | None:
    """Return what becomes of what is on record: what of its place is still as in the file is scaled, the rest stays.

    Args:
        current: What is on record; None where there is nothing of that id.
        own: What the file's annotation was read as, None where it could not be.
        new: That annotation, scaled.
    """
    if current is None:
        return new if own is None else None  # else it was deleted
    if own is None or own == current:
        return new if own is None else replace(new, id=current.id)
    if own.shape == current.shape:
        current = replace(current, shape=new.shape, is_box=new.is_box)
    return replace(current, keypoints=new.keypoints) if own.keypoints == current.keypoints else current


def is_moved(current: Annotation, own: Annotation | None) -> bool:
    """Return whether what is on record lies elsewhere than the file has it: a person has put it there."""
    return own is None or current.shape != own.shape or current.keypoints != own.keypoints
