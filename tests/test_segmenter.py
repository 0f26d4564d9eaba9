from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.session.image_cache import ImageCache
from annotator.suggestions.inference_worker import InferenceWorker
from dataset.coco.categories import Category
from dataset.pictures.images import read_photo
from model.evaluation.evaluate import evaluate
from model.inference import closer_look, mask_keypoint_pair
from model.inference.contours import mask_polygons
from model.inference.engine import MemoryFullError
from model.inference.instance import Instance, Polygons
from model.inference.likely_objects import LikelyObject
from model.inference.out_of_memory import detect_batch
from resources import SAMPLES
from tests.annotator.suggestions.test_inference_worker import LONG, Heard, Pools
from tests.qt import arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytestqt.qtbot import QtBot

    from model.inference.segmenter import Segmenter


class MiddleSegmenter:
    """Finds one object, a quarter of the image in its middle, and fills given boxes: no network, and no base class."""

    id, name, device, notice, batch, long_side, has_masks = "middle-1", "middle", "cpu", "", 2, 1000, True
    categories = (Category(1, "person", "person"),)

    def __init__(self) -> None:
        self.image_size = (0, 0)
        self.reductions = 0

    @property
    def encoded(self) -> tuple[int, int] | None:
        return self.image_size if any(self.image_size) else None

    def restore(self, encoded: tuple[int, int]) -> None:
        self.image_size = encoded

    def set_image(self, image: np.ndarray) -> None:
        self.image_size = (image.shape[0], image.shape[1])

    def forget(self) -> None:
        self.image_size = (0, 0)

    def detect(self, score: float = 0.05, max_detections: int | None = None) -> list[Instance]:
        height, width = self.image_size
        box = np.array([[width // 4, height // 4, width * 3 // 4, height * 3 // 4]])
        return self.masks_for_boxes(box)[:max_detections] if score < 0.9 else []

    def detect_many(
        self, images: Sequence[np.ndarray], score: float = 0.05, max_detections: int | None = None
    ) -> list[list[Instance]]:
        found = []
        for image in images:
            self.set_image(image)
            found.append(self.detect(score, max_detections))
        self.forget()
        return found

    def masks_for_boxes(
        self, boxes: np.ndarray, categories: Sequence[int | None] | None = None, *, quick: bool = False
    ) -> list[Instance]:
        return [
            Instance(1, 0.9, box, [[box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)]])
            for box in np.asarray(boxes, np.float32)
        ]

    def keypoints_for_boxes(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError(f"{self.name} knows no keypoints in {boxes}")

    def objects_at(self, x: float, y: float) -> list[LikelyObject]:
        (found,) = self.detect()
        return [LikelyObject(1, found.score, found.box.astype(np.float32), np.ones((28, 28), np.float32))]

    def likeness(self, x: float, y: float, box: np.ndarray, cells: int) -> np.ndarray:
        return np.ones((cells, cells), np.float32)

    def outline_of(self, mask: np.ndarray, box: np.ndarray) -> Polygons:
        return mask_polygons(mask, box, self.image_size)

    def reduce_memory(self) -> str:
        self.reductions += 1
        return "Smaller." if self.reductions == 1 else ""


def test_the_windows_worker_takes_any_segmenter(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(SAMPLES / "coffee.jpg", tmp_path / "a.jpg")
    monkeypatch.setattr(mask_keypoint_pair, "load_predictor", lambda *_: MiddleSegmenter())
    worker = InferenceWorker(ImageCache())
    try:
        heard = Heard(worker)
        worker.set_source(tmp_path, Pools())
        worker.show("a.jpg", [])
        worker.load("middle")
        qtbot.waitUntil(lambda: heard.names == ["a.jpg"], timeout=LONG)
        assert [(m.id, m.name, m.device, [c.name for c in m.categories]) for m in heard.models] == [
            ("middle-1", "middle", "cpu", ["person"])
        ]
        assert [s.score for s in heard.answers[0].pool] == [0.9]
        with qtbot.waitSignal(worker.box_answered, timeout=LONG) as signal:
            worker.outline("a.jpg", (10, 20, 60, 50), 1)
        assert arguments(signal)[0].found.shape.bounds == (10, 20, 60, 50)
    finally:
        worker.close()


def test_a_box_is_outlined_between_two_tiles_of_a_large_photo(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(SAMPLES / "coffee.jpg", tmp_path / "a.jpg")
    segmenter, answered = MiddleSegmenter(), list[object]()
    monkeypatch.setattr(segmenter, "long_side", 100)
    monkeypatch.setattr(closer_look, "LEAST_SIDE", 0)
    monkeypatch.setattr(mask_keypoint_pair, "load_predictor", lambda *_: segmenter)
    worker, looked = InferenceWorker(ImageCache()), segmenter.detect_many

    def detect_many(images: Sequence[np.ndarray], score: float) -> list[list[Instance]]:
        if not answered:
            answered.append(worker.outline("a.jpg", (10, 20, 60, 50), 1))
        return looked(images, score)

    monkeypatch.setattr(segmenter, "detect_many", detect_many)
    try:
        heard, order = Heard(worker), list[str]()
        worker.box_answered.connect(lambda _answer: order.append("box"))
        worker.suggested.connect(lambda _answer: order.append("photo"))
        worker.set_source(tmp_path, Pools())
        worker.set_closer_look(on=True)
        worker.show("a.jpg", [])
        worker.load("middle")
        qtbot.waitUntil(lambda: len(order) == 3, timeout=LONG)
        assert order == ["photo", "box", "photo"], "as a whole, and with its tiles"
        assert [len(answer.pool) > 4 for answer in heard.answers] == [False, True]
        assert not {s.id for s in heard.answers[0].pool} & {s.id for s in heard.answers[1].pool}
        worker.set_closer_look(on=False)
        qtbot.waitUntil(lambda: len(heard.models) == 2, timeout=LONG)
        worker.show("a.jpg", [])
        qtbot.waitUntil(lambda: len(order) == 4, timeout=LONG)
        assert len(heard.answers[-1].pool) == 1
        assert heard.models[0].id != heard.models[1].id
    finally:
        worker.close()


def test_figures_of_any_segmenter(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "coffee.jpg", tmp_path / "a.jpg")
    height, width = read_photo(tmp_path / "a.jpg").shape[:2]
    x1, y1, x2, y2 = width // 4, height // 4, width * 3 // 4, height * 3 // 4
    record = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [x1, y1, x2 - x1, y2 - y1], "iscrowd": 0}
    record |= {"segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]], "area": (x2 - x1) * (y2 - y1)}
    image = {"id": 1, "file_name": "a.jpg", "width": width, "height": height}
    contents = {"images": [image], "annotations": [record], "categories": [{"id": 7, "name": "person"}]}
    file = tmp_path / "a.json"
    file.write_text(json.dumps(contents))
    segmenter: Segmenter = MiddleSegmenter()
    figures = evaluate(segmenter, file, tmp_path)
    assert figures.overall["box"]["AP"] == pytest.approx(1)
    assert figures.overall["mask"]["AP"] == pytest.approx(1)


def test_a_segmenter_that_runs_out_of_memory_is_reduced_as_long_as_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = MiddleSegmenter()
    image = np.zeros((40, 80, 3), np.uint8)
    messages: list[str] = []
    monkeypatch.setattr(segmenter, "detect_many", _out_of_memory)
    (one, other) = detect_batch(segmenter, [image, image], messages.append)
    assert one[0].box.tolist() == other[0].box.tolist() == [20, 10, 60, 30]
    monkeypatch.setattr(segmenter, "set_image", _out_of_memory)
    with pytest.raises(MemoryFullError):
        detect_batch(segmenter, [image], messages.append)
    assert messages == ["Smaller."]


def _out_of_memory(*_: object) -> None:
    raise MemoryFullError
