"""The panel of a round of fine-tuning: how far it is, its curves, what the model sees by now, and how to end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from annotator.panels.clamped_label import ClampedLabel
from annotator.panels.previews import PreviewStrip
from annotator.panels.widgets import MARGIN, ElidedLabel, dress_panel, label, name_control, set_tone
from dataset.i18n import mark, tr
from dataset.messages import counted_photos, duration
from model.protocol import Estimate, Features, Notice, Paused, Preview, Result, Resumed, Start, Step, ValidationEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.panels.training_plots import TrainingPlots
    from model.protocol import AnyEvent

FACTS_WIDTH = 248
MANY = 1000  # of the progress bar
TRAINS = {"heads": mark("heads only"), "neck": mark("heads and FPN"), "none": mark("everything")}


class TrainingPanel(QWidget):
    """A view of a round of fine-tuning, with the controls for it."""

    pause_requested = Signal()
    resume_requested = Signal()
    """Let it wait; let it go on."""
    stop_requested = Signal()
    """Finish now, with the best model so far."""
    cancel_requested = Signal()
    """Throw the round away."""
    photo_chosen = Signal(object)
    """(name) this photo is to be shown."""

    def __init__(self, color_of: Callable[[str], str], parent: QWidget | None = None) -> None:
        """`color_of` gives the colour of a class by its name."""
        super().__init__(parent)
        dress_panel(self, "training")
        self._name = ElidedLabel(tr("No round yet"))
        self._name.setObjectName("training.name")
        set_tone(self._name, "title")
        self._state = ElidedLabel()
        self._state.setObjectName("training.state")
        self._time = ElidedLabel()
        self._time.setObjectName("training.time")
        self._facts = ClampedLabel(lines=2)
        self._facts.setObjectName("training.facts")
        for quiet in (self._state, self._time, self._facts):
            set_tone(quiet, "muted")
        self._problems = ClampedLabel(lines=3)
        self._problems.setObjectName("training.problems")
        set_tone(self._problems, "warning")
        self._problems.hide()
        self._bar = QProgressBar()
        self._bar.setRange(0, MANY)
        self._bar.setTextVisible(False)
        name_control(self._bar, "training.progress", tr("How much of the training is done"), tr("Training"))
        self._pause = _button(tr("Pause"), "training.pause", tr("Let the training wait, and go on from there"))
        self._stop = _button(tr("Finish now"), "training.stop", tr("Stop training and keep the best model so far"))
        self._cancel = _button(tr("Cancel"), "training.cancel", tr("Stop training and throw this round away"))
        self._empty = label(tr("Curves and photos appear once the training has begun."), "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.previews = PreviewStrip(color_of)
        self.plots: TrainingPlots | None = None
        self._early: list[Step | ValidationEvent] = []  # what came before there were plots
        self._paused = False
        self._lay_out()
        self.previews.chosen.connect(self.photo_chosen)
        self._pause.clicked.connect(self._pause_or_go_on)
        self._stop.clicked.connect(self.stop_requested)
        self._cancel.clicked.connect(self.cancel_requested)
        self.end("")

    # What there is to show

    def begin(self, name: str) -> None:
        """A round begins."""
        self._name.set_full_text(name)
        self._problems.hide()
        self._problems.set_full_text("")
        self._bar.setRange(0, 0)
        self._bar.show()
        self._state.set_full_text(tr("starting"))
        self._show_time("")
        self._facts.set_full_text("")
        self._early = []
        self.previews.clear()
        self.previews.hide()
        if self.plots:
            self.plots.clear()
        self._set_paused(on=False)
        for button in (self._pause, self._stop, self._cancel):
            button.setEnabled(True)
            button.show()

    def end(self, text: str, *, done: bool = False) -> None:
        """The round is over; `text` is how, in a few words, and `done` whether there is a model."""
        self._bar.setRange(0, MANY)
        self._bar.setValue(MANY)
        self._bar.setVisible(done)
        self._show_time("")
        self._state.set_full_text(text)
        for button in (self._pause, self._stop, self._cancel):
            button.hide()

    def ending(self, text: str) -> None:
        """Show that the round is about to end."""
        self._state.set_full_text(text)
        for button in (self._pause, self._stop):
            button.setEnabled(False)

    def show_event(self, event: AnyEvent) -> None:
        """Show an event of the process."""
        match event:
            case Start():
                self._show_start(event)
            case Estimate():
                self._show_time(tr("about {time} in all", time=duration(event.seconds)))
            case Features():
                self._show_features(event)
            case Step():
                self._show_step(event)
            case ValidationEvent():
                self._state.set_full_text(tr("measured") if event.epoch else tr("measured the model as it is"))
                self._plot(event)
            case Preview():
                self._show_preview(event)
            case Notice():
                self._add_problem(event.text)
            case Paused() | Resumed():
                self._set_paused(on=isinstance(event, Paused))
            case Result():
                self._state.set_full_text(tr("finished"))
            case _:
                pass

    def set_plots(self, plots: TrainingPlots) -> None:
        """Show the curves in these plots, which take long to import."""
        self.plots = plots
        self._row.insertWidget(1, plots, 1)
        plots.setVisible(self._empty.isHidden())
        for event in self._early:
            self._plot(event)
        self._early = []

    # Parts

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._pause, self._stop, self._cancel):
            buttons.addWidget(button)
        buttons.addStretch(1)
        facts = QWidget()
        facts.setFixedWidth(FACTS_WIDTH)
        column = QVBoxLayout(facts)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._name)
        column.addWidget(self._state)
        column.addSpacing(4)
        column.addWidget(self._bar)
        column.addSpacing(2)
        column.addWidget(self._time)
        column.addWidget(self._facts)
        column.addWidget(self._problems)
        column.addStretch(1)
        column.addLayout(buttons)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(MARGIN, 4, MARGIN, MARGIN)
        self._row.setSpacing(20)
        self._row.addWidget(facts)
        self._row.addWidget(self._empty, 1)
        self._row.addWidget(self.previews, 1)
        self.previews.hide()

    def sizeHint(self) -> QSize:
        """High enough for curves that can be read."""
        return QSize(800, 196)

    def minimumSizeHint(self) -> QSize:
        """Return a size that does not make the window grow."""
        return QSize(400, 168)

    def _pause_or_go_on(self) -> None:
        if self._paused:
            self.resume_requested.emit()
        else:
            self.pause_requested.emit()

    def _show_start(self, start: Start) -> None:
        measured = tr("{n} measure", n=start.val) if start.folds <= 1 else tr("each measures in turn")
        parts = [counted_photos(start.photos), measured, tr(TRAINS.get(start.freeze, start.freeze)), start.device]
        self._facts.set_full_text(" · ".join(part for part in parts if part))
        self._state.set_full_text(tr("reading the photos"))
        for sentence in start.problems:
            self._add_problem(sentence)

    def _show_step(self, step: Step) -> None:
        self._show_share(step.share)
        if not self._paused:
            self._state.set_full_text(tr("training, {share:.0%}", share=step.share))
        parts = [tr("{time} so far", time=duration(step.seconds))]
        if step.remaining is not None:
            parts.append(tr("about {time} left", time=duration(step.remaining)))
        self._show_time(" · ".join(parts))
        self._plot(step)

    def _show_features(self, features: Features) -> None:
        """Show it in words alone: it is no share of the round, each part of which may begin so."""
        if not self._paused:
            self._state.set_full_text(
                tr("preparing photos, {done} of {total}", done=features.done, total=features.total)
            )

    def _show_share(self, share: float) -> None:
        self._bar.setRange(0, MANY)
        self._bar.setValue(round(MANY * min(max(share, 0.0), 1.0)))

    def _show_time(self, text: str) -> None:
        self._time.set_full_text(text)
        self._time.setVisible(bool(text))

    def _plot(self, event: Step | ValidationEvent) -> None:
        self._empty.hide()
        if self.plots is None:
            self._early.append(event)
            return
        self.plots.show()
        if isinstance(event, Step):
            self.plots.add_step(event)
        else:
            self.plots.add_validation(event)

    def _show_preview(self, preview: Preview) -> None:
        self._empty.hide()
        self.previews.show()
        self.previews.show_preview(preview)

    def _add_problem(self, sentence: str) -> None:
        self._problems.set_full_text(f"{self._problems.full_text} {sentence}".strip())
        self._problems.show()

    def _set_paused(self, *, on: bool) -> None:
        self._paused = on
        self._pause.setText(tr("Go on") if on else tr("Pause"))
        if on:
            self._state.set_full_text(tr("paused"))
        elif self._state.full_text == tr("paused"):
            self._state.set_full_text(tr("training"))


def _button(text: str, name: str, tip: str) -> QPushButton:
    made = QPushButton(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    name_control(made, name, tip, text)
    return made
