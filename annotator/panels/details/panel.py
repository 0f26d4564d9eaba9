"""The panel of details: what is noted about the photo, and the attributes of the selected objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from annotator.panels.details.object_section import ObjectSection
from annotator.panels.details.photo_section import PhotoSection
from annotator.panels.form_rows import settle
from annotator.panels.widgets import MARGIN, dress_panel

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

MIN_HEIGHT = 220  # below which not even the photo's section is seen without scrolling


class DetailsPanel(QWidget):
    """Its sections, one below the other."""

    shown = Signal()
    """It was opened: what it shows is to be brought up to date."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "details")
        self.photo, self.objects = PhotoSection(), ObjectSection()
        inner = QWidget()
        dress_panel(inner, "details.sections")
        column = QVBoxLayout(inner)
        column.setContentsMargins(MARGIN, 4, MARGIN, MARGIN)
        column.setSpacing(14)
        column.addWidget(self.photo)
        column.addWidget(self.objects)
        column.addStretch(1)
        self._area = area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        self.setMinimumHeight(MIN_HEIGHT)

    def scroll_to(self, section: QWidget) -> None:
        """Bring a section to the top, as far as there is something below it."""
        settle(self)
        self._area.verticalScrollBar().setValue(section.y())

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what is to be shown."""
        super().showEvent(event)
        self.shown.emit()
