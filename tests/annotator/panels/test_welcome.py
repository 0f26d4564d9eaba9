"""The empty window's page."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from annotator.panels.welcome import WelcomePage


@pytest.fixture
def page(qtbot: QtBot) -> WelcomePage:
    made = WelcomePage()
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    return made


def button(page: WelcomePage, name: str) -> QPushButton:
    found = page.findChild(QPushButton, name)
    assert isinstance(found, QPushButton)
    return found


def recent(page: WelcomePage) -> list[QPushButton]:
    return [b for b in page.findChildren(QPushButton, "welcome.recent") if b.isVisible()]


def test_open_and_samples(qtbot: QtBot, page: WelcomePage) -> None:
    with qtbot.waitSignal(page.open_requested):
        qtbot.mouseClick(button(page, "welcome.open"), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(page.samples_requested):
        qtbot.mouseClick(button(page, "welcome.samples"), Qt.MouseButton.LeftButton)


def test_recent_folders(qtbot: QtBot, page: WelcomePage) -> None:
    chosen: list[str] = []
    page.recent_chosen.connect(chosen.append)
    folders = [f"/data/set & {k}" for k in range(7)]
    page.set_recent(folders)
    qtbot.waitUntil(lambda: len(recent(page)) == 5)
    qtbot.mouseClick(recent(page)[1], Qt.MouseButton.LeftButton)
    assert chosen == ["/data/set & 1"]
    assert "set && 1" in recent(page)[1].text()
    page.set_recent(["/other"])
    qtbot.waitUntil(lambda: len(recent(page)) == 1)
    page.set_recent([])
    qtbot.waitUntil(lambda: recent(page) == [])


def test_a_drag_over_the_window_lights_the_area(page: WelcomePage) -> None:
    calm = page.grab().toImage()
    page.set_drop_hint(True)
    assert page.grab().toImage() != calm
    page.set_drop_hint(False)
    assert page.grab().toImage() == calm
