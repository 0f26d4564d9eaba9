from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from shapely import MultiPolygon

from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.document import PART_SHARE, SAME_OBJECT_IOU, Document, Edit, Status
from annotator.core.photo_state import PhotoState
from dataset.geometry import from_parts, iou, rectangle, translate, valid

BOXES = st.builds(
    lambda x, y, w, h: rectangle(x, y, x + w, y + h), *[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2
)
BOW_TIES = st.builds(
    lambda x, y, w, h: from_parts([[[(x, y), (x + w, y + h), (x + w, y), (x, y + h)]]]),
    *[st.integers(0, 20)] * 2,
    *[st.integers(1, 20)] * 2,
)
CLASSES = st.integers(1, 2)
SUGGESTIONS = st.lists(st.tuples(CLASSES, BOXES | BOW_TIES, st.integers(5, 100)), max_size=6).map(
    lambda drawn: [
        Annotation(-i, category, shape, origin=Origin.SUGGESTED, score=score / 100)
        for i, (category, shape, score) in enumerate(drawn, 1)
    ]
)


def share(part: MultiPolygon, whole: MultiPolygon) -> float:
    """How much of a shape lies in another one."""
    ours = valid(part)
    return ours.intersection(valid(whole)).area / ours.area if ours.area else 0.0


def suggestion(number: int, shape: MultiPolygon | None = None, score: float = 0.9, category_id: int = 1) -> Annotation:
    shape = shape or rectangle(0, 0, 10, 10)
    return Annotation(-number, category_id, shape, origin=Origin.SUGGESTED, score=score)


def record(document: Document) -> tuple:
    """All that an edit can change."""
    return document.annotations, document.reviewed, document.done


class Editing(RuleBasedStateMachine):
    """Any sequence of edits, undone and redone at any time, against a list of states kept whole."""

    def __init__(self) -> None:
        super().__init__()
        self.document = Document("a.jpg", PhotoState((64, 48)))
        self.ids = count(1)
        self.edits: list[Edit] = []
        self.states = [(record(self.document), self.document.selection)]
        self.at = 0

    def new_id(self) -> int:
        return next(self.ids)

    def do(self, edit: Edit) -> None:
        before = record(self.document), self.document.selection
        self.document.apply(edit)
        assert edit.is_empty == (record(self.document) == before[0])
        del self.edits[self.at :], self.states[self.at :]
        self.states.append(before)  # with what is selected now
        self.edits.append(edit)
        self.states.append((record(self.document), self.document.selection))
        self.at += 1

    def some_ids(self, data: st.DataObject) -> list[int]:
        there = [a.id for a in (*self.document.annotations, *self.document.suggestions)]
        return data.draw(st.lists(st.sampled_from(there), max_size=3)) if there else []

    @initialize(pool=SUGGESTIONS)
    def set_suggestions(self, pool: list[Annotation]) -> None:
        self.document.set_suggestions(pool)

    @rule(shape=BOXES, category=CLASSES)
    def add(self, shape: MultiPolygon, category: int) -> None:
        self.do(edits.add(self.document, [Annotation(self.new_id(), category, shape)]))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.do(edits.delete(self.document, self.some_ids(data)))

    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        self.do(edits.accept(self.document, self.some_ids(data), self.new_id))

    @rule(data=st.data(), dx=st.integers(-3, 3))
    def move(self, data: st.DataObject, dx: int) -> None:
        chosen = [self.document[i] for i in dict.fromkeys(self.some_ids(data))]
        moved = [a.with_shape(translate(a.shape, dx, 0)) for a in chosen]
        self.do(edits.change(self.document, "move", moved, self.new_id))

    @rule(data=st.data(), category=CLASSES)
    def relabel(self, data: st.DataObject, category: int) -> None:
        ids = list(dict.fromkeys(self.some_ids(data)))
        self.do(edits.relabel(self.document, ids, category, self.new_id))

    @rule(done=st.booleans())
    def mark(self, done: bool) -> None:
        self.do(edits.mark_done(self.document, done=done))

    @rule(data=st.data())
    def select(self, data: st.DataObject) -> None:
        ids = self.some_ids(data)
        self.document.select([*ids, 10**6])
        assert self.document.selection == tuple(dict.fromkeys(ids))

    @precondition(lambda self: self.at)
    @rule()
    def undo(self) -> None:
        self.at -= 1
        self.document.revert(self.edits[self.at])
        state, selection = self.states[self.at]
        assert record(self.document) == state
        assert all(a is b for a, b in zip(self.document.annotations, state[0], strict=True))
        assert self.document.selection == selection

    @precondition(lambda self: self.at < len(self.edits))
    @rule()
    def redo(self) -> None:
        self.document.apply(self.edits[self.at])
        self.at += 1
        state, selection = self.states[self.at]
        assert record(self.document) == state
        assert self.document.selection == selection

    @precondition(lambda self: self.at)
    @rule(data=st.data())
    def several_as_one(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, self.at - 1))
        joined = self.edits[start]
        for edit in self.edits[start + 1 : self.at]:
            joined = joined.then(edit)
        self.document.revert(joined)
        assert record(self.document) == self.states[start][0]
        self.document.apply(joined)
        assert record(self.document) == self.states[self.at][0]

    @invariant()
    def ids_are_in_order_and_above_zero(self) -> None:
        ids = [a.id for a in self.document.annotations]
        assert ids == sorted(ids)
        assert all(i > 0 for i in ids)

    @invariant()
    def what_is_known_is_not_offered(self) -> None:
        recorded = self.document.annotations
        known = (*recorded, *self.document.reviewed)
        expected = [
            s.id
            for s in sorted(self.document._pool.values(), key=lambda s: -(s.score or 0))
            if (s.score or 0) >= 0.5
            and not any(s.category_id == k.category_id and iou(s.shape, k.shape) > SAME_OBJECT_IOU for k in known)
            and not any(s.category_id == a.category_id and share(s.shape, a.shape) > PART_SHARE for a in recorded)
        ]
        assert [s.id for s in self.document.suggestions] == expected

    @invariant()
    def what_is_selected_is_shown(self) -> None:
        shown = {a.id for a in (*self.document.annotations, *self.document.suggestions)}
        assert shown.issuperset(self.document.selection)


