"""The network as ONNX Runtime runs it: on a CPU, without torch, or on a device of its own that a person chose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from model.inference.box_arithmetic import batched_nms
from model.inference.device import CPU, PROVIDERS, DeviceError, choose_provider, no_such_device
from model.inference.engine import BoxDetections, MemoryFullError
from model.inference.engines.region_pooling import Pooling
from model.inference.engines.threads import threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataset.coco.categories import Category
    from model.config import ModelConfig
    from model.inference.graph_file import Graphs

UNWANTED = ["QDQPropagationTransformer"]
"""An optimisation of graphs that has maxima after a ResNet's first convolution taken in integers, which takes 14 times
as long: 6% of the time of its body."""
MIN_SIZE = 1e-2
"""Detections with a side below this many pixels are dropped, as `model.network.mask_rcnn` does."""


CANONICAL = 224.0
"""Side in pixels of the region that is pooled at stride 16 for masks and keypoints (FPN, eq. 1)."""


@dataclass(eq=False)
class GraphFeatures:
    """What is kept of a picture."""

    inner: tuple[int, int]  # (height, width) of the photo in it
    proposals: NDArray[np.float32]  # [N, 4], best first
    objectness: NDArray[np.float32] | None  # [N] their probabilities, where they count
    maps: dict[str, NDArray[np.float32]]  # [1, h, w, C], fine to coarse
    for_masks: tuple[dict[bytes, int], NDArray[np.float32]] | None = field(default=None)
    """The place of each box, and its region, that was pooled last for masks, where keypoints may follow."""


class OnnxEngine:
    """A `model.inference.engine.Engine`."""

    notice = ""

    def __init__(self, graphs: Graphs, device: str = "cpu") -> None:
        """Prepare graphs to be run.

        Raises:
            DeviceError: There is no such device.
            Exception: Whatever the library raises where a graph is damaged or has an operation that is not known.
        """
        provider = choose_provider(device, onnxruntime.get_available_providers())
        self.device = device if device in PROVIDERS else "cpu"
        self._graphs = graphs if device in PROVIDERS else None  # for the way back to the CPU
        self.config: ModelConfig = graphs.config
        self.outputs: tuple[Category, ...] = graphs.categories
        self.metrics: dict[str, Any] = graphs.metrics
        self.id = f"{graphs.digest}-{graphs.arithmetic}"
        self._sessions = {name: _session(part, provider) for name, part in graphs.parts.items()}
        self._given = {name: [i.name for i in session.get_inputs()] for name, session in self._sessions.items()}
        config = graphs.config
        self._pooling = Pooling(CANONICAL, config.roi_half_pixel)
        self._box_pooling = Pooling(config.box_canonical, config.roi_half_pixel)

    def to(self, device: str) -> None:
        """Stay where it is, or go back to the CPU.

        Raises:
            DeviceError: Another device is asked for.
        """
        if device == self.device or (device == "auto" and self.device == "cpu"):
            return
        if self._graphs is None or device not in ("auto", "cpu"):
            raise DeviceError(no_such_device(device))
        self._sessions = {name: _session(part, CPU) for name, part in self._graphs.parts.items()}
        self.device, self._graphs = "cpu", None

    def encode(self, pictures: NDArray[np.float32], inner: Sequence[tuple[int, int]]) -> list[GraphFeatures]:
        """Run the backbone and the RPN."""
        return [self._encoded(pictures[row : row + 1], size) for row, size in enumerate(inner)]

    def _encoded(self, picture: NDArray[np.float32], inner: tuple[int, int]) -> GraphFeatures:
        pixels = np.ascontiguousarray(picture)
        names = [output.name for output in self._sessions["encode"].get_outputs()]
        values = self._run("encode", {"pixels": pixels, "inner": np.array(inner, np.int64)})
        maps = dict(zip(names, values, strict=True))
        proposals, objectness = maps.pop("proposals"), maps.pop("objectness", None)
        return GraphFeatures(inner, proposals, objectness, maps)

    def detect(self, features: GraphFeatures, score: float, most: int) -> BoxDetections:
        """Classify the proposals, and drop all but the best of those that overlap."""
        if len(features.proposals) == 0:
            return BoxDetections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
        probabilities, refined = self.propose(features)
        region, label = np.nonzero(probabilities[:, 1:] > score)
        label = label + 1
        boxes, scores = refined[region, label], probabilities[region, label]
        large = (boxes[:, 2:] - boxes[:, :2] >= MIN_SIZE).all(1)
        boxes, scores, label = boxes[large], scores[large], label[large]
        kept = batched_nms(boxes, scores, label, self.config.box_nms, most)
        return BoxDetections(boxes[kept], scores[kept], label[kept].astype(np.int64))

    def propose(self, features: GraphFeatures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Classify the proposals."""
        outputs = len(self.outputs) + 1
        if len(features.proposals) == 0:
            return np.zeros((0, outputs), np.float32), np.zeros((0, outputs, 4), np.float32)
        probabilities, refined = self._regions("classify", features, features.proposals)
        if features.objectness is not None:  # `model.network.mask_rcnn.with_objectness`
            probabilities[:, 1:] = np.sqrt(probabilities[:, 1:] * features.objectness[:, None])
        return probabilities, np.clip(refined, 0, np.tile(features.inner[::-1], 2).astype(np.float32))

    def classify(self, features: GraphFeatures, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the box head."""
        if len(boxes) == 0:
            return np.zeros((0, len(self.outputs) + 1), np.float32)
        return self._regions("classify", features, boxes)[0]

    def masks(
        self, features: GraphFeatures, boxes: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Run the mask head."""
        return self._regions("masks", features, boxes, labels=np.ascontiguousarray(labels, np.int64))[0]

    def keypoints(self, features: GraphFeatures, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the keypoint head."""
        return self._regions("keypoints", features, boxes)[0]

    def level(self, features: GraphFeatures, number: int) -> NDArray[np.float32]:
        """Return a level of the pyramid."""
        maps = list(features.maps.values())
        return maps[min(number, len(maps) - 1)][0].transpose(2, 0, 1)

    def _regions(
        self, part: str, features: GraphFeatures, boxes: NDArray[np.float32], **more: NDArray[np.int64]
    ) -> list[Any]:
        """Run a head on boxes [N, 4], which may be none."""
        boxes = np.ascontiguousarray(boxes, np.float32)
        given: dict[str, NDArray[Any]] = {"boxes": boxes, **more, **features.maps}
        if "pooled" in self._given[part]:
            given["pooled"] = self._pooled(part, features, boxes)
        return self._run(part, {name: given[name] for name in self._given[part]})

    def _pooled(self, part: str, features: GraphFeatures, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the regions of boxes; those of keypoints are among those of masks."""
        size = next(i.shape[1] for i in self._sessions[part].get_inputs() if i.name == "pooled")
        keys = [box.tobytes() for box in boxes]
        if part == "keypoints" and features.for_masks is not None:
            places, regions = features.for_masks
            if regions.shape[1] == size and all(key in places for key in keys):
                return regions[[places[key] for key in keys]]
        pooling = self._box_pooling if part == "classify" else self._pooling
        chosen = self.config.box_maps if part == "classify" else self.config.mask_maps
        maps = list(features.maps.values())[chosen]
        regions = pooling.regions(maps, self.config.strides[chosen], boxes, size, threads())
        if part == "masks" and "keypoints" in self._sessions:
            features.for_masks = {key: place for place, key in enumerate(keys)}, regions
        return regions

    def _run(self, part: str, given: dict[str, NDArray[Any]]) -> list[Any]:
        try:
            return list(self._sessions[part].run(None, given))
        except Exception as error:
            if "allocate" in str(error) or "bad_alloc" in str(error):
                raise MemoryFullError(str(error)) from error
            raise


def _session(graph: bytes, provider: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    # A thread that waits must not take the core from the window, or from a training beside it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    options.enable_mem_pattern = provider != PROVIDERS["directml"]  # which cannot have it
    providers = list(dict.fromkeys((provider, CPU)))
    return onnxruntime.InferenceSession(graph, options, providers=providers, disabled_optimizers=UNWANTED)
