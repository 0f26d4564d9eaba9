"""AP from stored matches is COCO's, and orders that are there are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.paper.certainty import ScoredMatches, from_json, matches, precision, resample
from model.evaluation.coco_eval import average_precision, coco_ground_truth

PHOTOS = 6


def data() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Objects of two categories with a crowd among them, and detections near some of them and elsewhere."""
    random = np.random.default_rng(3)
    annotations, results = [], []
    for photo in range(1, PHOTOS + 1):
        for number in range(4):
            x, y, w, h = (float(v) for v in random.uniform((0, 0, 20, 20), (100, 100, 60, 60)))
            category = 1 + number % 2
            crowd = int(photo == 2 and number == 0)
            record = {"image_id": photo, "category_id": category, "bbox": [x, y, w, h], "area": w * h}
            annotations.append({"id": len(annotations) + 1, "iscrowd": crowd, **record})
            for _ in range(2):
                dx, dy = random.normal(0, 4, 2)
                found = {"bbox": [x + dx, y + dy, w, h], "score": float(random.random())}
                results.append({"image_id": photo, "category_id": category, **found})
    images = [{"id": i, "width": 200, "height": 200} for i in range(1, PHOTOS + 1)]
    categories = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    return {"images": images, "annotations": annotations, "categories": categories}, results


def test_it_is_cocos_ap() -> None:
    known, results = data()
    true, photos = coco_ground_truth(known), list(range(1, PHOTOS + 1))
    found = matches(true, results, "box", photos)
    expected = average_precision(known, results, "box", photos)[0]["AP"]
    assert 0.1 < expected < 0.9
    assert precision(found) == pytest.approx(expected, abs=1e-9)
    assert precision(from_json(found.as_json())) == pytest.approx(expected, abs=1e-9)


def test_a_photo_that_counts_nothing_might_as_well_not_be_there() -> None:
    known, results = data()
    true, photos = coco_ground_truth(known), list(range(1, PHOTOS + 1))
    found = matches(true, results, "box", photos)
    fewer = [r for r in results if r["image_id"] != 1]
    expected = average_precision(known, fewer, "box", photos[1:])[0]["AP"]
    assert precision(found, np.array([0.0, 1, 1, 1, 1, 1])) == pytest.approx(expected, abs=1e-9)
    assert precision(found, np.full(PHOTOS, 3.0)) == pytest.approx(precision(found), abs=1e-9)


def test_no_detections_is_an_ap_of_nothing() -> None:
    known, _ = data()
    found = matches(coco_ground_truth(known), [], "box", [1, 2, 3])
    assert found.objects.sum() == 11  # twelve, one of them a crowd
    assert precision(found) == 0


def made(hits: float, seed: int) -> ScoredMatches:
    """A network that finds this share of 200 objects in 100 photos."""
    random = np.random.default_rng(seed)
    hit = np.repeat(random.random((200, 1)) < hits, 10, 1)
    score = np.sort(random.random(200))[::-1]
    photo = random.permutation(np.repeat(np.arange(100), 2))
    return ScoredMatches(np.zeros(200, np.int64), photo, score, hit, np.zeros_like(hit), np.full((1, 100), 2))


def test_orders_and_how_sure_they_are() -> None:
    good, bad = [made(0.8, s) for s in range(3)], [made(0.4, s) for s in range(3, 6)]
    found = resample([good, bad, good], 60)
    assert found.share([(0, 1)]) == 1
    assert found.share([(1, 0)]) == 0
    assert found.share([(0, 1), (1, 2)]) == 0
    assert 0.2 < found.share([(0, 2)]) < 0.8
    low, high = found.interval(0, 1)
    assert 0 < low < np.mean([precision(g) for g in good]) - np.mean([precision(b) for b in bad]) < high
