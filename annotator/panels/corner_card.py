"""A card that lies over a corner of the photo, with controls of what is being done; a message moves it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QFrame

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent
    from PySide6.QtWidgets import QStackedWidget

    from annotator.panels.banner import Banner

MARGIN = 12  # pixels between the card and the corner, or the message
_PLACING = frozenset({QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide})


class CornerCard(QFrame):
    """Stays in an upper corner of the pages, under the message where the two would cover each other."""

    def __init__(self, pages: QStackedWidget, banner: Banner, *, right: bool = False) -> None:
        super().__init__(pages)  # not over the canvas, whose own keys, such as Enter, work in all that is in it
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._pages, self._banner, self._is_right = pages, banner, right
        for watched in (pages, banner):
            watched.installEventFilter(self)

    def place(self) -> None:
        """Go to the corner, as large as the controls need."""
        self.adjustSize()
        room = max(0, self._pages.width() - self.width() - MARGIN)
        self.move(room if self._is_right else MARGIN, MARGIN)
        message = self._banner.geometry()
        if not self._banner.isHidden() and message.adjusted(-MARGIN, 0, MARGIN, 0).intersects(self.geometry()):
            self.move(self.x(), message.bottom() + MARGIN)
        self.raise_()

    def showEvent(self, event: QShowEvent) -> None:
        """Come to the place that is free now."""
        super().showEvent(event)
        self.place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the corner, and the message."""
        if watched in (self._pages, self._banner) and event.type() in _PLACING and not self.isHidden():
            self.place()
        return super().eventFilter(watched, event)
