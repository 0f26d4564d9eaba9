"""Where the scores of a model are put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dataset import rle
from model.evaluation import score_calibration as calibrate
from model.evaluation.paired_bootstrap import Matches
from model.evaluation.score_calibration import best_f_threshold, calibrate_scores
from model.inference.score_shifts import shifted

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint


def found(scores: list[float], right: list[bool], objects: int = 10) -> Matches:
    number = len(scores)
    flags = np.array([right], bool)
    return Matches(
        np.array(scores), np.zeros(number, np.int64), flags, np.ones((1, number), bool), np.array([objects], np.int64)
    )


def test_the_score_lies_between_what_is_right_and_what_is_not() -> None:
    scores = [0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.88, 0.86, 0.85, 0.8, 0.6, 0.55, 0.52]
    score = best_f_threshold(found(scores, [True] * 10 + [False] * 3))
    assert score is not None
    assert 0.6 < score <= 0.8


def test_a_shy_model_is_listened_to_earlier() -> None:
    score = best_f_threshold(
        found([0.4, 0.35, 0.33, 0.3, 0.28, 0.25, 0.22, 0.2, 0.19, 0.18, 0.05], [True] * 10 + [False])
    )
    assert score is not None
    assert 0.05 < score < 0.2


def test_what_is_false_costs_more_than_what_is_missed() -> None:
    scores = [0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.6, 0.58, 0.56, 0.54, 0.52, 0.5]
    score = best_f_threshold(found(scores, [True] * 6 + [False, True] * 3))
    assert score is not None
    assert 0.6 < score <= 0.9  # though with all of them three objects more would be found, at the cost of three errors


@pytest.mark.parametrize(("right", "objects"), [([True] * 5, 5), ([False] * 5, 20)])
def test_of_too_little_nothing_follows(right: list[bool], objects: int) -> None:
    assert best_f_threshold(found([0.9, 0.8, 0.7, 0.6, 0.5], right, objects)) is None


def _case(score: float, photos: int = 10) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Photos with a box in each, all found with this score, and as many false ones with half of it."""
    images = [{"id": i, "file_name": f"{i}.png", "width": 100, "height": 100} for i in range(1, photos + 1)]
    ring = [[10.0, 10, 50, 10, 50, 50, 10, 50]]
    far = [[60.0, 60, 90, 60, 90, 90, 60, 90]]
    common = {"category_id": 7, "iscrowd": 0}
    annotations = [
        {"id": i, "image_id": i, "bbox": [10, 10, 40, 40], "area": 1600, "segmentation": ring, **common}
        for i in range(1, photos + 1)
    ]
    results = [
        {"image_id": i, "category_id": 7, "score": s, "bbox": box, "segmentation": rle.from_coco(shape, (100, 100))}
        for i in range(1, photos + 1)
        for s, box, shape in ((score, [10, 10, 40, 40], ring), (score / 2, [60, 60, 30, 30], far))
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "box"}]}, results


@pytest.mark.parametrize(("score", "sign"), [(0.98, -1), (0.3, 1)])
def test_the_scores_of_the_class_move_and_no_others(tiny_checkpoint: Checkpoint, score: float, sign: int) -> None:
    data, results = _case(score, 100)
    calibrated = calibrate_scores(tiny_checkpoint, results, data)
    index = [c.name for c in tiny_checkpoint.categories].index("box")
    moved = calibrated.config.score_shifts
    assert np.sign(moved[index]) == sign
    assert abs(moved[index]) <= calibrate.MAX_SHIFT
    assert [m for i, m in enumerate(moved) if i != index] == [0.0] * (len(moved) - 1)
    assert calibrated.state is tiny_checkpoint.state
    labels = np.full(2, index + 1, np.int64)
    found, false = shifted(np.array([score, score / 2], np.float32), labels, calibrated.config).tolist()
    assert false < 0.5 < found
    data, results = _case(score, 20)
    few = calibrate_scores(tiny_checkpoint, results, data).config.score_shifts
    assert 0 < few[index] / moved[index] < 0.5


def test_few_objects_leave_a_model_as_it_is(tiny_checkpoint: Checkpoint) -> None:
    data, results = _case(0.98)
    data["images"] = data["images"][:3]
    data["annotations"] = data["annotations"][:3]
    assert calibrate_scores(tiny_checkpoint, results[:6], data) is tiny_checkpoint
