"""The buttons and keys that say what becomes of what is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.window.draw_modes import MODES
from annotator.window.main_window import MainWindow
from dataset.geometry import CombineMode
from tests.annotator.conftest import Start, start_in

KEYS = {
    Qt.Key.Key_U: CombineMode.ADD,
    Qt.Key.Key_C: CombineMode.SUBTRACT,
    Qt.Key.Key_I: CombineMode.INTERSECT,
    Qt.Key.Key_O: None,
}


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    window = start_in(qtbot, start, folder)
    window._session.categories.add("cup")
    window.canvas.setFocus()
    return window


def shown(window: MainWindow) -> list[bool]:
    buttons = [window.strip.widgetForAction(window.action_table[name]) for name in MODES]
    return [button.isVisible() for button in buttons]


def separators(window: MainWindow) -> int:
    return sum(action.isSeparator() and action.isVisible() for action in window.strip.actions())


def checked(window: MainWindow) -> list[CombineMode | None]:
    return [mode for name, mode in MODES.items() if window.action_table[name].isChecked()]


def test_buttons_and_keys_are_there_while_a_drawing_tool_is_in_hand(qtbot: QtBot, window: MainWindow) -> None:
    assert not any(shown(window))
    alone = separators(window)
    QTest.keyClick(window.canvas, Qt.Key.Key_C)
    assert window.canvas.draw_mode is None
    for tool in (Qt.Key.Key_P, Qt.Key.Key_R):
        QTest.keyClick(window.canvas, tool)
        qtbot.waitUntil(lambda: all(shown(window)))
        assert separators(window) == alone, "one group with the magnetic outline, which is always there"
        for key, mode in KEYS.items():
            QTest.keyClick(window.canvas, key)
            assert window.canvas.draw_mode is mode
            assert checked(window) == [mode]


def test_the_mode_stays_among_drawing_tools_and_ends_with_them(qtbot: QtBot, window: MainWindow) -> None:
    QTest.keyClick(window.canvas, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: all(shown(window)))
    button = window.strip.widgetForAction(window.action_table["draw.cut"])
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.keyClick(window.canvas, Qt.Key.Key_R)
    assert window.canvas.draw_mode is CombineMode.SUBTRACT
    QTest.keyClick(window.canvas, Qt.Key.Key_V)
    assert window.canvas.draw_mode is None
    assert checked(window) == [None]
    qtbot.waitUntil(lambda: not any(shown(window)))
