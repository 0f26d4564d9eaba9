"""Prediction with one network: encode an image once, then detect in it or segment given boxes any number of times.

predictor = Predictor("builtin")
predictor.set_image(read_photo("street.jpg"))
for instance in predictor.detect(score=0.5):
    ...
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset.i18n import tr
from model.config import UNUSED
from model.inference.edge_snapping import EdgeGuide
from model.inference.engine import BoxDetections
from model.inference.engines.choice import open_engine
from model.inference.feature_similarity import likeness, resampled
from model.inference.keypoint_scoring import least_before
from model.inference.likely_objects import MOST, LikelyObject, likely_boxes
from model.inference.photo_regions import EncodedImage, PhotoRegions
from model.inference.polygons import mask_confidence
from model.inference.preprocess import NetworkInput, resize_and_pad
from model.inference.score_shifts import before_shifts, shifted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataset.coco.categories import Category
    from model.checkpoints.checkpoint import Checkpoint
    from model.inference.engine import Engine, Features
    from model.inference.graph_file import Graphs
    from model.inference.instance import Instance, Polygons

CONFIDENT = 0.15
"""Score below which a detection is hardly ever looked at: where outlines are fitted to the photo, its is not, and its
keypoints are known to a cell only."""
GPU_BATCH = 8
"""Photos at a time on a GPU."""
MIN_SIDE = 256
"""Below this shorter side people get too small to be found: the CPU is the better way out."""
SHRINK = 0.7
"""Factor of the shorter side where a GPU runs out of memory."""

LIKENESS_LEVELS = (1, 2)
"""Of the features' maps, from the finest on, those in which places are compared: either alone is a little worse, and
the finest worse again."""

FITTING = 0.3
"""Probability of a class in a given box from which its mask is drawn, rather than that of anything: an IoU of 0.736
rather than 0.734 in boxes around all 80 classes, of 0.845 rather than 0.781 around nuclei, which no class fits."""
REFINE_BELOW = 128.0
"""Pixels of the network's input along the longer side of a given box, below which the box is looked at closely."""
REFINE_SIDE, REFINE_AROUND = 256, 1.6
"""Longer side of the input then, and sides of the part of the photo in it, relative to the longer one of the box."""


@dataclass
class _Places:
    """What was found out about the photo for clicks, which come several to a place and an object."""

    likely: BoxDetections | None = None
    last: tuple[float, float] | None = None
    objects: list[LikelyObject] = field(default_factory=list)  # at the last place
    units: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = field(default_factory=list)  # of LIKENESS_LEVELS


