"""Graphs in 8-bit integers: twice as fast on a CPU, at a loss of AP that is within its noise.

Weights are rounded channel by channel, activations by the range that they have on photos like those to come (static
quantisation: Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference*, CVPR 2018), and biases make up for what the rounding of the weights does on average (Nagel et al.,
*Data-Free Quantization Through Weight Equalization and Bias Correction*, ICCV 2019).

Of the builtin model, calibrated on 16 photos, the graphs take 39% of the time of those in floats, and its AP of masks
and keypoints on 200 photos that it was not calibrated on loses at most 0.002. Errors below are those of its finest
feature map, relative to the map. Ranges by percentiles, by the means of photos' extremes or by the least square error
change the error by a tenth at most: the extremes will do.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from model.inference.engines.onnx_engine import OnnxEngine
from model.inference.preprocess import resize_and_pad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from model.inference.graph_file import Graphs

ROUNDED = ["Conv", "Gemm", "MatMul", "Clip", "Relu"]
"""Operators that are computed in integers; they take nearly all of the time.

Clip and Relu vanish in the rounding that follows them. Without them a convolution's values would be rounded before they
are clipped, in steps as wide as the values that are cut off: error 0.50 rather than 0.22, and a tenth more time.
"""
JOINS = ["Add", "Resize", "MaxPool"]
"""Operators that are computed in integers, too, where all that they join are maps of convolutions: sums of residual
blocks, the pyramid's top-down way. In floats each of them would have its maps turned there and back. The arithmetic of
boxes has sums as well, which stay as they are.
"""
FLOAT_STEM, THIN = 3, 64
"""The first convolutions of each body stay in floats where they take less than so many channels: all others carry their
error on. 0.09 rather than 0.11, for 2% more time. A ResNet's, of 64 channels from the second on, would take 15% more.
"""
HIGHEST = 64
"""Weights are rounded to -64..64: the products of more would overflow in the 8-bit instructions of processors without
VNNI (255 * 64 * 2 < 2**15). With 127 the error is 0.08, but neither the AP is higher nor the time less; unsigned
weights, or signed activations, would not overflow either, but take as long as floats.
"""
SCORE, REGIONS = 0.15, 12
"""Detections whose regions the heads are calibrated on: least score, and how many a photo."""


WITH_BODY = ("encode", "model")
"""Graphs that begin with the body of the network."""
REGIONS_KEPT = 128
"""Proposals of a photo that the box head is calibrated on."""


class _Recorded(CalibrationDataReader):
    """What a graph was given, once more."""

    def __init__(self, inputs: list[dict[str, Any]]) -> None:
        self._inputs: Iterator[dict[str, Any]] = iter(inputs)

    def get_next(self) -> dict[str, Any] | None:  # pyrefly: ignore
        return next(self._inputs, None)


class _RecordingEngine(OnnxEngine):
    """An engine that keeps what each of its graphs is given."""

    def __init__(self, graphs: Graphs) -> None:
        super().__init__(graphs)
        self.given: dict[str, list[dict[str, Any]]] = {name: [] for name in graphs.parts}

    def _run(self, part: str, given: dict[str, NDArray[Any]]) -> list[Any]:
        kept = given
        if part == "classify" and "pooled" in given:  # a thousand regions are 50 MB
            step = 1 + len(given["boxes"]) // REGIONS_KEPT
            kept = {name: value[::step] for name, value in given.items()}
        self.given[part].append(kept)
        return super()._run(part, given)


def quantize(graphs: Graphs, photos: Iterable[NDArray[np.uint8]]) -> Graphs:
    """Return graphs that compute in 8 bits, calibrated on photos [height, width, 3] RGB."""
    given = _inputs(graphs, photos)
    parts = {name: round_graph(name, part, given[name]) if given[name] else part for name, part in graphs.parts.items()}
    return replace(graphs, arithmetic="int8", parts=parts)


def _inputs(graphs: Graphs, photos: Iterable[NDArray[np.uint8]]) -> dict[str, list[dict[str, Any]]]:
    """Return what each graph is given when photos are looked at."""
    engine = _RecordingEngine(graphs)
    for photo in photos:
        placed = resize_and_pad(photo, graphs.config.short_side, graphs.config.long_side)
        (features,) = engine.encode(placed.pixels, [placed.inner])
        found = engine.detect(features, SCORE, REGIONS)
        if len(found.boxes) == 0:
            continue
        if "masks" in graphs.parts:
            engine.masks(features, found.boxes, found.labels)
        if "keypoints" in graphs.parts:
            engine.keypoints(features, found.boxes)
    return engine.given


def round_graph(name: str, graph: bytes, given: list[dict[str, Any]]) -> bytes:
    """Return a graph in 8 bits.

    Args:
        name: Which part it is; `model` is all of them in one.
        graph: ONNX.
        given: Inputs to calibrate on, by their names.
    """
    with tempfile.TemporaryDirectory() as folder:
        before, plain, after = (Path(folder) / name for name in ("graph.onnx", "plain.onnx", "rounded.onnx"))
        before.write_bytes(graph)
        quant_pre_process(str(before), str(plain), skip_symbolic_shape=True)
        model = onnx.load(str(plain))
        convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
        kept = _first(model) if name in WITH_BODY else []
        joins = _joins(model, kept) if name in WITH_BODY else []
        others = [n for n in model.graph.node if n.op_type in JOINS and n not in joins]
        others += _clips_before(model, others)
        _correct_biases(model, [node for node in convolutions if node not in kept], given)
        onnx.save(model, str(plain))
        quantize_static(
            str(plain),
            str(after),
            _Recorded(given),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=ROUNDED + JOINS,
            nodes_to_exclude=[node.name for node in kept + others],
            per_channel=True,
            reduce_range=True,  # which is what HIGHEST stands for
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(str(after)).SerializeToString()


def _first(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the thin convolutions on whose way from the picture there are fewer than FLOAT_STEM, in each body."""
    channels = {value.name: value.dims[1] for value in model.graph.initializer if len(value.dims) == 4}
    depths: dict[str, int] = {}
    found = []
    for node in model.graph.node:  # in the order of their computation
        depth = max((depths.get(name, 0) for name in node.input), default=0)
        if node.op_type == "Conv":
            if depth < FLOAT_STEM and channels.get(node.input[1], THIN) < THIN:
                found.append(node)
            depth += 1
        depths.update(dict.fromkeys(node.output, depth))
    return found


