from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dataset import rle
from model.evaluation import paired_bootstrap as compare
from model.evaluation.coco_eval import average_precision, usefulness

SIZE = (60, 80)


def box_mask(x: float, y: float, w: float, h: float) -> rle.Rle:
    return rle.encode(rle.decode(rle.from_polygons([[x, y, x + w, y, x + w, y + h, x, y + h]], SIZE)))


def dataset(photos: int, seed: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Photos with objects of two categories, and detections that lie more or less on them."""
    random = np.random.default_rng(seed)
    annotations, results = [], []
    for image in range(1, photos + 1):
        for _ in range(random.integers(1, 5)):
            x, y, w, h = random.uniform((0, 0, 8, 8), (50, 35, 25, 20))
            category = int(random.integers(1, 3))
            annotations.append({
                "id": len(annotations) + 1, "image_id": image, "category_id": category, "bbox": [x, y, w, h],
                "area": w * h, "iscrowd": int(random.random() < 0.1), "segmentation": box_mask(x, y, w, h),
            })  # fmt: skip
            for _ in range(random.integers(0, 3)):
                dx, dy = random.normal(0, 2, 2)
                results.append({
                    "image_id": image, "category_id": category, "score": float(random.random()),
                    "bbox": [x + dx, y + dy, w, h], "segmentation": box_mask(x + dx, y + dy, w, h),
                })  # fmt: skip
    images = [{"id": i, "width": SIZE[1], "height": SIZE[0], "file_name": f"{i}.png"} for i in range(1, photos + 1)]
    categories = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    return {"images": images, "annotations": annotations, "categories": categories}, results


@pytest.mark.parametrize("kind", ["box", "mask"])
def test_the_precision_is_that_of_pycocotools(kind: str) -> None:
    data, results = dataset(8)
    known = average_precision(data, results, kind, [i["id"] for i in data["images"]])[0]["AP"]
    assert 0.1 < known < 0.9
    assert compare.precision(compare.match_detections(data, results, kind), np.ones(8)) == pytest.approx(
        known, abs=1e-9
    )


def test_a_photo_that_counts_twice_is_two_photos() -> None:
    data, results = dataset(5)
    twice = [*range(1, 6), 2, 2]
    copies = {"images": [], "annotations": [], "categories": data["categories"]}
    found = []
    for new, old in enumerate(twice, 1):
        copies["images"].append({**data["images"][old - 1], "id": new})
        copies["annotations"] += [{**a, "image_id": new} for a in data["annotations"] if a["image_id"] == old]
        found += [{**r, "image_id": new} for r in results if r["image_id"] == old]
    for number, annotation in enumerate(copies["annotations"], 1):
        annotation["id"] = number
    plain = compare.precision(compare.match_detections(copies, found, "mask"), np.ones(7))
    weighed = compare.precision(compare.match_detections(data, results, "mask"), np.array([1.0, 3, 1, 1, 1]))
    assert weighed == pytest.approx(plain, abs=1e-9)


def test_a_model_that_finds_more_is_better_and_the_interval_holds_the_difference() -> None:
    data, results = dataset(12)
    few = [r for r in results if r["image_id"] % 2]
    ids = len(data["images"])
    poor, good = compare.match_detections(data, few, "mask"), compare.match_detections(data, results, "mask")
    found = compare.difference(poor, good, ids)
    assert found is not None
    assert found.low < found.after - found.before < found.high
    assert found.low > 0
    assert compare.is_better(found, None)
    assert "The new model is better" in compare.describe(found, None)
    assert "12 photos" in compare.describe(found, None)
    assert "looks better here than it is" not in compare.describe(found, None)
    assert "looks better here than it is" in compare.describe(found, None, is_fair=False)
    assert found.record().photos == found.photos
    back = compare.difference(good, poor, ids)
    assert not compare.is_better(back, None)
    assert "worse" in compare.describe(back, None)
    same = compare.difference(good, good, ids)
    assert same is not None
    assert (same.low, same.high) == (0, 0)
    assert not compare.is_better(same, None)
    assert "not surely better" in compare.describe(same, None)


def test_keypoints_that_get_much_worse_are_not_outweighed_by_masks() -> None:
    masks = compare.PairedDifference(0.3, 0.5, 0.1, 0.3, 0.99, 10)
    assert compare.is_better(masks, compare.PairedDifference(0.4, 0.41, -0.1, 0.1, 0.5, 10))
    assert not compare.is_better(masks, compare.PairedDifference(0.4, 0.3, -0.2, 0.0, 0.1, 10))
    assert "Keypoints: AP 0.40 before, 0.30 after" in compare.describe(
        masks, compare.PairedDifference(0.4, 0.3, -0.2, 0.0, 0.1, 10)
    )


def test_small_figures_do_not_look_the_same() -> None:
    text = compare.describe(compare.PairedDifference(0.021, 0.017, -0.008, -0.0001, 0.01, 1), None)
    assert "Masks on 1 photo that" in text
    assert "AP 0.021 before, 0.017 after" in text
    assert "between -0.008 and +0.000" in text


def test_nothing_to_measure() -> None:
    data, results = dataset(3)
    empty = {**data, "annotations": []}
    assert (
        compare.difference(
            compare.match_detections(empty, results, "mask"), compare.match_detections(empty, [], "mask"), 3
        )
        is None
    )
    assert "too few" in compare.describe(None, None)
    assert "has an outline" in compare.describe(None, None, outlines=False)
    assert not compare.is_better(None, None)
    assert compare.precision(compare.match_detections(data, [], "mask"), np.ones(3)) == 0


def test_keypoints_of_any_number_are_measured() -> None:
    data, _ = dataset(2)
    data["categories"] = [{"id": 1, "name": "a", "keypoints": ["x", "y"]}, {"id": 2, "name": "b"}]
    exact = []
    for annotation in data["annotations"]:
        if annotation["category_id"] == 1:
            x, y, w, h = annotation["bbox"]
            annotation["keypoints"] = [x + w / 2, y + h / 2, 2, 0, 0, 0]
            if not annotation["iscrowd"]:
                record = {"image_id": annotation["image_id"], "category_id": 1, "score": 0.9}
                exact.append({**record, "keypoints": annotation["keypoints"]})
    assert exact
    assert compare.precision(compare.match_detections(data, exact, "keypoints"), np.ones(2)) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["box", "mask", "keypoints"])
def test_finding_what_has_only_a_box_is_not_false(kind: str) -> None:
    data, results = half_outlined(6)
    photos = [i["id"] for i in data["images"]]
    assert compare.precision(compare.match_detections(data, results, kind), np.ones(6)) == 1
    full = {**data, "annotations": [{"keypoints": [0] * 6, "num_keypoints": 0, **a} for a in data["annotations"]]}
    assert average_precision(full, results, kind, photos)[0]["AP"] == 1
    wrong = {"bbox": [0, 50, 5, 5], "segmentation": box_mask(0, 50, 5, 5), "keypoints": [70, 50, 2, 75, 55, 2]}
    elsewhere = [{**r, **wrong, "score": 0.99} for r in results]
    assert compare.precision(compare.match_detections(data, results + elsewhere, kind), np.ones(6)) < 0.6
    if kind == "mask":
        assert {r["false_per_photo"] for r in usefulness(data, results, photos)} == {0}
        assert {r["as_is"] for r in usefulness(data, results, photos)} == {1}


@pytest.mark.parametrize("kind", ["mask", "keypoints"])
def test_boxes_alone_measure_neither_masks_nor_keypoints(kind: str) -> None:
    data, results = half_outlined(3)
    data["annotations"] = [a for a in data["annotations"] if not a["segmentation"]]
    assert compare.match_detections(data, results, kind) == []
    full = {**data, "annotations": [{"keypoints": [0] * 6, "num_keypoints": 0, **a} for a in data["annotations"]]}
    overall, by_class = average_precision(full, results, kind, [1, 2, 3])
    assert set(overall.values()) == set(by_class.values()) == {-1}


def half_outlined(photos: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Two objects in each photo, the second without outline and keypoints, and detections that find both."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, photos + 1):
        for x, full in ((5, True), (45, False)):
            points = [x + 5, 10, 2, x + 20, 25, 2]
            known = {"id": len(annotations) + 1, "image_id": image, "category_id": 1, "bbox": [x, 5, 30, 30]}
            known |= {"area": 900, "iscrowd": 0, "segmentation": box_mask(x, 5, 30, 30) if full else None}
            annotations.append(known | ({"keypoints": points, "num_keypoints": 2} if full else {}))
            results.append({
                "image_id": image, "category_id": 1, "score": 0.92 - 0.01 * full, "bbox": [x, 5, 30, 30],
                "segmentation": box_mask(x, 5, 30, 30), "keypoints": points,
            })  # fmt: skip
    images = [{"id": i, "width": SIZE[1], "height": SIZE[0], "file_name": f"{i}.png"} for i in range(1, photos + 1)]
    categories = [{"id": 1, "name": "person", "keypoints": ["nose", "tail"], "skeleton": []}]
    return {"images": images, "annotations": annotations, "categories": categories}, results
