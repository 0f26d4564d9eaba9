from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from annotator.canvas.tools.base import GestureStep, Points
from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.document import Document
from annotator.core.photo_state import PhotoState
from annotator.session.undo import UndoHistory
from dataset.geometry import rectangle, translate


@pytest.fixture
def document() -> Document:
    return Document("a.jpg", PhotoState((100, 100), (Annotation(1, 1, rectangle(10, 10, 20, 20)),)))


def _moved(document: Document, merge: str = "") -> edits.Edit:
    record = document[1]
    moved = replace(record, shape=translate(record.shape, 1, 0))
    return edits.change(document, "move object", [moved], lambda: 99, merge=merge)


def test_undo_and_redo_bring_back_the_very_same_records(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    before = document.annotations
    history.push(document, _moved(document))
    after = document.annotations
    assert history.undoText() == "move object"
    history.undo()
    assert document.annotations == before
    assert document[1] is before[0]
    history.redo()
    assert document[1] is after[0]


def test_each_photo_has_its_own_history(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    other = Document("b.jpg", PhotoState((100, 100), (Annotation(1, 1, rectangle(0, 0, 5, 5)),)))
    history.push(document, _moved(document))
    history.push(other, _moved(other))
    history.activate(document)
    history.undo()
    assert document[1].shape.bounds[0] == 10
    assert other[1].shape.bounds[0] == 1
    assert not history.canUndo()
    assert history.document("b.jpg") is other
    history.activate(Document("c.jpg", PhotoState((1, 1))))
    assert not history.canUndo()
    assert not history.canRedo()


def test_neighbours_with_the_same_key_are_one_step(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    for _ in range(5):
        history.push(document, _moved(document, merge="nudge"))
    history.push(document, _moved(document))
    assert document[1].shape.bounds[0] == 16
    history.undo()
    history.undo()
    assert document[1].shape.bounds[0] == 10
    assert not history.canUndo()


def test_an_edit_that_changes_nothing_is_not_a_step(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    history.push(document, edits.change(document, "move object", [document[1]], lambda: 99))
    assert not history.canUndo()


def _step(taken: list[Points], before: Points, after: Points) -> GestureStep:
    return GestureStep("step", before, after, taken.append)


A, B, C = ((0.0, 0.0),), ((0.0, 0.0), (1.0, 0.0)), ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def test_steps_go_between_what_was_done_and_what_was_undone(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    taken: list[Points] = []
    history.push(document, _moved(document))
    history.push(document, _moved(document))
    history.undo()
    history.push_step(document, _step(taken, (), A))
    history.push_step(document, _step(taken, A, B))
    assert not history.canRedo(), "what was undone before is not done again in the middle of a gesture"
    history.undo()
    assert taken == [A]
    assert history.redoText() == "step"
    history.undo()
    history.undo()
    assert document[1].shape.bounds[0] == 10
    for _ in range(3):
        history.redo()
    assert taken == [A, (), A, B]
    history.push_step(document, _step(taken, B, ()))
    history.redo()
    assert document[1].shape.bounds[0] == 12


def test_the_edit_takes_the_place_of_its_steps_and_leaves_a_gesture_that_was_given_up(
    qapp: QApplication, document: Document
) -> None:
    history = UndoHistory()
    taken: list[Points] = []
    for before, after in (((), A), (A, ()), ((), A), (A, B), (B, C)):
        history.push_step(document, _step(taken, before, after))
    history.push(document, _moved(document))
    history.forget_steps(document)
    history.push(document, _moved(document))
    for _ in range(2):
        assert history.undoText() == "move object"
        history.undo()
    assert document[1].shape.bounds[0] == 10
    assert taken == []
    history.undo()
    history.undo()
    assert taken == [A, ()]
    assert not history.canUndo()


def test_a_step_after_some_were_taken_back_takes_their_place(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    taken: list[Points] = []
    history.push_step(document, _step(taken, (), A))
    history.push_step(document, _step(taken, A, B))
    history.undo()
    history.push_step(document, _step(taken, A, C))
    assert not history.canRedo()
    history.undo()
    history.redo()
    assert taken == [A, A, C]


@pytest.mark.parametrize("undone", [False, True])
def test_an_edit_is_amended_and_all_redo_kept(qapp: QApplication, document: Document, undone: bool) -> None:
    history = UndoHistory()
    box = Annotation(7, 1, rectangle(50, 50, 60, 60), is_box=True)
    made = edits.add(document, [box], "draw box")
    history.push(document, made)
    assert history.last(document) is made
    history.push(document, _moved(document))
    history.undo()
    if undone:
        history.undo()
    outlined = replace(box, shape=rectangle(52, 52, 58, 58), is_box=False)
    assert history.amend(document, made, replace(made, annotations={7: (None, outlined)}))
    assert document.get(7) == (None if undone else outlined)
    while history.canRedo():
        history.redo()
    assert document[7] == outlined
    assert document[1].shape.bounds[0] == 11
    history.undo()
    history.undo()
    assert 7 not in document


def test_an_amended_edit_may_change_other_records_and_leave_others(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    before = document.state
    made = edits.change(document, "change", [replace(document[1], category_id=2)], lambda: 9)
    history.push(document, made)
    other = Annotation(7, 1, rectangle(50, 50, 60, 60))
    assert history.amend(document, made, edits.add(Document("a.jpg", before), [other]))
    assert document[7] == other
    assert document[1] == before.annotations[0]
    history.undo()
    assert document.state == before


def test_what_became_of_a_record_meanwhile_is_not_amended(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    made = _moved(document)
    other = replace(made, annotations={1: (document[1], None)})
    assert not history.amend(document, made, other)
    history.push(document, made)
    history.push(document, _moved(document))
    assert not history.amend(document, made, other)
    history.undo()
    assert not history.amend(document, made, other), "redo would bring the other back"
    history.undo()
    assert not history.amend(document, made, other)
    assert document[1].category_id == 1


def test_clear_forgets(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    history.push(document, _moved(document))
    history.clear()
    assert not history.canUndo()
    assert history.document("a.jpg") is None
