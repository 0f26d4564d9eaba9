"""What of the photo is shown: switched by actions, remembered, and named in the status line while something is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.session.messages import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.view import CanvasView
    from annotator.panels.banner import Banner
    from annotator.session.session import Session
    from annotator.settings import Settings
    from annotator.window.actions import Actions
    from annotator.window.status_bar import StatusBar

NAMES = "show_names"  # the settings key


class VisibilityActions:
    """Keeps the actions that show and hide in step with the session, which knows what is shown."""

    def __init__(
        self, session: Session, canvas: CanvasView, settings: Settings, *, status: StatusBar, banner: Banner
    ) -> None:
        self._session, self._canvas, self._settings = session, canvas, settings
        self._status, self._banner = status, banner
        canvas.show_names = settings.flag(NAMES, default=True)
        status.show_requested.connect(lambda: session.show(annotations=True, suggestions=True))

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        session = self._session
        return {
            "view.suggestions": lambda on: session.set_shown(replace(session.shown, suggestions=on)),
            "view.annotations": lambda on: session.set_shown(replace(session.shown, annotations=on)),
            "view.names": self._set_names,
        }

    def follow(self, actions: Actions) -> None:
        """Show in the actions, and in the status line, what is shown, from now on."""
        actions["view.names"].setChecked(self._canvas.show_names)

        def update() -> None:
            shown = self._session.shown
            actions["view.suggestions"].setChecked(shown.suggestions)
            actions["view.annotations"].setChecked(shown.annotations)
            self._status.set_shown(shown)
            self._banner.retract(HIDDEN)

        self._session.shown_changed.connect(update)
        update()

    def _set_names(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._canvas.show_names = on
        self._settings.set_flag(NAMES, value=on)
