from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QToolBar
from pytestqt.qtbot import QtBot

from annotator.canvas.tools.base import Pointer, Tool
from annotator.canvas.tools.registry import TOOLS
from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from dataset.geometry import rectangle
from dataset.i18n import mark
from tests.annotator.conftest import Start
from tests.qt import find


class StampTool(Tool):
    """A tool as a newcomer would write it: a click puts a square of twenty pixels."""

    name: ClassVar[str] = "stamp"
    title: ClassVar[str] = mark("Stamp a square")
    tip: ClassVar[str] = mark("Click to put a square")
    keys: ClassVar[tuple[str, ...]] = ("G",)
    icon: ClassVar[str] = "image"

    @property
    def cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.UpArrowCursor

    def press(self, at: Pointer) -> None:
        document, category = self.canvas.document, self.canvas.draw_category
        if document is None or category is None:
            self.canvas.category_needed.emit()
            return
        x, y = self.clamped(at)
        stamped = Annotation(self.canvas.new_id(), category, rectangle(x, y, x + 20, y + 20), origin=Origin.DRAWN)
        self.canvas.commit(edits.add(document, (stamped,), "stamp"))

    def hint(self) -> str:
        return "Click to stamp"


@pytest.fixture
def _stamp() -> Iterator[None]:
    TOOLS.append(StampTool)
    yield
    TOOLS.remove(StampTool)


@pytest.mark.usefixtures("_stamp")
def test_a_tool_is_a_class_and_its_line_in_the_registry(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start()
    session = window._session
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    session.categories.add("square")
    canvas, document = window.canvas, session.document
    assert document is not None

    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_G)
    action = window.findChild(QAction, "tool.stamp")
    assert action is not None
    assert (canvas.tool, action.isChecked(), action.toolTip()) == ("stamp", True, "Click to put a square (G)")
    assert action in find(window, QToolBar, "toolbar.tools").actions()
    assert [m.title() for m in window.menuBar().findChildren(QMenu) if action in m.actions()] == ["&Edit"]

    place = canvas.camera().point_to_view(50, 60).toPoint()
    QTest.mouseMove(canvas.viewport(), place + QPoint(1, 1))
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert [session.categories[a.category_id].name for a in document.annotations] == ["square"]
    x0, y0, x1, y1 = document.annotations[0].shape.bounds
    assert (x1 - x0, y1 - y0) == pytest.approx((20, 20))
    assert (x0, y0) == pytest.approx((50, 60), abs=2 / canvas.scale_factor)
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.UpArrowCursor

    QTest.keyClick(canvas, Qt.Key.Key_V)
    assert (canvas.tool, action.isChecked()) == ("select", False)
