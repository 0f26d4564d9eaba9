from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.canvas.tools.base import GestureStep
from annotator.core.annotation import UNLABELLED, Annotation, Keypoint, Origin, Visibility
from annotator.core.edits import substitute
from tests.annotator.canvas.conftest import SHIFT, Bench, square, triple

Key = Qt.Key
VISIBLE, OCCLUDED = Visibility.VISIBLE, Visibility.OCCLUDED


@pytest.fixture
def placing(bench: Bench) -> Bench:
    """Nothing is selected; what is drawn is a person: nose, left hand, right hand."""
    bench.view.draw_category = 1
    bench.view.set_tool("keypoints")
    return bench


def shown(bench: Bench) -> tuple[Keypoint, ...]:
    """The keypoints that are painted of what is being placed."""
    (record,) = bench.view._tool.preview.values()
    return record.keypoints


def test_a_new_object_of_keypoints_alone_is_placed_in_order(placing: Bench) -> None:
    assert placing.hints[-1].startswith("New person: click nose (1 of 3)")
    placing.click(220, 100)
    assert placing.hints[-1].startswith("Click place left hand (2 of 3)")
    assert shown(placing) == (Keypoint(220, 100, VISIBLE), UNLABELLED, UNLABELLED)
    placing.click(240, 120, SHIFT)
    assert placing.made == []
    placing.click(260, 140)
    (edit,) = placing.made
    record = placing.document[1000]
    assert record.shape.is_empty
    assert (record.category_id, record.origin) == (1, Origin.DRAWN)
    assert record.keypoints == (Keypoint(220, 100, VISIBLE), Keypoint(240, 120, OCCLUDED), Keypoint(260, 140, VISIBLE))
    assert edit.text == "place keypoints"
    assert placing.view.tool == "keypoints"
    assert placing.hints[-1].startswith("New person: click nose (1 of 3)"), "the next person follows"


def test_the_selected_object_gets_what_it_lacks_and_selecting_goes_on(placing: Bench) -> None:
    placing.document.select((1,))
    assert placing.hints[-1].startswith("Click place right hand (3 of 3)")
    placing.click(150, 180)
    record = placing.document[1]
    assert record.keypoints == (*triple()[:2], Keypoint(150, 180, VISIBLE))
    assert not record.shape.is_empty
    assert placing.document.selection == (1,)
    assert placing.view.tool == "select"


def test_a_suggestion_is_accepted_by_it(placing: Bench) -> None:
    placing.document.select((-1,))
    placing.click(30, 30)
    placing.key(Key.Key_Return)
    assert placing.document[1000].keypoints[0] == (30, 30, VISIBLE)
    assert placing.document[1000].origin is Origin.EDITED
    assert placing.document.selection == (1000,)


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Enter, Key.Key_Escape])
def test_it_can_be_ended_early_and_keypoints_skipped(placing: Bench, key: Qt.Key) -> None:
    placing.key(Key.Key_Right)
    placing.click(240, 120)
    placing.key(key)
    assert placing.document[1000].keypoints == (UNLABELLED, Keypoint(240, 120, VISIBLE), UNLABELLED)
    placing.click(10, 10)
    placing.key(key)
    assert placing.document[1001].keypoints[0] == (10, 10, VISIBLE), "another person, not what the first one lacks"
    assert placing.view.tool == "keypoints"


def test_with_everything_skipped_there_is_nothing(placing: Bench) -> None:
    for _ in range(3):
        placing.key(Key.Key_Right)
    assert placing.made == []
    assert not placing.view.busy
    assert placing.view._tool.preview == {}


def test_backspace_takes_the_last_one_back(placing: Bench) -> None:
    placing.click(220, 100)
    placing.click(240, 120)
    placing.key(Key.Key_Backspace)
    assert shown(placing)[1] == UNLABELLED
    placing.click(10, 20)
    placing.key(Key.Key_Return)
    assert placing.document[1000].keypoints[:2] == (Keypoint(220, 100, VISIBLE), Keypoint(10, 20, VISIBLE))


def test_points_stay_in_the_photo(placing: Bench) -> None:
    placing.click(-4, 150)
    placing.key(Key.Key_Return)
    assert placing.document[1000].keypoints[0] == (0, 150, VISIBLE)


