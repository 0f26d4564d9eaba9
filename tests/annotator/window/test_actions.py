from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QKeySequenceEdit, QLabel, QPushButton, QTreeWidget, QWidget
from pytestqt.qtbot import QtBot

from annotator.settings import Settings
from annotator.window.actions import Actions, Spec, menus, specs
from annotator.window.shortcuts_dialog import ShortcutsDialog
from tests.qt import find


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


def _actions(window: QWidget, settings: Settings, done: list[str]) -> Actions:
    return Actions(window, {spec.name: lambda *_, n=spec.name: done.append(n) for spec in specs()}, settings)


def test_names_and_keys_are_each_given_once() -> None:
    names = Counter(spec.name for spec in specs())
    keys = Counter(QKeySequence(key).toString() for spec in specs() for key in spec.keys)
    assert [name for name, count in names.items() if count > 1] == []
    assert [key for key, count in keys.items() if count > 1] == []
    assert "" not in keys, "every key is one that Qt knows"


def test_menus_have_no_two_entries_with_the_same_letter() -> None:
    for menu in menus():
        texts = [entry.text for entry in menu.entries if isinstance(entry, Spec) and "&" in entry.text]
        letters = [text[text.index("&") + 1].lower() for text in texts]
        assert len(letters) == len(set(letters)), menu.title


def test_every_action_tells_its_key(qtbot: QtBot, settings: Settings) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    actions = _actions(window, settings, [])
    for spec in specs():
        tip = actions[spec.name].toolTip()
        assert tip
        if spec.keys:
            assert QKeySequence(spec.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) in tip
        assert actions[spec.name].objectName() == spec.name


def test_keys_can_be_changed_taken_away_and_set_back(qtbot: QtBot, settings: Settings) -> None:
    done: list[str] = []
    window = QWidget()
    qtbot.addWidget(window)
    actions = _actions(window, settings, done)
    window.show()
    dialog = ShortcutsDialog(actions, window)
    qtbot.addWidget(dialog)
    dialog.show()
    rows = find(dialog, QTreeWidget, "keys.list")
    edit = find(dialog, QKeySequenceEdit, "keys.edit")
    message = find(dialog, QLabel, "keys.message")
    item = rows.findItems("Next photo", Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)[0]
    rows.setCurrentItem(item)

    edit.setFocus()
    QTest.keyClick(edit, Qt.Key.Key_F7)
    qtbot.waitUntil(lambda: item.text(1) == "F7")
    QTest.keyClick(edit, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: "Draw a polygon" in message.text())
    assert item.text(1) == "F7", "a key that another action has is not taken from it"
    dialog.close()
    with qtbot.waitActive(window):
        window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_F7)
    QTest.keyClick(window, Qt.Key.Key_D)
    assert done == ["image.next"]

    other = QWidget()
    qtbot.addWidget(other)
    assert _actions(other, settings, [])["image.next"].shortcut() == QKeySequence("F7"), "also after a restart"
    qtbot.mouseClick(find(dialog, QPushButton, "keys.standard"), Qt.MouseButton.LeftButton)
    assert actions["image.next"].shortcuts() == [QKeySequence("D"), QKeySequence("PgDown")]
