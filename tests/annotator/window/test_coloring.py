"""Colours by class or by object, in the real window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QAction, QColor, QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.categories import object_color
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find


def _choose(window: MainWindow, name: str) -> None:
    find(window, QAction, name).trigger()


def _shows(widget: QWidget, color: str) -> bool:
    """Whether a good many pixels are about that colour."""
    image, wanted = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32), QColor(color)
    near = 0
    for y in range(image.height()):
        for x in range(image.width()):
            pixel = image.pixelColor(x, y)
            distance = abs(pixel.red() - wanted.red()) + abs(pixel.green() - wanted.green())
            near += distance + abs(pixel.blue() - wanted.blue()) < 24
    return near > 40


def test_objects_have_colours_of_their_own_where_that_is_chosen_and_at_the_next_start(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    window = start_in(qtbot, start, folder)
    session = window._session
    thing = session.categories.add("thing", color="#112233").id
    session.push(edits.add(current_document(window), [Annotation(4, thing, rectangle(20, 20, 200, 200))]))
    current_document(window).select(())
    row = window.instances.rows.viewport()
    assert not _shows(row, object_color(4))
    _choose(window, "view.color.object")
    assert _shows(row, object_color(4))
    content = window.canvas.content
    record = content[4]
    assert content.color(record) == content.category(record).color == object_color(4)
    assert content.category(record).name == "thing"
    window._session.categories.recolor(thing, "#445566")
    assert content.color(record) == object_color(4)
    assert find(start(), QAction, "view.color.object").isChecked()
    _choose(window, "view.color.class")
    assert content.color(record) == "#445566"
    assert not _shows(row, object_color(4))


def test_neighbouring_ids_differ() -> None:
    assert len({object_color(i) for i in range(1, 21)}) == 20
    assert object_color(-3) == object_color(3) == object_color(23)
