from __future__ import annotations

from typing import Any

import pytest

from model.evaluation.coco_eval import average_precision


@pytest.mark.parametrize("ids", [[1, 2], [0, 1], [5, 5], [[], "x"]])
def test_objects_count_whatever_their_ids_are(ids: list[Any]) -> None:
    """Pycocotools finds no object with the id 0, and of two with one id the last one alone."""
    boxes = ([10, 10, 20, 20], [60, 60, 20, 20])
    known = [
        {"id": i, "image_id": 1, "category_id": 1, "bbox": box, "area": 400, "iscrowd": 0}
        for i, box in zip(ids, boxes, strict=True)
    ]
    found = [{"image_id": 1, "category_id": 1, "score": 0.9, "bbox": box} for box in boxes]
    images, categories = [{"id": 1, "width": 100, "height": 100}], [{"id": 1, "name": "cat"}]
    data = {"images": images, "annotations": known, "categories": categories}
    assert average_precision(data, found, "box", [1])[0]["AP"] == 1
