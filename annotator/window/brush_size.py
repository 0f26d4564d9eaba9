"""The size of the brush: a strip over the photo and two actions, which are there while a brush is in hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel

from annotator.core.strokes import MAX_DIAMETER, MIN_DIAMETER, stepped
from annotator.panels.corner_card import CornerCard
from annotator.panels.sliders import WheelSlider, WheelSpinBox
from annotator.panels.widgets import name_control
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QStackedWidget

    from annotator.canvas.view import CanvasView
    from annotator.panels.banner import Banner
    from annotator.settings import Settings
    from annotator.window.actions import Actions

ACTIONS = {"brush.smaller": -1, "brush.larger": 1}
"""The steps that each makes."""
_NOTCHES = 100  # of the slider, which has as much room for small sizes as for large ones


class BrushSize(CornerCard):
    """Keeps the canvas's size, the strip and the settings in step."""

    def __init__(self, canvas: CanvasView, settings: Settings, pages: QStackedWidget, banner: Banner) -> None:
        """Lie over `pages` while the canvas is the one shown."""
        super().__init__(pages, banner)
        self.setObjectName("brush")
        self._canvas, self._settings = canvas, settings
        self._actions: Actions | None = None
        canvas.brush_size = settings.brush_size
        self._slider = WheelSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _NOTCHES)
        self._slider.setFixedWidth(140)
        self._slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the photo
        name_control(self._slider, "brush.slider", tr("Brush size"), tr("Size of the brush and the eraser"))
        self._number = WheelSpinBox()
        self._number.setRange(MIN_DIAMETER, MAX_DIAMETER)
        self._number.setSuffix(" px")
        self._number.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._number.setKeyboardTracking(False)
        name_control(self._number, "brush.number", tr("Brush size in pixels"), tr("In pixels of the photo"))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 6)
        for widget in (QLabel(tr("Size")), self._slider, self._number):
            row.addWidget(widget)
        self._slider.valueChanged.connect(lambda notch: self._choose(_diameter(notch)))
        self._number.valueChanged.connect(self._choose)
        self._number.editingFinished.connect(canvas.setFocus)
        canvas.brush_size_changed.connect(self._show_size)
        self._show_size(canvas.brush_size)
        self.hide()

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {name: partial(self._step, steps) for name, steps in ACTIONS.items()}

    def follow(self, actions: Actions) -> None:
        """Have the actions apply while a brush is in hand, from now on."""
        self._actions = actions
        self._canvas.tool_changed.connect(self._follow_tool)
        self._pages.currentChanged.connect(self._follow_tool)
        self._follow_tool()

    def _follow_tool(self, _changed: object = None) -> None:
        assert self._actions is not None, "called after `follow`"
        has_size = self._canvas.has_size
        for name in ACTIONS:
            self._actions.set_applicable(name, "" if has_size else tr("Take the brush or the eraser first."))
        self.setVisible(has_size and self._pages.currentWidget() is self._canvas)

    def _step(self, steps: int, _on: object = None) -> None:
        self._choose(stepped(self._canvas.brush_size, steps))

    def _choose(self, diameter: int) -> None:
        self._canvas.brush_size = diameter

    def _show_size(self, diameter: int) -> None:
        self._settings.brush_size = diameter
        with QSignalBlocker(self._slider), QSignalBlocker(self._number):
            self._slider.setValue(_notch(diameter))
            self._number.setValue(diameter)


def _diameter(notch: int) -> int:
    """Return the size at a place of the slider: each notch is as much larger than the one before, in per cent."""
    return round(MIN_DIAMETER * (MAX_DIAMETER / MIN_DIAMETER) ** (notch / _NOTCHES))


def _notch(diameter: int) -> int:
    """Return the place of the slider that is nearest to a size."""
    return min(range(_NOTCHES + 1), key=lambda notch: abs(_diameter(notch) - diameter))
