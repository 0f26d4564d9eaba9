"""How the photo is shown: its panel, the actions beside it, and what becomes of it at the next photo."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QDockWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.view import CanvasView
    from annotator.core.tone import Tone
    from annotator.panels.picture import PicturePanel
    from annotator.session.session import Session
    from annotator.settings import Settings
    from annotator.window.actions import Actions

OUTLINES_ONLY, CROSSHAIR, FILL = "outlines_only", "crosshair", "fill"  # settings keys


class PictureView(QObject):
    """Keeps the canvas's look in step with the panel and the actions."""

    def __init__(self, session: Session, canvas: CanvasView, panel: PicturePanel, settings: Settings) -> None:
        super().__init__(panel)
        self._canvas, self._panel, self._settings = canvas, panel, settings
        canvas.look = replace(
            canvas.look,
            fill=settings.number(FILL, default=0),
            outlines_only=settings.flag(OUTLINES_ONLY, default=False),
            crosshair=settings.flag(CROSSHAIR, default=False),
        )
        panel.set_fill(canvas.look.fill)
        panel.tone_changed.connect(self._set_tone)
        panel.fill_changed.connect(self._set_fill)
        session.current_changed.connect(lambda _name: self._leave_photo())

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {
            "view.picture": self._show_panel,
            "view.outlines_only": self._set_outlines_only,
            "view.crosshair": self._set_crosshair,
            "view.photo_only": self._hide_all,
        }

    def follow(self, actions: Actions) -> None:
        """Show in the actions what is switched on."""
        actions["view.outlines_only"].setChecked(self._canvas.look.outlines_only)
        actions["view.crosshair"].setChecked(self._canvas.look.crosshair)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show everything again when the key is released, or whatever else happens first."""
        released = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyRelease and not event.isAutoRepeat()
        if released or event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.WindowDeactivate):
            application = QApplication.instance()
            assert application is not None
            application.removeEventFilter(self)
            self._canvas.look = replace(self._canvas.look, photo_only=False)
        return super().eventFilter(watched, event)

    def _hide_all(self) -> None:
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)
        self._canvas.look = replace(self._canvas.look, photo_only=True)

    def _show_panel(self) -> None:
        dock = self._panel.parent()
        assert isinstance(dock, QDockWidget)
        dock.show()
        dock.raise_()

    def _leave_photo(self) -> None:
        if not self._panel.keep.isChecked():
            self._panel.reset()

    def _set_fill(self, percent: int) -> None:
        self._settings.set_number(FILL, percent)
        self._canvas.look = replace(self._canvas.look, fill=percent)

    def _set_tone(self, tone: Tone) -> None:
        self._canvas.look = replace(self._canvas.look, tone=tone)

    def _set_outlines_only(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._settings.set_flag(OUTLINES_ONLY, value=on)
        self._canvas.look = replace(self._canvas.look, outlines_only=on)

    def _set_crosshair(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._settings.set_flag(CROSSHAIR, value=on)
        self._canvas.look = replace(self._canvas.look, crosshair=on)
