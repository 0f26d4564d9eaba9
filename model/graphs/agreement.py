"""How far two predictors of the same weights agree: what stands in for AP where nothing is labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dataset import rle
from dataset.i18n import tr
from dataset.masks import rasterize
from model.inference.box_arithmetic import box_iou

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from model.inference.instance import Instance

SURE, ABOUT_SURE = 0.5, 0.3
"""Score from which a detection is to be found by the other one, and the score from which it is found: one at 0.5 that
comes out at 0.49 is no difference."""
SAME = 0.5
"""Mask IoU from which two are the same object."""
MIN_OBJECTS = 20
"""Sure detections, of both together, below which nothing is said."""


@dataclass(frozen=True)
class Agreement:
    """What two predictors find in the same photos."""

    objects: int
    """Sure detections, of both together."""
    share: float
    """Of those that the other one finds, too."""
    overlap: float
    """Mean mask IoU of those with their counterparts; of boxes where there are no masks."""

    @property
    def sentence(self) -> str:
        """The figures, for whoever reads the record."""
        return tr(
            "{share:.1%} of {n} sure detections agree, with a mean mask IoU of {overlap:.3f}",
            share=self.share,
            n=self.objects,
            overlap=self.overlap,
        )


class Detector(Protocol):
    """What is needed of a `model.inference.segmenter.Segmenter`."""

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take a photo [height, width, 3] RGB."""

    def detect(self, score: float) -> list[Instance]:
        """Return the objects in it."""


def agreement(first: Detector, second: Detector, photos: Iterable[NDArray[np.uint8]]) -> Agreement:
    """Return how far two predictors agree on photos [height, width, 3] RGB, in both directions."""
    overlaps: list[float] = []
    for photo in photos:
        found = []
        for predictor in (first, second):
            predictor.set_image(photo)
            found.append(predictor.detect(ABOUT_SURE))
        size = (photo.shape[0], photo.shape[1])
        overlaps += _overlaps(found[0], found[1], size) + _overlaps(found[1], found[0], size)
    met = [value for value in overlaps if value >= SAME]
    return Agreement(len(overlaps), len(met) / max(1, len(overlaps)), float(np.mean(met)) if met else 0.0)


def _overlaps(wanted: list[Instance], found: list[Instance], size: tuple[int, int]) -> list[float]:
    """Return for each sure detection the IoU with the best one of the same class of the other predictor."""
    best = []
    for instance in (i for i in wanted if i.score >= SURE):
        same = [i for i in found if i.category_id == instance.category_id]
        boxes = box_iou(instance.box[None], np.stack([i.box for i in same]))[0] if same else np.zeros(0)
        if instance.polygons:
            near = [i for i, overlap in zip(same, boxes, strict=True) if overlap > 0 and i.polygons]
            masks = [rasterize(i.polygons, (size[1], size[0])) for i in near]
            own = rasterize(instance.polygons, (size[1], size[0]))
            best.append(float(rle.iou(masks, [own], [False]).max()) if masks else 0.0)
        else:
            best.append(float(boxes.max(initial=0)))
    return best
