"""NanoDet's weights in our network: a graph model of the same form, with every tensor made here."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from model.checkpoints.weights import load, network_of
from model.network.build import build
from model.network.cspnet import PAIRS, CSPNet
from tools.builtin_weights.movenet import read_tensors
from tools.builtin_weights.nanodet import (
    BIASES,
    BODY,
    CLASSES,
    OUTPUTS,
    SHIFT,
    START,
    box_parts,
    convolution,
    main,
    start_heads,
)

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


def write_graph(folder: Path, without: int | None = None) -> Path:
    """Write a graph model with random weights of NanoDet-g's shapes, in half precision as the real one."""
    random = np.random.default_rng(0)
    sizes = [tuple(m.weight.shape) for m in CSPNet().modules() if isinstance(m, torch.nn.Conv2d)]
    sizes += [(128, width, 1, 1) for width in (128, 256, 512)]
    sizes += [(128, 128, 3, 3), (OUTPUTS, 128, 1, 1)] * 3
    weights: list[dict[str, Any]] = []
    data = b""
    for index, (out, into, height, width) in enumerate(sizes):
        if index == without:
            continue
        name = f"PartitionedCall/split_{index}" if index else "PartitionedCall/split"
        for key, shape in ((name, [height, width, into, out]), (f"unknown_{BIASES[index]}", [out])):
            weights.append({"name": key, "shape": shape, "quantization": {"dtype": "float16"}})
            scale = (into * height * width) ** -0.5 if len(shape) > 1 else 0.1
            data += (scale * random.standard_normal(shape)).astype(np.float16).tobytes()
    (folder / "graph.bin").write_bytes(data)
    graph = folder / "graph.json"
    graph.write_text(json.dumps({"weightsManifest": [{"paths": ["graph.bin"], "weights": weights}]}))
    return graph


def write_categories(folder: Path) -> Path:
    points = [f"point {i}" for i in range(17)]
    person = {"id": 1, "name": "person", "supercategory": "person", "keypoints": points, "skeleton": [[1, 2]]}
    dog = {"id": 2, "name": "dog", "supercategory": "animal"}
    data = {"images": [], "annotations": [], "categories": [person, dog]}
    path = folder / "coco.json"
    path.write_text(json.dumps(data))
    return path


