"""The panel of details: what is noted about the photo, and the attributes of the selected objects."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from annotator.panels.details.photo_section import PhotoSection
from annotator.panels.widgets import MARGIN, dress_panel

MIN_HEIGHT = 190  # below which not even the photo's section is seen without scrolling


class DetailsPanel(QWidget):
    """Its sections, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "details")
        self.photo = PhotoSection()
        inner = QWidget()
        dress_panel(inner, "details.sections")
        column = QVBoxLayout(inner)
        column.setContentsMargins(MARGIN, 4, MARGIN, MARGIN)
        column.setSpacing(14)
        column.addWidget(self.photo)
        column.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        self.setMinimumHeight(MIN_HEIGHT)
