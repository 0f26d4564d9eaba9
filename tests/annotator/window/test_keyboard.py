"""Whose keys are whose: no key of the photo depends on the panel that was clicked last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from annotator.core.annotation import Annotation, Origin
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find

LEFT, NO = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Key = Qt.Key


@pytest.fixture
def window(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    """A photo with two objects on record and two suggestions, and classes to choose from."""
    window = start_in(qtbot, start, folder)
    session = window._session
    for name in ("person", "cup", "dog"):
        session.categories.add(name)
    current_document(window).set_suggestions(
        Annotation(-1 - i, 1, rectangle(100 * i, 0, 100 * i + 50, 50), origin=Origin.SUGGESTED, score=0.9 - i / 10)
        for i in range(2)
    )
    return window


def _press(key: Qt.Key, modifiers: Qt.KeyboardModifier = NO) -> None:
    """Press a key on whatever has the keyboard, as the system does."""
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key, modifiers)


def _click_row(rows: QWidget, row: int) -> None:
    place = rows.visualRect(rows.model().index(row, 0)).center()  # type: ignore[attr-defined]
    QTest.mouseClick(rows.viewport(), LEFT, NO, place)  # type: ignore[attr-defined]


def _click_photo(qtbot: QtBot, window: MainWindow) -> None:
    find(window, QLineEdit, "photos.filter").setFocus()
    _click_row(window.photos_panel.rows, 0)  # the one that is shown


def _click_class(qtbot: QtBot, window: MainWindow) -> None:
    find(window, QLineEdit, "photos.filter").setFocus()
    _click_row(window.classes.rows, 1)


def _rename_class(qtbot: QtBot, window: MainWindow) -> None:
    rows = window.classes.rows
    place = rows.visualRect(rows.model().index(2, 0)).center()
    _click_row(rows, 2)
    QTest.mouseDClick(rows.viewport(), LEFT, NO, place)
    editor = find(window, QLineEdit, "classes.rename")
    qtbot.waitUntil(editor.hasFocus)
    QTest.keyClicks(editor, "wolf")
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(QLineEdit, "classes.rename") is None)


def _leave_new_class(qtbot: QtBot, window: MainWindow) -> None:
    QTest.mouseClick(find(window, QWidget, "classes.add"), LEFT)
    field = find(window, QLineEdit, "classes.new_name")
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClick(field, Key.Key_Escape)


def _add_class(qtbot: QtBot, window: MainWindow) -> None:
    QTest.mouseClick(find(window, QWidget, "classes.add"), LEFT)
    field = find(window, QLineEdit, "classes.new_name")
    QTest.keyClicks(field, "fox")
    QTest.keyClick(field, Key.Key_Return)


def _slide(qtbot: QtBot, window: MainWindow) -> None:
    slider = find(window, QSlider, "model.threshold")
    QTest.mouseClick(slider, LEFT, NO, slider.rect().center())


def _choose_status(qtbot: QtBot, window: MainWindow) -> None:
    combo = find(window, QComboBox, "photos.status")
    QTest.mouseClick(combo, LEFT, NO, combo.rect().center())
    qtbot.waitUntil(combo.view().isVisible)
    QTest.keyClick(combo.view(), Key.Key_Return)
    qtbot.waitUntil(lambda: not combo.view().isVisible())


def _click_instance(qtbot: QtBot, window: MainWindow) -> None:
    _click_row(window.instances.rows, 1)
    current_document(window).select(())


PLACES = (
    _click_photo, _click_class, _rename_class, _leave_new_class, _add_class, _slide, _choose_status, _click_instance,
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__.strip("_"))
def test_keys_of_the_photo_work_after_a_click_in_any_panel(
    qtbot: QtBot, window: MainWindow, place: Callable[[QtBot, MainWindow], None]
) -> None:
    document = current_document(window)
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)
    place(qtbot, window)
    _press(Key.Key_Tab)
    assert document.selection == (-1,)
    _press(Key.Key_Return)
    assert len(document.annotations) == 1
    _press(Key.Key_Return)
    assert len(document.annotations) == 2
    _press(Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(document.selection) == 2
    _press(Key.Key_Delete)
    assert document.annotations == ()


def test_no_click_takes_the_keyboard_from_the_photo_but_where_text_is_typed(window: MainWindow) -> None:
    """The list of instances has the keys of objects, as the photo has."""
    takers = [
        (type(widget).__name__, widget.objectName())
        for dock in window.docks
        for widget in dock.findChildren(QWidget)
        if widget.window() is window  # and not what a choice opens over it
        and widget.focusPolicy() & Qt.FocusPolicy.ClickFocus
        and not isinstance(widget, QLineEdit | QPlainTextEdit | QAbstractSpinBox)
        and widget is not window.instances.rows
    ]
    assert takers == []


def test_a_photo_chosen_in_a_panel_of_its_own_gives_the_keyboard_to_the_window(
    qtbot: QtBot, window: MainWindow
) -> None:
    dock = window.docks[0]
    dock.setFloating(True)
    dock.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dock)
    _click_row(window.photos_panel.rows, 0)
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    assert window.canvas.hasFocus()
    _press(Key.Key_Tab)
    assert current_document(window).selection == (-1,)


def test_arrow_keys_walk_the_photos_once_the_keyboard_is_there_and_enter_gives_it_back(
    qtbot: QtBot, window: MainWindow
) -> None:
    rows = window.photos_panel.rows
    _focus_by_tab(rows)
    for name in ("coffee.jpg", "dog.jpg"):
        _press(Key.Key_Down)
        qtbot.waitUntil(lambda n=name: window._session.current == n)
        assert rows.hasFocus()
    _press(Key.Key_Return)
    assert window.canvas.hasFocus()
    assert window._session.current == "dog.jpg"


def _focus_by_tab(widget: QWidget) -> None:
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    assert widget.hasFocus()


def _begin_polygon(window: MainWindow) -> None:
    window.action_table["tool.polygon"].trigger()
    for x, y in ((20, 120), (90, 120), (90, 190), (20, 190)):
        at = window.canvas.mapFromScene(QPointF(x, y))
        QTest.mouseClick(window.canvas.viewport(), LEFT, NO, at)


@pytest.mark.parametrize(
    "name", ["photos.list", "photos.status", "instances.list", "classes.list", "classes.add", "model.threshold"]
)
def test_a_polygon_that_is_begun_owns_its_keys_wherever_the_keyboard_is(window: MainWindow, name: str) -> None:
    document = current_document(window)
    widget = find(window, QWidget, name)
    _begin_polygon(window)
    _focus_by_tab(widget)
    _press(Key.Key_Backspace)
    _press(Key.Key_Return)
    assert [len(a.shape.geoms[0].exterior.coords) - 1 for a in document.annotations] == [3]
    window._session.history.undo()
    _begin_polygon(window)
    _focus_by_tab(widget)
    _press(Key.Key_Escape)
    assert not window.canvas._tool.busy
    assert window.canvas.tool == "polygon"
    assert document.annotations == ()


def test_a_class_clicked_in_the_middle_of_a_polygon_is_its_class(window: MainWindow) -> None:
    _begin_polygon(window)
    _click_row(window.classes.rows, 2)
    _press(Key.Key_Return)
    dog = window._session.categories.find("dog")
    assert dog is not None
    assert [a.category_id for a in current_document(window).annotations] == [dog.id]


def test_a_text_that_is_edited_keeps_its_keys_while_a_polygon_is_begun(qtbot: QtBot, window: MainWindow) -> None:
    _begin_polygon(window)
    window.photos_panel.focus_filter()
    field = find(window, QLineEdit, "photos.filter")
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "cats")
    _press(Key.Key_Backspace)
    assert field.text() == "cat"
    _press(Key.Key_Return)
    assert current_document(window).annotations == ()
    window.canvas.setFocus()
    _press(Key.Key_Return)
    assert len(current_document(window).annotations) == 1


def test_the_menu_of_a_class_gives_it_to_what_is_selected(qtbot: QtBot, window: MainWindow) -> None:
    document, rows = current_document(window), window.classes.rows
    document.select((-1,))
    rows.customContextMenuRequested.emit(rows.visualRect(rows.model().index(1, 0)).center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    QTest.keyClick(menu, Key.Key_Down)
    QTest.keyClick(menu, Key.Key_Return)
    cup = window._session.categories.find("cup")
    assert cup is not None
    assert [a.category_id for a in document.annotations] == [cup.id]
    assert window.canvas.hasFocus()
