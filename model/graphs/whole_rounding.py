"""The one file for other programs in 8-bit integers, and what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime

from model.graphs.quantize import round_graph
from model.inference.engines.threads import threads
from model.inference.instance import Instance
from model.inference.polygons import outline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class WholePredictor:
    """Detects with a graph of `model.graphs.whole`, so far as `model.graphs.agreement` needs it."""

    def __init__(self, graph: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]
        self._photo = np.zeros((1, 1, 3), np.uint8)

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take a photo [height, width, 3] RGB."""
        self._photo = np.ascontiguousarray(image)

    def detect(self, score: float = 0.05) -> list[Instance]:
        """Return what is in the photo, of those objects that the graph gives."""
        arrays = [np.asarray(value) for value in self._session.run(None, {"photo": self._photo})]
        found = dict(zip(self._names, arrays, strict=True))
        size = (self._photo.shape[0], self._photo.shape[1])
        masks = found.get("masks")
        return [
            Instance(int(label), float(chance), box, [] if masks is None else outline(masks[i], box, size, None))
            for i, (box, chance, label) in enumerate(zip(found["boxes"], found["scores"], found["labels"], strict=True))
            if chance > score
        ]


def round_whole(graph: onnx.ModelProto, photos: Iterable[NDArray[np.uint8]]) -> onnx.ModelProto:
    """Return a graph of `model.graphs.whole` in 8 bits, calibrated on those of some photos in which it finds something.

    Raises:
        ValueError: It finds nothing in any of them.
    """
    plain = graph.SerializeToString()
    predictor = WholePredictor(plain)
    given = []
    for photo in photos:
        predictor.set_image(photo)
        if predictor.detect():
            given.append({"photo": photo})
    if not given:
        raise ValueError("there is nothing to calibrate on")
    made = onnx.load_from_string(round_graph("model", plain, given))
    onnx.helper.set_model_props(made, {entry.key: entry.value for entry in graph.metadata_props})
    return made
