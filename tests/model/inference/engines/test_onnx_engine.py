from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.names import OFFICIAL_FILES, file_of
from model.checkpoints.torchvision_weights import OFFICIAL
from model.graphs.export import export
from model.inference import graph_file
from model.inference.engines.onnx_engine import OnnxEngine
from model.inference.predictor import Predictor
from model.network.build import build
from tests.model.conftest import CATEGORIES, config

if TYPE_CHECKING:
    from pathlib import Path

    from model.inference.graph_file import Graphs

pytestmark = pytest.mark.usefixtures("repeatable")

PHOTO = np.random.default_rng(0).integers(0, 255, (90, 130, 3), np.uint8)
UPRIGHT = np.random.default_rng(1).integers(0, 255, (140, 70, 3), np.uint8)
BOXES = np.array([[10.0, 20.0, 60.0, 80.0], [50.5, 5.0, 120.0, 70.0]])


@pytest.fixture(autouse=True)
def without_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNOTATOR_BF16", "0")


def pair(checkpoint: Checkpoint, graphs: Graphs) -> tuple[Predictor, Predictor]:
    torchs, other = Predictor(checkpoint, "cpu"), Predictor(checkpoint, "cpu")
    other._engine = OnnxEngine(graphs)
    return torchs, other


def compare(torchs: Predictor, other: Predictor, photo: np.ndarray) -> int:
    torchs.set_image(photo)
    other.set_image(photo)
    expected, found = torchs.detect(0.02), other.detect(0.02)
    assert len(found) == len(expected)
    for one, twin in zip(expected, found, strict=True):
        assert twin.category_id == one.category_id
        np.testing.assert_allclose(twin.box, one.box, atol=1e-3)
        assert twin.score == pytest.approx(one.score, abs=1e-3)
        assert len(twin.polygons) == len(one.polygons)
        if one.keypoint_scores is not None and twin.keypoint_scores is not None:
            np.testing.assert_allclose(twin.keypoint_scores, one.keypoint_scores, atol=1e-3)
    return len(found)


def test_the_graphs_find_what_torch_finds(tiny_checkpoint: Checkpoint, tiny_graphs: Graphs) -> None:
    torchs, other = pair(tiny_checkpoint, tiny_graphs)
    assert other.id == torchs.id
    assert compare(torchs, other, PHOTO) > 2
    assert compare(torchs, other, UPRIGHT) > 2, "a graph knows photos of all sizes"
    np.testing.assert_allclose(
        other.classify_boxes(BOXES[:, [1, 0, 3, 2]]), torchs.classify_boxes(BOXES[:, [1, 0, 3, 2]]), atol=1e-4
    )
    mine, theirs = (p.masks_for_boxes(BOXES[:1], [7])[0] for p in (other, torchs))
    assert [len(ring) for part in mine.polygons for ring in part] == [
        len(ring) for part in theirs.polygons for ring in part
    ]
    box = np.array([0, 0, 40, 60])
    np.testing.assert_allclose(other.likeness(40, 60, box, 8), torchs.likeness(40, 60, box, 8), atol=1e-3)
    for one, twin in zip(torchs.objects_at(40, 60), other.objects_at(40, 60), strict=True):
        np.testing.assert_allclose(twin.box, one.box, atol=1e-3)
        np.testing.assert_allclose(twin.mask, one.mask, atol=1e-3)
    assert other.masks_for_boxes(np.zeros((0, 4))) == []
    assert other.keypoints_for_boxes(np.zeros((0, 4)))[0].shape == (0, 3, 3)
    assert [len(found) for found in other.detect_many([PHOTO, UPRIGHT], 0.02)] == [
        len(found) for found in torchs.detect_many([PHOTO, UPRIGHT], 0.02)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"features": "c4", "keypoints": 0, "mask_loss": "softmax"},
        {
            "rpn_box": "distances",
            "box_body": "cspnet",
            "box_step": 10,
            "rpn_score": True,
            "rpn_kinds": 3,
            "anchor_sizes": (50, 100, 200),
            "anchor_ratios": (1.0,),
        },
        pytest.param({"roi_layer": "warp", "mask_head": "mlp2", "keypoints": 0}, marks=pytest.mark.slow),
        pytest.param({"roi_layer": "pool", "roi_reduce": "max", "mask_norm": True}, marks=pytest.mark.slow),
        pytest.param({"roi_reduce": "max", "box_agnostic": True, "mask_head": "none"}, marks=pytest.mark.slow),
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_the_papers_family_has_graphs(changes: dict[str, str | int | bool]) -> None:
    torch.manual_seed(2)
    chosen = config(**changes)
    categories = (
        CATEGORIES if chosen.keypoints else tuple(replace(c, keypoint_names=(), skeleton=()) for c in CATEGORIES)
    )
    made = Checkpoint(chosen, categories, build(chosen).state_dict())
    compare(*pair(made, export(made)), PHOTO)


def test_a_file_of_graphs_is_read_as_it_was_written(tiny_graphs: Graphs, tmp_path: Path) -> None:
    file = tmp_path / "a.graphs"
    graph_file.write(file, tiny_graphs)
    assert graph_file.read(file) == tiny_graphs
    whole = file.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        b"",
        whole[:2000] + b"x" + whole[2001:],
        whole.replace(b"graphs-2", b"graphs-0"),
    ):
        file.write_bytes(damaged)
        with pytest.raises(graph_file.GraphFileError):
            graph_file.read(file)


def test_torchvisions_files_are_where_torch_puts_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert {name: entry.weights().url.rpartition("/")[2] for name, entry in OFFICIAL.items()} == OFFICIAL_FILES
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert file_of("coco") is None
    for home in (str(tmp_path), None):
        if home is None:
            monkeypatch.delenv("TORCH_HOME")
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        file = torch.hub.get_dir() + "/checkpoints/" + OFFICIAL_FILES["coco"]
        from pathlib import Path as Place

        Place(file).parent.mkdir(parents=True, exist_ok=True)
        Place(file).write_bytes(b"x")
        assert file_of("coco") == Place(file)
