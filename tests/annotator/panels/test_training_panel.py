"""The panel of a round, its curves and its photos."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from annotator import theme
from annotator.panels.clamped_label import ClampedLabel
from annotator.panels.training_panel import TrainingPanel
from annotator.panels.training_plots import BY_SHARE, Plot, TrainingPlots
from annotator.panels.widgets import ElidedLabel
from model.protocol import (
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
    ValidationEvent,
    read_event,
)
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
    panel.show_event(Start(photos=16, val=4, freeze="heads", device="cpu", problems=["a.jpg is left out."]))
    assert find(panel, ClampedLabel, "training.facts").full_text == "16 photos · 4 measure · heads only · cpu"
    assert find(panel, ClampedLabel, "training.problems").full_text == "a.jpg is left out."
    panel.show_event(Features(5, 20))
    assert (_text(panel, "state"), bar.maximum()) == ("preparing photos, 5 of 20", 0), "no share of the round"
    panel.show_event(Estimate(300))
    assert _text(panel, "time") == "about 5 min in all"
    panel.show_event(Step(3, share=0.25, seconds=65, remaining=200))
    assert bar.value() == bar.maximum() // 4
    assert (_text(panel, "state"), _text(panel, "time")) == ("training, 25%", "65 s so far · about 3 min left")
    panel.show_event(Features(20, 20))
    assert bar.value() == bar.maximum() // 4, "the next part of the round begins as the first one did"
    panel.show_event(Notice("The memory is full."))
    assert "memory" in find(panel, ClampedLabel, "training.problems").full_text
    panel.show_event(Result(better=True))
    assert _text(panel, "state") == "finished"


def test_so_few_photos_that_each_measures_in_turn(panel: TrainingPanel) -> None:
    panel.show_event(Start(photos=6, folds=3))
    panel.show_event(Start(photos=6, folds=3, freeze="heads", device="cpu"))
    facts = find(panel, ClampedLabel, "training.facts")
    assert facts.full_text == "6 photos · each measures in turn · heads only · cpu"
    assert "…" not in facts.text()


@pytest.mark.parametrize("done", [True, False])
def test_at_the_end_the_bar_is_full_or_gone(panel: TrainingPanel, *, done: bool) -> None:
    bar = find(panel, QProgressBar, "training.progress")
    panel.show_event(Step(3, share=0.25))
    panel.end("finished" if done else "cancelled", done=done)
    assert bar.isVisible() is done
    assert bar.value() == bar.maximum() > 0
    panel.begin("round-004")
    assert bar.isVisible()
    assert bar.maximum() == 0


def test_wishes(qtbot: QtBot, panel: TrainingPanel) -> None:
    pause = find(panel, QPushButton, "training.pause")
    for signal, button in (
        (panel.pause_requested, pause),
        (panel.stop_requested, find(panel, QPushButton, "training.stop")),
        (panel.cancel_requested, find(panel, QPushButton, "training.cancel")),
    ):
        with qtbot.waitSignal(signal):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    panel.show_event(Paused())
    assert (pause.text(), _text(panel, "state")) == ("Go on", "paused")
    with qtbot.waitSignal(panel.resume_requested):
        qtbot.mouseClick(pause, Qt.MouseButton.LeftButton)
    panel.show_event(Resumed())
    assert pause.text() == "Pause"
    panel.ending("finishing")
    assert not pause.isEnabled()
    assert find(panel, QPushButton, "training.cancel").isEnabled(), "what takes too long can still be cancelled"
    panel.end("cancelled")
    assert not pause.isVisible()
    assert _text(panel, "state") == "cancelled"


def test_curves_that_came_before_the_plots_are_in_them(qtbot: QtBot, panel: TrainingPanel) -> None:
    panel.show_event(ValidationEvent(0, mask_ap=0.1, box_ap=0.2))
    panel.show_event(Step(1, losses={"mask": 1.0, "rpn_box": 0.0, "keypoint": None}))
    plots = TrainingPlots()
    panel.set_plots(plots)
    panel.show_event(Step(2, losses={"mask": 0.5, "rpn_box": 0.0}))
    panel.show_event(ValidationEvent(1, mask_ap=0.3, box_ap=-1, keypoint_ap=0.4))
    assert plots.isVisible()
    assert plots.losses.points == {"mask": ([1, 2], [1.0, 0.95])}, "0 is nothing to draw"
    assert plots.scores.points == {"masks": ([0, 1], [0.1, 0.3]), "boxes": ([0], [0.2]), "keypoints": ([1], [0.4])}
    qtbot.waitUntil(lambda: any("keypoints" in label.text() for label in plots.scores.findChildren(QLabel)))
    panel.begin("round-004")
    assert not plots.losses.points


def _range(plot: Plot) -> tuple[list[float], list[float]]:
    plot._draw()
    return plot._plot.getViewBox().viewRange()


def test_axes_show_no_numbers_that_cannot_be(qtbot: QtBot) -> None:
    plots = TrainingPlots()
    qtbot.addWidget(plots)
    plots.add_validation(ValidationEvent(0, mask_ap=0.0))
    across, up = _range(plots.scores)
    assert up == [0, 0.1]
    assert -0.1 < across[0] <= 0 < 1 <= across[1]
    plots.add_validation(ValidationEvent(2, mask_ap=0.8))
    assert _range(plots.scores)[1][1] == pytest.approx(0.88)
    plots.add_step(Step(1, losses={"mask": 0.002}))
    low, high = _range(plots.losses)[1]
    ticks = [text for level in plots.losses._plot.getAxis("left")._tickLevels for at, text in level if low < at < high]
    assert ticks == ["0.001", "0.003"], "something to read a single small loss by"


def test_a_loss_that_has_been_nothing_begins_where_it_is_something(qtbot: QtBot) -> None:
    plots = TrainingPlots()
    qtbot.addWidget(plots)
    for step, value in enumerate((0.0, 2.0, 0.0)):
        plots.add_step(Step(step, losses={"keypoint": value}))
    assert plots.losses.points == {"keypoint": ([1, 2], [2.0, pytest.approx(1.8)])}


def test_measurements_within_an_epoch_stand_beside_each_other(qtbot: QtBot) -> None:
    plots = TrainingPlots()
    qtbot.addWidget(plots)
    for share in (0.0, 0.25, 0.5):
        plots.add_validation(ValidationEvent(1 if share else 0, share=share, mask_ap=share))
    assert plots.scores.points == {"masks": ([0, 25, 50], [0, 0.25, 0.5])}
    assert _range(plots.scores)[0] == pytest.approx([-2, 102])
    assert plots.scores.accessibleName() == BY_SHARE
    assert read_event(b'{"event":"validation","epoch":1,"share":0.5}') == ValidationEvent(1, share=0.5)


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
    panel.show_event(Preview("a.jpg", before=[], after=[]))
    panel.show_event(Preview("b.jpg", before=[SQUARE], after=[]))
    panel.show_event(Preview("a.jpg", before=None, after=[SQUARE, unsure]))
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


def test_before_and_now_are_in_view_together(qtbot: QtBot, panel: TrainingPanel) -> None:
    panel.set_plots(TrainingPlots())
    panel.show_event(Step(1, losses={"mask": 1.0}))
    panel.show_event(Preview("wide.jpg", before=[SQUARE], after=[]))
    image = QImage(300, 100, QImage.Format.Format_RGB32)
    panel.previews.set_image("wide.jpg", image, 1.0)
    card = panel.previews.cards["wide.jpg"]
    for width in (900, 1300):
        panel.resize(width, 210)
        qtbot.waitUntil(lambda: 0 < card.width() <= panel.previews.viewport().width())
        assert card.height() <= panel.previews.viewport().height()


def test_every_control_has_a_name_and_a_tooltip(panel: TrainingPanel) -> None:
    for button in panel.findChildren(QPushButton):
        assert button.objectName().startswith("training.")
        assert button.toolTip()
        assert button.accessibleName()
