"""Clicks in the real window, answered by a real, if senseless, model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.app import Application
from dataset.geometry import bounds, iou, rectangle
from model.inference.likely_objects import LikelyObject
from model.inference.predictor import Predictor
from resources import SAMPLES
from tests.tiny_model import write_tiny_model

LONG = 30_000


@pytest.fixture
def application(qtbot: QtBot, run_application: Callable[..., Application], tmp_path: Path) -> Application:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(2):
        shutil.copy(SAMPLES / "coffee.jpg", photos / f"{i}.jpg")
    running = run_application(weights=str(write_tiny_model(tmp_path / "tiny.safetensors")))
    running.start(photos)
    running.window.resize(1280, 820)
    qtbot.waitUntil(lambda: bool(running.session.document and running.session.document.has_pool), timeout=LONG)
    return running


def _offer(monkeypatch: pytest.MonkeyPatch, *found: LikelyObject) -> None:
    """Let these be what the model can imagine wherever it is clicked."""
    monkeypatch.setattr(Predictor, "objects_at", lambda *_: list(found))


def _likely(category_id: int, corners: tuple[float, float, float, float]) -> LikelyObject:
    return LikelyObject(category_id, 0.5, np.array(corners, np.float32), np.ones((28, 28), np.float32))


def _click(application: Application, x: float, y: float) -> None:
    canvas = application.window.canvas
    at = canvas.camera().point_to_view(x, y)
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))


CUP_CORNERS, PERSON_CORNERS = (100, 60, 300, 260), (20, 20, 500, 380)
CUP, PERSON = _likely(2, CUP_CORNERS), _likely(1, PERSON_CORNERS)


def test_a_click_gives_the_candidate_the_next_click_another_one(
    qtbot: QtBot, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(monkeypatch, CUP, PERSON)
    QTest.keyClick(application.window, Qt.Key.Key_W)
    assert application.window.canvas.tool == "click"
    answered = application.suggester.points_answered
    for corners in (CUP_CORNERS, PERSON_CORNERS):
        with qtbot.waitSignal(answered, timeout=LONG) as answer:
            _click(application, 200, 160)
        assert answer.args
        assert iou(answer.args[0].shape, rectangle(*corners)) > 0.9
    QTest.keyClick(application.window.canvas, Qt.Key.Key_Return)
    document = application.session.document
    assert document
    (record,) = document.annotations
    assert application.session.categories[record.category_id].name == "person"
    assert bounds(record.shape) == pytest.approx(PERSON_CORNERS, abs=10)
    application.session.history.undo()
    assert document.annotations == (), "one step"
    assert not application.session.history.canUndo(), "the clicks went with it"


def test_an_answer_for_a_photo_that_was_left_is_dropped(
    qtbot: QtBot, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(monkeypatch, CUP)
    QTest.keyClick(application.window, Qt.Key.Key_W)
    with qtbot.waitSignal(application.suggester.points_answered, timeout=LONG):
        _click(application, 200, 160)
        application.session.go(1)
    assert not application.window.canvas.busy
    document = application.session.document
    assert document
    assert document.annotations == ()


def test_where_the_model_found_nothing_the_photo_itself_decides(
    qtbot: QtBot, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(monkeypatch)
    QTest.keyClick(application.window, Qt.Key.Key_W)
    hints: list[str] = []
    application.window.canvas.hint_changed.connect(hints.append)
    with qtbot.waitSignal(application.suggester.points_answered, timeout=LONG) as answer:
        _click(application, 200, 160)
    assert answer.args
    assert answer.args[0].shape is not None
    qtbot.waitUntil(lambda: bool(hints) and hints[-1].startswith("Outlined"), timeout=LONG)
