"""Prediction with one network: encode an image once, then detect in it or segment given boxes any number of times.

predictor = Predictor("builtin")
predictor.set_image(read_photo("street.jpg"))
for instance in predictor.detect(score=0.5):
    ...
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dataset.i18n import tr
from model.checkpoints import weights as weight_files
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.torchvision_weights import UNUSED
from model.inference.device import choose_device
from model.inference.edge_snapping import EdgeGuide
from model.inference.feature_similarity import likeness, resampled
from model.inference.instance import Instance
from model.inference.keypoint_decoding import certainty, locate, locate_roughly, visibility
from model.inference.likely_objects import MOST, LikelyObject, likely_boxes
from model.inference.polygons import mask_confidence, outline
from model.inference.preprocess import NetworkInput, resize_and_pad
from model.network.mask_rcnn import Detections
from model.network.precision import fast_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataset.categories import Category
    from model.inference.instance import Polygons

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
"""Of the features' maps, from the finest on, those in which places are compared: either alone is a little worse, and the
finest worse again."""

REFINE_BELOW = 128.0
"""Pixels of the network's input along the longer side of a given box, below which the box is looked at closely."""
REFINE_SIDE, REFINE_AROUND = 256, 1.6
"""Longer side of the input then, and sides of the part of the photo in it, relative to the longer one of the box."""


