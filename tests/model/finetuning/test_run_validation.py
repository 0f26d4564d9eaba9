from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from dataset import rle
from dataset.coco.categories import Category
from model.data.unreadable_images import UnreadableImages
from model.distributed import ProcessGroup
from model.evaluation.paired_bootstrap import agreement_sentence
from model.finetuning.class_mapping import ClassMapping, map_classes
from model.finetuning.run_validation import MIN_CONFIDENT, Validator
from model.inference.instance import Instance
from tests.model.conftest import CATEGORIES, POINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.checkpoints.checkpoint import Checkpoint
    from model.inference.segmenter import Segmenter

OWN, KEPT = 1, 2


@pytest.fixture
def validator() -> Validator:
    classes = ClassMapping((Category(OWN, "balloon"), Category(KEPT, "person")), 1, (None, 1), ("balloon",))
    return Validator(
        Path(), classes, "cpu", team=ProcessGroup(), check_cancelled=lambda: None, missing=UnreadableImages()
    )


def found(count: int, *, x: float = 0, score: float = 0.9, category: int = KEPT) -> list[dict[str, Any]]:
    """One object in each of so many photos."""
    ring = [x, 0, x + 20, 0, x + 20, 20, x, 20]
    mask = rle.encode(rle.decode(rle.from_polygons([ring], (30, 90))))
    return [{"image_id": i, "category_id": category, "score": score, "segmentation": mask} for i in range(count)]


def test_models_that_see_the_same_agree(validator: Validator) -> None:
    assert validator.agreement(found(8), found(8)) == {"person": 1.0}


def test_what_is_no_longer_seen_and_what_is_newly_seen_both_count(validator: Validator) -> None:
    assert validator.agreement(found(8), found(4)) == {"person": pytest.approx(8 / 12, abs=1e-3)}
    everywhere = found(8) + found(8, x=30) + found(8, x=60)
    assert validator.agreement(found(8), everywhere) == {"person": 0.5}


def test_what_the_other_half_sees_counts_as_seen(validator: Validator) -> None:
    assert validator.agreement(found(8), found(8, score=0.4)) == {"person": 1.0}
    assert validator.agreement(found(8), found(8, score=0.1)) == {"person": 0.0}


def test_of_labelled_classes_and_of_few_objects_nothing_is_said(validator: Validator) -> None:
    assert validator.agreement(found(8, category=OWN), []) == {}
    few = MIN_CONFIDENT // 2 - 1
    assert validator.agreement(found(few), found(few)) == {}


def test_the_sentence_names_the_classes() -> None:
    assert agreement_sentence({}) == ""
    assert "person 50%" in agreement_sentence({"person": 0.5})


class SeesThePerson:
    """Finds the person of each photo of `coco_file`, with the keypoints that it has, in the parent's order."""

    batch = 1

    def set_image(self, image: object) -> None:
        pass

    def detect(self, *_args: object) -> list[Instance]:
        points = np.array([[23, 15, 2], [33, 30, 2], [13, 30, 2]], np.float32)
        box = np.array([8, 10, 38, 50], np.float32)
        ring = np.array([[8, 10], [38, 10], [38, 50], [8, 50]], np.float32)
        return [Instance(1, 0.9, box, [[ring]], points, np.array([0.9, 0.8, 0.7], np.float32))]


def detections_of(
    parent: Checkpoint, file: Path, points: tuple[str, ...]
) -> tuple[Validator, dict[str, Any], list[dict[str, Any]]]:
    """The parent's detections for a project whose class has other keypoints, with what they are measured against."""
    data = json.loads(file.read_text())
    known = data["annotations"][0]["keypoints"]
    place = {name: known[3 * i : 3 * i + 3] for i, name in enumerate(POINTS)}
    data["categories"][0] |= {"keypoints": list(points), "skeleton": []}
    for record in data["annotations"][::2]:
        record["keypoints"] = [v for name in points for v in place.get(name, [1, 1, 2])]
    own = (replace(CATEGORIES[0], keypoint_names=points, skeleton=()), CATEGORIES[1])
    classes = map_classes(own, parent, {}, kept=())
    made = Validator(
        file.parent / "images",
        classes,
        "cpu",
        team=ProcessGroup(),
        check_cancelled=lambda: None,
        missing=UnreadableImages(),
    )
    return made, data, made.predict(parent, data, cast("Segmenter", SeesThePerson()))


def test_keypoints_in_another_order_are_compared_by_name(
    tiny_checkpoint: Checkpoint, coco_file: Callable[..., Path]
) -> None:
    validator, data, results = detections_of(tiny_checkpoint, coco_file(1), POINTS[::-1])
    assert results[0]["keypoints"] == [13, 30, 2, 33, 30, 2, 23, 15, 2]
    assert results[0]["keypoint_scores"] == [0.7, 0.8, 0.9]
    assert validator.metrics(results, data).ap("keypoints") == pytest.approx(1)


def test_of_fewer_keypoints_those_of_the_project_are_compared(
    tiny_checkpoint: Checkpoint, coco_file: Callable[..., Path]
) -> None:
    validator, data, results = detections_of(tiny_checkpoint, coco_file(1), ("right_hand", "nose"))
    assert validator.metrics(results, data).ap("keypoints") == pytest.approx(1)


def test_a_model_that_lacks_a_keypoint_has_none(tiny_checkpoint: Checkpoint, coco_file: Callable[..., Path]) -> None:
    validator, data, results = detections_of(tiny_checkpoint, coco_file(1), ("nose", "tail"))
    assert not results[0].keys() & {"keypoints", "num_keypoints", "keypoint_scores"}
    metrics = validator.metrics(results, data)
    assert metrics.ap("keypoints") == 0
    assert metrics.ap("mask") is not None