class Predictor:
    """A network with weights on a device, and its current image: a `model.inference.segmenter.Segmenter`."""

    def __init__(self, weights: str | Path | Checkpoint | Graphs = "builtin", device: str = "auto") -> None:
        """Load weights.

        Args:
            weights: A name or file as `model.checkpoints.weights.load` takes it, or what it returned.
            device: `auto` (CUDA when there is one), `cpu`, `cuda` or another name that torch knows.

        Raises:
            model.checkpoints.weights.WeightsError: The weights cannot be used.
            model.inference.device.DeviceError: There is no such device.
        """
        self._engine: Engine = open_engine(weights, device)
        self.name = str(weights) if isinstance(weights, str | Path) else "checkpoint"
        self.config = self._engine.config
        self.metrics = self._engine.metrics
        self._outputs = self._engine.outputs
        self.categories: tuple[Category, ...] = tuple(c for c in self._outputs if c.name != UNUSED)
        self.short_side = self.config.short_side
        """Pixels to which the next photo's shorter side is scaled; less needs less memory."""
        self.long_side = self.config.long_side
        self.forget()

    def to(self, device: str) -> None:
        """Move the network to another device. The photo has to be set again.

        Raises:
            model.inference.device.DeviceError: There is no such device.
        """
        self._engine.to(device)
        self.forget()

    @property
    def device(self) -> str:
        """Torch's name of the device."""
        return self._engine.device

    @property
    def notice(self) -> str:
        """What a person should know about how it computes."""
        return self._engine.notice

    @property
    def has_masks(self) -> bool:
        """Whether there is a mask head."""
        return self.config.mask_head != "none"

    def reduce_memory(self) -> str:
        """Scale the next images to a shorter side that is smaller by SHRINK, below MIN_SIDE move to the CPU instead.

        Returns:
            A sentence with what was changed; empty on the CPU, where nothing is.
        """
        self.forget()
        if self.device == "cpu":
            return ""
        smaller = int(self.short_side * SHRINK)
        if smaller >= MIN_SIDE:
            self.short_side = smaller
            return tr("The GPU's memory is full: photos are now scaled to {n} pixels.", n=smaller)
        self.short_side = self.config.short_side
        self.to("cpu")
        return tr("The GPU's memory is full: the CPU goes on.")

    @property
    def id(self) -> str:
        """Another one for other weights or other arithmetic: what is predicted may be kept under it."""
        return self._engine.id

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the photo; (0, 0) before there is one."""
        return self._regions.size if self._regions else (0, 0)

    def forget(self) -> None:
        """Drop the photo and the memory that its features take."""
        self.encoded: EncodedImage | None = None
        """The photo as it was encoded, for `restore`; None before there is one."""
        self._regions: PhotoRegions | None = None
        self._places = _Places()

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Run the backbone on a photo, once for all calls that follow.

        Args:
            image: [height, width, 3] uint8 RGB.

        Raises:
            ValueError: The array is no such photo.
            model.inference.engine.MemoryFullError: The device's memory does not suffice; a smaller `short_side` may
                help.
        """
        placed = self._placed(image)
        self.forget()
        self._look_at(placed, self._engine.encode(placed.pixels, [placed.inner])[0])

    def _placed(self, image: NDArray[np.uint8]) -> NetworkInput:
        return resize_and_pad(image, self.short_side, self.long_side)

    def _look_at(self, placed: NetworkInput, features: Features) -> None:
        """Make a photo and its features the current image."""
        guide = EdgeGuide(placed.photo) if self.config.fit_edges else None
        self.restore(EncodedImage(features, placed.photo, guide, placed.input, placed.inner))

    def restore(self, encoded: EncodedImage) -> None:
        """Make a photo the current one again, as this network has encoded it on the same device."""
        self.encoded, self._regions, self._places = encoded, PhotoRegions(self._engine, encoded), _Places()

    @property
    def batch(self) -> int:
        """Photos that `detect_many` had best get at a time: several keep a GPU busy, and gain nothing on a CPU."""
        return GPU_BATCH if self.device.startswith("cuda") else 1

    def detect_many(
        self, images: Sequence[NDArray[np.uint8]], score: float = 0.05, max_detections: int | None = None
    ) -> list[list[Instance]]:
        """Return what is in each of several photos, as `set_image` and `detect` do photo by photo.

        Only photos that have one input size go through the backbone together: padding beyond what a photo has alone
        would change what is found at its edges. Afterwards no photo is set.

        Raises:
            ValueError: An array is no photo.
            model.inference.engine.MemoryFullError: The device's memory does not suffice for so many.
        """
        self.forget()
        placed = [self._placed(image) for image in images]
        alike: dict[tuple[int, int], list[int]] = {}
        for index, photo in enumerate(placed):
            alike.setdefault(photo.input, []).append(index)
        found: dict[int, list[Instance]] = {}
        for members in alike.values():
            pictures = np.concatenate([placed[i].pixels for i in members])
            features = self._engine.encode(pictures, [placed[i].inner for i in members])
            for own, index in zip(features, members, strict=True):
                self._look_at(placed[index], own)
                found[index] = self.detect(score, max_detections)
        self.forget()
        return [found[index] for index in range(len(placed))]

    def detect(self, score: float = 0.05, max_detections: int | None = None) -> list[Instance]:
        """Return what is in the photo, best first.

        Args:
            score: Least score of an instance.
            max_detections: Instances at most; None leaves it to the network's config.

        Raises:
            ValueError: The score is not within 0..1, or the number is negative.
            RuntimeError: No photo was set.
        """
        regions = self._require_image()
        most = self.config.detections if max_detections is None else max_detections
        if not 0 <= score <= 1 or most < 0:
            raise ValueError(f"a score is within 0..1 and a number not negative, unlike {score} and {most}")
        least = before_shifts(score, self.config)  # by class
        found = regions.detect(float(least_before(least, self.config).min()), most)
        found = found[self._may_count(found, least)]
        # Keypoints first: the masks of those that they leave too unsure, and their outlines, would take longer.
        keypoints = regions.keypoints_of(found, before_shifts(self._exact_from, self.config)[found.labels])
        likely = keypoints.rescored(found.scores, self.config) > least[found.labels]
        found, keypoints = found[likely], keypoints[likely]
        masks = regions.masks(found.boxes, found.labels)
        scores = found.scores
        if len(masks) and self.config.mask_score:
            scores = (scores * [mask_confidence(mask) for mask in masks]).astype(np.float32)
        scores = shifted(keypoints.rescored(scores, self.config), found.labels, self.config)
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > score]
        found = BoxDetections(found.boxes[order], scores[order], found.labels[order])
        boxes = regions.boxes_of(found.boxes)
        masks = masks[order] if len(masks) else masks
        return regions.instances(found, masks, boxes, found.scores >= self._exact_from, keypoints[order])

    def _may_count(self, found: BoxDetections, least: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return [N] bool, which have a score over their class's least one, or may come to it by their keypoints."""
        classes = [self._outputs[label - 1] for label in found.labels.tolist()]
        has_keypoints = np.array([bool(c.keypoint_names) for c in classes], bool)
        limits = np.where(has_keypoints, least_before(least, self.config)[found.labels], least[found.labels])
        return (found.scores > limits) & np.array([c.name != UNUSED for c in classes], bool)

    @property
    def _exact_from(self) -> float:
        """Score from which outlines and keypoints are found exactly: all are, where outlines are not fitted."""
        return 0.0 if self._require_image().guide is None else CONFIDENT

    def masks_for_boxes(
        self, boxes: NDArray[np.floating], categories: Sequence[int | None] | None = None, *, quick: bool = False
    ) -> list[Instance]:
        """Return an instance for each given box: its mask, and keypoints where its category has them.

        Args:
            boxes: [N, 4] xyxy in coordinates of the photo; what reaches over its edges is nothing.
            categories: The id of each box's category; where it is None, and without this list, the class that fits the
                box best. Of one that hardly fits the mask is that of anything, where the network has learned it.
            quick: Masks alone, without keypoints and without a second look at small boxes: a fraction of the time.

        Raises:
            ValueError: The boxes have another shape, are no numbers or inside out, or a category is not the model's.
            RuntimeError: No photo was set.
        """
        regions = self._require_image()
        inner = regions.boxes_in(boxes)
        probabilities = regions.classify(inner)  # [N, classes + 1]
        labels = self._named(probabilities).argmax(1)
        if categories is not None:
            if len(categories) != len(inner):
                raise ValueError(f"{len(inner)} boxes need as many categories, not {len(categories)}")
            index = {c.id: i for i, c in enumerate(self._outputs, 1) if c.name != UNUSED}
            unknown = [c for c in categories if c is not None and c not in index]
            if unknown:
                raise ValueError(f"the model has no category {unknown[0]}")
            wanted = np.array([-1 if c is None else index[c] for c in categories], np.int64)
            labels = np.where(wanted < 0, labels, wanted)
        scores = np.take_along_axis(probabilities, labels[:, None], 1)[:, 0]
        told = [category is not None for category in categories or [None] * len(inner)]
        is_settled = np.array(told, bool) | (not self.config.draws_anything)
        masks = regions.masks(inner, np.where(is_settled, labels, _drawn(labels, scores)))
        given = np.asarray(boxes, np.float32)
        detections, exact = BoxDetections(inner, scores, labels), np.ones(len(inner), bool)
        keypoints = (
            regions.no_keypoints(len(inner)) if quick else regions.keypoints_of(detections, np.zeros(len(inner)))
        )
        found = regions.instances(detections, masks, given, exact, keypoints)
        if quick:
            return found
        sides = (inner[:, 2:] - inner[:, :2]).max(1, initial=0).tolist()
        return [
            self._refine_small_box(instance, box, label, is_settled=settled) if 0 < side < REFINE_BELOW else instance
            for instance, box, label, side, settled in zip(found, inner, labels, sides, is_settled, strict=True)
        ]

    def _refine_small_box(
        self, instance: Instance, inner: NDArray[np.float32], label: np.int64, *, is_settled: np.bool_
    ) -> Instance:
        """Return what was found in a small given box with the mask and the keypoints that a second look gives it.

        The features of the whole photo hardly show a small object. The second look is at a part of the photo, enlarged;
        both count the same, but in boxes under half of REFINE_BELOW: the smaller those, the more counts the second.
        Whether each draws the class or anything is for its own probabilities to say, unless that `is_settled`.
        """
        regions = self._require_image()
        box = regions.clipped(instance.box)
        middle, half = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()) * REFINE_AROUND / 2
        left, top = (max(0, int(v)) for v in np.floor(middle - half))
        right, bottom = (int(v) for v in np.ceil(middle + half))
        closer = copy(self)
        closer.short_side = closer.long_side = REFINE_SIDE
        closer.set_image(np.ascontiguousarray(regions.photo[top:bottom, left:right]))
        close = closer._require_image()
        corner = np.array([left, top], np.float32)
        enlarged = close.boxes_in(box[None] - np.tile(corner, 2))
        share = min(0.5, float((inner[2:] - inner[:2]).max()) / REFINE_BELOW)
        own = closely = np.array([label])
        if not is_settled:
            near = close.classify(enlarged)[:, label]
            own, closely = _drawn(own, np.array([instance.score])), _drawn(own, near)
        looks = zip(regions.masks(inner[None], own), close.masks(enlarged, closely), strict=True)
        masks = [(share * first + (1 - share) * second).astype(np.float32) for first, second in looks]
        polygons = regions.outline(masks[0], box) if masks else []
        if instance.keypoints is None:
            return replace(instance, polygons=polygons)
        points, sure = close.keypoints(enlarged)
        points[..., :2] += corner
        return replace(instance, polygons=polygons, keypoints=points[0], keypoint_scores=sure[0])

    def keypoints_for_boxes(self, boxes: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the keypoints [N, K, 3] and their scores [N, K] in given boxes [N, 4] xyxy; see `Instance`.

        Raises:
            ValueError: The network has no keypoint head, or the boxes are wrong as above.
            RuntimeError: No photo was set.
        """
        regions = self._require_image()
        if not self.config.keypoints:
            raise ValueError(f"{self.name} knows no keypoints")
        return regions.keypoints(regions.boxes_in(boxes))

    def objects_at(self, x: float, y: float) -> list[LikelyObject]:
        """Return the objects whose box a place in the photo is in, best first, `MOST` at most; without masks, none.

        Raises:
            RuntimeError: No photo was set.
        """
        regions, places = self._require_image(), self._places
        if places.likely is None:
            unused = [i for i, c in enumerate(self._outputs, 1) if c.name == UNUSED]
            places.likely = likely_boxes(*regions.propose(), unused)
        if (x, y) != places.last:
            at = regions.place_in(x, y)
            inside = ((places.likely.boxes[:, :2] <= at) & (at <= places.likely.boxes[:, 2:])).all(1)
            found = places.likely[np.flatnonzero(inside)[:MOST]]
            boxes = regions.boxes_of(found.boxes)
            ids = [self._outputs[label - 1].id for label in found.labels.tolist()]
            rows = zip(ids, found.scores.tolist(), boxes, regions.masks(found.boxes, found.labels), strict=False)
            places.last, places.objects = (x, y), [LikelyObject(*row) for row in rows]
        return list(places.objects)

    def likeness(self, x: float, y: float, box: NDArray[np.floating], cells: int) -> NDArray[np.float32]:
        """Return how much, -1..1, each cell of a grid [cells, cells] over a box is to the backbone like a place.

        Args:
            x: Of the place, in pixels of the photo.
            y: Likewise.
            box: [4] xyxy in the photo.
            cells: Along each side.

        Raises:
            RuntimeError: No photo was set.
        """
        regions = self._require_image()
        if not self._places.units:
            self._places.units = [regions.directions(level) for level in LIKENESS_LEVELS]
        found = np.zeros((cells, cells), np.float32)
        for unit, side in self._places.units:
            alike = likeness(unit, (x / float(side[0]), y / float(side[1])))
            found += resampled(alike, (np.asarray(box) / np.tile(side, 2)).astype(np.float32), cells)
        return (found / len(LIKENESS_LEVELS)).astype(np.float32)

    def outline_of(self, mask: NDArray[np.float32], box: NDArray[np.float32]) -> Polygons:
        """Return the polygons of a mask [M, M] of probabilities over a box [4] xyxy in the photo, as of an instance.

        Raises:
            RuntimeError: No photo was set.
        """
        return self._require_image().outline(mask, box)

    def classify_boxes(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probability [N, len(categories)] of each category for given boxes [N, 4] xyxy.

        What is missing to a sum of 1 is the probability of background.

        Raises:
            ValueError: The boxes are wrong as above.
            RuntimeError: No photo was set.
        """
        regions = self._require_image()
        probabilities = regions.classify(regions.boxes_in(boxes))
        return probabilities[:, [i for i, c in enumerate(self._outputs, 1) if c.name != UNUSED]]

    def _named(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class probabilities [N, classes + 1] without those of background and of unused classes."""
        named = probabilities.copy()
        named[:, [0, *(i for i, c in enumerate(self._outputs, 1) if c.name == UNUSED)]] = -1
        return named

    def _require_image(self) -> PhotoRegions:
        """Return the photo's regions.

        Raises:
            RuntimeError: No photo was set.
        """
        if self._regions is None:
            raise RuntimeError("set_image comes first")
        return self._regions


def _drawn(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return [N] whose masks are drawn in given boxes: the class's, or where that hardly fits, 0: that of anything."""
    return np.where(probabilities >= FITTING, labels, 0)
