"""The model panel: shows what it is told, says what the person wants."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFileDialog,
    QLabel,
    QMainWindow,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from annotator.panels.clamped_label import ClampedLabel
from annotator.panels.model import ModelPanel
from annotator.panels.widgets import ElidedLabel
from tests.qt import turn_wheel

W = TypeVar("W", bound=QWidget)


@pytest.fixture
def panel(qtbot: QtBot) -> ModelPanel:
    made = ModelPanel()
    qtbot.addWidget(made)
    made.resize(320, 320)
    made.show()
    qtbot.waitExposed(made)
    return made


def part(panel: ModelPanel, kind: type[W], name: str) -> W:
    found = panel.findChild(kind, name)
    assert isinstance(found, kind)
    return found


def test_it_shows_model_device_speed_and_state(panel: ModelPanel) -> None:
    panel.set_model("builtin", "CPU")
    panel.set_speed(182.4)
    panel.set_state("looking at 0012.jpg")
    assert part(panel, ElidedLabel, "model.name").full_text == "builtin · CPU"
    assert part(panel, QLabel, "model.speed").text() == "182 ms"
    assert part(panel, ElidedLabel, "model.state").text() == "looking at 0012.jpg"
    panel.set_speed(2345)
    assert part(panel, QLabel, "model.speed").text() == "2.3 s"
    panel.set_speed(None)
    assert part(panel, QLabel, "model.speed").text() == ""


PROBLEM = "“/models/people_in_the_town.pth” is not the weights of a Mask R-CNN: choose another file."


def test_a_problem_takes_the_place_of_the_state_and_stays(panel: ModelPanel) -> None:
    panel.set_state(PROBLEM, problem=True)
    problem = part(panel, ClampedLabel, "model.problem")
    assert problem.isVisible()
    assert problem.full_text == PROBLEM
    assert not part(panel, ElidedLabel, "model.state").isVisible()
    panel.set_state("")
    assert problem.isVisible()
    panel.set_state("ready")
    assert not problem.isVisible()
    assert part(panel, ElidedLabel, "model.state").isVisible()


def docked(qtbot: QtBot, panel: ModelPanel, width: int, height: int) -> QMainWindow:
    """A window, which has to be kept, with the panel in a dock of this size."""
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(QWidget())
    dock = QDockWidget("Model")
    dock.setWidget(panel)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.resize(width + 400, height)
    window.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: (dock.width(), dock.height()) == (width, height))
    return window


@pytest.mark.parametrize("problem", ["", PROBLEM, PROBLEM * 5, "x" * 500])
@pytest.mark.parametrize("height", [200, 400])
def test_no_problem_squeezes_the_controls(qtbot: QtBot, problem: str, height: int) -> None:
    panel = ModelPanel()
    window = docked(qtbot, panel, 252, height)
    panel.set_state(problem, problem=bool(problem))
    content = part(panel, QWidget, "model.content")
    names = ("name", "state", "problem", "threshold", "weights", "device", "suggest_all")
    shown = [w for w in (part(panel, QWidget, f"model.{name}") for name in names) if w.isVisible()]
    assert len(shown) == 6

    def spans() -> list[tuple[int, int]]:
        tops = [control.mapTo(content, QPoint(0, 0)).y() for control in shown]
        return [(top, top + control.height()) for top, control in zip(tops, shown, strict=True)]

    def settled() -> bool:
        whole = all(control.height() >= control.sizeHint().height() for control in shown)
        apart = all(below[0] >= above[1] for above, below in pairwise(spans()))
        return whole and apart and spans()[-1][1] <= content.height()

    qtbot.waitUntil(settled)  # the layout takes a few turns of the event loop
    for control in shown:
        left = control.mapTo(content, QPoint(0, 0)).x()
        assert left >= 0
        assert left + control.width() <= content.width()
    said = part(panel, QLabel, "model.problem" if problem else "model.state")
    assert said.height() <= 3 * said.fontMetrics().lineSpacing()
    scroll = part(panel, QScrollArea, "model.scroll")
    dock = window.findChild(QDockWidget)
    assert isinstance(dock, QDockWidget)
    assert (dock.width(), dock.height()) == (252, height)
    below = spans()[-1][1] - scroll.viewport().height()
    assert scroll.verticalScrollBar().maximum() >= below  # all of it can be reached


def test_the_wheel_is_left_to_what_scrolls(qtbot: QtBot, panel: ModelPanel) -> None:
    part(panel, QComboBox, "model.weights").setFocus()
    heard: list[object] = []
    panel.weights_requested.connect(heard.append)
    panel.device_requested.connect(heard.append)
    panel.threshold_changed.connect(heard.append)
    for name in ("weights", "device", "threshold"):
        control = part(panel, QWidget, f"model.{name}")
        assert not turn_wheel(control), name
    assert heard == []
    slider = part(panel, QSlider, "model.threshold")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    turn_wheel(slider)
    assert len(heard) == 1


def test_the_slider_speaks_at_once_in_scores(qtbot: QtBot, panel: ModelPanel) -> None:
    slider = part(panel, QSlider, "model.threshold")
    heard: list[float] = []
    panel.threshold_changed.connect(heard.append)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    assert heard == [0.51, 0.56]
    assert part(panel, QLabel, "model.threshold_value").text() == "0.56"
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert heard[2:] == [0.05, 0.95]


def test_setting_the_threshold_is_not_a_wish(panel: ModelPanel) -> None:
    heard: list[float] = []
    panel.threshold_changed.connect(heard.append)
    panel.set_threshold(0.3)
    assert panel.threshold == 0.3
    assert part(panel, QLabel, "model.threshold_value").text() == "0.30"
    assert heard == []


def test_suggest_all_and_its_progress(qtbot: QtBot, panel: ModelPanel) -> None:
    button = part(panel, QPushButton, "model.suggest_all")
    with qtbot.waitSignal(panel.suggest_all_requested):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    panel.set_progress(0, 412)
    cancel = part(panel, QPushButton, "model.cancel")
    assert not button.isVisible()
    assert cancel.isVisible()
    text = part(panel, ElidedLabel, "model.progress_text")
    assert text.full_text == "0 of 412"
    panel.set_progress(123, 412, 5.13, 58.2)
    assert text.full_text == "123 of 412 · 5.1/s · 58 s left"
    bar = part(panel, QProgressBar, "model.progress")
    assert (bar.value(), bar.maximum()) == (123, 412)
    with qtbot.waitSignal(panel.cancel_requested):
        qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    panel.set_progress(None)
    assert button.isVisible()


@pytest.mark.parametrize(("seconds", "expected"), [(89, "89 s"), (90, "2 min"), (3600, "60 min"), (9000, "2.5 h")])
def test_long_waits_are_told_roughly(panel: ModelPanel, seconds: float, expected: str) -> None:
    panel.set_progress(1, 2, None, seconds)
    assert part(panel, ElidedLabel, "model.progress_text").full_text == f"1 of 2 · {expected} left"


def test_suggest_all_can_be_out_of_reach(qtbot: QtBot, panel: ModelPanel) -> None:
    panel.set_suggest_all_enabled(False)
    with qtbot.assertNotEmitted(panel.suggest_all_requested):
        qtbot.mouseClick(part(panel, QPushButton, "model.suggest_all"), Qt.MouseButton.LeftButton)


def choose(qtbot: QtBot, combo: QComboBox, text: str) -> None:
    combo.setFocus()
    while combo.currentText() != text and combo.currentIndex() + 1 < combo.count():
        qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentText() == text


def test_other_weights(qtbot: QtBot, panel: ModelPanel) -> None:
    heard: list[str] = []
    panel.weights_requested.connect(heard.append)
    choose(qtbot, part(panel, QComboBox, "model.weights"), "COCO (torchvision)")
    assert heard == ["coco"]


@pytest.mark.parametrize("way", ["keyboard", "mouse"])
def test_the_weights_shown_can_be_chosen_again(qtbot: QtBot, panel: ModelPanel, way: str) -> None:
    """They may have failed to load the first time."""
    heard: list[str] = []
    panel.weights_requested.connect(heard.append)
    combo = part(panel, QComboBox, "model.weights")
    combo.setFocus()
    for _ in range(2):
        qtbot.keyClick(combo, Qt.Key.Key_Space)
        items = combo.view()
        qtbot.waitUntil(items.isVisible)
        if way == "keyboard":
            qtbot.keyClick(items, Qt.Key.Key_Return)
        else:
            at = items.visualRect(combo.model().index(0, 0)).center()
            qtbot.mouseMove(items.viewport(), at)
            qtbot.mouseClick(items.viewport(), Qt.MouseButton.LeftButton, pos=at)
        qtbot.waitUntil(lambda: not combo.view().isVisible())
    assert combo.currentText() == "Built-in"
    assert heard == ["builtin", "builtin"]


def test_weights_from_a_file(qtbot: QtBot, panel: ModelPanel) -> None:
    heard: list[str] = []
    panel.weights_requested.connect(heard.append)
    panel.set_weights("coco")
    combo = part(panel, QComboBox, "model.weights")
    qtbot.keyClick(combo, Qt.Key.Key_End)
    dialog = panel.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert combo.currentText() == "COCO (torchvision)"  # until one is chosen
    dialog.fileSelected.emit("/models/people.safetensors")
    dialog.close()
    assert heard == ["/models/people.safetensors"]
    assert combo.currentText() == "people.safetensors"
    panel.set_weights("/models/people.safetensors")
    panel.set_weights("builtin")
    assert [combo.itemText(i) for i in range(combo.count())] == [
        "Built-in",
        "COCO (torchvision)",
        "people.safetensors",
        "File…",
    ]
    assert heard == ["/models/people.safetensors"]


def test_another_device(qtbot: QtBot, panel: ModelPanel) -> None:
    heard: list[str] = []
    panel.device_requested.connect(heard.append)
    panel.set_device("auto")
    choose(qtbot, part(panel, QComboBox, "model.device"), "CPU")
    assert heard == ["cpu"]


def test_long_names_are_cut_in_the_middle_and_whole_in_the_tooltip(qtbot: QtBot, panel: ModelPanel) -> None:
    panel.set_model("a_very_long_name_of_weights_that_nobody_can_read_in_a_narrow_panel.safetensors", "CUDA")
    name = part(panel, ElidedLabel, "model.name")
    qtbot.waitUntil(lambda: "…" in name.text())
    assert name.text().endswith("CUDA")
    assert name.toolTip() == name.full_text
    panel.resize(1200, 320)
    qtbot.waitUntil(lambda: name.text() == name.full_text)
    assert name.toolTip() == ""


def test_nothing_is_cut_off_at_the_side_of_the_narrowest_panel(qtbot: QtBot, panel: ModelPanel) -> None:
    panel.set_model("a_very_long_name_of_weights_that_nobody_can_read_in_a_narrow_panel.safetensors", "CUDA")
    panel.resize(panel.minimumSizeHint().width(), 150)  # with a scroll bar
    qtbot.wait(50)
    right = panel.mapToGlobal(QPoint(panel.width(), 0)).x()
    for kind, name in ((QSlider, "model.threshold"), (QComboBox, "model.weights"), (QPushButton, "model.suggest_all")):
        control = part(panel, kind, name)
        assert control.mapToGlobal(QPoint(control.width(), 0)).x() <= right
