"""The strip of buttons beside the canvas: the tools of the registry, and what is used most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QToolBar

from annotator.canvas.tools.registry import TOOLS
from annotator.window.draw_modes import MODES
from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.window.actions import Actions

_BELOW = (
    ("edit.magnetic", *MODES),  # the first is always there, and with it the line above it
    ("edit.undo", "edit.redo"),
    ("view.zoom_in", "view.zoom_out", "view.fit"),
    ("suggestion.accept_all", "image.done_next"),
)
"""Actions below the tools, in groups."""


class ToolStrip(QToolBar):
    """A vertical tool bar; of the tools, one is checked."""

    def __init__(self) -> None:
        super().__init__(tr("Tools"))
        self.setObjectName("toolbar.tools")
        self.setOrientation(Qt.Orientation.Vertical)
        self.setIconSize(QSize(20, 20))

    def fill(self, actions: Actions, chosen: str) -> None:
        """Add the buttons, with the tool of the name `chosen` checked."""
        tools = QActionGroup(self)
        for tool in TOOLS:
            tools.addAction(actions[f"tool.{tool.name}"])
            self.addAction(actions[f"tool.{tool.name}"])
        actions[f"tool.{chosen}"].setChecked(True)
        for group in _BELOW:
            first, separator = actions[group[0]], self.addSeparator()
            first.visibleChanged.connect(lambda s=separator, f=first: s.setVisible(f.isVisible()))
            separator.setVisible(first.isVisible())
            for name in group:
                self.addAction(actions[name])