Editing.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestEditing = Editing.TestCase


def test_suggestions_come_best_first_over_the_threshold() -> None:
    document = Document("a.jpg", PhotoState((64, 48)), threshold=0.3)
    assert not document.has_pool
    document.set_suggestions([suggestion(1, score=0.2), suggestion(2, score=0.4), suggestion(3, score=0.8)])
    assert document.has_pool
    assert [s.id for s in document.suggestions] == [-3, -2]
    document.threshold = 0.05
    assert [s.id for s in document.suggestions] == [-3, -2, -1]


def test_accepting_takes_the_record_as_it_is() -> None:
    document = Document("a.jpg", PhotoState((64, 48)))
    document.set_suggestions([suggestion(1)])
    document.apply(edits.accept(document, [-1, -1], lambda: 5))
    assert document.annotations == (replace(suggestion(1), id=5),)
    assert document.reviewed == (suggestion(1),)
    assert document.selection == (5,)
    assert document.suggestions == ()


def test_editing_a_suggestion_accepts_it() -> None:
    document = Document("a.jpg", PhotoState((64, 48)))
    document.set_suggestions([suggestion(1)])
    document.select([-1])
    changed = suggestion(1).with_shape(rectangle(30, 30, 40, 40))
    document.apply(edits.change(document, "move", [changed], lambda: 5))
    (annotation,) = document.annotations
    assert (annotation.id, annotation.origin, annotation.score) == (5, Origin.EDITED, 0.9)
    assert document.selection == (5,)
    assert document.suggestions == ()


def test_rejecting_answers_for_good() -> None:
    document = Document("a.jpg", PhotoState((64, 48)))
    document.set_suggestions([suggestion(1)])
    edit = edits.delete(document, [-1])
    assert edit.text == "reject object"
    document.apply(edit)
    document.set_suggestions([suggestion(8)])  # another run of the model, the same object
    assert document.suggestions == ()
    document.revert(edit)
    assert [s.id for s in document.suggestions] == [-8]


@pytest.mark.parametrize(("category", "offered"), [(1, 0), (2, 1)])
def test_only_an_object_of_the_same_class_hides_a_suggestion(category: int, offered: int) -> None:
    document = Document("a.jpg", PhotoState((64, 48), (Annotation(1, category, rectangle(0, 0, 10, 9)),)))
    document.set_suggestions([suggestion(1)])
    assert len(document.suggestions) == offered


