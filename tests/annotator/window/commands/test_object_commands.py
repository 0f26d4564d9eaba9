"""The Object menu, in the real window with real keys."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.window.main_window import MainWindow
from dataset.geometry import CombineMode, combine, rectangle
from tests.annotator.conftest import Start, current_document, start_in

REDO = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
SIZE = (600, 400)
HOLED = combine(rectangle(10, 10, 100, 100), rectangle(40, 40, 60, 60), CombineMode.SUBTRACT, SIZE)


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """Two squares that overlap, a third apart, and one with a hole; nothing is selected."""
    window = start_in(qtbot, start, folder)
    window._session.categories.add("cup")
    document, counter = current_document(window), itertools.count(1)
    shapes = [rectangle(200, 10, 300, 110), rectangle(250, 10, 350, 110), rectangle(400, 10, 450, 60), HOLED]
    window._session.push(edits.add(document, [Annotation(next(counter), 1, shape) for shape in shapes]))
    document.select(())
    window.canvas.setFocus()
    return window


def enabled(window: MainWindow) -> set[str]:
    names = ("unite", "subtract", "intersect", "separate", "fill_holes")
    return {name for name in names if window.action_table[f"object.{name}"].isEnabled()}


def areas(window: MainWindow) -> dict[int, float]:
    return {a.id: a.shape.area for a in current_document(window).annotations}


def test_actions_are_enabled_where_they_apply_and_say_why_not(window: MainWindow) -> None:
    document = current_document(window)
    assert enabled(window) == set()
    assert "Select two objects or more" in window.action_table["object.unite"].toolTip()
    document.select((1, 2))
    assert enabled(window) == {"unite", "subtract", "intersect"}
    assert window.action_table["object.unite"].toolTip().endswith("(J)")
    document.select((4,))
    assert enabled(window) == {"fill_holes"}
    window._session.history.undo()
    assert enabled(window) == set(), "nothing is left that could be selected"


def test_j_unites_and_shift_j_separates(window: MainWindow) -> None:
    before = areas(window)
    current_document(window).select((3, 1))
    QTest.keyClick(window.canvas, Qt.Key.Key_J)
    assert set(areas(window)) == {2, 3, 4}
    assert enabled(window) == {"separate"}
    QTest.keyClick(window.canvas, Qt.Key.Key_J, Qt.KeyboardModifier.ShiftModifier)
    assert areas(window)[3] == 100 * 100, "the largest part is the object"
    assert len(areas(window)) == 4
    for _ in range(2):
        QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert areas(window) == before
    for _ in range(2):
        QTest.keyClick(window.canvas, Qt.Key.Key_Z, REDO)
    assert len(areas(window)) == 4


@pytest.mark.parametrize(
    ("name", "chosen", "area", "left"),
    [
        ("subtract", (1, 2), 50 * 100, {1, 2, 3, 4}),
        ("intersect", (1, 2), 50 * 100, {1, 3, 4}),
        ("fill_holes", (4,), 90 * 90, {1, 2, 3, 4}),
    ],
)
def test_an_operation_is_one_step(
    window: MainWindow, name: str, chosen: tuple[int, ...], area: float, left: set[int]
) -> None:
    before = areas(window)
    current_document(window).select(chosen)
    window.action_table[f"object.{name}"].trigger()
    assert set(areas(window)) == left
    assert areas(window)[chosen[0]] == area
    window._session.history.undo()
    assert areas(window) == before


@pytest.mark.parametrize(("name", "sentence"), [("subtract", "overlaps"), ("intersect", "share nothing")])
def test_what_would_change_nothing_is_said(window: MainWindow, name: str, sentence: str) -> None:
    current_document(window).select((1, 3))
    window.action_table[f"object.{name}"].trigger()
    assert sentence in window.banner.text


def test_the_context_menu_has_what_applies(qtbot: QtBot, window: MainWindow) -> None:
    for chosen, count in (((1, 2), 4), ((4,), 2), ((1,), 1)):
        current_document(window).select(chosen)
        window.canvas.context_requested.emit(QPoint(0, 0))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        assert sum(action.objectName().startswith("object.") for action in menu.actions()) == count
        menu.close()
