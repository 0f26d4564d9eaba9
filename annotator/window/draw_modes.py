"""What becomes of what is drawn: chosen by actions, which are there while a tool that draws outlines is in hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QActionGroup

from dataset.geometry import CombineMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.view import CanvasView
    from annotator.window.actions import Actions

MODES: dict[str, CombineMode | None] = {
    "draw.new": None,
    "draw.add": CombineMode.ADD,
    "draw.cut": CombineMode.SUBTRACT,
    "draw.intersect": CombineMode.INTERSECT,
}


class DrawModes:
    """Keeps the canvas's mode and the actions in step. With a tool that draws no outlines, it is a new object again."""

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self._actions: Actions | None = None

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {name: partial(self._choose, mode) for name, mode in MODES.items()}

    def follow(self, actions: Actions) -> None:
        """Show the mode in the actions from now on, and the actions while something can be drawn."""
        self._actions = actions
        group = QActionGroup(self._canvas)
        for name in MODES:
            group.addAction(actions[name])
        self._canvas.tool_changed.connect(self._follow_tool)
        self._follow_tool()

    def _choose(self, mode: CombineMode | None, _on: object = None) -> None:
        self._canvas.draw_mode = mode

    def _follow_tool(self, _name: str = "") -> None:
        assert self._actions is not None, "called after `follow`"
        has_modes = self._canvas.has_modes
        for name in MODES:
            self._actions[name].setVisible(has_modes)
        if not has_modes:
            self._actions["draw.new"].setChecked(True)
            self._canvas.draw_mode = None
