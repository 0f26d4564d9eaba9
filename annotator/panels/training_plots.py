"""Curves of a round of fine-tuning: what the loss is made of, and how good the model measures.

It brings pyqtgraph with it, which takes a third of a second to import: to be imported in a thread, when it is needed.
"""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

import pyqtgraph
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from annotator import theme
from annotator.panels.widgets import ElidedLabel, set_tone
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from model.protocol import Step, ValidationEvent

SMOOTHING = 0.9  # share of the curve so far in each new point: single steps jump about
MIN_LOSS = 1e-6  # that is drawn: zero has no logarithm
MIN_DECADES = 1.0  # that the axis of losses spans
MIN_TOP = 0.1  # of the axis of precisions: between 0 and less, noise would look like news
REDRAWN = 300  # milliseconds between two paintings
MAX_POINTS = 1000
LIGHT = ("#1f62d6", "#b3261e", "#1b7a47", "#8a5800", "#7a3fc2", "#0b7f86")
DARK = ("#6aa5ff", "#ff938a", "#62cc92", "#edb84c", "#c69cff", "#5fd3d9")
BY_STEP = mark("Loss by step, smoothed")
BY_EPOCH = mark("Precision (AP) by epoch")
BY_SHARE = mark("Precision (AP) by progress")
DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)  # not by colour alone
LOSS_NAMES = {"rpn_objectness": mark("found"), "rpn_box": mark("place")}
AP_NAMES = {"mask_ap": mark("masks"), "box_ap": mark("boxes"), "keypoint_ap": mark("keypoints")}

pyqtgraph.setConfigOption("exitCleanup", False)  # it clears up scenes that Qt has cleared up already
pyqtgraph.setConfigOption("antialias", True)


