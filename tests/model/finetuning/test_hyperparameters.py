from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataset.coco.categories import Category
from model.config import FROM_SCRATCH, ModelConfig
from model.data.project_dataset import ProjectDataset
from model.finetuning.hyperparameters import MAX_CROP_SIDE, MAX_SIDE, choose_hyperparameters
from model.protocol import FineTuneOptions

OPTIONS = FineTuneOptions()


def project(side: float) -> ProjectDataset:
    """One photo of 1000 x 800 with squares of such a side."""
    image = {"id": 1, "file_name": "a.jpg", "width": 1000, "height": 800}
    boxes: list[dict[str, Any]] = [
        {"id": i, "image_id": 1, "category_id": 1, "bbox": [i, i, side, side]} for i in range(1, 4)
    ]
    data = {"images": [image], "annotations": boxes, "categories": [{"id": 1, "name": "a"}]}
    return ProjectDataset(data, Path(), (Category(1, "a"),), [], [])


@pytest.mark.parametrize(("side", "short"), [(600, FROM_SCRATCH.short_side), (200, 512), (10, MAX_SIDE)])
def test_the_smaller_the_objects_the_larger_the_photos_and_steps_stay_as_they_are(side: float, short: int) -> None:
    found = choose_hyperparameters(OPTIONS, project(side), FROM_SCRATCH, 20)
    assert found.network["short_side"] == short
    assert found.network["long_side"] == pytest.approx(FROM_SCRATCH.long_side * short / FROM_SCRATCH.short_side, abs=1)
    assert found.train.scales == (MAX_CROP_SIDE,)
    assert found.train.jitter[1] * MAX_CROP_SIDE >= short  # as large as the model will get them
    assert found.train.jitter[0] < 1


def test_four_times_the_photos_are_seen_half_as_often() -> None:
    epochs = {
        n: choose_hyperparameters(OPTIONS, project(200), FROM_SCRATCH, n).train.epochs for n in (4, 16, 64, 100_000)
    }
    assert epochs[16] == pytest.approx(2 * epochs[64], abs=1)
    assert epochs[4] == 100
    assert epochs[100_000] == 8
    assert choose_hyperparameters(OPTIONS, project(200), FROM_SCRATCH, 4, folds=3).train.epochs == 50
    assert choose_hyperparameters(replace(OPTIONS, epochs=3), project(200), FROM_SCRATCH, 4, folds=3).train.epochs == 3


def test_what_a_round_has_chosen_does_not_grow_in_the_next() -> None:
    first = choose_hyperparameters(OPTIONS, project(150), FROM_SCRATCH, 20)
    tuned = replace(FROM_SCRATCH, short_side=first.network["short_side"], long_side=first.network["long_side"])
    second = choose_hyperparameters(OPTIONS, project(150), tuned, 20)
    assert second.network == first.network
    assert second.train.scales == first.train.scales


def test_a_large_network_keeps_its_photos_large() -> None:
    assert choose_hyperparameters(OPTIONS, project(600), ModelConfig(), 20).network["short_side"] == 800


@pytest.mark.parametrize(("short", "long", "chosen"), [(416, 2300, None), (2048, 1, 32), (416, 693, 2048)])
def test_the_long_side_is_one_that_a_network_can_have(short: int, long: int, chosen: int | None) -> None:
    parent = replace(FROM_SCRATCH, short_side=short, long_side=long)
    found = choose_hyperparameters(replace(OPTIONS, short_side=chosen), project(10), parent, 20)
    replace(parent, **found.network)  # raises nothing


def test_a_person_may_choose_the_side() -> None:
    found = choose_hyperparameters(replace(OPTIONS, short_side=192), project(10), FROM_SCRATCH, 20)
    assert found.network["short_side"] == 192
    assert found.train.scales == (192,)


def test_objects_are_pasted_where_photos_vary_freely() -> None:
    assert choose_hyperparameters(OPTIONS, project(200), FROM_SCRATCH, 20).train.paste > 0
    assert choose_hyperparameters(replace(OPTIONS, augment="light"), project(200), FROM_SCRATCH, 20).train.paste == 0
    assert choose_hyperparameters(OPTIONS, project(200), FROM_SCRATCH, 4, folds=3).train.paste == 0


def test_the_models_that_measure_share_the_minutes() -> None:
    timed = replace(OPTIONS, minutes=6.0)
    assert choose_hyperparameters(timed, project(200), FROM_SCRATCH, 20).train.minutes == 6
    assert choose_hyperparameters(timed, project(200), FROM_SCRATCH, 5, folds=5).train.minutes == 1
