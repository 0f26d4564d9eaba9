"""MoveNet's weights in torchvision's network: a graph model of the same form, with every tensor made here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.models import mobilenet_v2

from model.config import MEAN, STD
from tools.builtin_weights.movenet import BODY, WIDTH, GraphError, backbone_state, main, read_tensors

if TYPE_CHECKING:
    from pathlib import Path


def write_graph(folder: Path) -> Path:
    """Write a graph model with random weights of MoveNet's shapes, in half precision as the real one."""
    random = np.random.default_rng(0)
    network = mobilenet_v2(width_mult=WIDTH)
    names = ["Conv1/Conv2D", "expanded_conv_depthwise/depthwise", "expanded_conv_project/Conv2D"]
    for block in range(1, 17):
        names += [f"block_{block}_{part}" for part in ("expand/Conv2D", "depthwise/depthwise", "project/Conv2D")]
    convolutions = [m for m in network.features[:18].modules() if isinstance(m, torch.nn.Conv2d)]
    weights: list[dict[str, Any]] = [{"name": "count", "shape": [], "dtype": "int32"}]
    data = np.int32(7).tobytes()
    for name, convolution in zip(names, convolutions, strict=True):
        out, into, *kernel = convolution.weight.shape
        shape = [*kernel, out, into] if convolution.groups > 1 else [*kernel, into, out]
        for end, size in (("_weights", shape), ("_bn_offset", [out])):
            weights.append({"name": BODY + name + end, "shape": size, "quantization": {"dtype": "float16"}})
            data += (0.1 * random.standard_normal(size)).astype(np.float16).tobytes()
    (folder / "graph.bin").write_bytes(data)
    graph = folder / "graph.json"
    graph.write_text(json.dumps({"weightsManifest": [{"paths": ["graph.bin"], "weights": weights}]}))
    return graph


def test_converted_weights_fit_and_see_what_movenet_saw(tmp_path: Path) -> None:
    tensors = read_tensors(write_graph(tmp_path))
    network = mobilenet_v2(width_mult=WIDTH).eval()
    missing = network.load_state_dict(backbone_state(tensors), strict=False).missing_keys
    assert all(name.startswith(("features.18", "classifier")) or "num_batches" in name for name in missing)
    pixels = torch.rand(1, 3, 16, 16)  # 0..1
    ours = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    stem = torch.from_numpy(tensors[BODY + "Conv1/Conv2D_weights"].transpose(3, 2, 0, 1).copy())
    offset = torch.from_numpy(tensors[BODY + "Conv1/Conv2D_bn_offset"])
    wanted = functional.relu6(functional.conv2d(2 * pixels - 1, stem, offset, stride=2, padding=1))
    # Padding is zero after normalising, which is another grey for each: the border differs.
    assert torch.allclose(network.features[0](ours)[:, :, 1:, 1:], wanted[:, :, 1:, 1:], atol=1e-4)


def test_command_writes_what_training_takes(tmp_path: Path) -> None:
    output = tmp_path / "movenet.pth"
    assert main([str(write_graph(tmp_path)), str(output)]) == 0
    state = torch.load(output, weights_only=True)
    assert state["features.17.conv.2.weight"].shape == (480, 1440, 1, 1)


def test_another_file_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = tmp_path / "graph.json"
    graph.write_text('{"weightsManifest": []}')
    assert main([str(graph), str(tmp_path / "out.pth")]) == 2
    assert "Conv1" in capsys.readouterr().err
    with pytest.raises(GraphError, match="graph model"):
        read_tensors(tmp_path / "absent.json")
