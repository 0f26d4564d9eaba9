"""What an empty window shows: how to begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from annotator import icons, theme
from annotator.panels.widgets import label, name_control, set_tone
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent

_WIDTH = 440
_MAX_RECENT = 5


class WelcomePage(QWidget):
    """Drop a folder, open one, try the sample photos, or go on where you were. The window handles drops."""

    open_requested = Signal()
    """Ask for a folder to open."""
    samples_requested = Signal()
    """Open the sample photos."""
    recent_chosen = Signal(object)
    """Open this folder again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self._area = _DropArea()
        opening = QPushButton(icons.icon("folder-open", "accent_text"), " " + tr("Open folder…"))
        set_tone(opening, "accent")
        name_control(opening, "welcome.open", tr("Open a folder of photos"), tr("Open folder"))
        self._opening = opening
        opening.clicked.connect(self.open_requested)
        samples = QPushButton(icons.icon("image"), " " + tr("Try the sample photos"))
        name_control(
            samples, "welcome.samples", tr("Open the photos that come with the application"), tr("Sample photos")
        )
        samples.clicked.connect(self.samples_requested)
        self._area.row.addWidget(opening)
        self._area.row.addWidget(samples)
        self._recent_title = label(tr("Recent folders"), "muted")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._recent_buttons: list[QPushButton] = []
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addStretch(2)
        column.addWidget(self._area)
        column.addSpacing(20)
        column.addWidget(self._recent_title)
        column.addSpacing(4)
        column.addLayout(self._recent)
        column.addStretch(3)
        self._recent_title.setContentsMargins(9, 0, 0, 0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addStretch(1)
        layout.addLayout(column)
        layout.addStretch(1)
        self.set_recent(())

    def set_open_tip(self, tip: str) -> None:
        """Set the tooltip of the button that opens a folder: what it does, and its key."""
        self._opening.setToolTip(tip)

    def set_recent(self, folders: Sequence[str]) -> None:
        """Offer these folders, the newest first; the first five are shown."""
        for button in self._recent_buttons:
            self._recent.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._recent_buttons = [self._recent_button(folder) for folder in folders[:_MAX_RECENT]]
        for button in self._recent_buttons:
            self._recent.addWidget(button)
        self._recent_title.setVisible(bool(self._recent_buttons))

    def set_drop_hint(self, on: bool) -> None:  # noqa: FBT001  a Qt slot
        """Show that what is being dragged over the window can be dropped."""
        self._area.set_lit(on)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.current().canvas))
        painter.end()

    def _recent_button(self, folder: str) -> QPushButton:
        path = Path(folder)
        button = QPushButton(icons.icon("clock", "muted"), "")
        set_tone(button, "flat")
        name_control(button, "welcome.recent", folder, tr("Open {folder} again", folder=folder))
        home = str(Path.home())
        place = str(path.parent)
        place = "~" + place.removeprefix(home) if place.startswith(home) else place
        text = f" {path.name}   {place}"
        room = _WIDTH - 60
        button.setText(button.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, room).replace("&", "&&"))
        button.clicked.connect(lambda: self.recent_chosen.emit(folder))
        return button


class _DropArea(QWidget):
    """A calm dashed area to drop a folder on, with room for buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("welcome.drop_area")
        self.setFixedWidth(_WIDTH)
        self._lit = False
        title = label(tr("Drop a folder of photos here"), "title")
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        title.setFont(font)
        hint = label(tr("Every object gets a draft outline; you accept it or correct it."), "muted")
        hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.row = QHBoxLayout()
        self.row.setSpacing(8)
        centred = QHBoxLayout()
        centred.addStretch(1)
        centred.addLayout(self.row)
        centred.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 96, 24, 28)
        layout.setSpacing(4)
        layout.addWidget(title)
        layout.addWidget(hint)
        layout.addSpacing(16)
        layout.addLayout(centred)

    def set_lit(self, on: bool) -> None:  # noqa: FBT001  a Qt slot
        """Show that a drop would be taken."""
        if on != self._lit:
            self._lit = on
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(colors.accent if self._lit else colors.disabled), 1.5)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        painter.setBrush(QColor(colors.info_ground if self._lit else colors.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 10, 10)
        icons.paint(painter, "annotator", QRect((self.width() - 56) // 2, 28, 56, 56), colors.icon)
        painter.end()
