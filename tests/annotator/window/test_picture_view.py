"""How the photo is shown changes what is seen, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QPushButton, QSlider

from annotator.core import edits
from annotator.core.annotation import Annotation
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from annotator.window.main_window import MainWindow

Key = Qt.Key
NO, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
INSIDE, OUTSIDE = QPointF(60, 60), QPointF(250, 150)


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """A photo with a large object on record."""
    window = start_in(qtbot, start, folder)
    session = window._session
    session.categories.add("person")
    document = current_document(window)
    session.push(edits.add(document, [Annotation(session.new_id(), 1, rectangle(20, 20, 140, 140))]))
    document.select(())
    window.canvas.show_names = False
    QTest.keyClick(window.canvas, Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert window.picture_panel.isVisible()
    return window


def seen(window: MainWindow, at: QPointF) -> tuple[int, ...]:
    """Red, green and blue on the screen at a place in the photo."""
    image = window.canvas.viewport().grab().toImage()
    color = image.pixelColor(window.canvas.mapFromScene(at) * image.devicePixelRatio())
    return color.red(), color.green(), color.blue()


def slide(window: MainWindow, name: str, value: int) -> None:
    find(window, QSlider, f"picture.{name}").setValue(value)


def test_a_slider_makes_the_photo_lighter_but_not_what_the_model_is_given(window: MainWindow) -> None:
    photo = window._session._photo
    assert photo is not None
    pixels, before = photo.rgb().copy(), seen(window, OUTSIDE)
    slide(window, "brightness", 30)
    after = seen(window, OUTSIDE)
    assert all(new == min(255, old + 76) or abs(new - old - 76) <= 1 for old, new in zip(before, after, strict=True))
    assert np.array_equal(photo.rgb(), pixels)
    QTest.mouseClick(find(window, QPushButton, "picture.reset"), Qt.MouseButton.LeftButton)
    assert seen(window, OUTSIDE) == before
    assert not find(window, QPushButton, "picture.reset").isEnabled()


def test_the_tone_holds_when_zoomed_and_panned(window: MainWindow) -> None:
    slide(window, "brightness", -100)
    canvas = window.canvas
    canvas.zoom_to_box((60, 60, 200, 200))
    for _ in range(2):
        image = canvas.viewport().grab().toImage()
        for x in (5, image.width() // 2, image.width() - 5):
            assert image.pixelColor(x, image.height() // 2).name() == "#000000"
        middle = canvas.mapTo(window, canvas.rect().center())
        QTest.wheelEvent(window.windowHandle(), QPointF(middle), QPoint(-120, 0))


@pytest.mark.parametrize("keep", [False, True])
def test_the_next_photo_is_shown_as_it_is_unless_the_tone_is_kept(qtbot: QtBot, window: MainWindow, keep: bool) -> None:
    slide(window, "gamma", 40)
    find(window, QCheckBox, "picture.keep").setChecked(keep)
    before = window._session.current
    QTest.keyClick(window.canvas, Key.Key_D)
    qtbot.waitUntil(lambda: window._session.current != before and window._session.document is not None)
    assert window.canvas.look.tone.is_neutral is not keep


def test_objects_at_rest_are_filled_and_shift_o_takes_every_fill_away(window: MainWindow) -> None:
    before = seen(window, INSIDE)
    slide(window, "fill", 60)
    assert seen(window, INSIDE) != before
    QTest.keyClick(window.canvas, Key.Key_O, SHIFT)
    assert seen(window, INSIDE) == before
    current_document(window).select([next(iter(current_document(window).annotations)).id])
    assert seen(window, INSIDE) == before, "a selected object is not filled either"


def test_everything_is_hidden_while_q_is_held_and_stays_selected(window: MainWindow) -> None:
    bare = seen(window, INSIDE)
    slide(window, "fill", 60)
    document = current_document(window)
    document.select([next(iter(document.annotations)).id])
    with_object = seen(window, INSIDE)
    window.canvas.setFocus()
    QTest.keyPress(window.canvas, Key.Key_Q)
    assert seen(window, INSIDE) == bare
    QTest.keyRelease(window.canvas, Key.Key_Q)
    assert seen(window, INSIDE) == with_object
    assert document.selection


def test_lines_cross_the_photo_while_a_tool_draws(window: MainWindow) -> None:
    QTest.keyClick(window.canvas, Key.Key_C, SHIFT)
    at = window.canvas.mapFromScene(OUTSIDE)
    elsewhere = window.canvas.mapToScene(at) + QPointF(-60, 0)
    before = seen(window, elsewhere)
    QTest.mouseMove(window.canvas.viewport(), at)
    assert seen(window, elsewhere) == before, "nothing is drawn with Select"
    QTest.keyClick(window.canvas, Key.Key_R)
    QTest.mouseMove(window.canvas.viewport(), at)
    assert seen(window, elsewhere) != before
    QTest.keyClick(window.canvas, Key.Key_C, SHIFT)
    QTest.mouseMove(window.canvas.viewport(), at + QPoint(0, 30))
    assert seen(window, elsewhere) == before


def test_the_status_line_has_the_values_of_the_pixel_as_they_are_in_the_photo(window: MainWindow) -> None:
    slide(window, "brightness", 50)
    at = window.canvas.mapFromScene(OUTSIDE)
    QTest.mouseMove(window.canvas.viewport(), at)
    place = window.canvas.camera().to_photo(QPointF(at))
    photo = window._session._photo
    assert photo is not None
    red, green, blue = photo.rgb()[int(place.y()), int(place.x())].tolist()
    text = find(window, QLabel, "status.cursor").text()
    assert text == f"x {int(place.x())}  y {int(place.y())}  {red} {green} {blue}"


def test_a_new_window_shows_objects_as_the_last_one_did(window: MainWindow, start: Start) -> None:
    slide(window, "fill", 25)
    QTest.keyClick(window.canvas, Key.Key_C, SHIFT)
    again = start()
    assert (again.canvas.look.fill, again.canvas.look.crosshair) == (25, True)
    assert again.action_table["view.crosshair"].isChecked()
    assert find(again, QSlider, "picture.fill").value() == 25
