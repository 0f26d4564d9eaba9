"""The weights that ship."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset import rle
from dataset.masks import rasterize
from dataset.pictures.images import read_photo
from model import config
from model.checkpoints import names, weights
from model.checkpoints.torchvision_weights import PERSON_KEYPOINTS, PERSON_SKELETON
from model.inference import graph_file
from model.inference.box_arithmetic import box_iou
from model.inference.predictor import Predictor
from resources import SAMPLES
from tools.builtin_weights import export

pytestmark = pytest.mark.usefixtures("repeatable")

TRUTH = json.loads((SAMPLES / "people.json").read_text())


@pytest.fixture(scope="module")
def builtin() -> Predictor:
    return Predictor("builtin", "cpu")


def test_the_file_is_small_and_says_what_it_is(builtin: Predictor) -> None:
    assert weights.BUILTIN_FILE.stat().st_size <= 23_000_000
    assert len(builtin.categories) == 80
    person = builtin.categories[0]
    assert person.name == "person"
    assert person.keypoint_names == PERSON_KEYPOINTS
    assert person.skeleton == PERSON_SKELETON


def test_the_graphs_are_those_of_the_weights(builtin: Predictor) -> None:
    graphs, checkpoint = graph_file.read(names.BUILTIN_GRAPHS), weights.load("builtin")
    assert graphs.digest == f"{checkpoint.digest()}-{checkpoint.config_digest()}"
    assert (graphs.config, graphs.categories) == (checkpoint.config, checkpoint.categories)
    assert graphs.arithmetic == "int8"
    assert names.BUILTIN_GRAPHS.stat().st_size <= 17_000_000
    assert builtin.id == f"{graphs.digest}-int8", "they are what a CPU computes"


def test_in_eight_bits_they_find_what_the_network_finds(builtin: Predictor) -> None:
    network = Predictor(weights.load("builtin"), "cpu")
    for name in ("group.jpg", "cat.jpg"):
        photo = read_photo(SAMPLES / name)
        builtin.set_image(photo)
        network.set_image(photo)
        found = builtin.detect(0.3)
        for sure in network.detect(0.7):
            same = [i for i in found if i.category_id == sure.category_id]
            overlap = box_iou(sure.box[None], np.stack([i.box for i in same]))[0]
            assert overlap.max() > 0.8
            assert same[int(overlap.argmax())].score == pytest.approx(sure.score, abs=0.25)


def test_the_header_wins_over_the_defaults_in_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    written = weights.load("builtin").config
    assert config.ModelConfig().short_side != written.short_side == 416
    monkeypatch.setattr(config, "FROM_SCRATCH", replace(config.FROM_SCRATCH, short_side=300))
    assert weights.load("builtin").config == Predictor("builtin", "cpu").config == written


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
