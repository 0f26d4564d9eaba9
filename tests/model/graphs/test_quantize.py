from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from model.graphs.quantize import FLOAT_STEM, HIGHEST, _clips_before, _first, _joins, quantize, round_graph
from model.inference.engines.onnx_engine import OnnxEngine
from model.inference.preprocess import resize_and_pad

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.inference.graph_file import Graphs

PHOTOS = np.random.default_rng(0).integers(0, 255, (3, 96, 128, 3), np.uint8)
RANDOM = np.random.default_rng(1)


def finest(graphs: Graphs) -> NDArray[np.float32]:
    placed = resize_and_pad(PHOTOS[2], graphs.config.short_side, graphs.config.long_side)
    return OnnxEngine(graphs).encode(placed.pixels, [placed.inner])[0].maps["map0"]


def test_the_features_of_a_photo_are_nearly_the_same(tiny_graphs: Graphs) -> None:
    floats = replace(tiny_graphs, parts={name: tiny_graphs.parts[name] for name in ("encode", "classify")})
    rounded = quantize(floats, PHOTOS[:2])
    assert rounded.arithmetic == "int8"
    exact = finest(floats)
    assert np.linalg.norm(finest(rounded) - exact) < 0.15 * np.linalg.norm(exact), "0.17 if the stem is rounded, too"
    graph = onnx.load_from_string(rounded.parts["encode"]).graph
    values = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    weights = {node.output[0]: values[node.input[0]] for node in graph.node if node.input and node.input[0] in values}
    convolutions = [node.input[1] for node in graph.node if node.op_type == "Conv"]
    assert all(values[name].dtype == np.float32 for name in convolutions[:FLOAT_STEM])
    for name in convolutions[FLOAT_STEM:]:
        assert weights[name].dtype == np.int8
        assert np.abs(weights[name].astype(int)).max() == HIGHEST


def test_sums_of_maps_are_rounded_and_those_of_boxes_are_not(tiny_graphs: Graphs) -> None:
    graph = onnx.load_from_string(tiny_graphs.parts["encode"])
    joined = {node.output[0] for node in _joins(graph, [])}
    sums = [node for node in graph.graph.node if node.op_type == "Add"]
    of_blocks = [node for node in sums if "/body/" in node.name]
    of_boxes = [node for node in sums if "/backbone/" not in node.name]
    assert of_blocks
    assert all(node.output[0] in joined for node in of_blocks)
    assert of_boxes
    assert not any(node.output[0] in joined for node in of_boxes)


def test_the_stem_of_a_resnet_is_rounded_but_for_its_first_convolution() -> None:
    """The others take 64 channels, and most of the time that floats would cost."""
    weights = [RANDOM.normal(size=shape).astype(np.float32) for shape in ((64, 3, 7, 7), (64, 64, 3, 3), (9, 64, 1, 1))]
    maps = ["pixels", "a", "b", "c"]
    nodes = [helper.make_node("Conv", [maps[n], f"w{n}"], [maps[n + 1]], f"conv{n}") for n in range(3)]
    initial = [numpy_helper.from_array(weight, f"w{n}") for n, weight in enumerate(weights)]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in (maps[0], maps[-1])]
    graph = helper.make_graph(nodes, "stem", ends[:1], ends[1:], initial)
    assert [node.name for node in _first(helper.make_model(graph))] == ["conv0"]


def test_maxima_of_a_map_in_floats_are_taken_in_floats() -> None:
    weight = numpy_helper.from_array(RANDOM.normal(size=(8, 3, 3, 3)).astype(np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["pixels", "w"], ["map"], "conv"),
        helper.make_node("Relu", ["map"], ["clipped"], "relu"),
        helper.make_node("MaxPool", ["clipped"], ["least"], "maxima", kernel_shape=[3, 3]),
        helper.make_node("Relu", ["least"], ["out"], "last"),
    ]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("pixels", "out")]
    model = helper.make_model(helper.make_graph(nodes, "stem", ends[:1], ends[1:], [weight]))
    conv, _, maxima, _ = model.graph.node
    assert _joins(model, [conv]) == []
    assert [node.name for node in _joins(model, [])] == ["maxima"]
    assert [node.name for node in _clips_before(model, [maxima])] == ["relu"]


def two_convolutions() -> bytes:
    """A graph whose first convolution is cut off far below the highest of its values."""
    first = RANDOM.standard_t(2, (32, 64, 1, 1)) * 3
    second = RANDOM.standard_t(2, (16, 32, 1, 1))
    arrays: dict[str, Any] = {"a": first, "b": np.zeros(32), "c": second, "d": np.zeros(16), "low": 0, "high": 6}
    nodes = [
        helper.make_node("Conv", ["x", "a", "b"], ["wide"], "first"),
        helper.make_node("Clip", ["wide", "low", "high"], ["narrow"], "clip"),
        helper.make_node("Conv", ["narrow", "c", "d"], ["y"], "second"),
    ]
    x, y = (helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, c, 8, 8]) for n, c in (("x", 64), ("y", 16)))
    given = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in arrays.items()]
    graph = helper.make_graph(nodes, "two", [x], [y], given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


def test_rounded_weights_and_clipped_values_leave_the_means_of_channels_as_they_are() -> None:
    graph = two_convolutions()
    given = [{"x": RANDOM.uniform(0, 2, (1, 64, 8, 8)).astype(np.float32)} for _ in range(5)]
    sessions = [onnxruntime.InferenceSession(g) for g in (graph, round_graph("masks", graph, given[:4]))]
    exact, near = (np.asarray(session.run(["y"], given[4])[0]) for session in sessions)
    assert np.linalg.norm(near - exact) < 0.06 * np.linalg.norm(exact), "0.07 if values are rounded before the clipping"
    shift = np.abs((near - exact).mean((0, 2, 3))).mean()
    assert shift < 0.007 * np.abs(exact).mean(), "0.027 if the biases stay as they are"