def test_status() -> None:
    document = Document("a.jpg", PhotoState((64, 48)))
    assert document.status is Status.NEW
    document.set_suggestions([suggestion(1, score=0.1)])
    assert document.status is Status.NEW
    document.threshold = 0.1
    assert document.status is Status.SUGGESTED
    document.apply(edits.delete(document, [-1]))
    assert document.status is Status.STARTED
    document.apply(edits.mark_done(document, done=True))
    assert document.status is Status.DONE


def test_a_new_class_drops_keypoints() -> None:
    document = Document("a.jpg", PhotoState((64, 48), (Annotation(1, 1, rectangle(0, 0, 5, 5), keypoints=()),)))
    assert edits.relabel(document, [1], 1, lambda: 9).is_empty
    document.apply(edits.relabel(document, [1], 2, lambda: 9))
    assert document[1].category_id == 2


def test_who_watches_is_told() -> None:
    document = Document("a.jpg", PhotoState((64, 48), (Annotation(1, 1, rectangle(0, 0, 5, 5)),)))
    told: list[object] = []
    document.changed.connect(told.append)
    document.suggestions_changed.connect(lambda: told.append("offered"))
    document.selection_changed.connect(lambda: told.append(document.selection))
    document.set_suggestions([suggestion(1, rectangle(20, 20, 30, 30))])
    document.select([1, -1, 1])
    document.select([1, -1])
    edit = edits.delete(document, [1, -1])
    document.apply(edit)
    document.revert(edit)
    document.threshold = 0.95
    assert told == [
        "offered",
        (1, -1),
        frozenset({1}),
        "offered",
        (),
        frozenset({1}),
        "offered",
        (1, -1),
        "offered",
        (1,),
    ]


def test_there_or_not() -> None:
    document = Document("a.jpg", PhotoState((64, 48), (Annotation(1, 1),)))
    document.set_suggestions([suggestion(1)])
    assert 1 in document
    assert -1 in document
    assert 2 not in document
    assert document.get(2) is document.get(-2) is None
    assert document.get(1) is document[1]
    with pytest.raises(KeyError):
        document[-2]


@given(SUGGESTIONS, st.integers(0, 100))
def test_the_threshold_acts_on_the_kept_pool(pool: list[Annotation], percent: int) -> None:
    document = Document("a.jpg", PhotoState((64, 48)))
    document.set_suggestions(pool)
    document.threshold = percent / 100
    assert {s.id for s in document.suggestions} == {s.id for s in pool if (s.score or 0) >= percent / 100}


def test_texts_for_the_menu() -> None:
    document = Document("a.jpg", PhotoState((64, 48), (Annotation(1, 1), Annotation(2, 1))))
    document.set_suggestions([suggestion(1), suggestion(2, rectangle(30, 30, 40, 40))])
    assert edits.add(document, [Annotation(3, 1)]).text == "add object"
    assert edits.add(document, [Annotation(3, 1)], "draw cat").text == "draw cat"
    assert edits.delete(document, [1, 2, 2]).text == "delete 2 objects"
    assert edits.delete(document, [-1]).text == "reject object"
    assert edits.accept(document, [-1, -2], iter([3, 4]).__next__).text == "accept 2 suggestions"
    assert edits.mark_done(document, done=False).text == "mark not done"


def test_a_part_of_what_is_on_record_is_not_offered_unless_that_is_a_crowd_or_of_another_class() -> None:
    whole = Annotation(1, 1, rectangle(0, 0, 100, 100))
    part = suggestion(1, rectangle(5, 5, 40, 40))
    for recorded, offered in (
        (whole, []),
        (replace(whole, is_crowd=True), [part]),
        (replace(whole, category_id=2), [part]),
    ):
        document = Document("a.jpg", PhotoState((200, 200), (recorded,)))
        document.set_suggestions([part])
        assert list(document.suggestions) == offered
    rejected = Document("a.jpg", PhotoState((200, 200), reviewed=(replace(whole, id=-9),)))
    rejected.set_suggestions([part])
    assert list(rejected.suggestions) == [part], "what was wrong as a whole may be right in part"
