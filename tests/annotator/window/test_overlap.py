"""The choice of what becomes of overlaps, in the real window with real mouse and keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.no_overlap import OverlapRule
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

CTRL = Qt.KeyboardModifier.ControlModifier
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
OUTLINE = [(150, 150), (300, 150), (300, 300), (150, 300)]


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """One square on record, with the id 1."""
    window = start_in(qtbot, start, folder)
    window._session.categories.add("cup")
    document = current_document(window)
    square = Annotation(window._session.new_id(), 1, rectangle(100, 100, 200, 200))
    window._session.push(edits.add(document, [square]))
    window.canvas.setFocus()
    return window


def choose(window: MainWindow, rule: OverlapRule) -> None:
    find(window, QAction, f"object.overlap.{rule}").trigger()


def send(window: MainWindow, kind: QEvent.Type, at: tuple[float, float], down: Qt.MouseButton) -> None:
    to = window.canvas.viewport()
    place = QPointF(window.canvas.camera().point_to_view(*at).toPoint())
    button = NOTHING if kind is QEvent.Type.MouseMove else LEFT
    keys = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(to, QMouseEvent(kind, place, QPointF(to.mapToGlobal(place)), button, down, keys))


def drag(window: MainWindow, start: tuple[float, float], end: tuple[float, float]) -> None:
    send(window, QEvent.Type.MouseMove, start, NOTHING)
    send(window, QEvent.Type.MouseButtonPress, start, LEFT)
    send(window, QEvent.Type.MouseMove, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), LEFT)
    send(window, QEvent.Type.MouseMove, end, LEFT)
    send(window, QEvent.Type.MouseButtonRelease, end, NOTHING)


def draw(window: MainWindow) -> None:
    QTest.keyClick(window.canvas, Qt.Key.Key_P)
    for at in OUTLINE:
        drag(window, at, at)
    QTest.keyClick(window.canvas, Qt.Key.Key_Return)


def areas(window: MainWindow) -> list[float]:
    return [round(a.shape.area, -2) for a in current_document(window).annotations]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (OverlapRule.OFF, [10_000, 22_500]),
        (OverlapRule.YIELD, [10_000, 20_000]),
        (OverlapRule.CUT, [7_500, 22_500]),
    ],
)
def test_what_is_drawn_follows_the_rule_in_one_step(
    window: MainWindow, rule: OverlapRule, expected: list[float]
) -> None:
    before = current_document(window).annotations
    choose(window, rule)
    draw(window)
    assert areas(window) == pytest.approx(expected, rel=0.03)
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
    assert current_document(window).annotations == before
    QTest.keyClick(window.canvas, Qt.Key.Key_Y, CTRL)
    assert areas(window) == pytest.approx(expected, rel=0.03)


def test_a_vertex_that_is_dragged_over_a_neighbour_stops_at_it(window: MainWindow) -> None:
    choose(window, OverlapRule.YIELD)
    document = current_document(window)
    other = Annotation(window._session.new_id(), 1, rectangle(250, 100, 350, 200))
    window._session.push(edits.add(document, [other]))
    document.select((1,))
    drag(window, (200, 100), (320, 150))
    assert document[1].shape.area > 10_000
    assert document[1].shape.intersection(document[other.id].shape).area < 1e-4


def test_the_rule_is_remembered(window: MainWindow) -> None:
    choose(window, OverlapRule.CUT)
    assert window._settings.overlap_rule is OverlapRule.CUT
    assert [a.isChecked() for a in (find(window, QAction, f"object.overlap.{r}") for r in OverlapRule)] == [
        False,
        False,
        True,
    ]
    window._settings._q.setValue("overlap", "odd")
    assert window._settings.overlap_rule is OverlapRule.OFF
