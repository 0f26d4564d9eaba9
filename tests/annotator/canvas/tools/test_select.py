from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QApplication

from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from dataset.geometry import from_parts
from tests.annotator.canvas.conftest import ALT, CTRL, NO, SHIFT, Bench, corners, square, triple

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def override(bench: Bench, key: Qt.Key, keys: Qt.KeyboardModifier = NO) -> bool:
    """Whether the canvas takes the key before the window's shortcuts."""
    event = QKeyEvent(QKeyEvent.Type.ShortcutOverride, key, keys)
    event.ignore()
    QApplication.sendEvent(bench.view, event)
    return event.isAccepted()


class TestSelecting:
    def test_click_selects_click_on_nothing_clears(self, bench: Bench) -> None:
        bench.click(320, 40)
        assert bench.document.selection == (2,)
        bench.click(250, 250)
        assert bench.document.selection == ()
        assert bench.made == []

    def test_suggestions_can_be_selected(self, bench: Bench) -> None:
        bench.click(40, 40)
        assert bench.document.selection == (-1,)

    @pytest.mark.parametrize("keys", [SHIFT, CTRL])
    def test_with_a_key_it_toggles(self, bench: Bench, keys: Qt.KeyboardModifier) -> None:
        bench.click(320, 40)
        bench.click(150, 150, keys)
        assert bench.document.selection == (2, 1)
        bench.click(320, 40, keys)
        assert bench.document.selection == (1,)
        bench.click(250, 250, keys)
        assert bench.document.selection == (1,)

    def test_the_smaller_object_inside_a_larger_one_is_reached(self, qtbot: QtBot) -> None:
        bench = Bench(qtbot, [square(1, 50, 50, 20), square(2, 10, 10, 200)])
        bench.click(60, 60)
        assert bench.document.selection == (1,)

    def test_clicking_again_goes_through_what_overlaps(self, qtbot: QtBot) -> None:
        bench = Bench(qtbot, [square(1, 10, 10, 200), square(2, 20, 20, 150), square(3, 40, 40, 80)])
        chosen = []
        for _ in range(4):
            bench.click(80, 80)
            chosen += bench.document.selection
        assert chosen == [3, 2, 1, 3]
        assert bench.made == []

    def test_alt_click_goes_on_from_what_is_selected(self, qtbot: QtBot) -> None:
        bench = Bench(qtbot, [square(1, 10, 10, 200), square(2, 40, 40, 80)])
        bench.document.select((2,))
        bench.click(80, 80, ALT)
        assert bench.document.selection == (1,)
        bench.click(90, 80, ALT)
        assert bench.document.selection == (2,)

    def test_rubber_band_selects_what_lies_in_it(self, bench: Bench) -> None:
        bench.drag((5, 5), (220, 230))
        assert set(bench.document.selection) == {1, -1}
        bench.drag((280, 5), (380, 90), SHIFT)
        assert set(bench.document.selection) == {1, -1, 2}
        bench.drag((5, 280), (40, 290))
        assert bench.document.selection == ()

    def test_hover_highlights(self, bench: Bench) -> None:
        seen: list[object] = []
        bench.view.hovered_changed.connect(seen.append)
        before = bench.color(320, 40)
        bench.hover(320, 40)
        assert bench.color(320, 40) != before
        bench.hover(250, 250)
        assert bench.color(320, 40) == before
        bench.hover(40, 40)
        assert seen == [2, None, -1]
        assert bench.document.selection == ()

    def test_the_menu_is_for_what_is_under_the_cursor(self, bench: Bench) -> None:
        asked: list[object] = []
        bench.view.context_requested.connect(asked.append)
        at = bench.at(320, 40)
        globally = bench.view.viewport().mapToGlobal(at)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, globally)
        QApplication.sendEvent(bench.view.viewport(), event)
        assert bench.document.selection == (2,)
        assert asked == [globally]

    def test_the_menu_keeps_a_selection_that_it_is_in(self, bench: Bench) -> None:
        bench.document.select((1, 2))
        at = bench.at(320, 40)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, bench.view.viewport().mapToGlobal(at))
        QApplication.sendEvent(bench.view.viewport(), event)
        assert bench.document.selection == (1, 2)