def published(graph: Path, pictures: Tensor) -> list[Tensor]:
    """Return NanoDet's outputs [B, OUTPUTS, H, W] at strides 8, 16 and 32: its graph, written out."""
    tensors = read_tensors(graph)

    def apply(x: Tensor, index: int, stride: int = 1) -> Tensor:
        weight, bias = convolution(tensors, index)
        return functional.conv2d(x, weight, bias, stride, weight.shape[2] // 2)

    def leaky(x: Tensor, index: int, stride: int = 1) -> Tensor:
        return functional.leaky_relu(apply(x, index, stride), 0.1)

    x = functional.max_pool2d(leaky(pictures.flip(1), 0, 2), 3, 2, 1)
    maps, index = [], 1
    for number, pairs in enumerate(PAIRS):
        entry = x = leaky(x, index, 2 if number else 1)
        index += 1
        for _ in range(pairs):
            half = leaky(x, index)
            x = torch.cat([leaky(half, index + 1), half], 1)
            index += 2
        x = torch.cat([leaky(x, index), entry], 1)
        index += 1
        maps.append(x)
    assert index == BODY
    fine, middle, coarse = (apply(x, BODY + i) for i, x in enumerate(maps[1:]))
    middle = middle + functional.interpolate(coarse, size=middle.shape[2:], mode="bilinear", align_corners=False)
    fine = fine + functional.interpolate(middle, size=fine.shape[2:], mode="bilinear", align_corners=False)
    middle = middle + functional.interpolate(fine, size=middle.shape[2:], mode="bilinear", align_corners=False)
    coarse = coarse + functional.interpolate(middle, size=coarse.shape[2:], mode="bilinear", align_corners=False)
    return [apply(leaky(x, BODY + 3 + 2 * i), BODY + 4 + 2 * i) for i, x in enumerate((fine, middle, coarse))]


def test_the_network_sees_what_nanodet_saw(tmp_path: Path) -> None:
    graph, output = write_graph(tmp_path), tmp_path / "start.safetensors"
    assert main([str(graph), str(write_categories(tmp_path)), str(output)]) == 0
    start = load(output)
    assert [c.name for c in start.categories] == ["person", "dog"]
    pictures = torch.randn(2, 3, 64, 96)
    body, neck = box_parts(network_of(start).backbone)
    with torch.no_grad():
        maps = neck(body(pictures)).values()
        wanted = published(graph, pictures)
    for found, true in zip(maps, wanted, strict=True):
        assert torch.allclose(found[:, CLASSES:OUTPUTS], true[:, CLASSES:], atol=1e-4)
        assert torch.allclose(found[:, :CLASSES], true[:, :CLASSES] + SHIFT, atol=1e-4)


def test_it_is_shown_the_picture_smaller() -> None:
    network = build(START).eval()
    body, neck = box_parts(network.backbone)
    pictures = torch.randn(1, 3, 416, 576)
    with torch.no_grad():
        maps = network.encode(pictures)
        small = functional.interpolate(pictures, size=(302, 418), mode="bilinear")
        wanted = neck(body(functional.pad(small, (0, 448 - 418, 0, 320 - 302))))
    sides = [(104, 144), (52, 72), (26, 36), (13, 18), (40, 56), (20, 28), (10, 14)]
    assert [tuple(m.shape[2:]) for m in maps] == sides
    for found, true in zip(maps[4:], wanted.values(), strict=True):
        assert float((found - true).abs().mean()) < 0.1 * float(true.std())


STRIDES = (4, 8, 16, 32, 8, 16, 32)
PLAIN = replace(START, box_step=8, anchor_sizes=(40, 80, 160))


def test_proposals_and_classes_are_read_off_its_channels() -> None:
    network = build(PLAIN).eval()
    start_heads(network)
    maps = [torch.zeros(1, START.channels, 128 // stride, 128 // stride) for stride in STRIDES]
    boxes = [torch.tensor([[16.0, 16, 112, 112], [0, 0, 64, 64]])]
    for level in maps:
        level[:, 6, level.shape[2] // 2 - 1 : level.shape[2] // 2 + 1] = SHIFT + 4  # the seventh class, in the middle
    with torch.no_grad():
        logits, offsets = network.roi_heads.classify(maps, boxes)
        scored = network.rpn.score(maps, (128, 128))
        scores = scored.objectness[0].split(scored.per_level)
    assert logits[0].argmax() == 7
    assert logits[0, 7] > logits[0, 0] + 2
    assert logits[0, 7] > logits[1, 7] + 1
    assert offsets.shape == (2, 4 * 81)
    assert not offsets.any(), "boxes stay where they were proposed"
    best = scores[1].view(8, 8)  # at stride 16
    assert float(best.max()) == pytest.approx(4, abs=0.01), "as sure as it was of the class"
    assert best[3:5].min() > best[[0, 1, 6, 7]].max() + 3


@pytest.mark.parametrize("step", [8, 11])
def test_proposals_are_the_boxes_that_its_distributions_say(step: int) -> None:
    network = build(replace(START, box_step=step, anchor_sizes=(5 * step, 10 * step, 20 * step))).eval()
    start_heads(network)
    maps = [torch.zeros(1, START.channels, 128 // stride, 128 // stride) for stride in STRIDES]
    sides = maps[5][0, CLASSES:OUTPUTS, 4, 3].view(4, -1)
    for side, distance in enumerate((2, 1, 3, 2)):
        sides[side] = -8
        sides[side, distance] = 8
    maps[5][0, 9, 4, 3] = SHIFT + 6
    with torch.no_grad():
        found = network.rpn.propose(network.rpn.score(maps, (200, 200)), [(200, 200)], pre_nms=5, post_nms=5)[0]
    best = torch.tensor([3.5 - 2, 4.5 - 1, 3.5 + 3, 4.5 + 2]) * 2 * step
    torch.testing.assert_close(found.boxes[0], best, atol=0.01, rtol=0)
    assert found.objectness[0] > 0.9 > 2 * found.objectness[1]


@pytest.mark.parametrize("index", [0, BODY, len(BIASES) - 2])
def test_a_graph_of_something_else_is_refused(index: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "start.safetensors"
    assert main([str(write_graph(tmp_path, index)), str(write_categories(tmp_path)), str(output)]) == 2
    assert capsys.readouterr().err == f"There is no convolution {index} in this graph model: NanoDet-g has one.\n"
    assert not output.exists()
