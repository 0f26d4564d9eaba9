"""Keypoints placed one after another in the real window: undo, other photos, the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.core.annotation import UNLABELLED, Keypoint, Visibility
from tests.annotator.conftest import Start, start_in
from tests.annotator.window.test_gestures import CTRL, SHIFT, Hand

Key = Qt.Key
NAMES = ("nose", "left_ear", "right_ear", "tail")
PLACES = [(120.0, 20.0), (160.0, 40.0), (200.0, 60.0), (220.0, 80.0)]


@pytest.fixture
def hand(qtbot: QtBot, start: Start, folder: Path) -> Hand:
    """The tool is in hand, and a class with four keypoints is drawn with."""
    hand = Hand(start_in(qtbot, start, folder))
    hand.session.categories.add("pet", keypoint_names=NAMES, skeleton=((0, 1), (0, 2), (0, 3)))
    hand.canvas.setFocus()
    hand.key(Key.Key_K, SHIFT)
    assert hand.canvas.tool == "keypoints"
    return hand


def _points(hand: Hand) -> list[tuple[Keypoint, ...]]:
    return [tuple(k._replace(x=round(k.x), y=round(k.y)) for k in a.keypoints) for a in hand.document.annotations]


def _placed(count: int) -> tuple[Keypoint, ...]:
    points = tuple(Keypoint(x, y, Visibility.VISIBLE) for x, y in PLACES[:count])
    return (*points, *(UNLABELLED,) * (4 - count))


def test_undo_and_redo_are_for_single_points_until_the_object_is_one_step(hand: Hand) -> None:
    hand.click(*PLACES[:3])
    assert hand.action("edit.undo") == (True, "Undo place keypoint")
    hand.undo()
    hand.undo()
    hand.redo()
    hand.key(Key.Key_Return)
    assert _points(hand) == [_placed(2)]
    assert hand.action("edit.undo") == (True, "Undo place keypoints")
    hand.undo()
    assert _points(hand) == []
    assert not hand.session.history.canUndo()
    hand.redo()
    assert _points(hand) == [_placed(2)]


def test_with_the_first_point_taken_back_no_gesture_runs(hand: Hand) -> None:
    hand.click(PLACES[3])
    hand.undo()
    assert not hand.canvas.busy
    hand.click(*PLACES)
    assert _points(hand) == [_placed(4)]


def test_going_to_another_photo_keeps_what_was_placed(qtbot: QtBot, hand: Hand) -> None:
    document = hand.document
    hand.click(*PLACES[:2])
    hand.key(Key.Key_D)
    qtbot.waitUntil(lambda: hand.session.document not in (None, document))
    assert [len(a.keypoints) for a in document.annotations] == [4]


def test_its_keys_work_wherever_the_keyboard_is(hand: Hand) -> None:
    hand.click(PLACES[0])
    hand.window.instances.setFocus()
    hand.window.classes.rows.setFocus()
    hand.key(Key.Key_Right)
    hand.key(Key.Key_Backspace)
    hand.key(Key.Key_Return)
    assert _points(hand) == [_placed(1)]


def test_k_places_the_next_one_too(hand: Hand) -> None:
    hand.press(PLACES[0])
    hand.release(PLACES[0])
    hand.key(Key.Key_K)
    hand.key(Key.Key_Return)
    assert [k.visibility for k in _points(hand)[0]] == [2, 2, 0, 0]


def test_an_object_of_keypoints_alone_is_in_the_file_and_comes_back(
    qtbot: QtBot, hand: Hand, start: Start, folder: Path
) -> None:
    hand.click(*PLACES[:3])
    hand.key(Key.Key_Return)
    hand.key(Key.Key_S, CTRL)
    store = hand.session.store
    assert store
    qtbot.waitUntil(lambda: not store.unsaved)
    record = json.loads((folder / "annotations.json").read_text())
    (saved,) = record["annotations"]
    assert saved["num_keypoints"] == 3
    assert saved["segmentation"] == []
    assert record["categories"][0]["skeleton"] == [[1, 2], [1, 3], [1, 4]]
    kept = hand.document.annotations
    hand.window.close()
    hand.session.close()
    again = Hand(start_in(qtbot, start, folder))
    assert _points(again) == [_placed(3)]
    assert again.document.annotations[0].shape.is_empty
    assert again.document.annotations[0].id == kept[0].id
