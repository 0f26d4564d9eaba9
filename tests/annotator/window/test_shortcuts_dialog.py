"""The list of keys: searched, with the gestures of every tool, and the keys of other programs that README promises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QKeySequenceEdit, QLabel, QLineEdit, QTreeWidget, QWidget
from pytestqt.qtbot import QtBot

from annotator.canvas import navigation
from annotator.canvas.tools.registry import TOOLS
from annotator.settings import Settings
from annotator.window.actions import Actions, specs
from annotator.window.shortcuts_dialog import ShortcutsDialog
from tests.annotator.window.test_actions import settings
from tests.qt import find

__all__ = ["settings"]
README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def dialog(qtbot: QtBot, settings: Settings) -> Iterator[ShortcutsDialog]:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    dialog = ShortcutsDialog(Actions(window, {spec.name: lambda *_: None for spec in specs()}, settings), window)
    dialog.show()
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    yield dialog
    dialog.close()


def shown(dialog: ShortcutsDialog) -> dict[str, dict[str, str]]:
    """What the list shows: by the title of the group, what is done, and how."""
    return {
        head.text(0): {item.text(0): item.text(1) for item in items if not item.isHidden()}
        for head, items in dialog._groups
        if not head.isHidden()
    }


def search(dialog: ShortcutsDialog, text: str) -> dict[str, dict[str, str]]:
    field = find(dialog, QLineEdit, "keys.search")
    field.clear()
    QTest.keyClicks(field, text)
    return shown(dialog)


def test_what_is_typed_at_once_finds_by_words_and_by_keys(dialog: ShortcutsDialog) -> None:
    everything = shown(dialog)
    focus = QApplication.focusWidget()
    assert focus is find(dialog, QLineEdit, "keys.search")
    QTest.keyClicks(focus, "brush small")
    assert list(shown(dialog).values()) == [{"Smaller brush": "["}]
    assert search(dialog, "ctrl+z") == {"Edit": {"Undo": "Ctrl+Z"}}
    assert search(dialog, "d")["Image"] == {"Next photo": "D, PgDown, F"}, "a key is not a letter of other words"
    assert search(dialog, "freehand") == {"With the tool “Draw a polygon”": {"Draw freehand": "Hold and drag"}}
    assert search(dialog, "no such thing") == {}
    assert "Nothing has" in find(dialog, QLabel, "keys.message").text()
    QTest.keyClick(focus, Qt.Key.Key_Escape)
    assert shown(dialog) == everything
    QTest.keyClick(focus, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_enter_goes_to_what_was_found_whose_key_can_be_changed_but_no_gesture(dialog: ShortcutsDialog) -> None:
    rows, edit = find(dialog, QTreeWidget, "keys.list"), find(dialog, QKeySequenceEdit, "keys.edit")
    assert not edit.isEnabled()
    search(dialog, "open folder")
    QTest.keyClick(find(dialog, QLineEdit, "keys.search"), Qt.Key.Key_Return)
    assert rows.hasFocus()
    assert (edit.isEnabled(), edit.keySequence()) == (True, QKeySequence("Ctrl+O"))
    search(dialog, "freehand")
    assert not edit.isEnabled()
    assert "cannot be changed" in find(dialog, QLabel, "keys.message").text()


def test_the_gestures_of_every_tool_are_listed(dialog: ShortcutsDialog) -> None:
    groups = shown(dialog)
    for title, gestures in (
        *((f"With the tool “{tool.title}”", tool.gestures) for tool in TOOLS),
        ("The photo, with every tool", navigation.GESTURES),
    ):
        assert gestures, f"{title}: a tool declares what is done with it"
        rows = [gesture.row() for gesture in gestures]
        assert set(groups[title].values()) == {how for _, how in rows}
        assert len({what for what, _ in rows}) == len(rows), "each row says something else"


def test_keys_of_other_programs_that_readme_names_are_there() -> None:
    titles = {spec.text.replace("&", "").rstrip("…"): spec.keys for spec in specs()}
    rows = re.findall(r"^\| `([^|]+)` \| ([^|]*) \| \*([^*|]+)\*", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 5
    for key, _, title in rows:
        keys = titles[title.rsplit(" > ", 1)[-1].rstrip("…")]
        assert set(key.replace("`", "").split(", ")) <= set(keys), title
