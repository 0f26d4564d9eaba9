from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from dataset import rle
from tools.builtin_weights import sam

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


class Ellipses:
    """Stands for the teacher, whose weights are no part of the project: what it sees in a box is the ellipse in it."""

    def __init__(self, sure: float = 0.9) -> None:
        self.sure = sure
        self.pictures: list[np.ndarray] = []

    def look(self, picture: np.ndarray) -> None:
        self.pictures.append(picture)

    def ask(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        side = sam.SIDE // 4
        y, x = np.mgrid[:side, :side] * 4 + 1.5  # centres of cells, in pixels of the picture that begin at -0.5
        masks = np.zeros((len(points), 3, side, side), np.float32)
        for mask, ((x1, y1), (x2, y2)) in zip(masks, points, strict=True):
            radius = ((2 * x + 1 - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y + 1 - y1 - y2) / (y2 - y1)) ** 2
            mask[1] = 8 * (1 - radius)
        return masks, np.tile(np.array([[0.1, self.sure, 0.2]], np.float32), (len(points), 1))


def boxes_only(file: Path) -> dict[str, Any]:
    data = json.loads(file.read_text())
    for record in data["annotations"]:
        record["segmentation"] = []
    return data


def test_boxes_get_the_masks_that_the_teacher_sees_in_their_photo(coco_file: Callable[..., Path]) -> None:
    file = coco_file(6, size=(300, 400))
    data = boxes_only(file)
    drawn = data["annotations"][0]
    drawn["segmentation"] = [[0, 0, 9, 0, 9, 9]]
    crowd = data["annotations"][1]
    crowd["iscrowd"] = 1
    teacher = Ellipses()
    count = sam.teach(cast("sam.Teacher", teacher), data, file.parent / "images")
    assert len(teacher.pictures) == 2  # of four photos and of two
    assert count == len(data["annotations"]) - 2
    assert drawn["segmentation"] == [[0, 0, 9, 0, 9, 9]]
    assert crowd["segmentation"] == []
    for record in data["annotations"][2:]:
        x, y, w, h = record["bbox"]
        mask = np.zeros((300, 400), np.uint8)
        cv2.ellipse(mask, (round(x + w / 2), round(y + h / 2)), (round(w / 2), round(h / 2)), 0, 0, 360, 1, -1)
        assert rle.iou([record["segmentation"]], [rle.encode(mask)], [False])[0, 0] > 0.9
        assert record["area"] == rle.area(record["segmentation"])


def test_what_the_teacher_is_not_sure_of_is_no_lesson(coco_file: Callable[..., Path]) -> None:
    file = coco_file(1)
    data = boxes_only(file)
    assert sam.teach(cast("sam.Teacher", Ellipses(sure=0.5)), data, file.parent / "images") == 0
    assert not any(record["segmentation"] for record in data["annotations"])


def test_each_photo_has_a_quarter_of_the_picture(coco_file: Callable[..., Path]) -> None:
    file = coco_file(5, size=(60, 80))
    images = json.loads(file.read_text())["images"]
    (picture, tiles), (other, last) = sam.pictures(images, file.parent / "images")
    assert [(t.left, t.top) for t in tiles] == [(0, 0), (512, 0), (0, 512), (512, 512)]
    assert [t.image["id"] for t in [*tiles, *last]] == [image["id"] for image in images]
    assert picture[600:896, 600:900].std() > 0
    assert not other[512:].any()


def test_a_file_that_is_no_teacher_is_one_sentence(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"no")
    options = [str(wrong), str(wrong), str(coco_file(1)), "--output", str(tmp_path / "out.json")]
    assert sam.main(options) == 2
    text = capsys.readouterr().err
    assert "onnxruntime" in text or "not Segment Anything 2" in text
    assert not (tmp_path / "out.json").exists()
