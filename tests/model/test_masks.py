from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pycocotools.coco import COCO

from model import masks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")


@pytest.fixture
def boxes_only(coco_file: Callable[..., Path]) -> Path:
    path = coco_file(2, info={"by": "us"})
    data = json.loads(path.read_text())
    for record in data["annotations"]:
        for key in ("segmentation", "keypoints", "num_keypoints", "area", "iscrowd"):
            record.pop(key, None)
        record["note"] = "kept"
    data["categories"] = [
        {"id": 1, "name": "lady", "supercategory": "person"},
        {"id": 7, "name": "unheard of", "supercategory": "thing"},
    ]
    path.write_text(json.dumps(data))
    return path


def command(path: Path, weights: Path, output: Path, *more: str) -> int:
    return masks.main([str(path), "--weights", str(weights), "--output", str(output), "--device", "cpu", *more])


def test_every_box_gets_a_mask_and_persons_get_keypoints(boxes_only: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    assert command(boxes_only, tiny_weights, output) == 0
    before, coco = json.loads(boxes_only.read_text()), COCO(output)
    after: Any = coco.dataset
    assert after["info"] == {"by": "us"}
    assert after["categories"][0]["keypoints"]
    assert "keypoints" not in after["categories"][1]
    made = 0
    for old, new in zip(before["annotations"], after["annotations"], strict=True):
        assert {k: new[k] for k in old} == old  # the person's box, and what we do not know, unchanged
        if "segmentation" in new:
            made += 1
            assert coco.annToMask(new).sum() > 0
            assert new["area"] > 0
        assert ("keypoints" in new) == (new["category_id"] == 1)
    assert made > 0


def test_masks_that_are_there_stay(coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path) -> None:
    path = coco_file(1)
    assert command(path, tiny_weights, tmp_path / "same.json") == 0
    before = json.loads(path.read_text())
    assert json.loads((tmp_path / "same.json").read_text()) == before
    assert command(path, tiny_weights, tmp_path / "new.json", "--replace") == 0
    after = json.loads((tmp_path / "new.json").read_text())
    assert after["annotations"] != before["annotations"]
    assert [a["bbox"] for a in after["annotations"]] == [a["bbox"] for a in before["annotations"]]


def test_bad_input(boxes_only: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(boxes_only, tiny_weights, boxes_only) == 2
    assert "exists" in capsys.readouterr().err
    assert command(tmp_path / "none.json", tiny_weights, tmp_path / "o.json") == 2
    assert "cannot be read" in capsys.readouterr().err
    data = json.loads(boxes_only.read_text())
    data["annotations"][0]["bbox"] = [1, 2]
    boxes_only.write_text(json.dumps(data))
    assert command(boxes_only, tiny_weights, tmp_path / "o.json") == 2
    assert "COCO" in capsys.readouterr().err
    assert not (tmp_path / "o.json").exists()