class TrainingPlots(QWidget):
    """The two plots, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("training.plots")
        self.losses = Plot("training.losses", tr(BY_STEP), digits=0, logarithmic=True)
        self.scores = Plot("training.scores", tr(BY_EPOCH), digits=2)
        self._smooth: dict[str, float] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self.losses)
        row.addWidget(self.scores)

    def clear(self) -> None:
        """Another round."""
        self._smooth = {}
        self.losses.clear()
        self.scores.clear()

    def add_step(self, step: Step) -> None:
        """Add a point to each loss."""
        for name, value in step.losses.items():
            if value is not None:
                before = self._smooth.get(name) or value
                smooth = self._smooth[name] = SMOOTHING * before + (1 - SMOOTHING) * value
                if smooth >= MIN_LOSS:  # 0 where there is nothing of the kind, such as keypoints
                    self.losses.add(tr(LOSS_NAMES.get(name, name)), step.step, smooth)

    def add_validation(self, measured: ValidationEvent) -> None:
        """Add a point to each figure."""
        self.scores.set_title(tr(BY_EPOCH if measured.share is None else BY_SHARE))
        self.scores.in_percent = measured.share is not None
        x = measured.epoch if measured.share is None else 100 * measured.share
        for field, name in AP_NAMES.items():
            value = getattr(measured, field)
            if value is not None and value >= 0:
                self.scores.add(tr(name), x, value)


class Plot(QWidget):
    """Some curves with a title, and a legend below."""

    def __init__(self, name: str, title: str, digits: int, *, logarithmic: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._logarithmic = logarithmic
        self.in_percent = False  # whether x is a share of the round
        self._digits = digits  # of the last value, beside the name of its curve
        self.points: dict[str, tuple[list[float], list[float]]] = {}
        self._curves: dict[str, pyqtgraph.PlotDataItem] = {}
        self._title = ElidedLabel(title)
        set_tone(self._title, "muted")
        self._key = QLabel()
        self._key.setTextFormat(Qt.TextFormat.RichText)
        self._key.setWordWrap(True)
        self._key.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._plot = pyqtgraph.PlotWidget(enableMenu=False)
        self._plot.setMouseEnabled(False, False)
        self._plot.hideButtons()
        if logarithmic:  # terms of very different size are distinguishable
            self._plot.setLogMode(y=True)
            ticks = [step * 10.0**power for power in range(-6, 4) for step in (1, 3)]
            self._plot.getAxis("left").setTicks([[(log10(value), _short(value)) for value in ticks]])
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._plot.setMinimumHeight(64)
        self._plot.setFrameShape(pyqtgraph.PlotWidget.Shape.NoFrame)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._title)
        column.addWidget(self._plot, 1)
        column.addWidget(self._key)
        self.setMinimumWidth(180)
        self._later = QTimer(self, singleShot=True, interval=REDRAWN)
        self._later.timeout.connect(self._draw)
        self.apply_theme()

    def set_title(self, title: str) -> None:
        """Set the title."""
        self._title.set_full_text(title)
        self.setAccessibleName(title)

    def clear(self) -> None:
        """Begin anew."""
        self.points.clear()
        self._curves.clear()
        self._plot.clear()
        self._draw()

    def add(self, name: str, x: float, y: float) -> None:
        """Add a point to a curve; it is painted with others soon."""
        xs, ys = self.points.setdefault(name, ([], []))
        xs.append(x)
        ys.append(y)
        if len(xs) > MAX_POINTS:  # every other one shows as much
            del xs[1:-1:2], ys[1:-1:2]
        if not self._later.isActive():
            self._later.start()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.apply_theme()

    def apply_theme(self) -> None:
        """Paint in the theme that is current now."""
        now = theme.current()
        self._plot.setBackground(now.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pyqtgraph.mkPen(now.border))
            axis.setTextPen(pyqtgraph.mkPen(now.muted))
            axis.setStyle(tickLength=-4, tickFont=self.font())
        self._plot.getAxis("left").setWidth(40)
        self._plot.showGrid(y=True, alpha=0.15)
        self._draw()

    def _draw(self) -> None:
        colors = DARK if theme.current().is_dark else LIGHT
        parts = []
        for at, (name, (xs, ys)) in enumerate(self.points.items()):
            color, dash = colors[at % len(colors)], DASHES[at // 2 % len(DASHES)]
            pen = pyqtgraph.mkPen(QColor(color), width=2, style=dash)
            if name not in self._curves:
                self._curves[name] = self._plot.plot()
            curve = self._curves[name]
            curve.setData(xs, ys, pen=pen, symbol="o" if len(xs) == 1 else None, symbolSize=6, symbolBrush=color,
                          symbolPen=None)  # fmt: skip
            last = f"&nbsp;{ys[-1]:.{self._digits}f}" if self._digits else ""
            dash_text = ("—", "‑‑", "···")[at // 2 % len(DASHES)]
            parts.append(f'<span style="color:{color}">{dash_text}&nbsp;{name}{last}</span>')
        self._key.setText("&nbsp; ".join(parts))
        for side in ("left", "bottom"):
            self._plot.getAxis(side).setStyle(showValues=bool(self.points))
        if self.points:
            self._fit_axes()

    def _fit_axes(self) -> None:
        """Show everything from the start of the round on, and no numbers that cannot be."""
        box = self._plot.getViewBox()
        last = max(max(xs) for xs, _ in self.points.values())
        box.setXRange(0, 100 if self.in_percent else max(last, 1), padding=0.02)
        values = [y for _, ys in self.points.values() for y in ys]
        if self._logarithmic:
            low, high = log10(min(values)), log10(max(values))
            room = max(MIN_DECADES - (high - low), 0) / 2  # for at least one number beside the axis
            box.setYRange(low - room, high + room, padding=0.05)
        else:
            box.setYRange(0, max(1.1 * max(values), MIN_TOP), padding=0)
        ticks = [[(value, f"{value}%") for value in range(0, 101, 25)]] if self.in_percent else None
        self._plot.getAxis("bottom").setTicks(ticks)


def _short(value: float) -> str:
    """Return a number beside an axis: 0.01, but 1e-4."""
    return f"{value:g}" if value >= 0.001 else f"{value:.0e}".replace("e-0", "e-")
