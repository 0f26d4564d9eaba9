from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QKeySequenceEdit, QLabel, QPushButton, QTreeWidget, QTreeWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from annotator.core.annotation import Annotation, Origin
from annotator.settings import Settings
from annotator.window.actions import REPEATED, Actions, Spec, menus, specs
from annotator.window.shortcuts_dialog import ShortcutsDialog
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
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
    qtbot.waitUntil(lambda: item.text(1) == "F7, PgDown, F")
    QTest.keyClick(edit, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: "Draw a polygon" in message.text())
    assert item.text(1) == "F7, PgDown, F", "a key that another action has is not taken from it"
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
    assert actions["image.next"].shortcuts() == [QKeySequence(key) for key in ("D", "PgDown", "F")]


@pytest.fixture
def dialog(qtbot: QtBot, settings: Settings) -> Iterator[ShortcutsDialog]:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    dialog = ShortcutsDialog(_actions(window, settings, []), window)
    dialog.show()
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    yield dialog
    dialog.close()


def _choose(dialog: ShortcutsDialog, action: str) -> QTreeWidgetItem:
    rows = find(dialog, QTreeWidget, "keys.list")
    (item,) = rows.findItems(action, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    rows.setCurrentItem(item)
    find(dialog, QKeySequenceEdit, "keys.edit").setFocus()
    return item


def _type(qtbot: QtBot, dialog: ShortcutsDialog, key: Qt.Key) -> None:
    edit = find(dialog, QKeySequenceEdit, "keys.edit")
    with qtbot.waitSignal(edit.editingFinished):
        QTest.keyClick(edit, key)


def test_a_new_key_takes_the_place_of_the_first_alone_also_after_a_restart(
    qtbot: QtBot, settings: Settings, dialog: ShortcutsDialog
) -> None:
    for action, old, keys in (
        ("Redo", ["Ctrl+Shift+Z", "Ctrl+Y"], [Qt.Key.Key_F9, Qt.Key.Key_Semicolon]),
        ("Accept", ["Return", "Enter"], [Qt.Key.Key_Comma]),
        ("Next photo", ["D", "PgDown", "F"], [Qt.Key.Key_PageDown]),
    ):
        item = _choose(dialog, action)
        name = item.data(0, Qt.ItemDataRole.UserRole)
        for key in keys:
            _type(qtbot, dialog, key)
            other = QWidget()
            qtbot.addWidget(other)
            expected = list(dict.fromkeys([QKeySequence(key), *(QKeySequence(other) for other in old[1:])]))
            assert _actions(other, settings, [])[name].shortcuts() == expected
            assert item.text(1) == ", ".join(k.toString() for k in expected)


def test_keys_that_were_chosen_before_are_still_so(qtbot: QtBot, settings: Settings) -> None:
    settings.set_shortcut("image.next", "F5")
    settings.set_shortcut("edit.redo", "")
    window = QWidget()
    qtbot.addWidget(window)
    actions = _actions(window, settings, [])
    assert actions["image.next"].shortcuts() == [QKeySequence("F5")]
    assert actions["edit.redo"].shortcuts() == []


def test_escape_leaves_the_field_then_the_dialog(qtbot: QtBot, dialog: ShortcutsDialog) -> None:
    item = _choose(dialog, "Next photo")
    edit, message = find(dialog, QKeySequenceEdit, "keys.edit"), find(dialog, QLabel, "keys.message")
    before = message.text()
    QTest.keyClick(edit, Qt.Key.Key_Escape)
    rows = find(dialog, QTreeWidget, "keys.list")
    assert rows.hasFocus()
    assert edit.keySequence() == QKeySequence("D")
    assert (item.text(1), message.text()) == ("D, PgDown, F", before)
    assert dialog.isVisible()
    QTest.keyClick(rows, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_standard_keys_are_not_taken_from_another_action_either(qtbot: QtBot, dialog: ShortcutsDialog) -> None:
    item = _choose(dialog, "Next photo")
    _type(qtbot, dialog, Qt.Key.Key_F7)
    other = _choose(dialog, "Previous photo")
    _type(qtbot, dialog, Qt.Key.Key_D)
    assert other.text(1) == "D, PgUp"
    _choose(dialog, "Next photo")
    qtbot.mouseClick(find(dialog, QPushButton, "keys.standard"), Qt.MouseButton.LeftButton)
    assert item.text(1) == "F7, PgDown, F"
    assert "Previous photo" in find(dialog, QLabel, "keys.message").text()


def test_hints_and_tips_name_the_keys_that_a_person_has_chosen(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start_in(qtbot, start, folder)
    keys, document, classes = window.action_table, current_document(window), window.classes.rows.model()
    thing = window._session.categories.add("thing")
    document.set_suggestions([Annotation(-1, thing.id, rectangle(20, 20, 60, 60), (), Origin.SUGGESTED, 0.9)])
    hint = find(window, QLabel, "status.hint")
    opening = find(window.welcome, QPushButton, "welcome.open")

    def named() -> tuple[str, str, str]:
        return hint.text(), opening.toolTip(), classes.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)

    before = named()
    assert before == (
        "Tab next suggestion · Shift+Enter accept all · Ctrl+Shift+Enter accept all, done, next",
        "Open a folder of photos (Ctrl+O)",
        "thing, 0 in the project (key 1)",
    )
    chosen = {
        "suggestion.next": "F6", "suggestion.accept_all": "", "file.open_folder": "F7", "class.1": "F8",
        "suggestion.accept": "F9", "edit.delete": "F10",
    }  # fmt: skip
    for name, key in chosen.items():
        keys.change_key(name, QKeySequence(key))
    assert named() == (
        "F6 next suggestion · Ctrl+Shift+Enter accept all, done, next",
        "Open a folder of photos (F7)",
        "thing, 0 in the project (key F8)",
    )
    document.select((-1,))
    assert hint.text() == "F9 accept · F6 next · F10 reject · Drag to correct"
    document.select(())
    for name in chosen:
        keys.reset_keys(name)
    assert named() == before


def test_a_key_that_is_held_marks_and_deletes_only_once(qtbot: QtBot, settings: Settings) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    actions = _actions(window, settings, [])
    repeated = {spec.name for spec in specs() if actions[spec.name].autoRepeat()}
    assert repeated == REPEATED
    assert {"image.next", "edit.undo", "view.zoom_in"} <= repeated
    once = {"edit.delete", "image.done", "image.done_next", "image.skip", "suggestion.accept", "suggestion.reject"}
    assert not repeated & once
