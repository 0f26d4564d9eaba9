"""A `model.inference.segmenter.Segmenter` of two networks: masks of the first, keypoints of persons of the second.

torchvision's official models know either masks of 80 categories or keypoints of persons; `coco+coco-keypoints` is both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dataset.i18n import tr
from model.checkpoints.names import WeightsError, are_there
from model.inference.box_arithmetic import box_iou
from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataset.coco.categories import Category
    from model.inference.instance import Instance, Polygons
    from model.inference.likely_objects import LikelyObject
    from model.inference.photo_regions import EncodedImage
    from model.inference.segmenter import Segmenter

SAME_IOU = 0.5
"""Box IoU from which detections of the two models are the same person."""
JOIN = "+"


def load_predictor(weights: str | Path = "builtin", device: str = "auto") -> Segmenter:
    """Return a predictor for weights, or for two joined by a plus sign: masks from one, keypoints from the other.

    Raises:
        model.checkpoints.weights.WeightsError: The weights cannot be used.
        model.inference.device.DeviceError: There is no such device.
    """
    names = _split(str(weights))
    if names is None:
        return Predictor(weights, device)
    first, second = names
    masks, points = Predictor(first, device), Predictor(second, device)
    if not points.config.keypoints:
        raise WeightsError(
            tr("{weights} knows no keypoints: name weights that do after the {sign} sign.", weights=second, sign=JOIN)
        )
    return MaskKeypointPredictor(masks, points)


def names(weights: str | Path) -> tuple[str, ...]:
    """Return the names of weights that a name stands for: itself, or the two of a pair."""
    return _split(str(weights)) or (str(weights),)


def _split(weights: str) -> tuple[str, str] | None:
    """Return the two names that a plus sign joins, or None for one name: it may also be a part of a file's name."""
    parts = weights.split(JOIN)
    if len(parts) == 1 or are_there(weights):
        return None
    ways = [(JOIN.join(parts[:i]), JOIN.join(parts[i:])) for i in range(1, len(parts))]
    both = (way for way in ways if all(map(are_there, way)))
    one = (way for way in ways if any(map(are_there, way)))  # the other one is then what is missing
    return next(both, None) or next(one, None)


