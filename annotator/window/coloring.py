"""What colours mean: the class of an object, or the object itself. Chosen in the View menu, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from annotator.canvas.view import CanvasView
    from annotator.panels.instances import InstancesPanel
    from annotator.settings import Settings

ColorBy = Literal["class", "object"]
_FLAG = "color_by_object"  # the settings key


class Coloring:
    """Has the photo and the Instances panel use the same colours."""

    def __init__(self, canvas: CanvasView, panel: InstancesPanel, settings: Settings) -> None:
        self._canvas, self._panel, self._settings = canvas, panel, settings
        self._show()

    @property
    def chosen(self) -> ColorBy:
        """What colours mean now."""
        return "object" if self._settings.flag(_FLAG, default=False) else "class"

    def choose(self, by: ColorBy) -> None:
        """Let colours mean this from now on."""
        self._settings.set_flag(_FLAG, value=by == "object")
        self._show()

    def _show(self) -> None:
        by_object = self.chosen == "object"
        self._canvas.colors_objects = by_object
        self._panel.set_colors_objects(on=by_object)
