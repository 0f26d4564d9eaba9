from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from shapely import MultiPolygon

from annotator.canvas.tools.base import Clicked, FoundObject, GestureStep
from annotator.core.annotation import Origin
from annotator.core.document import Document
from annotator.core.photo_state import PhotoState
from dataset.geometry import bounds, rectangle
from tests.annotator.canvas.conftest import Bench

SHIFT = Qt.KeyboardModifier.ShiftModifier


class Clicking:
    """The click tool in hand, and a model that answers when it is told to."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.asked, self.steps = bench, [], []
        bench.view.set_tool("click")
        bench.view.object_clicked.connect(self.asked.append)
        bench.view.step_made.connect(self.steps.append)

    def answer(self, clicked: Clicked, side: float = 40, category_id: int | None = 2) -> None:
        x, y, _ = clicked.clicks[0]
        shape = rectangle(x, y, x + side, y + side) if side else MultiPolygon()
        self.bench.view.show_found(clicked, FoundObject(shape, category_id, text="Found"))

    @property
    def last(self) -> tuple[int, ...]:
        """How often the last question's first object was passed over, and which clicks are on the object."""
        clicked = self.asked[-1]
        return clicked.turn, *(int(is_object) for _, _, is_object in clicked.clicks)


@pytest.fixture
def clicking(bench: Bench) -> Clicking:
    bench.view.draw_category = None
    return Clicking(bench)


def test_what_is_found_goes_on_record_with_its_class_as_one_edit(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.click(250, 100)
    assert clicking.last == (0, 1)
    clicking.answer(clicking.asked[-1])
    assert bench.made == []
    bench.key(Qt.Key.Key_Return)
    assert len(bench.made) == 1
    record = bench.document.selected[0]
    assert (record.category_id, record.origin) == (2, Origin.DRAWN)
    assert bounds(record.shape) == pytest.approx((250, 100, 290, 140), abs=1)


def test_the_class_that_is_chosen_counts_more(clicking: Clicking) -> None:
    clicking.bench.view.draw_category = 1
    clicking.bench.click(250, 100)
    clicking.answer(clicking.asked[-1])
    clicking.bench.key(Qt.Key.Key_Enter)
    assert clicking.bench.document.selected[0].category_id == 1


def test_without_any_class_one_is_asked_for_and_nothing_is_lost(clicking: Clicking) -> None:
    bench, needed = clicking.bench, []
    bench.view.category_needed.connect(lambda: needed.append(True))
    bench.click(250, 100)
    clicking.answer(clicking.asked[-1], category_id=None)
    bench.key(Qt.Key.Key_Return)
    assert needed
    assert bench.view.busy
    bench.view.draw_category = 1
    bench.key(Qt.Key.Key_Return)
    assert len(bench.made) == 1


def test_the_same_place_and_tab_choose_the_next_object(clicking: Clicking) -> None:
    clicking.bench.click(250, 100)
    clicking.bench.click(251, 100)
    assert clicking.last == (1, 1)
    clicking.bench.key(Qt.Key.Key_Tab)
    assert clicking.last == (2, 1)


def test_clicks_add_and_with_shift_take_away(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.click(250, 100, SHIFT)
    assert clicking.asked == [], "there is nothing yet to take away from"
    for x, keys in ((250, Qt.KeyboardModifier.NoModifier), (290, Qt.KeyboardModifier.NoModifier), (330, SHIFT)):
        bench.click(x, 100, keys)
    assert clicking.last == (0, 1, 1, 0)
    bench.key(Qt.Key.Key_Backspace)
    assert clicking.last == (0, 1, 1)


def test_undo_takes_the_last_click_back_and_redo_puts_it_again(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.click(250, 100)
    bench.click(330, 100)
    step: GestureStep = clicking.steps[-1]
    step.restore(step.before)
    assert clicking.last == (0, 1)
    step.restore(step.after)
    assert clicking.last == (0, 1, 1)


def test_answers_to_other_clicks_are_dropped(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.click(250, 100)
    bench.click(330, 100)
    clicking.answer(clicking.asked[0])
    bench.key(Qt.Key.Key_Return)
    assert bench.made == [], "the newest is not answered yet"
    clicking.answer(clicking.asked[1], side=60)
    assert bounds(bench.document.selected[0].shape)[2] == pytest.approx(310, abs=1)


def test_a_double_click_takes_the_object(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.double_click(250, 100)
    clicking.answer(clicking.asked[-1])
    assert len(bench.made) == 1
    assert not bench.view.busy


def test_a_double_click_on_what_is_found_does_not_choose_the_next(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.click(250, 100)
    clicking.answer(clicking.asked[0])
    bench.double_click(250, 100)
    assert len(bench.made) == 1
    assert bounds(bench.document.selected[0].shape)[2] == pytest.approx(290, abs=1)


def test_escape_gives_up_and_another_tool_keeps(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.click(250, 100)
    clicking.answer(clicking.asked[-1])
    bench.key(Qt.Key.Key_Escape)
    assert (bench.made, bench.view.busy) == ([], False)
    bench.click(250, 100)
    clicking.answer(clicking.asked[-1])
    bench.view.set_tool("select")
    assert len(bench.made) == 1


def test_where_nothing_is_found_nothing_goes_on_record(clicking: Clicking) -> None:
    bench, hints = clicking.bench, []
    bench.view.hint_changed.connect(hints.append)
    bench.click(250, 100)
    clicking.answer(clicking.asked[-1], side=0)
    assert hints[-1].startswith("Found")
    bench.key(Qt.Key.Key_Return)
    assert bench.made == []
    assert bench.view.busy


def test_an_answer_about_another_photo_is_no_answer(clicking: Clicking) -> None:
    bench = clicking.bench
    bench.click(250, 100)
    clicking.answer(clicking.asked[-1])
    bench.key(Qt.Key.Key_Escape)
    other = Document("other.jpg", PhotoState(bench.document.size))
    bench.view.set_document(other)
    bench.click(250, 100)
    assert len(clicking.asked) == 2
    bench.key(Qt.Key.Key_Return)
    assert other.annotations == ()
    clicking.answer(clicking.asked[-1], side=20)
    assert len(bench.made) == 1