def test_another_tool_takes_it_as_it_is(placing: Bench) -> None:
    placing.click(220, 100)
    placing.view.set_tool("box")
    assert placing.document[1000].keypoints[0] == (220, 100, VISIBLE)
    assert placing.view.tool == "box"


def test_an_object_that_goes_meanwhile_comes_back_with_its_keypoints(placing: Bench) -> None:
    placing.document.select((-1,))
    placing.click(30, 30)
    placing.document.set_suggestions(())
    placing.key(Key.Key_Return)
    assert placing.document[1000].keypoints[0] == (30, 30, VISIBLE)
    assert not placing.document[1000].shape.is_empty


def test_an_object_that_changes_meanwhile_keeps_that(placing: Bench) -> None:
    placing.document.select((2,))
    placing.click(310, 30)
    outlined = square(2, 300, 20, 60)
    placing.document.apply(substitute(placing.document, {outlined.id: outlined}))
    placing.key(Key.Key_Return)
    assert placing.document[2].shape == outlined.shape
    assert placing.document[2].keypoints[0] == (310, 30, VISIBLE)


def test_a_class_without_keypoints_says_so_and_takes_no_click(placing: Bench) -> None:
    placing.view.draw_category = 2
    assert placing.hints[-1] == "cup has no keypoints: right-click the class, Skeleton…"
    placing.click(220, 100)
    placing.key(Key.Key_Right)
    assert placing.made == []
    assert not placing.view.busy
    placing.view.draw_category = None
    assert placing.hints[-1] == "Choose a class to draw with"


def test_the_next_name_is_beside_the_mouse(placing: Bench) -> None:
    placing.hover(220, 100)
    label = placing.view._tool._label()  # type: ignore[attr-defined]
    assert label.text == "nose (1 of 3)"
    assert (label.rect.center() - placing.at(220, 100).toPointF()).manhattanLength() < 100
    at = label.rect.toAlignedRect()
    ground = placing.view.grab().toImage().pixelColor(at.right() - 2, at.center().y())
    assert ground.lightness() < 60
    placing.click(220, 100)
    assert placing.view._tool._label().text == "left hand (2 of 3)"  # type: ignore[attr-defined]
    placing.view._tool.leave()
    assert placing.view._tool._label() is None  # type: ignore[attr-defined]


def test_it_ends_with_the_document(placing: Bench) -> None:
    placing.click(220, 100)
    placing.view.set_document(None)
    QTest.keyClick(placing.view, Key.Key_Return)
    assert placing.made == []
    assert not placing.view.busy


def test_of_several_selected_objects_the_one_with_handles_gets_them(placing: Bench) -> None:
    placing.document.select((1, 2))
    placing.click(310, 30)
    placing.key(Key.Key_Return)
    assert placing.document[2].keypoints[0] == (310, 30, VISIBLE)
    assert placing.document[1].keypoints == triple()


def test_what_is_complete_is_left_alone(placing: Bench) -> None:
    whole = tuple(Keypoint(float(x), 5.0, VISIBLE) for x in range(3))
    record = Annotation(3, 1, square(3, 10, 200, 50).shape, whole)
    placing.document.set_suggestions((Annotation(-3, 1, record.shape, whole, Origin.SUGGESTED, 0.9),))
    placing.document.select((-3,))
    placing.click(30, 220)
    placing.key(Key.Key_Return)
    assert placing.document[1000].keypoints[0] == (30, 220, VISIBLE)
    assert placing.document[1000].shape.is_empty


def test_undo_after_all_were_skipped_takes_the_last_skip_back(placing: Bench) -> None:
    steps: list[GestureStep] = []
    placing.view.step_made.connect(steps.append)
    for _ in range(3):
        placing.key(Key.Key_Right)
    assert not placing.view.busy
    cancelled = steps[-1]
    cancelled.restore(cancelled.before)
    placing.hover(100, 100)
    placing.view.grab()
    assert placing.hints[-1].startswith("Click place right hand (3 of 3)")
    placing.click(220, 100)
    assert placing.document[1000].keypoints == (UNLABELLED, UNLABELLED, Keypoint(220, 100, VISIBLE))
