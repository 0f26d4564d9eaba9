"""The dialog before a round."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from annotator import theme
from annotator.core.training_set import ClassFact, Summary
from annotator.panels.dialogs.finetune_dialog import FineTuneDialog
from annotator.panels.widgets import ElidedLabel
from model.protocol import FineTuneOptions
from tests.qt import arguments, find, turned_by_wheel

CLASSES = (ClassFact("balloon", "#ff9f1c", 22, is_new=True), ClassFact("person", "#4cc9f0", 3, is_new=False))
GOOD = Summary(12, 2, CLASSES, (), ready=True)


@pytest.fixture
def dialog(qtbot: QtBot) -> FineTuneDialog:
    made = FineTuneDialog("builtin", "cpu")
    qtbot.addWidget(made)
    made.show()
    return made


def _text(dialog: FineTuneDialog, name: str) -> str:
    return find(dialog, QLabel, f"finetune.{name}").text()


def _texts(dialog: FineTuneDialog) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]


def test_nothing_can_begin_before_it_is_counted(dialog: FineTuneDialog) -> None:
    assert not find(dialog, QPushButton, "finetune.train").isEnabled()
    assert _text(dialog, "photos") == "counting…"


def test_it_shows_what_there_is_to_learn_from(dialog: FineTuneDialog) -> None:
    dialog.set_summary(GOOD)
    assert _text(dialog, "photos") == "12 photos marked done, 2 of them checked to be empty"
    assert _text(dialog, "split").startswith("About 2 of them are kept apart")
    assert find(dialog, ElidedLabel, "finetune.rival").full_text == "builtin"
    shown = _texts(dialog)
    assert [text for text in ("balloon", "22 objects", "person", "3 objects") if text not in shown] == []
    assert shown.count("new to the model") == 1
    assert not find(dialog, QLabel, "finetune.problems").isVisible()
    assert any("close the window" in text for text in shown)


def test_photos_with_unanswered_suggestions_are_named_and_the_first_is_one_click_away(
    qtbot: QtBot, dialog: FineTuneDialog
) -> None:
    show = find(dialog, QPushButton, "finetune.show_unanswered")
    dialog.set_summary(GOOD)
    assert not show.isVisible()
    height = dialog.height()
    dialog.set_summary(replace(GOOD, empty=0, unanswered=("b.jpg", "c.jpg")))
    assert _text(dialog, "photos") == "12 photos marked done"
    assert _text(dialog, "unanswered").startswith("2 photos marked done have suggestions that nobody answered:")
    assert dialog.height() > height, "all of it is seen"
    with qtbot.waitSignal(dialog.photo_requested) as asked:
        qtbot.mouseClick(show, Qt.MouseButton.LeftButton)
    assert arguments(asked) == ["b.jpg"]
    assert not dialog.isVisible()


def test_the_wheel_changes_no_choice_that_it_passes_over(dialog: FineTuneDialog) -> None:
    dialog.set_summary(GOOD)
    assert turned_by_wheel(dialog) == []


def test_few_photos_take_turns(dialog: FineTuneDialog) -> None:
    dialog.set_summary(Summary(7, 0, CLASSES, (), ready=True))
    assert "in turn" in _text(dialog, "split")


def test_the_time_is_told_and_asked_for_again_with_other_choices(qtbot: QtBot, dialog: FineTuneDialog) -> None:
    dialog.set_summary(GOOD)
    dialog.set_time("About 7 min")
    assert _text(dialog, "time") == "About 7 min"
    find(dialog, QToolButton, "finetune.advanced").click()
    with qtbot.waitSignal(dialog.settings_changed):
        qtbot.keyClicks(find(dialog, QLineEdit, "finetune.epochs"), "5")
    with qtbot.waitSignal(dialog.settings_changed):
        qtbot.mouseClick(find(dialog, QCheckBox, "finetune.keep"), Qt.MouseButton.LeftButton)
    assert dialog.settings.epochs == 5
    assert dialog.settings.forget


def test_problems_are_named_and_what_is_not_ready_cannot_begin(dialog: FineTuneDialog) -> None:
    dialog.set_summary(Summary(1, 0, CLASSES, ("One.", "Two."), ready=False))
    assert _text(dialog, "problems") == "One.\nTwo."
    assert not find(dialog, QPushButton, "finetune.train").isEnabled()


def test_the_standard_leaves_every_choice_to_the_training(qtbot: QtBot, dialog: FineTuneDialog) -> None:
    dialog.set_summary(GOOD)
    with qtbot.waitSignal(dialog.train_requested) as asked:
        QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert asked.args == [FineTuneOptions(device="cpu")]
    assert not dialog.isVisible()


def test_advanced_choices(qtbot: QtBot, dialog: FineTuneDialog) -> None:
    dialog.set_summary(GOOD)
    part = find(dialog, QWidget, "finetune.advanced_part")
    assert not part.isVisible()
    low = dialog.height()
    qtbot.mouseClick(find(dialog, QToolButton, "finetune.advanced"), Qt.MouseButton.LeftButton)
    assert part.isVisible()
    assert dialog.height() > low
    QTest.keyClicks(find(dialog, QLineEdit, "finetune.epochs"), "30")
    QTest.keyClicks(find(dialog, QLineEdit, "finetune.learning_rate"), "0.005")
    for name, text in (
        ("freeze", "Heads and FPN"), ("short_side", "416 px"), ("augment", "Full"), ("device", "Automatic"),
    ):  # fmt: skip
        find(dialog, QComboBox, f"finetune.{name}").setCurrentText(text)
    qtbot.mouseClick(find(dialog, QCheckBox, "finetune.keep"), Qt.MouseButton.LeftButton, pos=_box(dialog))
    assert dialog.settings == FineTuneOptions(30, 0.005, "neck", 416, "full", forget=True, device="auto")


@pytest.mark.parametrize(
    ("field", "text"),
    [("epochs", t) for t in ("0", "9999", "-1", "2.5", "1,000", "many", "1_0")]
    + [("learning_rate", t) for t in ("0", "5", "1e-9", "-1", "abc", "nan", "1e999", "0,0,1")],
)
def test_a_number_that_is_none_is_marked_and_nothing_can_begin(dialog: FineTuneDialog, field: str, text: str) -> None:
    dialog.set_summary(GOOD)
    dialog.set_time("About 7 min")
    find(dialog, QToolButton, "finetune.advanced").click()
    number, problem = find(dialog, QLineEdit, f"finetune.{field}"), find(dialog, QLabel, f"finetune.{field}_problem")
    train, low = find(dialog, QPushButton, "finetune.train"), dialog.height()
    changes: list[object] = []
    dialog.settings_changed.connect(lambda: changes.append(dialog.settings))
    QTest.keyClicks(number, text)
    changes.clear()
    assert not train.isEnabled()
    dialog.set_time("About 9 min, with what was typed before")
    assert _text(dialog, "time").startswith("Known once")
    assert not problem.isVisible(), "it may be on its way to another one"
    QTest.keyClick(number, Qt.Key.Key_Return)
    assert problem.isVisible()
    assert number.property("tone") == "error"
    assert " to 1" in problem.text()
    assert dialog.height() > low
    find(dialog, QToolButton, "finetune.advanced").click()
    assert problem.isVisible(), "why nothing can begin stays in view"
    assert changes == []
    number.selectAll()
    QTest.keyClick(number, Qt.Key.Key_Delete)
    assert train.isEnabled()
    assert not problem.isVisible()
    assert (number.property("tone"), dialog.height()) == ("", low)
    assert changes == [FineTuneOptions(device="cpu")]


def test_a_number_on_its_way_is_not_marked_yet(qtbot: QtBot, dialog: FineTuneDialog) -> None:
    dialog.set_summary(GOOD)
    find(dialog, QToolButton, "finetune.advanced").click()
    problem = find(dialog, QLabel, "finetune.learning_rate_problem")
    for letter in "0,01":
        QTest.keyClicks(find(dialog, QLineEdit, "finetune.learning_rate"), letter)
        assert not problem.isVisible()
    assert dialog.settings.learning_rate == 0.01
    assert find(dialog, QPushButton, "finetune.train").isEnabled()
    QTest.keyClicks(find(dialog, QLineEdit, "finetune.learning_rate"), "x")
    qtbot.waitUntil(problem.isVisible)


def test_nothing_is_cut_off(dialog: FineTuneDialog) -> None:
    many = tuple(ClassFact(f"a class with the number {i}", "#ff9f1c", i + 1, is_new=True) for i in range(30))
    dialog.set_summary(Summary(1200, 3, many, ("“x” has a single object so far: too little.",) * 3, ready=True))
    dialog.set_time("/a/long/way/to/a/folder/of/photos/.annotator/models/round-001.safetensors is not a checkpoint.")
    find(dialog, QToolButton, "finetune.advanced").click()
    assert dialog.height() < 900
    for label in dialog.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width())
            assert label.mapTo(dialog, label.rect().bottomRight()).x() < dialog.width()
            assert label.minimumSizeHint().width() <= label.width()


def test_every_control_has_a_name_and_a_tooltip(dialog: FineTuneDialog) -> None:
    for kind in (QPushButton, QComboBox, QCheckBox, QToolButton, QLineEdit):
        for control in dialog.findChildren(kind):
            assert control.objectName().startswith("finetune."), control
            assert control.toolTip()
            assert control.accessibleName()


def _box(dialog: FineTuneDialog):  # noqa: ANN202 - a QPoint
    from PySide6.QtCore import QPoint

    return QPoint(8, find(dialog, QCheckBox, "finetune.keep").height() // 2)


def test_a_button_that_cannot_be_pressed_looks_so(dialog: FineTuneDialog) -> None:
    dialog.setStyleSheet(theme.style_sheet(theme.LIGHT))
    train = find(dialog, QPushButton, "finetune.train")
    assert train.grab().toImage().pixelColor(6, 6).name() == theme.LIGHT.hover
    dialog.set_summary(GOOD)
    assert train.grab().toImage().pixelColor(6, 6).name() == theme.LIGHT.accent
