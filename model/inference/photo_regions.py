"""What the heads of a network say of regions of one photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.inference.feature_similarity import directions
from model.inference.instance import Instance
from model.inference.keypoint_decoding import certainty, locate, locate_roughly, visibility
from model.inference.keypoint_scoring import DetectedKeypoints
from model.inference.polygons import outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.inference.edge_snapping import EdgeGuide
    from model.inference.engine import BoxDetections, Engine, Features
    from model.inference.instance import Polygons


class EncodedImage(NamedTuple):
    """A photo as a network has encoded it. It keeps the memory that the features take."""

    features: Features
    photo: NDArray[np.uint8]
    """[height, width, 3] RGB."""
    guide: EdgeGuide | None
    """Its edges, where outlines are fitted to them."""
    input: tuple[int, int]
    """(height, width) of the network's input."""
    inner: tuple[int, int]
    """(height, width) of the photo in that."""


class PhotoRegions:
    """A photo as a network has encoded it, and what the heads say of regions of it.

    Regions are boxes [N, 4] xyxy in pixels of the network's input; what is found in them is in those of the photo.
    """

    def __init__(self, engine: Engine, encoded: EncodedImage) -> None:
        """Take a photo that the engine has encoded on the device where it is."""
        self._engine = engine
        self._features, self.photo, self.guide, self._input, self._inner = encoded
        height, width = self.photo.shape[:2]
        self.size = height, width
        self._scale = (np.array(encoded.inner[::-1]) / np.array((width, height))).astype(np.float32)

    # Coordinates

    def boxes_in(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return boxes [N, 4] xyxy of the photo, cut off at its edges, as regions.

        Raises:
            ValueError: They have another shape, are no numbers or inside out.
        """
        given = np.asarray(boxes, np.float32)
        if given.ndim != 2 or given.shape[1] != 4:
            raise ValueError(f"boxes are (N, 4), not {given.shape}")
        if not (np.isfinite(given).all() and (given[:, :2] <= given[:, 2:]).all()):
            raise ValueError("boxes are xyxy: finite, and no side is negative")
        return self.clipped(given) * np.tile(self._scale, 2)

    def boxes_of(self, regions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return regions as boxes [N, 4] of the photo."""
        return (regions / np.tile(self._scale, 2)).astype(np.float32)

    def clipped(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return boxes [N, 4] cut off at the photo's edges, as those are that the network was trained on."""
        return np.clip(boxes, 0, np.tile(self.size[::-1], 2)).astype(np.float32)

    def place_in(self, x: float, y: float) -> NDArray[np.floating]:
        """Return a place of the photo in pixels of the network's input."""
        return np.array((x, y)) * self._scale

    # What the heads say

    def detect(self, score: float, most: int) -> BoxDetections:
        """Return what is found, with a score of at least `score`."""
        return self._engine.detect(self._features, score, most)

    def propose(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the box head makes of all proposals; see `Engine.propose`."""
        return self._engine.propose(self._features)

    def classify(self, regions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities [N, classes + 1] of the background and of each class."""
        return self._engine.classify(self._features, regions)

    def masks(self, regions: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the masks [N, M, M] of regions; none without a mask head."""
        if self._engine.config.mask_head == "none" or len(regions) == 0:
            return np.zeros((0, 0, 0), np.float32)
        return self._engine.masks(self._features, regions, labels)

    def outline(self, mask: NDArray[np.float32], box: NDArray[np.float32], *, exact: bool = True) -> Polygons:
        """Return the polygons of a mask [M, M] of probabilities over a box [4] xyxy of the photo."""
        return outline(mask, box, self.size, self.guide, exact=exact)

    def keypoints(self, regions: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return keypoints [N, K, 3] and their scores [N, K]; see `Instance`."""
        kinds = self._engine.config.keypoints
        if len(regions) == 0:
            return np.zeros((0, kinds, 3), np.float32), np.zeros((0, kinds), np.float32)
        logits = self._engine.keypoints(self._features, regions)
        scores = certainty(logits)
        return self._placed(locate(logits, regions)[0], scores), scores

    def keypoints_of(self, found: BoxDetections, exact_from: NDArray[np.float64]) -> DetectedKeypoints:
        """Return the keypoints of detections whose categories have them.

        They are found to a cell of the masks where the score with them is less than the detection's `exact_from` [N].
        """
        keypoints = self.no_keypoints(len(found.labels))
        if not self._engine.config.keypoints:
            return keypoints
        outputs = self._engine.outputs
        keypoints.is_known[:] = [bool(outputs[label - 1].keypoint_names) for label in found.labels.tolist()]
        has = np.flatnonzero(keypoints.is_known)
        if not len(has):
            return keypoints
        boxes = found.boxes[has]
        logits = self._engine.keypoints(self._features, boxes)
        keypoints.scores[has] = certainty(logits)
        exact = keypoints.rescored(found.scores, self._engine.config)[has] >= exact_from[has]
        places = locate_roughly(logits, boxes)
        places[exact], _ = locate(logits[exact], boxes[exact])
        keypoints.points[has] = self._placed(places, keypoints.scores[has])
        return keypoints

    def _placed(self, places: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return places [N, K, 2] of the network's input as keypoints [N, K, 3] of the photo."""
        half = 0.5 if self._engine.config.keypoint_half_pixel else 0.0
        points = (places + half) / self._scale - half
        return np.concatenate([points, visibility(scores)[..., None]], -1).astype(np.float32)

    def no_keypoints(self, count: int) -> DetectedKeypoints:
        """Return what `keypoints_of` does of detections whose categories have none."""
        kinds = self._engine.config.keypoints
        points, scores = np.zeros((count, kinds, 3), np.float32), np.zeros((count, kinds), np.float32)
        return DetectedKeypoints(np.zeros(count, bool), points, scores)

    def instances(
        self,
        found: BoxDetections,
        masks: NDArray[np.float32],
        boxes: NDArray[np.float32],
        exact: NDArray[np.bool_],
        keypoints: DetectedKeypoints,
    ) -> list[Instance]:
        """Return what was found, with its outlines.

        Args:
            found: In coordinates of the input.
            masks: One for each, or none without a mask head.
            boxes: [N, 4] xyxy of each in the photo.
            exact: [N] bool, whose outlines are found exactly, which takes longer.
            keypoints: Of each.
        """
        shapes = zip(masks, self.clipped(boxes), exact.tolist(), strict=True) if len(masks) else ()
        polygons = [self.outline(m, box, exact=fine) for m, box, fine in shapes]
        return [
            Instance(
                self._engine.outputs[label - 1].id,
                score,
                boxes[i],
                polygons[i] if polygons else [],
                keypoints.points[i] if keypoints.is_known[i] else None,
                keypoints.scores[i] if keypoints.is_known[i] else None,
            )
            for i, (label, score) in enumerate(zip(found.labels.tolist(), found.scores.tolist(), strict=True))
        ]

    def directions(self, level: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the directions [C, h, w] of a level's features, and the width and height of a cell in the photo."""
        features = self._engine.level(self._features, level)
        stride = self._input[0] / features.shape[1]
        height, width = (-(-side // round(stride)) for side in self._inner)
        return directions(features[:, :height, :width]), stride / self._scale
