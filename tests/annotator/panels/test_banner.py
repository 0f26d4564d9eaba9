"""The message line: newest first, never in the way of the keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from annotator.panels import banner as banner_module
from annotator.panels.banner import Banner


class Page(QWidget):
    """A banner over a field that has the keyboard."""

    def __init__(self) -> None:
        super().__init__()
        self.field = QLineEdit()
        layout = QVBoxLayout(self)
        layout.addWidget(self.field, 1)
        self.banner = Banner(self)


@pytest.fixture
def page(qtbot: QtBot) -> Page:
    made = Page()
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.field.setFocus()
    qtbot.waitUntil(made.field.hasFocus)
    return made


def close(qtbot: QtBot, page: Page) -> None:
    button = page.banner.findChild(QToolButton, "banner.close")
    assert isinstance(button, QToolButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def more(page: Page) -> str:
    label = page.banner.findChild(QLabel, "banner.more")
    assert isinstance(label, QLabel)
    return label.text() if label.isVisible() else ""


def test_hidden_while_there_is_nothing_to_say(page: Page) -> None:
    assert not page.banner.isVisible()
    page.banner.show_message("Saved.")
    assert page.banner.isVisible()


def test_the_newest_is_shown_and_the_older_wait(qtbot: QtBot, page: Page) -> None:
    page.banner.show_message("one", "error")
    page.banner.show_message("two", "warning")
    page.banner.show_message("three", "error")
    assert (page.banner.text, page.banner.kind, more(page)) == ("three", "error", "2 more")
    close(qtbot, page)
    assert (page.banner.text, page.banner.kind, more(page)) == ("two", "warning", "1 more")
    close(qtbot, page)
    close(qtbot, page)
    assert not page.banner.isVisible()


def test_who_closes_an_offer_declines_it(qtbot: QtBot, page: Page) -> None:
    declined: list[str] = []
    for text in ("one", "two"):
        page.banner.show_message(text, on_close=lambda text=text: declined.append(text), actions=[("Do", list)])
    qtbot.waitUntil(lambda: page.banner._shown_for.elapsed() > banner_module.SETTLING_MS)
    close(qtbot, page)
    page.banner.close_message()
    assert declined == ["two"]


def test_the_same_text_again_is_one_message(page: Page) -> None:
    for text in ("one", "two", "one"):
        page.banner.show_message(text, "error")
    assert (page.banner.text, more(page)) == ("one", "1 more")


def test_infos_do_not_pile_up(page: Page) -> None:
    page.banner.show_message("broken", "error")
    page.banner.show_message("saved 1")
    page.banner.show_message("saved 2")
    assert (page.banner.text, more(page)) == ("saved 2", "1 more")


def test_an_info_goes_by_itself(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner_module, "INFO_SHOWN_MS", 1)
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_message("stays", "warning")
    banner.show_message("goes")
    qtbot.waitUntil(lambda: banner.text == "stays")
    qtbot.wait(20)
    assert banner.text == "stays"


def test_an_info_that_asks_stays(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner_module, "INFO_SHOWN_MS", 1)
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_message("Add them?", "info", [("Add", lambda: None)])
    banner.show_message("goes")
    qtbot.waitUntil(lambda: banner.text == "Add them?")
    qtbot.wait(20)
    assert banner.text == "Add them?"


def test_a_message_takes_the_place_of_the_one_on_its_topic(page: Page) -> None:
    page.banner.show_message("cannot write a", "error", topic="save")
    page.banner.show_message("no weights", "warning", topic="model")
    page.banner.show_message("cannot write b", "error", topic="save")
    assert (page.banner.text, more(page)) == ("cannot write b", "1 more")
    page.banner.show_message("one without", "error")
    page.banner.show_message("another without", "error")
    assert more(page) == "3 more"


def test_what_is_no_longer_so_is_taken_back(qtbot: QtBot, page: Page) -> None:
    page.banner.show_message("cannot write", "error", [("Again", lambda: None)], topic="save")
    page.banner.show_message("odd file", "warning")
    page.banner.show_message("no weights", "warning", topic="model")
    page.banner.retract("save")  # one that waits
    assert (page.banner.text, more(page)) == ("no weights", "1 more")
    page.banner.retract("model")  # the one shown
    assert (page.banner.text, more(page)) == ("odd file", "")
    page.banner.retract("model")
    page.banner.retract("")
    assert page.banner.text == "odd file"
    close(qtbot, page)
    assert not page.banner.isVisible()
    page.banner.show_message("cannot write", "error", topic="save")
    page.banner.retract("save")
    assert not page.banner.isVisible()


def test_a_message_arrives_from_a_signal(page: Page) -> None:
    class Sender(QObject):
        plain = Signal(str, str)
        with_topic = Signal(str, str, str)

    sender = Sender()
    sender.plain.connect(page.banner.show_message)
    sender.with_topic.connect(lambda text, kind, topic: page.banner.show_message(text, kind, topic=topic))
    sender.plain.emit("odd file", "warning")
    sender.with_topic.emit("cannot write", "error", "save")
    assert (page.banner.text, page.banner.kind, more(page)) == ("cannot write", "error", "1 more")
    page.banner.retract("save")
    assert (page.banner.text, page.banner.kind) == ("odd file", "warning")


def test_taking_back_an_older_one_leaves_an_info_its_time(qtbot: QtBot, page: Page) -> None:
    page.banner.show_message("cannot write", "error", topic="save")
    page.banner.show_message("goes")
    timer = page.banner.findChild(QTimer)
    assert isinstance(timer, QTimer)
    running = timer.timerId()
    page.banner.retract("save")
    assert (page.banner.text, more(page)) == ("goes", "")
    assert timer.timerId() == running  # not begun anew
    page.banner.retract("save")
    assert timer.isActive()


def test_an_action_acts_once_and_closes(qtbot: QtBot, page: Page) -> None:
    done: list[str] = []
    page.banner.show_message("older", "error")
    page.banner.show_message("failed", "error", [("Try again", lambda: done.append("again")), ("Leave", lambda: None)])
    buttons = [b for b in page.banner.findChildren(QPushButton) if b.isVisible()]
    assert [b.text() for b in buttons] == ["Try again", "Leave"]
    qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    assert done == ["again"]
    assert page.banner.text == "older"
    assert not any(b.isVisible() for b in page.banner.findChildren(QPushButton))


def test_an_action_may_say_something_new(qtbot: QtBot, page: Page) -> None:
    page.banner.show_message("failed", "error", [("Again", lambda: page.banner.show_message("failed", "error"))])
    qtbot.mouseClick(page.banner.findChildren(QPushButton)[0], Qt.MouseButton.LeftButton)
    assert (page.banner.text, more(page)) == ("failed", "")


def test_the_keyboard_stays_where_it_is(qtbot: QtBot, page: Page) -> None:
    page.banner.show_message("failed", "error", [("Act", lambda: None)])
    assert page.field.hasFocus()
    qtbot.keyClick(page.field, Qt.Key.Key_Tab)
    assert page.field.hasFocus()
    close(qtbot, page)
    assert page.field.hasFocus()


def test_a_long_message_is_shown_whole(qtbot: QtBot, page: Page) -> None:
    page.banner.show_message("short", "error")
    label = page.banner.findChild(QLabel, "banner.text")
    assert isinstance(label, QLabel)
    qtbot.waitUntil(lambda: label.height() > 0)
    one_line = page.banner.height()
    page.banner.show_message("“/some/very/long/path" + "/that/goes/on" * 12 + "” cannot be written.", "error")
    qtbot.waitUntil(lambda: page.banner.height() > one_line)
    assert label.height() >= label.heightForWidth(label.width())
    assert page.banner.accessibleName().startswith("error: “/some/very")
    page.banner.clear()
    assert not page.banner.isVisible()


def test_it_floats_and_moves_nothing(qtbot: QtBot, page: Page) -> None:
    place = page.field.geometry()
    page.banner.show_message("short", "error", [("Act", lambda: None)])
    short = page.banner.geometry()
    page.banner.show_message("quite long " * 20, "warning")
    assert page.field.geometry() == place
    assert short.width() < page.banner.width() <= page.width()
    for size in ((900, 200), (320, 400)):
        page.resize(*size)
        qtbot.waitUntil(lambda w=size[0]: page.width() == w)
        banner = page.banner.geometry()
        assert page.rect().contains(banner)
        assert abs(banner.center().x() - page.rect().center().x()) <= 1
        label = page.banner.findChild(QLabel, "banner.text")
        assert isinstance(label, QLabel)
        assert label.height() >= label.heightForWidth(label.width())


def test_what_is_about_a_folder_goes_with_it(page: Page) -> None:
    page.banner.show_message("no model", "warning", topic="model", of_folder=False)
    page.banner.show_message("odd file", "warning")
    page.banner.show_message("cannot write", "error", topic="save")
    assert page.banner.has("save")
    page.banner.leave_folder()
    assert not page.banner.has("save")
    assert (page.banner.text, more(page)) == ("no model", "")


def test_a_press_that_was_meant_for_what_was_there_before_chooses_nothing(
    qtbot: QtBot, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(banner_module, "SETTLING_MS", 60_000)
    page.banner.show_message("Replace it?", "warning", [("Replace", lambda: done.append("replaced"))])
    (button,) = page.banner.findChildren(QPushButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.mouseDClick(button, Qt.MouseButton.LeftButton)
    close(qtbot, page)
    assert (page.banner.text, done) == ("Replace it?", [])
    monkeypatch.setattr(banner_module, "SETTLING_MS", 0)  # a moment later
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (page.banner.text, done) == ("", ["replaced"])


def test_a_message_that_comes_while_the_button_is_held_is_not_closed_by_it(qtbot: QtBot, page: Page) -> None:
    page.banner.show_message("seen", "error")
    button = page.banner.findChild(QToolButton, "banner.close")
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    page.banner.show_message("not seen", "error")
    qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert (page.banner.text, more(page)) == ("not seen", "1 more")
