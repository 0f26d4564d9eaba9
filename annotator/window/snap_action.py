"""The action that has points snap to other objects: switched, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.view import CanvasView
    from annotator.settings import Settings
    from annotator.window.actions import Actions

_FLAG = "snap"  # the settings key


class SnapAction:
    """Keeps the canvas, the action and the settings in step. Off at first: most objects share no border."""

    def __init__(self, canvas: CanvasView, settings: Settings) -> None:
        self._canvas, self._settings = canvas, settings
        canvas.snaps = settings.flag(_FLAG, default=False)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handler of the action."""
        return {"edit.snap": self._set}

    def follow(self, actions: Actions) -> None:
        """Show in the action whether points snap."""
        actions["edit.snap"].setChecked(self._canvas.snaps)

    def _set(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._canvas.snaps = on
        self._settings.set_flag(_FLAG, value=on)
