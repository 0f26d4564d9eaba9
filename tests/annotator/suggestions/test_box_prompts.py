"""Boxes drawn in the real window, answered by a real, if senseless, model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.core import edits
from annotator.core.annotation import Annotation, Origin, Visibility
from annotator.core.document import Document
from annotator.core.no_overlap import OverlapRule
from dataset.geometry import CombineMode, bounds, combine, rectangle
from model.checkpoints import names
from model.checkpoints import weights as weight_files
from resources import SAMPLES
from tests.tiny_model import write_tiny_model

LONG = 30_000
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
NO = Qt.KeyboardModifier.NoModifier
BOX = (100.0, 60.0, 400.0, 300.0)
Start = Callable[[str], Application]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(2):
        shutil.copy(SAMPLES / "coffee.jpg", photos / f"{i}.jpg")
    return photos


@pytest.fixture
def weights(tmp_path: Path) -> str:
    return str(write_tiny_model(tmp_path / "tiny.safetensors"))


@pytest.fixture
def start(qtbot: QtBot, run_application: Callable[..., Application], folder: Path) -> Start:
    def run(weights: str) -> Application:
        application = run_application(weights=weights)
        application.start(folder)
        application.window.resize(1280, 820)
        qtbot.waitUntil(lambda: application.session.document is not None, timeout=LONG)
        return application

    return run


def _document(application: Application) -> Document:
    assert application.session.document
    return application.session.document


def _draw(application: Application, keys: Qt.KeyboardModifier = NO) -> Annotation:
    """Take the box tool in hand with its key, drag a box, and return what is on record for it at once."""
    QTest.keyClick(application.window, Qt.Key.Key_R)
    canvas = application.window.canvas
    assert canvas.tool == "box"

    def send(kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton, down: Qt.MouseButton) -> None:
        at, to = QPointF(canvas.camera().point_to_view(x, y)), canvas.viewport()
        QApplication.sendEvent(to, QMouseEvent(kind, at, QPointF(to.mapToGlobal(at)), button, down, keys))

    send(QEvent.Type.MouseButtonPress, *BOX[:2], LEFT, LEFT)
    send(QEvent.Type.MouseMove, *BOX[2:], NOTHING, LEFT)
    send(QEvent.Type.MouseButtonRelease, *BOX[2:], LEFT, NOTHING)
    return _document(application).selected[0]


def _ready(qtbot: QtBot, application: Application) -> None:
    qtbot.waitUntil(lambda: _document(application).has_pool, timeout=LONG)


def test_the_model_puts_the_outline_in_the_boxs_place(qtbot: QtBot, start: Start, weights: str) -> None:
    application = start(weights)
    _ready(qtbot, application)
    person = application.session.categories.find("person")
    assert person
    application.window._class.draw_with(person.id)
    box = _draw(application)
    assert box.is_box
    assert bounds(box.shape) == pytest.approx(BOX, abs=1)
    document = _document(application)
    qtbot.waitUntil(lambda: not document[box.id].is_box, timeout=LONG)
    record = document[box.id]
    assert (record.category_id, record.origin) == (person.id, Origin.DRAWN)
    x0, y0, x1, y1 = bounds(record.shape)
    assert x0 >= BOX[0] - 2
    assert y0 >= BOX[1] - 2
    assert x1 <= BOX[2] + 2
    assert y1 <= BOX[3] + 2
    assert len(record.keypoints) == 2, "the model's person has two"
    assert document.selection == (box.id,)
    application.session.history.undo()
    assert box.id not in document, "box and outline are one step"
    application.session.history.redo()
    assert document[box.id] == record


def test_a_class_that_the_model_does_not_know_gets_outlines_too(qtbot: QtBot, start: Start, weights: str) -> None:
    application = start(weights)
    _ready(qtbot, application)
    balloon = application.session.categories.add("balloon", keypoint_names=("knot",))
    application.window._class.draw_with(balloon.id)
    box = _draw(application)
    document = _document(application)
    qtbot.waitUntil(lambda: not document[box.id].is_box, timeout=LONG)
    assert document[box.id].category_id == balloon.id
    assert document[box.id].keypoints == ()


def test_an_answer_finds_its_photo_when_another_one_is_shown(qtbot: QtBot, start: Start, weights: str) -> None:
    application = start(weights)
    _ready(qtbot, application)
    first = _document(application)
    box = _draw(application)
    application.session.go(1)
    qtbot.waitUntil(lambda: _document(application).name == "1.jpg", timeout=LONG)
    qtbot.waitUntil(lambda: not first[box.id].is_box, timeout=LONG)
    assert not application.session.history.canUndo(), "nothing was done on the photo that is shown"
    store = application.session.store
    assert store
    assert [a.is_box for a in store.load("0.jpg").annotations] == [False]


def test_what_the_person_does_meanwhile_stays(qtbot: QtBot, start: Start, weights: str) -> None:
    application = start(weights)
    _ready(qtbot, application)
    document = _document(application)
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG):
        box = _draw(application)
        application.session.history.undo()
    assert box.id not in document
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG):
        box = _draw(application)
        application.window._commands.choose_class(application.session.categories.find("Cup").id)  # type: ignore[union-attr]
    assert document[box.id].is_box


def test_an_answer_takes_no_redo_away_and_reaches_a_box_that_is_undone(
    qtbot: QtBot, start: Start, weights: str
) -> None:
    application = start(weights)
    _ready(qtbot, application)
    document, session = _document(application), application.session
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG):
        box = _draw(application)
        session.push(edits.mark_done(document, done=True))
        session.history.undo()
    assert not document[box.id].is_box
    session.history.redo()
    assert document.done
    session.history.undo()
    session.history.undo()
    assert box.id not in document, "box and outline are one step, whatever was done between"
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG):
        box = _draw(application)
        session.history.undo()
    assert box.id not in document
    session.history.redo()
    assert not document[box.id].is_box


@pytest.mark.parametrize("mode", CombineMode)
def test_the_outline_is_added_or_cut_as_the_box_was(
    qtbot: QtBot, start: Start, weights: str, mode: CombineMode
) -> None:
    application = start(weights)
    _ready(qtbot, application)
    document, canvas = _document(application), application.window.canvas
    thing = application.session.categories.add("thing")
    whole = Annotation(application.session.new_id(), thing.id, rectangle(50, 50, 300, 250))
    application.session.push(edits.add(document, [whole]))
    canvas.set_tool("box")
    canvas.draw_mode = mode
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG) as answered:
        _draw(application)
        boxed = combine(whole.shape, rectangle(*BOX), mode, document.size)
        assert document[whole.id].shape.area == pytest.approx(boxed.area, rel=0.02)
    found = answered.args[0].found  # type: ignore[index]
    expected = combine(whole.shape, found.shape, mode, document.size)
    assert expected.area != pytest.approx(boxed.area)
    left = document.get(whole.id)
    assert (left.shape if left else rectangle(0, 0, 0, 0)).area == pytest.approx(expected.area)
    application.session.history.undo()
    assert document.annotations == (whole,), "box and outline are one step"


def test_a_box_that_cuts_stays_as_it_is_where_the_object_changed_again(
    qtbot: QtBot, start: Start, weights: str
) -> None:
    application = start(weights)
    _ready(qtbot, application)
    document, session, canvas = _document(application), application.session, application.window.canvas
    thing = session.categories.add("thing")
    whole = Annotation(session.new_id(), thing.id, rectangle(50, 50, 300, 250))
    session.push(edits.add(document, [whole]))
    canvas.set_tool("box")
    canvas.draw_mode = CombineMode.SUBTRACT
    said: list[str] = []
    session.message.connect(lambda text, *_: said.append(text))
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG):
        _draw(application)
        session.push(edits.relabel(document, (whole.id,), thing.id + 1, session.new_id))
        now = document[whole.id]
    assert document[whole.id] == now
    assert any(text.startswith("The box was used as it is") for text in said)


@pytest.mark.parametrize("edited", [False, True])
def test_the_outline_cuts_its_neighbours_where_nothing_may_overlap(
    qtbot: QtBot, start: Start, weights: str, *, edited: bool
) -> None:
    application = start(weights)
    _ready(qtbot, application)
    document, session = _document(application), application.session
    session.set_overlap_rule(OverlapRule.CUT)
    thing = session.categories.add("thing")
    neighbour = Annotation(session.new_id(), thing.id, rectangle(50, 50, 300, 250))
    session.push(edits.add(document, [neighbour]))
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG):
        box = _draw(application)
        assert document[neighbour.id] == neighbour, "a box is no outline"
        if edited:
            session.push(edits.relabel(document, (neighbour.id,), box.category_id + 1, session.new_id))
    assert not document[box.id].is_box
    shared = document[box.id].shape.intersection(document[neighbour.id].shape)
    assert (shared.area > 1) == edited, "what was edited since is left alone"
    for _ in range(1 + edited):
        session.history.undo()
    assert document.annotations == (neighbour,)


def test_a_box_drawn_before_there_is_a_model_waits_for_it(qtbot: QtBot, start: Start, weights: str) -> None:
    application = start(weights)
    application.session.categories.add("thing")
    assert application.flow.model is None
    box = _draw(application)
    document = _document(application)
    qtbot.waitUntil(lambda: not document[box.id].is_box, timeout=LONG)


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    file = tmp_path / "wrong.safetensors"
    file.write_bytes(b"no")
    return str(file)


@pytest.mark.parametrize("refused_first", [False, True])
def test_without_a_model_it_stays_a_box_and_that_is_said(
    qtbot: QtBot, start: Start, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refused_first: bool
) -> None:
    for module in (names, weight_files):
        monkeypatch.setattr(module, "BUILTIN_FILE", tmp_path / "missing.safetensors")
    application = start(wrong)
    application.session.categories.add("thing")
    if refused_first:
        qtbot.waitUntil(lambda: bool(application.suggester._refused), timeout=LONG)
    said: list[str] = []
    application.session.message.connect(lambda text, *_: said.append(text))
    box = _draw(application)
    qtbot.waitUntil(lambda: bool(said), timeout=LONG)
    assert said[0].startswith("The box stays a box: ")
    assert "wrong.safetensors" in said[0]
    assert _document(application)[box.id].is_box


@pytest.mark.parametrize("refused_first", [False, True])
def test_a_box_waits_for_the_model_that_is_used_instead(
    qtbot: QtBot, start: Start, wrong: str, weights: str, monkeypatch: pytest.MonkeyPatch, *, refused_first: bool
) -> None:
    monkeypatch.setattr(weight_files, "BUILTIN_FILE", Path(weights))
    application = start(wrong)
    application.session.categories.add("thing")
    if refused_first:
        qtbot.waitUntil(lambda: application.choice.weights == "builtin", timeout=LONG)
    box = _draw(application)
    document = _document(application)
    qtbot.waitUntil(lambda: not document[box.id].is_box, timeout=LONG)


def test_with_shift_nobody_is_asked(qtbot: QtBot, start: Start, weights: str) -> None:
    application = start(weights)
    _ready(qtbot, application)
    box = _draw(application, Qt.KeyboardModifier.ShiftModifier)
    qtbot.wait(300)
    assert _document(application)[box.id] == box
    assert box.is_box


@pytest.mark.parametrize("by_hand", [False, True], ids=["the model's keypoints", "a person's"])
def test_a_dragged_handle_outlines_the_object_anew_while_it_is_dragged_and_in_full_at_the_end(
    qtbot: QtBot, start: Start, weights: str, *, by_hand: bool
) -> None:
    application = start(weights)
    _ready(qtbot, application)
    document, session, canvas = _document(application), application.session, application.window.canvas
    person = session.categories.find("person")
    assert person
    application.window._class.draw_with(person.id)
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG):
        box = _draw(application)
    if by_hand:
        points = tuple(k._replace(x=k.x + 1, visibility=Visibility.VISIBLE) for k in document[box.id].keypoints)
        session.push(edits.change(document, "", [document[box.id].with_keypoints(points)], session.new_id))
    before = document[box.id]
    assert before.keypoints

    def send(kind: QEvent.Type, y: float, button: Qt.MouseButton, down: Qt.MouseButton) -> None:
        at, to = QPointF(canvas.camera().point_to_view(250, y)), canvas.viewport()
        QApplication.sendEvent(to, QMouseEvent(kind, at, QPointF(to.mapToGlobal(at)), button, down, NO))

    send(QEvent.Type.MouseMove, BOX[3], NOTHING, NOTHING)
    send(QEvent.Type.MouseButtonPress, BOX[3], LEFT, LEFT)
    with qtbot.waitSignal(application.suggester.draft_answered, timeout=LONG) as draft:
        send(QEvent.Type.MouseMove, 200, NOTHING, LEFT)
    assert canvas._tool.preview[box.id].shape == draft.args[0].found.shape  # type: ignore[index]
    assert document[box.id] is before
    with qtbot.waitSignal(application.suggester.box_answered, timeout=LONG) as full:
        send(QEvent.Type.MouseButtonRelease, 200, LEFT, NOTHING)
    assert document[box.id].shape == full.args[0].found.shape  # type: ignore[index]
    assert document[box.id].shape.bounds[3] <= 202
    assert (document[box.id].keypoints == before.keypoints) == by_hand
    session.history.undo()
    assert document[box.id] == before, "one step"
