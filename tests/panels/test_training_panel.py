"""The panel of a round, its curves and its photos."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from annotator import theme
from annotator.core.training_events import (
    Estimate,
    Features,
    Notice,
    Paused,
    Preview,
    Result,
    Resumed,
    Shown,
    Start,
    Step,
    Validation,
)
from annotator.panels.clamped_label import ClampedLabel
from annotator.panels.parts import ElidedLabel
from annotator.panels.training_panel import TrainingPanel
from annotator.panels.training_plots import LEAST_LOSS, TrainingPlots
from tests.qt import find

SQUARE = Shown("cup", 0.9, [[(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)]])


@pytest.fixture
def panel(qtbot: QtBot) -> TrainingPanel:
    made = TrainingPanel({"cup": "#ff0000"}.get)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(1000, 210)
    made.show()
    made.begin("round-003")
    return made


def _text(panel: TrainingPanel, name: str) -> str:
    return find(panel, ElidedLabel, f"training.{name}").full_text


def test_it_tells_how_far_the_round_is(panel: TrainingPanel) -> None:
    bar = find(panel, QProgressBar, "training.progress")
    assert (_text(panel, "name"), bar.maximum()) == ("round-003", 0), "busy"
    panel.hear(Start(photos=16, val=4, freeze="heads", device="cpu", problems=["a.jpg is left out."]))
    assert _text(panel, "facts") == "16 photos · 4 measure · heads only · cpu"
    assert find(panel, ClampedLabel, "training.problems").full_text == "a.jpg is left out."
    panel.hear(Features(5, 20))
    assert _text(panel, "state") == "looking at the photos, 5 of 20"
    panel.hear(Estimate(300))
    assert _text(panel, "time") == "about 5 min in all"
    panel.hear(Step(3, share=0.25, seconds=65, remaining=200))
    assert bar.value() == bar.maximum() // 4
    assert (_text(panel, "state"), _text(panel, "time")) == ("training, 25%", "65 s so far · about 3 min left")
    panel.hear(Notice("The memory is full."))
    assert "memory" in find(panel, ClampedLabel, "training.problems").full_text
    panel.hear(Result(better=True))
    assert _text(panel, "state") == "finished"


def test_so_few_photos_that_each_measures_in_turn(panel: TrainingPanel) -> None:
    panel.hear(Start(photos=6, folds=3))
    assert "each measures in turn" in _text(panel, "facts")


def test_wishes(qtbot: QtBot, panel: TrainingPanel) -> None:
    pause = find(panel, QPushButton, "training.pause")
    for signal, button in (
        (panel.pause_requested, pause),
        (panel.stop_requested, find(panel, QPushButton, "training.stop")),
        (panel.cancel_requested, find(panel, QPushButton, "training.cancel")),
    ):
        with qtbot.waitSignal(signal):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    panel.hear(Paused())
    assert (pause.text(), _text(panel, "state")) == ("Go on", "paused")
    with qtbot.waitSignal(panel.resume_requested):
        qtbot.mouseClick(pause, Qt.MouseButton.LeftButton)
    panel.hear(Resumed())
    assert pause.text() == "Pause"
    panel.ending("finishing")
    assert not pause.isEnabled()
    assert find(panel, QPushButton, "training.cancel").isEnabled(), "what takes too long can still be cancelled"
    panel.end("cancelled")
    assert not pause.isVisible()
    assert _text(panel, "state") == "cancelled"


def test_curves_that_came_before_the_plots_are_in_them(qtbot: QtBot, panel: TrainingPanel) -> None:
    panel.hear(Validation(0, mask_ap=0.1, box_ap=0.2))
    panel.hear(Step(1, losses={"mask": 1.0, "rpn_box": 0.0, "keypoint": None}))
    plots = TrainingPlots()
    panel.set_plots(plots)
    panel.hear(Step(2, losses={"mask": 0.5, "rpn_box": 0.0}))
    panel.hear(Validation(1, mask_ap=0.3, box_ap=-1, keypoint_ap=0.4))
    assert plots.isVisible()
    assert plots.losses.points == {"mask": ([1, 2], [1.0, 0.95]), "place": ([1, 2], [LEAST_LOSS, LEAST_LOSS])}
    assert plots.scores.points == {"masks": ([0, 1], [0.1, 0.3]), "boxes": ([0], [0.2]), "keypoints": ([1], [0.4])}
    qtbot.waitUntil(lambda: any("keypoints" in label.text() for label in plots.scores.findChildren(QLabel)))
    panel.begin("round-004")
    assert not plots.losses.points


def test_a_long_round_keeps_its_curve_short(qtbot: QtBot) -> None:
    plots = TrainingPlots()
    qtbot.addWidget(plots)
    for i in range(5000):
        plots.add_step(Step(i, losses={"mask": 1.0}))
    steps, losses = plots.losses.points["mask"]
    assert len(steps) == len(losses) <= 1000
    assert (steps[0], steps[-1]) == (0, 4999)
    assert steps == sorted(steps)


def test_plots_follow_the_theme(qtbot: QtBot, qapp: QApplication) -> None:
    plots = TrainingPlots()
    qtbot.addWidget(plots)
    plots.resize(600, 160)
    plots.show()
    for scheme, colors in (("light", theme.LIGHT), ("dark", theme.DARK)):
        theme.apply(qapp, scheme)
        ground = plots.losses._plot.grab().toImage().pixelColor(2, 2)
        assert ground.name() == colors.panel
    theme.apply(qapp, "system")


def test_photos_before_and_after(qtbot: QtBot, panel: TrainingPanel) -> None:
    unsure = Shown("cup", 0.3, SQUARE.polygons)
    panel.hear(Preview("a.jpg", before=[], after=[]))
    panel.hear(Preview("b.jpg", before=[SQUARE], after=[]))
    panel.hear(Preview("a.jpg", before=None, after=[SQUARE, unsure]))
    cards = panel.previews.cards
    assert list(cards) == ["a.jpg", "b.jpg"]
    assert (cards["a.jpg"].before, cards["a.jpg"].after) == ([], [SQUARE, unsure])
    assert (cards["b.jpg"].before, cards["b.jpg"].after) == ([SQUARE], [])
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    image.fill(QColor("#0000ff"))
    panel.previews.set_image("a.jpg", image, 1.0)
    panel.previews.set_image("unknown.jpg", image, 1.0)
    card = cards["a.jpg"]
    shot = card.grab().toImage()
    half, middle = card.width() // 2, (card.height() + card._caption()) // 2
    assert shot.pixelColor(half // 2, middle).name() == "#0000ff", "before: nothing but the photo"
    assert shot.pixelColor(half + half // 2, middle).red() > 40, "after: its outline is filled"
    with qtbot.waitSignal(panel.photo_chosen) as chosen:
        qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert chosen.args == ["a.jpg"]
    panel.begin("round-004")
    assert not panel.previews.cards


def test_every_control_has_a_name_and_a_tooltip(panel: TrainingPanel) -> None:
    for button in panel.findChildren(QPushButton):
        assert button.objectName().startswith("training.")
        assert button.toolTip()
        assert button.accessibleName()
