"""Sliders and numbers that the wheel passes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QSlider, QSpinBox

if TYPE_CHECKING:
    from PySide6.QtGui import QWheelEvent


class WheelSlider(QSlider):
    """A slider that turns with the wheel only when it has the keyboard: else the wheel scrolls the panel."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn, or let the panel scroll."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class WheelSpinBox(QSpinBox):
    """A number that turns with the wheel only when it has the keyboard."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn, or leave the wheel to what is below."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
