"""The weights that ship."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataset import rle
from dataset.images import read_photo
from dataset.masks import rasterize
from model import config
from model.checkpoints import weights
from model.checkpoints.torchvision_weights import PERSON_KEYPOINTS, PERSON_SKELETON
from model.inference.predictor import Predictor
from resources import SAMPLES
from tools.builtin_weights import export

pytestmark = pytest.mark.usefixtures("repeatable")

TRUTH = json.loads((SAMPLES / "people.json").read_text())


@pytest.fixture(scope="module")
def builtin() -> Predictor:
    return Predictor("builtin", "cpu")


def test_the_file_is_small_and_says_what_it_is(builtin: Predictor) -> None:
    assert weights.BUILTIN_FILE.stat().st_size <= 20_000_000
    assert len(builtin.categories) == 12
    person = builtin.categories[0]
    assert person.name == "person"
    assert person.keypoint_names == PERSON_KEYPOINTS
    assert person.skeleton == PERSON_SKELETON


def test_the_header_wins_over_the_defaults_in_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.load("builtin").config == config.BUILTIN, "they are the same until one of them is changed"
    assert config.ModelConfig().box_nms != config.BUILTIN.box_nms
    monkeypatch.setattr(config, "BUILTIN", replace(config.BUILTIN, box_nms=0.3))
    assert weights.load("builtin").config.box_nms == 0.4
    assert Predictor("builtin", "cpu").config.box_nms == 0.4


def test_a_checkpoint_written_with_another_value_has_it(tmp_path: Path) -> None:
    output = tmp_path / "own.safetensors"
    assert export.main([str(weights.BUILTIN_FILE), str(output), "--config", "box_nms=0.3"]) == 0
    assert Predictor(output, "cpu").config.box_nms == 0.3


@pytest.mark.parametrize("record", TRUTH["annotations"], ids=lambda record: f"photo {record['image_id']}")
def test_it_finds_the_person_that_we_drew(builtin: Predictor, record: dict[str, Any]) -> None:
    name = next(i["file_name"] for i in TRUTH["images"] if i["id"] == record["image_id"])
    photo = read_photo(SAMPLES / name)
    size = (photo.shape[0], photo.shape[1])
    builtin.set_image(photo)
    persons = [i for i in builtin.detect(0.5) if i.category_id == builtin.categories[0].id]
    assert persons
    drawn = rle.from_coco(record["segmentation"], size)
    overlap = rle.iou([rasterize(p.polygons, (size[1], size[0])) for p in persons], [drawn], [False])
    assert overlap.max() >= 0.7
    best = persons[int(overlap.argmax())]
    assert best.keypoints is not None
    assert (best.keypoints[:, 2] > 0).sum() >= 5
