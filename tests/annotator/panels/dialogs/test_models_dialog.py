"""The list of the project's models."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton, QTreeWidget
from pytestqt.qtbot import QtBot

from annotator.panels.dialogs.models_dialog import ModelFact, ModelsDialog
from tests.qt import find

BETTER = ModelFact(
    "round-002", "2026-01-02 12:00", "round-001", 20, 0.41, 0.55, 0.02, 0.25, 0.6, "The new model is better."
)
BROKEN = ModelFact("round-001", problem="round-001 is damaged: delete it.")
BUILTIN = ModelFact("builtin", sentence="What every folder begins with.", removable=False)


@pytest.fixture
def dialog(qtbot: QtBot) -> ModelsDialog:
    made = ModelsDialog()
    qtbot.addWidget(made)
    made.show()
    made.set_models([BETTER, BROKEN, BUILTIN], "round-002")
    return made


def _rows(dialog: ModelsDialog) -> QTreeWidget:
    return find(dialog, QTreeWidget, "models.list")


def _select(dialog: ModelsDialog, row: int) -> None:
    item = _rows(dialog).topLevelItem(row)
    assert item
    _rows(dialog).setCurrentItem(item)


def _enabled(dialog: ModelsDialog) -> tuple[bool, bool]:
    return tuple(find(dialog, QPushButton, f"models.{name}").isEnabled() for name in ("use", "delete"))  # type: ignore[return-value]


def test_figures_with_how_sure_they_are(dialog: ModelsDialog) -> None:
    item = _rows(dialog).topLevelItem(0)
    assert item
    assert [item.text(i) for i in range(7)] == [
        "round-002 (in use)", "2026-01-02 12:00", "round-001", "20", "0.410 → 0.550", "+0.020 to +0.250", "0.600",
    ]  # fmt: skip
    assert find(dialog, QLabel, "models.about").text() == "The new model is better."


def test_what_can_be_done_with_each(dialog: ModelsDialog) -> None:
    assert _enabled(dialog) == (False, False), "the one in use"
    _select(dialog, 1)
    assert _enabled(dialog) == (False, True), "a broken one"
    assert "damaged" in find(dialog, QLabel, "models.about").text()
    _select(dialog, 2)
    assert _enabled(dialog) == (True, False), "the builtin one"


def test_one_click_goes_back(qtbot: QtBot, dialog: ModelsDialog) -> None:
    _select(dialog, 2)
    with qtbot.waitSignal(dialog.use_requested) as asked:
        qtbot.mouseClick(find(dialog, QPushButton, "models.use"), Qt.MouseButton.LeftButton)
    assert asked.args == ["builtin"]
    dialog.set_models([BETTER, BROKEN, BUILTIN], "builtin")
    assert _enabled(dialog) == (False, False)
    _select(dialog, 0)
    with qtbot.waitSignal(dialog.use_requested) as asked:
        QTest.keyClick(_rows(dialog), Qt.Key.Key_Return)
    assert asked.args == ["round-002"]


@pytest.mark.parametrize("really", [True, False])
def test_deleting_is_asked_for_twice(qtbot: QtBot, dialog: ModelsDialog, *, really: bool) -> None:
    heard: list[str] = []
    dialog.delete_requested.connect(heard.append)
    _select(dialog, 1)
    qtbot.mouseClick(find(dialog, QPushButton, "models.delete"), Qt.MouseButton.LeftButton)
    question = find(dialog, QMessageBox, "models.confirm")
    words = "Delete" if really else "Cancel"
    button = next(b for b in question.buttons() if words in b.text())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert heard == (["round-001"] if really else [])


def test_a_model_without_figures(dialog: ModelsDialog) -> None:
    dialog.set_models([ModelFact("round-001")], "builtin")
    item = _rows(dialog).topLevelItem(0)
    assert item
    assert [item.text(i) for i in (3, 4, 5, 6)] == ["", "–", "–", "–"]