class TestMoving:
    def test_drag_moves_in_one_edit_that_can_be_undone(self, bench: Bench) -> None:
        bench.drag((320, 40), (330, 60))
        assert len(bench.made) == 1
        assert corners(bench.document[2])[0] == (310, 40)
        bench.undo()
        assert corners(bench.document[2])[0] == (300, 20)

    def test_a_click_that_trembles_moves_nothing(self, bench: Bench) -> None:
        bench.drag((320, 40), (321, 40.5))
        assert bench.made == []
        assert bench.document.selection == (2,)

    def test_keypoints_move_along_but_not_those_that_are_nowhere(self, bench: Bench) -> None:
        bench.drag((150, 160), (160, 180))
        points = bench.document[1].keypoints
        assert [(round(p.x), round(p.y)) for p in points] == [(140, 150), (180, 190), (0, 0)]

    def test_objects_stay_in_the_photo(self, bench: Bench) -> None:
        bench.drag((320, 40), (390, 5))
        assert bench.document[2].shape.bounds == (360, 0, 400, 40)

    def test_all_selected_move_together(self, bench: Bench) -> None:
        bench.document.select((1, 2))
        bench.drag((320, 40), (310, 50))
        assert len(bench.made) == 1
        assert corners(bench.document[1])[0] == (90, 110)
        assert corners(bench.document[2])[0] == (290, 30)

    def test_escape_gives_the_drag_up(self, bench: Bench) -> None:
        bench.press(320, 40)
        bench.drag_to(340, 60)
        bench.key(Qt.Key.Key_Escape)
        bench.release(340, 60)
        assert bench.made == []
        assert corners(bench.document[2])[0] == (300, 20)
        assert bench.document.selection == (2,)

    def test_the_document_is_untouched_while_it_is_dragged_and_the_screen_is_not(self, bench: Bench) -> None:
        still = bench.color(315, 20)
        bench.press(320, 40)
        bench.drag_to(320, 90)
        assert bench.document[2].shape.bounds == (300, 20, 340, 60)
        assert bench.color(315, 20) != still
        bench.release(320, 90)

    def test_its_name_moves_along(self, bench: Bench) -> None:
        name = bench.view._static.label_rect(1)
        x, y = (name.left() + 4) / bench.view.scale_factor, (name.top() + 2) / bench.view.scale_factor
        plain = bench.color(x, y)
        bench.press(150, 160)
        bench.drag_to(150, 250)
        assert plain != bench.color(x, y) == bench.color(20, 200)

    @pytest.mark.parametrize("point", [(40, 40), (320, 40)], ids=["suggestion", "object"])
    def test_a_click_that_slips_by_less_than_the_systems_drag_distance_is_a_click(
        self, bench: Bench, point: tuple[float, float]
    ) -> None:
        slip = (QApplication.startDragDistance() - 1) // 2 / bench.view.scale_factor
        for _ in range(2):  # the first selects it, the second could move it
            bench.drag(point, (point[0] + slip, point[1] + slip))
        assert bench.document.selection in ((-1,), (2,))
        assert bench.made == []

    def test_the_first_drag_on_a_suggestion_selects_it(self, bench: Bench) -> None:
        bench.press(40, 40)
        bench.drag_to(50, 45)
        assert bench.hints[-1] == "Selected  ·  Release, then drag to correct"
        bench.release(50, 45)
        assert bench.document.selection == (-1,)
        assert bench.made == []
        assert "Drag to correct" in bench.hints[-1]

    def test_moving_a_suggestion_accepts_it(self, bench: Bench) -> None:
        bench.click(40, 40)
        bench.drag((40, 40), (50, 40))
        (record,) = (a for a in bench.document.annotations if a.id > 2)
        assert record.origin is Origin.EDITED
        assert bench.document.selection == (record.id,)
        assert bench.document.suggestions == ()
        bench.undo()
        assert [s.id for s in bench.document.suggestions] == [-1]

    def test_arrows_nudge_and_merge(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.key(Qt.Key.Key_Right)
        bench.key(Qt.Key.Key_Down, SHIFT)
        assert corners(bench.document[2])[0] == (301, 30)
        assert bench.made[0].merge == bench.made[1].merge != ""

    def test_nudging_a_suggestion_merges_with_accepting_it(self, bench: Bench) -> None:
        bench.document.select((-1,))
        bench.key(Qt.Key.Key_Right)
        bench.key(Qt.Key.Key_Right)
        assert bench.made[0].merge == bench.made[1].merge != ""
        both = bench.made[0].then(bench.made[1])
        bench.undo()
        bench.undo()
        bench.document.apply(both)
        assert corners(bench.document.selected[0])[0] == (22, 20)

    def test_nothing_is_nudged_out_of_the_photo(self, bench: Bench) -> None:
        bench.document.select((2,))
        for _ in range(5):
            bench.key(Qt.Key.Key_Up, SHIFT)
        assert bench.document[2].shape.bounds[1] == 0
        assert len(bench.made) == 2


class TestVertices:
    def test_drag_moves_one_vertex(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.drag((300, 20), (280, 15))
        assert corners(bench.document[2]) == [(280, 15), (340, 20), (340, 60), (300, 60)]
        assert len(bench.made) == 1

    def test_a_vertex_stays_in_the_photo(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.drag((340, 20), (405, -20))
        assert corners(bench.document[2])[1] == (400, 0)

    def test_handles_of_the_selected_object_come_before_objects_over_it(self, qtbot: QtBot) -> None:
        bench = Bench(qtbot, [square(1, 50, 50, 100), square(2, 130, 130, 40)])
        bench.document.select((1,))
        bench.drag((150, 150), (160, 160))
        assert corners(bench.document[1])[2] == (160, 160)

    def test_selected_vertices_move_together(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.click(300, 20)
        bench.click(340, 20, SHIFT)
        bench.drag((340, 20), (340, 10))
        assert corners(bench.document[2]) == [(300, 10), (340, 10), (340, 60), (300, 60)]

    def test_they_stay_selected_and_arrows_nudge_them(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.click(300, 20)
        bench.key(Qt.Key.Key_Left)
        bench.key(Qt.Key.Key_Left)
        assert corners(bench.document[2]) == [(298, 20), (340, 20), (340, 60), (300, 60)]
        assert bench.made[0].merge == bench.made[1].merge

    def test_those_of_another_object_are_forgotten_while_another_tool_is_in_hand(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.click(300, 20)
        bench.view.set_tool("box")
        bench.document.select((1,))
        bench.view.set_tool("select")
        before = corners(bench.document[1])
        bench.key(Qt.Key.Key_Left)
        assert corners(bench.document[1]) == [(x - 1, y) for x, y in before]

    def test_vertices_of_a_suggestion_stay_selected_when_it_is_accepted(self, bench: Bench) -> None:
        bench.document.select((-1,))
        bench.click(20, 20)
        bench.key(Qt.Key.Key_Left)
        bench.key(Qt.Key.Key_Left)
        assert corners(bench.document.selected[0]) == [(18, 20), (60, 20), (60, 60), (20, 60)]

    def test_pulling_an_edge_inserts_one_in_one_step(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.drag((320, 20), (320, 8))
        assert corners(bench.document[2]) == [(300, 20), (320, 8), (340, 20), (340, 60), (300, 60)]
        assert len(bench.made) == 1

    def test_pulling_and_escape_leaves_nothing(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.press(320, 20)
        bench.drag_to(320, 8)
        bench.key(Qt.Key.Key_Escape)
        bench.release(320, 8)
        assert bench.made == []
        bench.key(Qt.Key.Key_Delete)  # no vertex that is not there is deleted
        assert 2 not in bench.document

    def test_a_click_on_an_edge_inserts_nothing_a_double_click_does(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.click(320, 20)
        assert bench.made == []
        bench.double_click(330, 20)
        assert corners(bench.document[2])[:3] == [(300, 20), (330, 20), (340, 20)]
        assert len(bench.made) == 1

    def test_delete_takes_selected_vertices(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.click(300, 20)
        assert override(bench, Qt.Key.Key_Delete)
        bench.key(Qt.Key.Key_Delete)
        assert corners(bench.document[2]) == [(340, 20), (340, 60), (300, 60)]

    def test_delete_takes_the_hovered_vertex(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.hover(300, 60)
        assert override(bench, Qt.Key.Key_Backspace)
        bench.key(Qt.Key.Key_Backspace)
        assert corners(bench.document[2]) == [(300, 20), (340, 20), (340, 60)]

    @pytest.mark.parametrize("keys", [CTRL, ALT])
    def test_click_with_a_key_deletes_one(self, bench: Bench, keys: Qt.KeyboardModifier) -> None:
        bench.document.select((2,))
        bench.click(340, 60, keys)
        assert corners(bench.document[2]) == [(300, 20), (340, 20), (300, 60)]
        assert len(bench.made) == 1

    def test_the_object_goes_with_its_last_three_vertices(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.click(340, 60, ALT)
        bench.click(340, 20, ALT)
        assert 2 not in bench.document
        bench.undo()
        assert len(corners(bench.document[2])) == 3

    def test_without_a_vertex_delete_is_for_the_objects_and_left_to_the_window(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.hover(320, 40)
        assert not override(bench, Qt.Key.Key_Delete)
        bench.key(Qt.Key.Key_Delete)
        assert 2 not in bench.document

    def test_a_rubber_band_over_part_of_the_object_takes_its_vertices(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.drag((290, 10), (350, 30))
        assert bench.document.selection == (2,)
        bench.key(Qt.Key.Key_Up)
        assert corners(bench.document[2]) == [(300, 19), (340, 19), (340, 60), (300, 60)]

    def test_holes_have_vertices_too(self, qtbot: QtBot) -> None:
        hole = [(80, 80), (120, 80), (120, 120), (80, 120)]
        shape = from_parts([[[(50, 50), (150, 50), (150, 150), (50, 150)], hole]])
        bench = Bench(qtbot, [Annotation(1, 1, shape)])
        bench.document.select((1,))
        bench.drag((80, 80), (90, 90))
        assert (90, 90) in [(round(x), round(y)) for x, y in bench.document[1].shape.geoms[0].interiors[0].coords]

    def test_they_do_not_go_over_to_another_object_of_the_same_form(self, qtbot: QtBot) -> None:
        bench = Bench(qtbot, [square(1, 100, 100, 100), square(2, 300, 20, 40)])
        bench.document.select((1,))
        bench.click(200, 200)
        bench.hover(250, 250)
        assert override(bench, Qt.Key.Key_Delete)
        bench.document.select((2,))
        assert not override(bench, Qt.Key.Key_Delete)

    def test_undo_of_an_insert_forgets_its_vertex(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.drag((320, 20), (320, 8))
        bench.undo()
        bench.hover(250, 250)
        assert not override(bench, Qt.Key.Key_Delete)

    def test_escape_lets_go_of_vertices_then_of_the_object_then_leaves_the_key(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.click(300, 20)
        bench.key(Qt.Key.Key_Escape)
        assert bench.document.selection == (2,)
        bench.hover(250, 250)
        assert not override(bench, Qt.Key.Key_Delete)
        assert override(bench, Qt.Key.Key_Escape)
        bench.key(Qt.Key.Key_Escape)
        assert bench.document.selection == ()
        assert not override(bench, Qt.Key.Key_Escape)


class TestKeypoints:
    def test_drag_moves_one(self, bench: Bench) -> None:
        bench.document.select((1,))
        bench.drag((130, 130), (140, 120))
        assert bench.document[1].keypoints[0] == (140, 120, Visibility.VISIBLE)
        assert bench.document[1].keypoints[1:] == triple()[1:]
        assert corners(bench.document[1])[0] == (100, 100)

    def test_they_stay_in_the_photo(self, bench: Bench) -> None:
        bench.document.select((1,))
        bench.drag((130, 130), (-30, 120))
        assert bench.document[1].keypoints[0][:2] == (0, 120)

    def test_alt_click_goes_from_visible_to_occluded_to_off(self, bench: Bench) -> None:
        bench.document.select((1,))
        bench.click(130, 130, ALT)
        assert bench.document[1].keypoints[0] == (130, 130, Visibility.OCCLUDED)
        bench.click(130, 130, ALT)
        assert bench.document[1].keypoints[0] == (0, 0, Visibility.UNLABELLED)
        assert len(bench.made) == 2

    def test_toggle_is_for_the_one_under_the_cursor_else_the_last_clicked(self, bench: Bench) -> None:
        bench.document.select((1,))
        bench.hover(130, 130)
        bench.view.toggle_visibility()
        assert bench.document[1].keypoints[0].visibility is Visibility.OCCLUDED
        bench.click(170, 170)
        bench.hover(250, 250)
        bench.view.toggle_visibility()
        assert bench.document[1].keypoints[1].visibility is Visibility.UNLABELLED

    @pytest.mark.parametrize("by_key", [True, False], ids=["key", "click"])
    def test_round_and_round_it_stays_with_its_keypoint_and_place(self, qtbot: QtBot, by_key: bool) -> None:
        """Also where another one is near: that comes under the mouse once the first is off."""
        near = (Keypoint(130, 130, Visibility.VISIBLE), Keypoint(133, 131, Visibility.VISIBLE), triple()[2])
        bench = Bench(qtbot, [], [square(-1, 100, 100, 100, keypoints=near)])
        bench.document.select((-1,))
        bench.hover(129, 130)
        seen = []
        for _ in range(4):
            if by_key:
                bench.view.toggle_visibility()
                bench.hover(129.5, 130)
            else:
                bench.click(129, 130, ALT)
            record = bench.document.selected[-1]
            seen.append(record.keypoints[0])
            assert record.keypoints[1:] == near[1:]
            is_off = record.keypoints[0].visibility is Visibility.UNLABELLED
            assert bench.hints[-1] == ("" if is_off else "Drag move keypoint  ·  ") + ". visible / occluded / off"
        off = (0, 0, Visibility.UNLABELLED)
        occluded, visible = (130, 130, Visibility.OCCLUDED), (130, 130, Visibility.VISIBLE)
        assert seen == [occluded, off, visible, occluded]

    def test_it_goes_to_another_keypoint_with_the_mouse_and_comes_back_by_undo(self, bench: Bench) -> None:
        bench.document.select((1,))
        bench.hover(130, 130)
        bench.view.toggle_visibility()
        bench.view.toggle_visibility()
        bench.hover(170, 170)
        bench.view.toggle_visibility()
        assert [k.visibility for k in bench.document[1].keypoints] == [0, 0, 0]
        bench.view.toggle_visibility()
        assert bench.document[1].keypoints[1] == (170, 170, Visibility.VISIBLE)
        for _ in range(4):
            bench.undo()
        assert bench.document[1].keypoints == triple()

    def test_what_is_off_is_no_handle_but_for_its_key(self, bench: Bench) -> None:
        bench.document.select((1,))
        bench.hover(130, 130)
        bench.view.toggle_visibility()
        bench.view.toggle_visibility()
        bench.drag((130, 130), (140, 140))
        assert corners(bench.document[1])[0] == (110, 110), "the object is dragged"
        assert bench.document[1].keypoints[0] == (0, 0, Visibility.UNLABELLED)
        bench.hover(130, 130)
        bench.view.toggle_visibility()
        assert bench.document[1].keypoints[0] == (0, 0, Visibility.UNLABELLED), "it is not put where it was before"

    def test_toggle_without_one_does_nothing(self, bench: Bench) -> None:
        bench.view.toggle_visibility()
        bench.document.select((2,))
        bench.view.toggle_visibility()
        assert bench.made == []

    def test_missing_ones_are_put_under_the_cursor(self, bench: Bench) -> None:
        bench.document.select((1,))
        bench.hover(150, 180)
        bench.view.add_missing_keypoint()
        assert bench.document[1].keypoints[2] == (150, 180, Visibility.VISIBLE)
        bench.view.add_missing_keypoint()
        assert len(bench.made) == 1

    def test_an_object_without_any_gets_its_first(self, bench: Bench) -> None:
        bench.document.select((2,))
        bench.hover(320, 40)
        bench.view.add_missing_keypoint()
        points = bench.document[2].keypoints
        assert [p.visibility for p in points] == [Visibility.VISIBLE, Visibility.UNLABELLED, Visibility.UNLABELLED]


class TestHints:
    def test_they_say_what_is_under_the_cursor(self, bench: Bench) -> None:
        bench.hover(40, 40)
        bench.click(40, 40)
        assert "Click select suggestion" in bench.hints[-2]
        assert bench.hints[-1] == "Enter accept  ·  Tab next  ·  Del reject  ·  Drag to correct"
        bench.hover(20, 20)
        assert "Drag move vertex" in bench.hints[-1]
        bench.hover(40, 20)
        assert "new vertex" in bench.hints[-1]
        bench.hover(250, 250)
        bench.click(250, 250)
        offered = "Tab next suggestion  ·  Shift+Enter accept all  ·  Ctrl+Shift+Enter accept all, done, next"
        assert bench.hints[-1] == offered
        bench.document.set_suggestions(())
        assert bench.hints[-1] == ""

    def test_what_lies_below_is_reached_with_another_click(self, qtbot: QtBot) -> None:
        """Alt+click is the window manager's on many systems: no hint names it."""
        bench = Bench(qtbot, [square(1, 50, 50, 200), square(2, 60, 60, 100)])
        bench.hover(220, 220)
        assert "below" not in bench.hints[-1]
        bench.hover(100, 100)
        assert "Click again select what lies below" in bench.hints[-1]
        bench.click(100, 100)
        assert bench.document.selection == (2,)
        assert "Click again select what lies below" in bench.hints[-1]
        bench.click(100, 100)
        assert bench.document.selection == (1,)
        assert not any("Alt" in hint for hint in bench.hints)

    def test_they_name_the_next_missing_keypoint(self, bench: Bench) -> None:
        bench.click(150, 160)
        assert "K place right hand" in bench.hints[-1]
        assert "place all" not in bench.hints[-1], "it is the only one"
        bench.click(330, 45)
        assert "K place nose  ·  Shift+K place all" in bench.hints[-1]


def test_a_drag_ends_when_its_object_goes(bench: Bench) -> None:
    bench.click(40, 40)
    bench.press(40, 40)
    bench.drag_to(60, 60)
    bench.document.set_suggestions(())
    bench.drag_to(70, 70)
    bench.release(70, 70)
    assert bench.made == []


def test_a_drag_ends_when_another_document_comes(bench: Bench) -> None:
    bench.press(320, 40)
    bench.drag_to(330, 60)
    bench.view.set_document(None)
    bench.release(330, 60)
    assert bench.made == []


def test_a_drag_follows_the_photo_when_it_scrolls(bench: Bench) -> None:
    bench.view.zoom_to(4.0, QPointF(bench.at(320, 40)))
    bench.press(320, 40)
    bench.drag_to(330, 40)
    bench.view.horizontalScrollBar().setValue(bench.view.horizontalScrollBar().value() + 40)
    bench.drag_to(335, 40)
    bench.release(335, 40)
    assert corners(bench.document[2])[0] == (315, 20)


def test_a_dragged_vertex_snaps_exactly_and_those_with_it_move_along(bench: Bench) -> None:
    bench.view.snaps = True
    bench.document.select((1,))
    bench.drag((200, 100), (298.5, 22))
    assert corners(bench.document[1])[1] == (300, 20)
    assert bench.document[1].shape.geoms[0].exterior.coords[1] == (300, 20)
    bench.undo()
    bench.click(200, 200, SHIFT)
    bench.drag((200, 100), (298.5, 22))
    assert corners(bench.document[1])[1:3] == [(300, 20), (300, 120)]


def test_a_vertex_pulled_out_snaps_and_ctrl_keeps_it_from_that(bench: Bench) -> None:
    bench.view.snaps = True
    bench.document.select((1,))
    bench.drag((150, 100), (58, 58))
    assert (60, 60) in corners(bench.document[1]), "a suggestion's, too"
    bench.undo()
    bench.press(150, 100)
    bench.drag_to(100, 80)
    bench.drag_to(58, 58, CTRL)
    bench.release(58, 58, CTRL)
    assert (58, 58) in corners(bench.document[1])


def test_without_snapping_a_vertex_goes_where_it_is_dragged(bench: Bench) -> None:
    bench.document.select((1,))
    bench.drag((200, 100), (298, 22))
    assert corners(bench.document[1])[1] == (298, 22)
