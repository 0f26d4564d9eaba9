"""The card that simplifies and smooths what is selected, in the real window with real keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QSlider, QWidget
from pytestqt.qtbot import QtBot
from shapely import MultiPolygon

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.window.main_window import MainWindow
from dataset.geometry import from_parts, rectangle
from dataset.simplify import vertex_count
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

CROSSED = from_parts([[[(300, 300), (340, 340), (340, 300), (300, 340)]]])


def rough(x: float, y: float) -> MultiPolygon:
    """A part with a hole, each of a hundred vertices."""
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    noise = np.random.default_rng(0).uniform(-1, 1, (100, 1))
    circle = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    return from_parts([[circle * (radius + noise) + np.array((x, y)) for radius in (60, 30)]])


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """Two rough objects that are selected, and a third whose edges cross."""
    window = start_in(qtbot, start, folder)
    window._session.categories.add("cup")
    shapes = [rough(100, 100), rough(250, 100), CROSSED]
    records = [Annotation(window._session.new_id(), 1, shape) for shape in shapes]
    window._session.push(edits.add(current_document(window), records))
    current_document(window).select([record.id for record in records[:2]])
    window.canvas.setFocus()
    return window


def press(key: Qt.Key) -> None:
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key)


def shown(window: MainWindow) -> list[int]:
    """How many vertices the canvas shows of what is selected."""
    active = window.canvas._active._shapes
    return [vertex_count(active[i].record.shape) for i in current_document(window).selection]


def settled(qtbot: QtBot, window: MainWindow) -> list[int]:
    qtbot.waitUntil(lambda: not window._simplifying._slicer.is_running)
    return shown(window)


def test_the_sliders_show_what_they_do_and_enter_takes_it_as_one_step(qtbot: QtBot, window: MainWindow) -> None:
    document, before = current_document(window), current_document(window).annotations
    press(Qt.Key.Key_Y)
    first = settled(qtbot, window)
    assert first[0] < 200
    press(Qt.Key.Key_PageUp)
    press(Qt.Key.Key_Right)
    second = settled(qtbot, window)
    assert second[0] < first[0]
    assert find(window, QLabel, "simplify.count").text() == f"400 → {sum(second)} vertices"
    press(Qt.Key.Key_Tab)
    for _ in range(6):
        press(Qt.Key.Key_PageUp)
    settled(qtbot, window)
    assert document.annotations == before, "so far it is but shown"
    press(Qt.Key.Key_Return)
    assert not find(window, QWidget, "simplify").isVisible()
    assert window.canvas.hasFocus()
    made = [vertex_count(document[i].shape) for i in document.selection]
    assert made == shown(window)
    assert all(len(document[i].shape.geoms[0].interiors) == 1 for i in document.selection)
    assert window._session.history.undoText() == "simplify 2 outlines"
    window._session.history.undo()
    assert document.annotations == before


def test_escape_leaves_everything_also_with_the_keyboard_at_the_photo(qtbot: QtBot, window: MainWindow) -> None:
    before = current_document(window).annotations
    for at_photo in (False, True):
        press(Qt.Key.Key_Y)
        assert settled(qtbot, window) != [200, 200]
        if at_photo:
            window.canvas.setFocus()
        press(Qt.Key.Key_Escape)
        assert shown(window) == [200, 200]
        assert not find(window, QWidget, "simplify").isVisible()
    assert current_document(window).annotations == before
    assert len(current_document(window).selection) == 2, "that Escape is not the photo's"


def test_it_follows_the_selection_and_undo_and_goes_with_the_photo(qtbot: QtBot, window: MainWindow) -> None:
    document = current_document(window)
    first, second, crossed = (record.id for record in document.annotations)
    press(Qt.Key.Key_Y)
    document.select((first,))
    (count,) = settled(qtbot, window)
    window._session.push(edits.reshape(document, "", {first: rectangle(10, 10, 20, 20)}, window._session.new_id))
    assert settled(qtbot, window) == [4]
    window._session.history.undo()
    assert settled(qtbot, window) == [count]
    document.select((crossed,))
    assert settled(qtbot, window) == [6], "two triangles"
    assert "mended" in window._simplifying._note.text()
    window._session.go(1)
    assert not find(window, QWidget, "simplify").isVisible()
    assert window.canvas._proposal == {}
    assert document[second].shape.equals(rough(250, 100))


def test_enter_right_after_the_slider_moves_applies_what_it_says_now(qtbot: QtBot, window: MainWindow) -> None:
    document = current_document(window)
    press(Qt.Key.Key_Y)
    find(window, QSlider, "simplify.tolerance").setValue(60)
    qtbot.mouseClick(find(window, QPushButton, "simplify.apply"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not find(window, QWidget, "simplify").isVisible())
    assert all(vertex_count(document[i].shape) < 16 for i in document.selection)


def test_nothing_selected_nothing_opens_and_nothing_changed_is_no_step(qtbot: QtBot, window: MainWindow) -> None:
    document, action = current_document(window), window.action_table["object.simplify"]
    steps = window._session.history.undoText()
    press(Qt.Key.Key_Y)
    for name in ("simplify.tolerance", "simplify.smooth"):
        find(window, QSlider, name).setValue(0)
    press(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not find(window, QWidget, "simplify").isVisible())
    assert window._session.history.undoText() == steps
    document.select(())
    assert not action.isEnabled()
    assert "Select an object" in action.toolTip()
    press(Qt.Key.Key_Y)
    assert not find(window, QWidget, "simplify").isVisible()
