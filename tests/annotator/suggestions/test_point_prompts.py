"""Clicks in the real window, answered by a real, if senseless, model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.core.annotation import Annotation, Origin
from dataset.geometry import bounds, rectangle
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


def _offer(application: Application, *found: Annotation) -> None:
    """Let these, in the model's classes, be what the model found in the photo that is shown."""
    store, document, model = application.session.store, application.session.document, application.flow.model
    assert store
    assert document
    assert model
    store.pools.put(document.name, model.id, found)


def _click(application: Application, x: float, y: float) -> None:
    canvas = application.window.canvas
    at = canvas.camera().point_to_view(x, y)
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))


CUP = Annotation(-1, 2, rectangle(100, 60, 300, 260), (), Origin.SUGGESTED, 0.1)
PERSON = Annotation(-2, 1, rectangle(20, 20, 500, 380), (), Origin.SUGGESTED, 0.1)


def test_a_click_gives_the_candidate_the_next_click_another_one(qtbot: QtBot, application: Application) -> None:
    _offer(application, CUP, PERSON)
    QTest.keyClick(application.window, Qt.Key.Key_W)
    assert application.window.canvas.tool == "click"
    answered = application.suggester.points_answered
    for shape in (CUP.shape, PERSON.shape):
        with qtbot.waitSignal(answered, timeout=LONG) as answer:
            _click(application, 200, 160)
        assert answer.args
        assert answer.args[0].shape.equals_exact(shape, 0.01)
    QTest.keyClick(application.window.canvas, Qt.Key.Key_Return)
    document = application.session.document
    assert document
    (record,) = document.annotations
    assert application.session.categories[record.category_id].name == "person"
    assert bounds(record.shape) == pytest.approx((20, 20, 500, 380), abs=0.1)
    application.session.history.undo()
    assert document.annotations == (), "one step"
    assert not application.session.history.canUndo(), "the clicks went with it"


def test_an_answer_for_a_photo_that_was_left_is_dropped(qtbot: QtBot, application: Application) -> None:
    _offer(application, CUP)
    QTest.keyClick(application.window, Qt.Key.Key_W)
    with qtbot.waitSignal(application.suggester.points_answered, timeout=LONG):
        _click(application, 200, 160)
        application.session.go(1)
    assert not application.window.canvas.busy
    document = application.session.document
    assert document
    assert document.annotations == ()


def test_where_the_model_found_nothing_the_photo_itself_decides(qtbot: QtBot, application: Application) -> None:
    _offer(application)
    QTest.keyClick(application.window, Qt.Key.Key_W)
    hints: list[str] = []
    application.window.canvas.hint_changed.connect(hints.append)
    with qtbot.waitSignal(application.suggester.points_answered, timeout=LONG) as answer:
        _click(application, 200, 160)
    assert answer.args
    assert answer.args[0].shape is not None
    qtbot.waitUntil(lambda: bool(hints) and hints[-1].startswith("Outlined"), timeout=LONG)
