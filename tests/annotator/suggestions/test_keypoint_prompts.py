"""Keypoints of selected objects, asked for in the real window, answered by a real, if senseless, model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.core import edits
from annotator.core.annotation import UNLABELLED, Annotation, Keypoint, Visibility
from annotator.core.document import Document
from annotator.core.skeleton import Skeleton, SkeletonChange
from annotator.session.record_changes import RecordChanges
from annotator.session.skeletons import change_skeleton
from dataset.geometry import rectangle
from model.inference import keypoint_decoding
from tests.tiny_model import write_tiny_model

LONG = 30_000
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights are never sure of anything: here they count as such."""
    monkeypatch.setattr(keypoint_decoding, "LIKELY", 0.0)


@pytest.fixture
def application(qtbot: QtBot, run_application: Callable[..., Application], folder: Path, tmp_path: Path) -> Application:
    application = run_application(weights=str(write_tiny_model(tmp_path / "tiny.safetensors")))
    application.start(folder)
    qtbot.waitUntil(lambda: application.session.document is not None and _document(application).has_pool, timeout=LONG)
    return application


def _document(application: Application) -> Document:
    assert application.session.document
    return application.session.document


def _put(application: Application, *classes: str) -> list[int]:
    """Put an object of each class on record and select them."""
    ids = []
    for i, name in enumerate(classes):
        category = application.session.categories.find(name)
        assert category
        ids.append(application.session.new_id())
        record = Annotation(ids[-1], category.id, rectangle(40 + 100 * i, 50, 120 + 100 * i, 200))
        application.session.push(edits.add(_document(application), (record,)))
    _document(application).select(ids)
    return ids


def _ask(qtbot: QtBot, application: Application, answers: int) -> None:
    """Press the key, and wait until the model has answered so often."""
    came: list[object] = []
    application.suggester.box_answered.connect(came.append)
    QTest.keyClick(application.window.canvas, Qt.Key.Key_K, CTRL)
    qtbot.waitUntil(lambda: len(came) == answers, timeout=LONG)


def _said(application: Application) -> list[str]:
    said: list[str] = []
    application.session.message.connect(lambda text, *_: said.append(text))
    return said


def test_all_selected_objects_get_theirs_as_one_step(qtbot: QtBot, application: Application) -> None:
    document = _document(application)
    first, second = _put(application, "person", "person")
    _ask(qtbot, application, 2)
    for i, number in enumerate((first, second)):
        points = document[number].keypoints
        assert [k.visibility > 0 for k in points] == [True, True]
        assert all(39 + 100 * i <= k.x <= 121 + 100 * i and 49 <= k.y <= 201 for k in points)
    assert document.selection == (first, second)
    assert application.session.history.undoText() == "suggest keypoints of 2 objects"
    application.session.history.undo()
    assert document[first].keypoints == document[second].keypoints == ()
    application.session.history.redo()
    assert len(document[first].keypoints) == 2


def test_they_take_the_places_that_the_class_has_for_them(qtbot: QtBot, application: Application) -> None:
    person = application.session.categories.find("person")
    assert person
    (number,) = _put(application, "person")
    _ask(qtbot, application, 1)
    nose, tail = _document(application)[number].keypoints
    application.session.history.undo()
    application.session.categories.set_skeleton(person.id, ("ear", "tail", "nose"), ())
    _ask(qtbot, application, 1)
    assert _document(application)[number].keypoints == (UNLABELLED, tail, nose)


def test_a_class_that_the_model_has_none_for_is_named(qtbot: QtBot, application: Application) -> None:
    said = _said(application)
    application.session.categories.add("fish", keypoint_names=("fin",))
    (number,) = _put(application, "fish")
    QTest.keyClick(application.window.canvas, Qt.Key.Key_K, CTRL)
    assert said == ["The model in use knows no keypoints of the class fish."]
    _put(application, "Cup")
    QTest.keyClick(application.window.canvas, Qt.Key.Key_K, CTRL)
    assert "The class Cup has no keypoints" in said[-1]
    _document(application).select(())
    QTest.keyClick(application.window.canvas, Qt.Key.Key_K, CTRL)
    assert said[-1].startswith("Select the objects")
    assert _document(application)[number].keypoints == ()


def test_without_a_model_that_is_said(qtbot: QtBot, run_application: Callable[..., Application], folder: Path) -> None:
    application = run_application(weights="builtin")
    application.session.open(folder)
    qtbot.waitUntil(lambda: application.session.document is not None)
    said = _said(application)
    application.session.categories.add("person", keypoint_names=("nose",))
    _put(application, "person")
    application.window.action_table["keypoint.suggest"].trigger()
    assert said == ["No model is in use yet: try again in a moment, or choose one in the Model panel."]


def test_what_the_person_did_meanwhile_stays(qtbot: QtBot, application: Application) -> None:
    document = _document(application)
    first, second = _put(application, "person", "person")
    came: list[object] = []
    application.suggester.box_answered.connect(came.append)
    QTest.keyClick(application.window.canvas, Qt.Key.Key_K, CTRL)
    own = (Keypoint(50.0, 60.0, Visibility.VISIBLE), UNLABELLED)
    application.session.push(
        edits.change(document, "", (document[first].with_keypoints(own),), application.session.new_id)
    )
    qtbot.waitUntil(lambda: len(came) == 2, timeout=LONG)
    assert document[first].keypoints == own
    assert len(document[second].keypoints) == 2


def test_an_object_in_which_nothing_is_seen_is_said(
    qtbot: QtBot, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keypoint_decoding, "LIKELY", 2.0)
    monkeypatch.setattr(keypoint_decoding, "SURE", 2.0)
    said = _said(application)
    (number,) = _put(application, "person")
    _ask(qtbot, application, 1)
    assert said == ["There are objects without keypoints: the model sees nothing in it."]
    assert _document(application)[number].keypoints == ()


def test_suggestions_on_offer_follow_the_skeleton_of_their_class(qtbot: QtBot, application: Application) -> None:
    document, session = _document(application), application.session
    session.set_threshold(0.0)
    person = session.categories.find("person")
    assert person
    offered = {s.id: s.keypoints for s in document.suggestions if s.category_id == person.id}
    assert offered
    assert {len(points) for points in offered.values()} == {2}
    before = Skeleton.of(person)
    change = SkeletonChange(person.id, before, before.moved(1, 0).added("paw"))
    change_skeleton(RecordChanges(session, session), change, {})
    now = {s.id: s.keypoints for s in document.suggestions if s.category_id == person.id}
    assert now == {i: (tail, nose, UNLABELLED) for i, (nose, tail) in offered.items()}
    (first, *_) = now
    application.session.push(edits.accept(document, [first], session.new_id))
    assert len(document.selected[0].keypoints) == 3


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Delete])
def test_a_suggestion_that_was_answered_meanwhile_is_left_alone(
    qtbot: QtBot, application: Application, key: Qt.Key
) -> None:
    document = _document(application)
    document.threshold = 0.0
    person = application.session.categories.find("person")
    assert person
    chosen = next(s for s in document.suggestions if s.category_id == person.id)
    document.select((chosen.id,))
    came: list[object] = []
    application.suggester.box_answered.connect(came.append)
    QTest.keyClick(application.window.canvas, Qt.Key.Key_K, CTRL)
    QTest.keyClick(application.window.canvas, key)
    after = document.annotations
    assert len(after) == (key == Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(came), timeout=LONG)
    qtbot.wait(20)
    assert document.annotations == after