class MaskKeypointPredictor:
    """Predicts as `Predictor` does: the first one's instances, with the second one's keypoints on them."""

    def __init__(self, masks: Predictor, points: Predictor) -> None:
        self.masks, self.points = masks, points
        self.name = f"{masks.name}{JOIN}{points.name}"
        self.id = f"{masks.id}{points.id}"
        self._person = next(c for c in points.categories if c.keypoint_names)
        same = {c.id for c in masks.categories if c.name == self._person.name}
        self.categories: tuple[Category, ...] = tuple(
            replace(c, keypoint_names=self._person.keypoint_names, skeleton=self._person.skeleton)
            if c.id in same
            else c
            for c in masks.categories
        )
        self._with_points = same

    @property
    def device(self) -> str:
        """Where the models compute."""
        return self.masks.device

    @property
    def notice(self) -> str:
        """What a person should know about how either computes."""
        return self.masks.notice or self.points.notice

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the photo."""
        return self.masks.image_size

    @property
    def has_masks(self) -> bool:
        """Whether the first model has a mask head."""
        return self.masks.has_masks

    def reduce_memory(self) -> str:
        """Reduce what both networks take alike; see `Predictor.reduce_memory`."""
        change = self.masks.reduce_memory()
        if self.masks.device == "cpu":  # where nothing is reduced: each has its own size, or gets it back
            self.points.short_side = self.points.config.short_side
        else:
            self.points.short_side = min(self.points.short_side, self.masks.short_side)
        self.points.to(self.masks.device)
        return change

    def to(self, device: str) -> None:
        """Move both networks to another device; see `Predictor.to`."""
        self.masks.to(device)
        self.points.to(device)

    def forget(self) -> None:
        """Drop the photo and the memory that its features take."""
        self.masks.forget()
        self.points.forget()

    @property
    def encoded(self) -> tuple[EncodedImage, EncodedImage] | None:
        """The photo as both networks have encoded it; see `Predictor.encoded`."""
        masks, points = self.masks.encoded, self.points.encoded
        return None if masks is None or points is None else (masks, points)

    def restore(self, encoded: tuple[EncodedImage, EncodedImage]) -> None:
        """Make a photo the current one again; see `Predictor.restore`."""
        self.masks.restore(encoded[0])
        self.points.restore(encoded[1])

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Run both backbones on a photo; see `Predictor.set_image`."""
        self.masks.set_image(image)
        self.points.set_image(image)

    @property
    def long_side(self) -> int:
        """Of the first model's input."""
        return self.masks.long_side

    @property
    def batch(self) -> int:
        """Photos that `detect_many` had best get at a time: two networks look at one photo after the other."""
        return 1

    def detect_many(
        self, images: Sequence[NDArray[np.uint8]], score: float = 0.05, max_detections: int | None = None
    ) -> list[list[Instance]]:
        """Return what is in each of several photos; see `Predictor.detect_many`."""
        found = []
        for image in images:
            self.set_image(image)
            found.append(self.detect(score, max_detections))
        self.forget()
        return found

    def detect(self, score: float = 0.05, max_detections: int | None = None) -> list[Instance]:
        """Return what is in the photo; see `Predictor.detect`.

        A person has the keypoints of the second model's detection that it overlaps most, or of its own box where that
        model sees nobody.
        """
        found = self.masks.detect(score, max_detections)
        persons = [i for i, instance in enumerate(found) if instance.category_id in self._with_points]
        if not persons:
            return found
        seen = [i for i in self.points.detect(score, max_detections) if i.keypoints is not None]
        boxes = np.stack([found[i].box for i in persons])
        points, scores = self.points.keypoints_for_boxes(boxes)
        if seen:
            overlap = box_iou(boxes, np.stack([s.box for s in seen]))
            for row, best in enumerate(overlap.argmax(1)):
                match = seen[best]
                if overlap[row, best] >= SAME_IOU and match.keypoints is not None and match.keypoint_scores is not None:
                    points[row], scores[row] = match.keypoints, match.keypoint_scores
        for row, i in enumerate(persons):
            found[i] = replace(found[i], keypoints=points[row], keypoint_scores=scores[row])
        return found

    def masks_for_boxes(
        self, boxes: NDArray[np.floating], categories: Sequence[int | None] | None = None, *, quick: bool = False
    ) -> list[Instance]:
        """Return an instance for each given box; see `Predictor.masks_for_boxes`."""
        found = self.masks.masks_for_boxes(boxes, categories, quick=quick)
        if quick:
            return found
        points, scores = self.points.keypoints_for_boxes(boxes)
        return [
            replace(instance, keypoints=points[i], keypoint_scores=scores[i])
            if instance.category_id in self._with_points
            else instance
            for i, instance in enumerate(found)
        ]

    def objects_at(self, x: float, y: float) -> list[LikelyObject]:
        """Return what may be at a place to the first model; see `Predictor.objects_at`."""
        return self.masks.objects_at(x, y)

    def likeness(self, x: float, y: float, box: NDArray[np.floating], cells: int) -> NDArray[np.float32]:
        """Return how much a place is to the first model like those around; see `Predictor.likeness`."""
        return self.masks.likeness(x, y, box, cells)

    def outline_of(self, mask: NDArray[np.float32], box: NDArray[np.float32]) -> Polygons:
        """Return the polygons of a mask; see `Predictor.outline_of`."""
        return self.masks.outline_of(mask, box)

    def keypoints_for_boxes(self, boxes: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return keypoints in given boxes; see `Predictor.keypoints_for_boxes`."""
        return self.points.keypoints_for_boxes(boxes)

    def classify_boxes(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probabilities of the first model's categories; see `Predictor.classify_boxes`."""
        return self.masks.classify_boxes(boxes)
