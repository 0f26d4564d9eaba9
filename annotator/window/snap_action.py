"""The actions that say where points go, to other objects and to the photo's edges: switched, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.view import CanvasView
    from annotator.settings import Settings
    from annotator.window.actions import Actions

_SNAP, _MAGNETIC = "snap", "magnetic"  # settings keys


class SnapAction:
    """Keeps the canvas, the actions and the settings in step. Both are off at first: most objects share no border."""

    def __init__(self, canvas: CanvasView, settings: Settings) -> None:
        self._canvas, self._settings = canvas, settings
        canvas.snaps = settings.flag(_SNAP, default=False)
        canvas.is_magnetic = settings.flag(_MAGNETIC, default=False)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {"edit.snap": self._set_snap, "edit.magnetic": self._set_magnetic}

    def follow(self, actions: Actions) -> None:
        """Show in the actions what is switched on."""
        actions["edit.snap"].setChecked(self._canvas.snaps)
        actions["edit.magnetic"].setChecked(self._canvas.is_magnetic)

    def _set_snap(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._canvas.snaps = on
        self._settings.set_flag(_SNAP, value=on)

    def _set_magnetic(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._canvas.is_magnetic = on
        self._settings.set_flag(_MAGNETIC, value=on)