def _joins(model: onnx.ModelProto, kept: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Return the nodes that join maps of convolutions, or pass them on in another size; not those of what is `kept`."""
    maps: set[str] = set()
    found = []
    for node in model.graph.node:  # in the order of their computation
        passed = node.input[:2] if node.op_type == "Add" else node.input[:1]
        is_map = node.op_type in (*JOINS, "Relu", "Clip") and all(name in maps for name in passed)
        if (node.op_type == "Conv" and node not in kept) or is_map:
            maps |= set(node.output)
        if is_map and node.op_type in JOINS:
            found.append(node)
    return found


def _clips_before(model: onnx.ModelProto, floats: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Return the nodes whose values are clipped for nothing but nodes in floats: rounded, those would follow them.

    Maxima over a map in integers take sixteen times as long as in floats.
    """
    wanted = {name for node in floats for name in node.input}
    wanted -= {name for node in model.graph.node if node not in floats for name in node.input}
    return [node for node in model.graph.node if node.op_type in ("Relu", "Clip") and node.output[0] in wanted]


def _correct_biases(model: onnx.ModelProto, nodes: list[onnx.NodeProto], given: list[dict[str, Any]]) -> None:
    """Add to the biases what rounded weights take from the mean of each channel: error 0.11 rather than 0.22.

    Convolutions that share their weights are left as they are: what is right for one is wrong for another.
    """
    values = {value.name: value for value in model.graph.initializer}
    uses = Counter(name for node in model.graph.node for name in node.input)
    own = [n for n in nodes if len(n.input) == 3 and all(uses[i] == 1 and i in values for i in n.input[1:])]
    means = _channel_means(model, {node.input[0] for node in own}, given) if own else {}
    for node in own:
        weight, bias = (numpy_helper.to_array(values[name]) for name in node.input[1:])
        lost = (weight - _to_steps(weight)).sum(tuple(range(2, weight.ndim)))  # [out, in / groups]
        mean = means[node.input[0]].reshape(-1, lost.shape[1])  # [groups, in / groups]
        made_up = (lost * mean.repeat(len(lost) // len(mean), 0)).sum(1)
        values[node.input[2]].CopyFrom(numpy_helper.from_array((bias + made_up).astype(np.float32), node.input[2]))


def _to_steps(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights [out, ...] as they are after rounding."""
    step = np.abs(weight).max(tuple(range(1, weight.ndim)), keepdims=True) / HIGHEST
    return np.rint(weight / np.where(step > 0, step, 1)) * step


def _channel_means(
    model: onnx.ModelProto, names: set[str], given: list[dict[str, Any]]
) -> dict[str, NDArray[np.float32]]:
    """Return the means [C] of tensors [N, C, h, w] over all that a graph was given."""
    wanted = sorted(names)
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3]), "spread"))
    for name in wanted:
        mean = f"mean:{name}"
        watched.graph.node.append(helper.make_node("ReduceMean", [name, "spread"], [mean], keepdims=0))
        watched.graph.output.append(helper.make_tensor_value_info(mean, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [session.run([f"mean:{name}" for name in wanted], inputs) for inputs in given]
    return {name: np.mean(parts, 0) for name, parts in zip(wanted, zip(*found, strict=True), strict=True)}
