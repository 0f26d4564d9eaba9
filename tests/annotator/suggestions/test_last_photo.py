"""Objects of the photo before, copied in the real window and fitted by a real, if senseless, model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.document import Document
from dataset.geometry import bounds, rectangle
from resources import SAMPLES
from tests.tiny_model import write_tiny_model

LONG = 30_000
OUTLINE = rectangle(100, 60, 300, 260)
BOX = rectangle(320, 60, 400, 200)


@pytest.fixture
def application(qtbot: QtBot, run_application: Callable[..., Application], tmp_path: Path) -> Application:
    """The second of two photos is shown; the first has an outline and a box."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(2):
        shutil.copy(SAMPLES / "coffee.jpg", photos / f"{i}.jpg")
    running = run_application(weights=str(write_tiny_model(tmp_path / "tiny.safetensors")))
    running.start(photos)
    qtbot.waitUntil(lambda: bool(running.session.document and running.session.document.has_pool), timeout=LONG)
    session = running.session
    objects = (Annotation(session.new_id(), 2, OUTLINE), Annotation(session.new_id(), 1, BOX, is_box=True))
    session.push(edits.add(_document(running), objects))
    session.go(1)
    qtbot.waitUntil(lambda: _document(running).name == "1.jpg", timeout=LONG)
    return running


def _document(application: Application) -> Document:
    assert application.session.document
    return application.session.document


def _copy(application: Application) -> None:
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(application.window, Qt.Key.Key_V, keys)


def test_copies_are_there_at_once_and_the_model_fits_them_in_the_same_step(
    qtbot: QtBot, application: Application
) -> None:
    document = _document(application)
    _copy(application)
    outline, box = document.annotations
    assert document.selection == (outline.id, box.id)
    assert (bounds(outline.shape), bounds(box.shape)) == ((100, 60, 300, 260), (320, 60, 400, 200))
    qtbot.waitUntil(lambda: document[outline.id].shape != OUTLINE, timeout=LONG)
    x0, y0, x1, y1 = bounds(document[outline.id].shape)
    assert (x0 >= 98, y0 >= 58, x1 <= 302, y1 <= 262) == (True,) * 4
    assert document[box.id] == box, "a box stays a box"
    application.session.history.undo()
    assert document.annotations == ()


def test_without_a_model_they_stay_as_they_were_copied_and_that_is_said(application: Application) -> None:
    said: list[str] = []
    application.session.message.connect(lambda text, _kind, _topic: said.append(text))
    application.flow.expect_model()
    _copy(application)
    assert [a.shape for a in _document(application).annotations] == [OUTLINE, BOX]
    assert said == ["Copied from 0.jpg unchanged: no model is in use yet."]


def test_where_there_is_no_photo_before_or_nothing_on_it_that_is_said(qtbot: QtBot, application: Application) -> None:
    said: list[str] = []
    application.session.message.connect(lambda text, _kind, _topic: said.append(text))
    application.session.go(-1)
    qtbot.waitUntil(lambda: _document(application).name == "0.jpg", timeout=LONG)
    _copy(application)
    assert said == ["This is the first photo of the list."]
    application.session.push(edits.delete(_document(application), [a.id for a in _document(application).annotations]))
    application.session.go(1)
    qtbot.waitUntil(lambda: _document(application).name == "1.jpg", timeout=LONG)
    _copy(application)
    assert said[-1] == "0.jpg has no objects to copy."
