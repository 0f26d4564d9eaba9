"""Pseudo labels by a detector of NanoDet's shape: it has random weights, so what it finds may be anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from tests.tools.builtin_weights.test_nanodet import published, write_graph
from tools.builtin_weights.nanodet import BINS, CLASSES
from tools.builtin_weights.pseudo_boxes import Found, NanoDet, add_boxes, main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def eighty() -> list[dict[str, Any]]:
    return [{"id": 2 * i + 1, "name": f"class {i}", "supercategory": "thing"} for i in range(CLASSES)]


class FixedBoxes(NanoDet):
    """A detector that finds the same in each photo."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def detect(self, photo: NDArray[np.uint8], score: float) -> Found:
        assert photo.dtype == np.uint8
        keep = self.found.scores >= score
        return Found(self.found.boxes[keep], self.found.scores[keep], self.found.labels[keep])


def test_it_decodes_what_the_published_outputs_are(tmp_path: Path) -> None:
    graph = write_graph(tmp_path)
    photo = np.random.default_rng(0).integers(0, 256, (416, 416, 3), dtype=np.uint8)  # the size it looks at
    found = NanoDet(graph).detect(photo, 0.0)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pictures = torch.from_numpy(((photo / 255 - mean) / std).transpose(2, 0, 1)[None]).float()
    best = (0.0, 0, torch.zeros(4))
    for number, maps in enumerate(published(graph, pictures)):
        rows = maps[0]
        score, place = rows[:CLASSES].sigmoid().flatten().max(0)
        label, y, x = (int(v) for v in torch.unravel_index(place, rows[:CLASSES].shape))
        parts = rows[CLASSES:, y, x].split(BINS)
        left, top, right, bottom = (float((p.softmax(0) * torch.arange(BINS)).sum()) for p in parts)
        box = torch.tensor([x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom]) * 8 * 2**number
        best = max(best, (float(score), label, box.clamp(0, 416)), key=lambda found: found[0])
    assert found.scores[0] == pytest.approx(best[0], abs=1e-4)
    assert found.labels[0] == best[1]
    assert torch.allclose(found.boxes[0], best[2], atol=0.05)


def test_sure_boxes_are_objects_unsure_ones_are_ignored(coco_file: Callable[..., Path]) -> None:
    file = coco_file(2)
    data = json.loads(file.read_text())
    data["categories"] = [{"id": 1, "name": "class 0"}]
    for record in data["annotations"]:
        record["category_id"] = 1
    own = data["annotations"][0]
    before = len(data["annotations"])
    x, y, w, h = own["bbox"]
    boxes = torch.tensor([[x, y, x + w, y + h], [1.0, 2, 30, 40], [5, 5, 20, 20], [0, 0, 9, 9]])
    teacher = FixedBoxes(Found(boxes, torch.tensor([0.9, 0.5, 0.3, 0.1]), torch.tensor([0, 3, 4, 5])))
    folder = file.parent / "images"
    assert add_boxes(teacher, data, folder, eighty(), sure=0.45, unsure=0.2, partial=False) == (2, 2)
    new = data["annotations"][before:]
    assert [(r["category_id"], r["iscrowd"]) for r in new] == [(7, 0), (9, 1)] * 2
    assert new[0]["bbox"] == [1, 2, 29, 38]
    assert new[0]["segmentation"] == []
    assert len({r["id"] for r in data["annotations"]}) == len(data["annotations"])
    assert [c["id"] for c in data["categories"]] == [c["id"] for c in eighty()]


def test_in_a_partial_file_its_own_classes_are_completed(coco_file: Callable[..., Path]) -> None:
    file = coco_file(1)
    data = json.loads(file.read_text())
    data["categories"] = [{"id": 1, "name": "class 0"}]
    data["annotations"] = [data["annotations"][0] | {"category_id": 1, "bbox": [0, 0, 20, 20]}]
    boxes = torch.tensor([[1.0, 0, 20, 20], [40, 40, 60, 60]])
    teacher = FixedBoxes(Found(boxes, torch.tensor([0.9, 0.8]), torch.tensor([0, 0])))
    folder = file.parent / "images"
    assert add_boxes(teacher, data, folder, eighty(), sure=0.45, unsure=0.2, partial=True) == (1, 0)
    assert data["annotations"][-1]["bbox"] == [40, 40, 20, 20]


def test_command_adds_to_a_file(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph, file, output = write_graph(tmp_path), coco_file(1), tmp_path / "boxes.json"
    classes = tmp_path / "classes.json"
    classes.write_text(json.dumps({"images": [], "annotations": [], "categories": eighty()}))
    assert main([str(graph), str(classes), str(file), "--output", str(output)]) == 0
    assert str(output) in capsys.readouterr().out
    written = json.loads(output.read_text())
    assert len(written["categories"]) >= CLASSES
    assert main([str(graph), str(file), str(file), "--output", str(output)]) == 2
    assert "name a file with COCO's 80" in capsys.readouterr().err
