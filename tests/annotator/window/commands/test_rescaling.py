"""The offer to scale annotations that were made for another size, in the real window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from annotator.panels import banner
from annotator.window.main_window import MainWindow
from dataset.pictures.images import photo_size
from tests.annotator.conftest import Start, current_document, start_in

SQUARE = {"segmentation": [[20, 20, 180, 20, 180, 170]], "bbox": [20, 20, 160, 150], "area": 12000, "iscrowd": 0}


def _click(window: MainWindow, text: str) -> None:
    shown = (b for b in window.banner.findChildren(QPushButton) if b.isVisible() and b.text() == text)
    QTest.mouseClick(next(shown), Qt.MouseButton.LeftButton)


def test_one_click_scales_all_photos_and_one_takes_it_back(
    qtbot: QtBot, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banner, "SETTLING_MS", 0)
    images = []
    for i, name in enumerate(("cat.jpg", "dog.jpg"), 1):
        width, height = photo_size(folder / name)
        images.append({"id": i, "file_name": name, "width": 2 * width, "height": 2 * height})
    annotations = [{"id": i, "image_id": i, "category_id": 1, **SQUARE} for i in (1, 2)]
    body = {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": annotations}
    (folder / "annotations.json").write_text(json.dumps(body))
    window = start_in(qtbot, start, folder)
    qtbot.waitUntil(lambda: "its objects were made for" in window.banner.text)
    _click(window, "Scale all like this")
    qtbot.waitUntil(lambda: "scaled" in window.banner.text)
    scaled = current_document(window).annotations[0].shape.bounds
    assert scaled == (10, 10, 90, 85)
    _click(window, "Undo")
    qtbot.waitUntil(lambda: current_document(window).annotations[0].shape.bounds == (20, 20, 180, 170))


def test_other_proportions_are_pointed_out_and_not_offered(qtbot: QtBot, start: Start, folder: Path) -> None:
    image = {"id": 1, "file_name": "cat.jpg", "width": 100, "height": 50}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
    body = {"images": [image], "annotations": [annotation], "categories": [{"id": 1, "name": "cat"}]}
    (folder / "annotations.json").write_text(json.dumps(body))
    window = start_in(qtbot, start, folder)
    qtbot.waitUntil(lambda: "made for 100 × 50. The proportions differ" in window.banner.text)
    assert not [b for b in window.banner.findChildren(QPushButton) if b.isVisible()]