class Predictor:
    """A network with weights on a device, and its current image: a `model.inference.segmenter.Segmenter`."""

    def __init__(self, weights: str | Path | Checkpoint = "builtin", device: str = "auto") -> None:
        """Load weights.

        Args:
            weights: A name or file as `model.checkpoints.weights.load` takes it, or what it returned.
            device: `auto` (CUDA when there is one), `cpu`, `cuda` or another name that torch knows.

        Raises:
            model.checkpoints.weights.WeightsError: The weights cannot be used.
            model.inference.device.DeviceError: There is no such device.
        """
        checkpoint = weights if isinstance(weights, Checkpoint) else weight_files.load(weights)
        network = weight_files.network_of(checkpoint)
        weight_files.fold_norms(network)
        self.name = "checkpoint" if isinstance(weights, Checkpoint) else str(weights)
        self._digest = f"{checkpoint.digest()}-{checkpoint.config_digest()}"
        self.config = checkpoint.config
        self.metrics = checkpoint.metrics
        self._outputs = checkpoint.categories
        self.categories: tuple[Category, ...] = tuple(c for c in checkpoint.categories if c.name != UNUSED)
        self.short_side = checkpoint.config.short_side
        """Pixels to which the next photo's shorter side is scaled; less needs less memory."""
        self.long_side = checkpoint.config.long_side
        self._network = network
        self._features: list[Tensor] = []
        self._maps: list[Tensor] = []
        self._likely: Detections | None = None  # found when they are first asked for
        self._photo: NDArray[np.uint8] | None = None
        self._guide: EdgeGuide | None = None
        self._input = (0, 0)
        self._inner = (0, 0)
        self._scale = np.ones(2, np.float32)
        self.image_size = (0, 0)
        """(height, width) of the photo; (0, 0) before there is one."""
        self.to(device)

    def to(self, device: str) -> None:
        """Move the network to another device. The photo has to be set again.

        Raises:
            model.inference.device.DeviceError: There is no such device.
        """
        chosen = choose_device(device)
        kind = fast_type(chosen)
        self._network = self._network.to(device=chosen, dtype=kind).to(memory_format=torch.channels_last)
        self._kind = kind
        self.device = chosen
        self.forget()

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
        return f"{self._digest}-{str(self._kind).removeprefix('torch.')}"

    def forget(self) -> None:
        """Drop the photo and the memory that its features take."""
        self._features, self._maps = [], []
        self._photo = self._guide = self._likely = None
        self.image_size = (0, 0)

    @torch.inference_mode()
    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Run the backbone on a photo, once for all calls that follow.

        Args:
            image: [height, width, 3] uint8 RGB.

        Raises:
            ValueError: The array is no such photo.
            torch.OutOfMemoryError: The device's memory does not suffice; a smaller `short_side` may help.
        """
        placed = self._placed(image)
        self.forget()
        self._look_at(placed, self._network.encode(placed.pixels))

    def _placed(self, image: NDArray[np.uint8]) -> NetworkInput:
        return resize_and_pad(image, self.short_side, self.long_side, self.device, self._kind)

    def _look_at(self, placed: NetworkInput, features: list[Tensor]) -> None:
        """Make a photo and its features [1, C, h, w] the current image."""
        self._features = features
        # A GPU pools regions from planes in float32: converted once here rather than at every question.
        self._maps = features if self.device == "cpu" else [f.float().contiguous() for f in features]
        self._photo, self._likely = placed.photo, None
        self._guide = EdgeGuide(placed.photo) if self.config.fit_edges else None
        height, width = placed.photo.shape[:2]
        self._input, self._inner, self.image_size = placed.input, placed.inner, (height, width)
        self._scale = (np.array(placed.inner[::-1]) / np.array((width, height))).astype(np.float32)

    @property
    def batch(self) -> int:
        """Photos that `detect_many` had best get at a time: several keep a GPU busy, and gain nothing on a CPU."""
        return GPU_BATCH if self.device.startswith("cuda") else 1

    @torch.inference_mode()
    def detect_many(
        self, images: Sequence[NDArray[np.uint8]], score: float = 0.05, max_detections: int | None = None
    ) -> list[list[Instance]]:
        """Return what is in each of several photos, as `set_image` and `detect` do photo by photo.

        Only photos that have one input size go through the backbone together: padding beyond what a photo has alone
        would change what is found at its edges. Afterwards no photo is set.

        Raises:
            ValueError: An array is no photo.
            torch.OutOfMemoryError: The device's memory does not suffice for so many.
        """
        self.forget()
        placed = [self._placed(image) for image in images]
        alike: dict[tuple[int, int], list[int]] = {}
        for index, photo in enumerate(placed):
            alike.setdefault(photo.input, []).append(index)
        found: dict[int, list[Instance]] = {}
        for members in alike.values():
            features = self._network.encode(torch.cat([placed[i].pixels for i in members]))
            for row, index in enumerate(members):
                self._look_at(placed[index], [f[row : row + 1] for f in features])
                found[index] = self.detect(score, max_detections)
        self.forget()
        return [found[index] for index in range(len(placed))]

    @torch.inference_mode()
    def detect(self, score: float = 0.05, max_detections: int | None = None) -> list[Instance]:
        """Return what is in the photo, best first.

        Args:
            score: Least score of an instance.
            max_detections: Instances at most; None leaves it to the network's config.

        Raises:
            ValueError: The score is not within 0..1, or the number is negative.
            RuntimeError: No photo was set.
        """
        self._require_image()
        most = self.config.detections if max_detections is None else max_detections
        if not 0 <= score <= 1 or most < 0:
            raise ValueError(f"a score is within 0..1 and a number not negative, unlike {score} and {most}")
        found = self._network.detect(
            self._features,
            self._input,
            [self._inner],
            score=score,
            most=most,
            maps=self._maps,
        )[0]
        known = [i for i, label in enumerate(found.labels.tolist()) if self._outputs[label - 1].name != UNUSED]
        found = _chosen(found, known)
        masks = self._masks(found.boxes, found.labels)
        if masks and self.config.mask_score:
            found.scores = found.scores * found.scores.new_tensor([mask_confidence(mask) for mask in masks])
        ranks = found.scores.argsort(descending=True, stable=True)
        order = ranks[found.scores[ranks] > score].tolist()  # one question to a GPU, not one a detection
        found = _chosen(found, order)
        boxes = (found.boxes.cpu().numpy() / np.tile(self._scale, 2)).astype(np.float32)
        return self._instances(
            found, [masks[i] for i in order] if masks else [], boxes, self._worth_refining(found.scores)
        )

    def _worth_refining(self, scores: Tensor) -> Tensor:
        """Return [N] bool, of which detections everything is found exactly; all, where outlines are not fitted."""
        return (scores >= CONFIDENT) | (self._guide is None)

    @torch.inference_mode()
    def masks_for_boxes(
        self, boxes: NDArray[np.floating], categories: Sequence[int | None] | None = None
    ) -> list[Instance]:
        """Return an instance for each given box: its mask, and keypoints where its category has them.

        Args:
            boxes: [N, 4] xyxy in coordinates of the photo; what reaches over its edges is nothing.
            categories: The id of each box's category; where it is None, and without this list, the class that fits the
                box best.

        Raises:
            ValueError: The boxes have another shape, are no numbers or inside out, or a category is not the model's.
            RuntimeError: No photo was set.
        """
        self._require_image()
        inner = self._inner_boxes(boxes)
        probabilities = self._network.roi_heads.classify(self._maps, [inner])[0].softmax(1)  # [N, classes + 1]
        labels = self._named(probabilities).argmax(1)
        if categories is not None:
            if len(categories) != len(inner):
                raise ValueError(f"{len(inner)} boxes need as many categories, not {len(categories)}")
            index = {c.id: i for i, c in enumerate(self._outputs, 1) if c.name != UNUSED}
            unknown = [c for c in categories if c is not None and c not in index]
            if unknown:
                raise ValueError(f"the model has no category {unknown[0]}")
            asked = [-1 if c is None else index[c] for c in categories]
            wanted = torch.tensor(asked, dtype=torch.int64, device=inner.device)
            labels = torch.where(wanted < 0, labels, wanted)
        scores = probabilities.gather(1, labels[:, None])[:, 0]
        masks = self._masks(inner, labels)
        given = np.asarray(boxes, np.float32)
        found = self._instances(
            Detections(inner, scores, labels), masks, given, torch.ones_like(scores, dtype=torch.bool)
        )
        sides = (inner[:, 2:] - inner[:, :2]).amax(1).tolist()
        return [
            self._refine_small_box(instance, box, label) if 0 < side < REFINE_BELOW else instance
            for instance, box, label, side in zip(found, inner, labels, sides, strict=True)
        ]

    def _refine_small_box(self, instance: Instance, inner: Tensor, label: Tensor) -> Instance:
        """Return what was found in a small given box with the mask and the keypoints that a second look gives it.

        The features of the whole photo hardly show a small object. The second look is at a part of the photo, enlarged;
        both count the same, but in boxes under half of CLOSE_BELOW: the smaller those, the more counts the second.
        """
        assert self._photo is not None
        box = self._clipped(instance.box)
        middle, half = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()) * REFINE_AROUND / 2
        left, top = (max(0, int(v)) for v in np.floor(middle - half))
        right, bottom = (int(v) for v in np.ceil(middle + half))
        closer = copy(self)
        closer.short_side = closer.long_side = REFINE_SIDE
        closer.set_image(np.ascontiguousarray(self._photo[top:bottom, left:right]))
        corner = np.array([left, top], np.float32)
        enlarged = closer._inner_boxes(box[None] - np.tile(corner, 2))
        share = min(0.5, float((inner[2:] - inner[:2]).max()) / REFINE_BELOW)
        looks = zip(self._masks(inner[None], label[None]), closer._masks(enlarged, label[None]), strict=True)
        masks = [(share * first + (1 - share) * second).astype(np.float32) for first, second in looks]
        polygons = outline(masks[0], box, self.image_size, self._guide) if masks else []
        if instance.keypoints is None:
            return replace(instance, polygons=polygons)
        points, sure = closer._keypoints(enlarged)
        points[..., :2] += corner
        return replace(instance, polygons=polygons, keypoints=points[0], keypoint_scores=sure[0])

    @torch.inference_mode()
    def keypoints_for_boxes(self, boxes: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the keypoints [N, K, 3] and their scores [N, K] in given boxes [N, 4] xyxy; see `Instance`.

        Raises:
            ValueError: The network has no keypoint head, or the boxes are wrong as above.
            RuntimeError: No photo was set.
        """
        self._require_image()
        if not self.config.keypoints:
            raise ValueError(f"{self.name} knows no keypoints")
        return self._keypoints(self._inner_boxes(boxes))

    @torch.inference_mode()
    def objects_at(self, x: float, y: float) -> list[LikelyObject]:
        """Return the objects whose box a place in the photo is in, best first, `MOST` at most; without masks, none.

        Raises:
            RuntimeError: No photo was set.
        """
        self._require_image()
        if self._likely is None:
            unused = [i for i, c in enumerate(self._outputs, 1) if c.name == UNUSED]
            self._likely = likely_boxes(
                self._network, self._features, self._maps, size=self._input, inner=self._inner, unused=unused
            )
        left, top, right, bottom = self._likely.boxes.T
        at = x * float(self._scale[0]), y * float(self._scale[1])
        inside = (left <= at[0]) & (at[0] <= right) & (top <= at[1]) & (at[1] <= bottom)
        found = _chosen(self._likely, torch.nonzero(inside)[:MOST, 0].tolist())
        boxes = (found.boxes.cpu().numpy() / np.tile(self._scale, 2)).astype(np.float32)
        ids = [self._outputs[label - 1].id for label in found.labels.tolist()]
        rows = zip(ids, found.scores.tolist(), boxes, self._masks(found.boxes, found.labels), strict=False)
        return [LikelyObject(*row) for row in rows]

    @torch.inference_mode()
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
        self._require_image()
        found = np.zeros((cells, cells), np.float32)
        for level in LIKENESS_LEVELS:
            features = self._maps[min(level, len(self._maps) - 1)][0]
            stride = self._input[0] / features.shape[1]
            height, width = (-(-side // round(stride)) for side in self._inner)
            side = stride / self._scale
            alike = likeness(features[:, :height, :width], (x / float(side[0]), y / float(side[1]))).cpu().numpy()
            found += resampled(alike, (np.asarray(box) / np.tile(side, 2)).astype(np.float32), cells)
        return found / len(LIKENESS_LEVELS)

    def outline_of(self, mask: NDArray[np.float32], box: NDArray[np.float32]) -> Polygons:
        """Return the polygons of a mask [M, M] of probabilities over a box [4] xyxy in the photo, as of an instance.

        Raises:
            RuntimeError: No photo was set.
        """
        self._require_image()
        return outline(mask, box, self.image_size, self._guide)

    @torch.inference_mode()
    def classify_boxes(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the probability [N, len(categories)] of each category for given boxes [N, 4] xyxy.

        What is missing to a sum of 1 is the probability of background.

        Raises:
            ValueError: The boxes are wrong as above.
            RuntimeError: No photo was set.
        """
        self._require_image()
        probabilities = self._network.roi_heads.classify(self._maps, [self._inner_boxes(boxes)])[0].softmax(1)
        kept = [i for i, c in enumerate(self._outputs, 1) if c.name != UNUSED]
        return probabilities[:, kept].cpu().numpy()

    def _named(self, probabilities: Tensor) -> Tensor:
        """Return class probabilities [N, classes + 1] without those of background and of unused classes."""
        named = probabilities.clone()
        named[:, [0, *(i for i, c in enumerate(self._outputs, 1) if c.name == UNUSED)]] = -1
        return named

    def _require_image(self) -> None:
        if not self._features:
            raise RuntimeError("set_image comes first")

    def _inner_boxes(self, boxes: NDArray[np.floating]) -> Tensor:
        given = np.asarray(boxes, np.float32)
        if given.ndim != 2 or given.shape[1] != 4:
            raise ValueError(f"boxes are (N, 4), not {given.shape}")
        if not (np.isfinite(given).all() and (given[:, :2] <= given[:, 2:]).all()):
            raise ValueError("boxes are xyxy: finite, and no side is negative")
        return torch.from_numpy(self._clipped(given) * np.tile(self._scale, 2)).to(self.device)

    def _clipped(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return boxes [N, 4] cut off at the photo's edges, as those are that the network was trained on."""
        return np.clip(boxes, 0, np.tile(self.image_size[::-1], 2)).astype(np.float32)

    def _keypoints(self, inner: Tensor, exact: Tensor | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return keypoints in the photo's coordinates of boxes in the input's, to a cell where they are not `exact`."""
        kinds = self.config.keypoints
        if len(inner) == 0:
            return np.zeros((0, kinds, 3), np.float32), np.zeros((0, kinds), np.float32)
        logits = self._network.roi_heads.keypoints(self._maps, [inner])
        exact = inner.new_ones(len(inner), dtype=torch.bool) if exact is None else exact
        points = locate_roughly(logits, inner)
        points[exact], _ = locate(logits[exact], inner[exact])
        points = points / torch.from_numpy(self._scale).to(inner.device)
        scores = certainty(logits)
        joined = torch.cat([points, visibility(scores)[..., None]], -1)
        return joined.float().cpu().numpy(), scores.float().cpu().numpy()

    def _instances(
        self, found: Detections, masks: list[NDArray[np.float32]], boxes: NDArray[np.float32], exact: Tensor
    ) -> list[Instance]:
        """Return what was found with outlines and keypoints, in the order of `found`.

        Args:
            found: In coordinates of the input.
            masks: One for each, or none without a mask head.
            boxes: [N, 4] xyxy of each in the photo.
            exact: [N] bool, whose outlines and keypoints are found exactly, which takes longer.
        """
        labels, scores = found.labels.tolist(), found.scores.tolist()
        shapes = zip(masks, self._clipped(boxes), exact.tolist(), strict=True) if masks else ()
        polygons = [outline(m, box, self.image_size, self._guide, exact=fine) for m, box, fine in shapes]
        with_points = np.array([bool(self._outputs[i - 1].keypoint_names) for i in labels], bool)
        if self.config.keypoints and with_points.any():
            chosen = torch.from_numpy(np.flatnonzero(with_points)).to(found.boxes.device)
            points, certain = self._keypoints(found.boxes[chosen], exact[chosen])
        else:
            with_points[:] = False
            points = certain = np.zeros((0, 0, 0), np.float32)
        rank = np.cumsum(with_points) - 1
        return [
            Instance(
                self._outputs[label - 1].id,
                scores[i],
                boxes[i],
                polygons[i] if polygons else [],
                points[rank[i]] if with_points[i] else None,
                certain[rank[i]] if with_points[i] else None,
            )
            for i, label in enumerate(labels)
        ]

    def _masks(self, inner: Tensor, labels: Tensor) -> list[NDArray[np.float32]]:
        """Return the masks [M, M] of boxes of the input; without a mask head, none."""
        if self._network.roi_heads.mask_head is None or len(inner) == 0:
            return []
        return list(self._network.roi_heads.own_masks(self._maps, [inner], labels).cpu().numpy())


def _chosen(found: Detections, index: list[int]) -> Detections:
    """Return some of the detections, in this order."""
    return Detections(found.boxes[index], found.scores[index], found.labels[index])
