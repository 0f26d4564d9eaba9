"""Photos that are marked done with suggestions on them, answered or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from annotator.core.annotation import Annotation, Origin
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

NO, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier,
)  # fmt: skip
Key = Qt.Key


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """A photo with three suggestions, one of them under the threshold."""
    window = start_in(qtbot, start, folder)
    session = window._session
    session.categories.add("person")
    current_document(window).set_suggestions(
        Annotation(-1 - i, 1, rectangle(100 * i, 0, 100 * i + 50, 50), origin=Origin.SUGGESTED, score=score)
        for i, score in enumerate((0.9, 0.8, 0.3))
    )
    return window


def _press(window: MainWindow, key: Qt.Key, keys: Qt.KeyboardModifier = NO) -> None:
    QTest.keyClick(window.canvas, key, keys)


@pytest.mark.parametrize("enter", [Key.Key_Return, Key.Key_Enter])
def test_one_key_accepts_all_marks_done_and_goes_on(qtbot: QtBot, window: MainWindow, enter: Qt.Key) -> None:
    document, session = current_document(window), window._session
    _press(window, enter, CTRL | SHIFT)
    assert len(document.annotations) == 2
    assert document.done
    assert session.current == "coffee.jpg"
    assert window.banner.text == ""
    qtbot.waitUntil(lambda: session.document is not None)
    _press(window, Key.Key_A)
    qtbot.waitUntil(lambda: session.document is document)
    _press(window, Key.Key_Z, CTRL)
    assert (document.annotations, document.done) == ((), False), "one step took both back"
    assert len(document.suggestions) == 2


def test_without_suggestions_the_same_key_only_marks_done(window: MainWindow) -> None:
    document = current_document(window)
    document.set_suggestions(())
    _press(window, Key.Key_Return, CTRL | SHIFT)
    assert document.done
    assert window._session.current == "coffee.jpg"


def test_hidden_suggestions_are_not_accepted_by_it_nor_is_the_photo_done(window: MainWindow) -> None:
    document = current_document(window)
    _press(window, Key.Key_S)
    _press(window, Key.Key_Return, CTRL | SHIFT)
    assert (document.annotations, document.done) == ((), False)
    assert window._session.current == "cat.jpg"
    assert window.banner.text == "Suggestions are hidden, and left alone."


@pytest.mark.parametrize(("key", "keys"), [(Key.Key_Return, CTRL), (Key.Key_M, NO)])
def test_done_with_suggestions_unanswered_is_named_and_taken_back(
    qtbot: QtBot, window: MainWindow, key: Qt.Key, keys: Qt.KeyboardModifier
) -> None:
    document, session = current_document(window), window._session
    _press(window, key, keys)
    assert document.done
    assert window.banner.text == ("cat.jpg is done with 2 suggestions that nobody answered: training leaves them out.")
    qtbot.waitUntil(lambda: session.document is not None)
    undo = find(window.banner, QPushButton, "banner.action")
    assert undo.text() == "Undo"
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert not document.done
    assert session.store
    assert not session.store.is_done("cat.jpg")
    assert session.current == "cat.jpg"
    assert window.banner.text == ""
    qtbot.waitUntil(lambda: session.document is document)
    assert len(document.suggestions) == 2


def test_the_message_goes_when_it_is_no_longer_so(qtbot: QtBot, window: MainWindow) -> None:
    for key, keys in ((Key.Key_M, NO), (Key.Key_Z, CTRL), (Key.Key_Return, SHIFT), (Key.Key_D, NO)):
        _press(window, Key.Key_M)
        assert "nobody answered" in window.banner.text
        _press(window, key, keys)
        assert window.banner.text == ""
        if window._session.current == "cat.jpg":
            while window._session.history.canUndo():
                window._session.history.undo()


def test_a_photo_whose_suggestions_are_answered_is_done_without_a_word(window: MainWindow) -> None:
    document = current_document(window)
    document.select([-1])
    _press(window, Key.Key_Return)
    _press(window, Key.Key_Delete)
    assert not document.suggestions
    _press(window, Key.Key_Return, CTRL)
    assert document.done
    assert window.banner.text == ""


def test_what_nobody_answered_is_kept_for_training_and_over_a_restart(
    qtbot: QtBot, window: MainWindow, start: Start, folder: Path
) -> None:
    document = current_document(window)
    offered = document.suggestions
    _press(window, Key.Key_M)
    store = window._session.store
    assert store
    assert store.pools.unanswered("cat.jpg") == offered
    window.close()
    window._session.close()
    again = start()._session
    again.open(folder)
    qtbot.waitUntil(lambda: again.store is not None)
    assert again.store
    assert again.store.pools.unanswered("cat.jpg") == offered
    assert again.store.pools.unanswered("dog.jpg") is None
