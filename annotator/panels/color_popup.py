"""A small popup to choose a class's colour: the palette, or any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QColorDialog, QFrame, QGridLayout, QPushButton, QSizePolicy, QWidget

from annotator import theme
from annotator.core.categories import PALETTE
from annotator.panels.rows import paint_swatch
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

_COLUMNS = 5
_NAMES = (
    ("orange", mark("Orange")), ("sky", mark("Sky")), ("green", mark("Green")), ("yellow", mark("Yellow")),
    ("red", mark("Red")), ("violet", mark("Violet")), ("pink", mark("Pink")), ("lime", mark("Lime")),
    ("blue", mark("Blue")), ("sand", mark("Sand")), ("magenta", mark("Magenta")), ("teal", mark("Teal")),
    ("white", mark("White")), ("brown", mark("Brown")), ("cobalt", mark("Cobalt")), ("olive", mark("Olive")),
    ("purple", mark("Purple")), ("rose", mark("Rose")), ("leaf", mark("Leaf")), ("grey", mark("Grey")),
)  # fmt: skip
"""Object name and title of each colour of the palette."""


class ColorPopup(QFrame):
    """The palette in a grid, with the present colour marked. Gone when something is chosen or clicked elsewhere."""

    chosen = Signal(str)
    """The colour, "#rrggbb"."""

    def __init__(self, color: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("classes.colors")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._color = color
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 8, 8, 8)
        grid.setSpacing(4)
        for k, (each, (name, title)) in enumerate(zip(PALETTE, _NAMES, strict=True)):
            button = ColorButton(each, name, tr(title), current=each == color.lower())
            button.clicked.connect(self._swatch_clicked)
            grid.addWidget(button, k // _COLUMNS, k % _COLUMNS)
        other = QPushButton(tr("Other colour…"))
        other.setObjectName("classes.other_color")
        other.setAutoDefault(False)
        other.clicked.connect(self._ask)
        grid.addWidget(other, len(PALETTE) // _COLUMNS, 0, 1, _COLUMNS)

    def _swatch_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, ColorButton):
            self.chosen.emit(button.color)
            self.close()

    def _ask(self) -> None:
        dialog = QColorDialog(QColor(self._color), self.parentWidget())
        dialog.setObjectName("classes.color_dialog")
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen = self.chosen
        dialog.colorSelected.connect(lambda color: chosen.emit(color.name()))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)  # until the dialog has given its answer
        dialog.finished.connect(self.deleteLater)
        self.close()
        dialog.open()


class ColorButton(QAbstractButton):
    """A colour to click."""

    def __init__(self, color: str, name: str, title: str, *, current: bool) -> None:
        super().__init__()
        self.color = color
        self._current = current
        self.setObjectName(f"classes.color.{name}")
        self.setToolTip(title)
        self.setAccessibleName(title)
        self.setFixedSize(28, 28)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the colour, and a ring around the current one."""
        painter = QPainter(self)
        room = QRectF(self.rect())
        colors = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._current or self.hasFocus() or self.underMouse():
            painter.setPen(QPen(QColor(colors.text if self._current else colors.accent), 1.5))
            painter.drawRoundedRect(room.adjusted(1, 1, -1, -1), 6, 6)
        paint_swatch(painter, room.adjusted(5, 5, -5, -5), self.color)
        painter.end()
