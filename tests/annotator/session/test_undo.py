from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

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


def test_clear_forgets(qapp: QApplication, document: Document) -> None:
    history = UndoHistory()
    history.push(document, _moved(document))
    history.clear()
    assert not history.canUndo()
    assert history.document("a.jpg") is None
