"""The size of the brush in the window: keys, strip, settings; and a stroke from its key to undo."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSlider, QSpinBox
from pytestqt.qtbot import QtBot

from annotator.window.brush_size import BrushSize
from annotator.window.main_window import MainWindow
from tests.annotator.conftest import Start, start_in


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    window = start_in(qtbot, start, folder)
    window._session.categories.add("cup")
    window.canvas.setFocus()
    return window


def strip(window: MainWindow) -> BrushSize:
    found = window.findChild(BrushSize)
    assert found is not None
    return found


def test_the_keys_and_the_strip_are_there_while_a_brush_is_in_hand(window: MainWindow) -> None:
    size = window.canvas.brush_size
    QTest.keyClick(window.canvas, Qt.Key.Key_BracketRight)
    assert window.canvas.brush_size == size
    assert not strip(window).isVisible()
    for key in (Qt.Key.Key_B, Qt.Key.Key_E):
        QTest.keyClick(window.canvas, key)
        assert strip(window).isVisible()
        QTest.keyClick(window.canvas, Qt.Key.Key_BracketRight)
        assert window.canvas.brush_size > size
        QTest.keyClick(window.canvas, Qt.Key.Key_BracketLeft)
        assert window.canvas.brush_size == size
    QTest.keyClick(window.canvas, Qt.Key.Key_P)
    assert not strip(window).isVisible()
    assert not window.action_table["brush.larger"].isEnabled()


def test_slider_number_and_keys_are_one_size_that_is_remembered(window: MainWindow) -> None:
    QTest.keyClick(window.canvas, Qt.Key.Key_B)
    slider = strip(window).findChild(QSlider)
    number = strip(window).findChild(QSpinBox)
    assert slider is not None
    assert number is not None
    number.setFocus()
    number.selectAll()
    QTest.keyClicks(number, "137")
    QTest.keyClick(number, Qt.Key.Key_Return)
    assert window.canvas.brush_size == window._settings.brush_size == 137
    slider.setValue(slider.maximum())
    assert window.canvas.brush_size == number.value() == window._settings.brush_size == 1000
    slider.setValue(0)
    assert window.canvas.brush_size == number.value() == 1
    QTest.keyClick(window.canvas, Qt.Key.Key_BracketRight)
    assert number.value() == 2


def test_a_stroke_is_one_step_of_undo_and_redo(window: MainWindow) -> None:
    QTest.keyClick(window.canvas, Qt.Key.Key_B)
    document, view = window._session.document, window.canvas.viewport()
    assert document is not None
    x, y = document.size
    start, end = (window.canvas.camera().point_to_view(x * share, y / 2).toPoint() for share in (0.4, 0.6))
    before = document.annotations
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    painted = document.annotations
    assert len(painted) == len(before) + 1
    assert window.canvas.tool == "brush"
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert (document.selection, window.canvas.tool) == ((), "brush"), "so that a new one begins"
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert document.annotations == before
    QTest.keyClick(window.canvas, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert document.annotations == painted
