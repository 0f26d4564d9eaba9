"""The line at the foot of the window: where the cursor is, what can be done, what is saved, what the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QStatusBar, QWidget

from annotator import icons
from annotator.panels.widgets import ElidedLabel, name_control, one_line, set_tone
from dataset.i18n import tr

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF

    from annotator.core.document import ShownRecords


MAX_ACTIVITY = 260  # pixels for what the model is doing, which may name a photo


class StatusBar(QStatusBar):
    """Quiet facts, each at its own place."""

    show_requested = Signal()
    """What is hidden is to be shown again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(8, 0, 12, 0)
        where = tr("Where the cursor is, in pixels of the photo, and red, green and blue of the pixel")
        self._cursor = self._label("status.cursor", where, 176)
        self._zoom = self._label("status.zoom", tr("Zoom"), 48)
        self._hint = ElidedLabel()  # a long hint makes no window wider than its screen
        name_control(self._hint, "status.hint", "", tr("What can be done now"))
        self._hidden = QPushButton(icons.icon("eye-off"), "")
        self._hidden.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_tone(self._hidden, "flat")
        name_control(self._hidden, "status.hidden", tr("No command acts on what is hidden. Click to show it again."))
        self._hidden.hide()
        self._hidden.clicked.connect(self.show_requested)
        self._activity = self._label("status.activity", tr("What the model is doing"), 0)
        self._saved = self._label("status.saved", tr("Whether the COCO file holds everything"), 0)
        self.addWidget(self._cursor)
        self.addWidget(self._zoom)
        self.addWidget(self._hint, 1)
        self.addPermanentWidget(self._hidden)
        self.addPermanentWidget(self._activity)
        self.addPermanentWidget(self._saved)

    def set_cursor(self, position: QPointF | None, rgb: tuple[int, int, int] | None = None) -> None:
        """Show a place in the photo, or none, and the values of its pixel, if they are there."""
        x_y = tr("x {x}  y {y}", x=int(position.x()), y=int(position.y())) if position else ""
        self._cursor.setText(f"{x_y}  {' '.join(map(str, rgb))}" if position and rgb else x_y)

    def set_zoom(self, zoom: float) -> None:
        """Show the zoom; 1.0 is 100%."""
        self._zoom.setText(f"{zoom:.0%}")

    def set_hint(self, hint: str) -> None:
        """Show what can be done now."""
        self._hint.set_full_text(hint)

    def set_shown(self, shown: ShownRecords) -> None:
        """Show what is hidden, if anything is."""
        if shown.annotations:
            text = tr("Suggestions hidden")
        else:
            text = tr("Objects hidden") if shown.suggestions else tr("Objects and suggestions hidden")
        self._hidden.setText(text)
        self._hidden.setVisible(not (shown.annotations and shown.suggestions))

    def set_activity(self, text: str) -> None:
        """Show what the model is doing."""
        line = one_line(text)
        self._activity.setText(self.fontMetrics().elidedText(line, Qt.TextElideMode.ElideMiddle, MAX_ACTIVITY))

    def set_saved(self, *, saved: bool, failed: bool = False) -> None:
        """Show whether the COCO file holds everything, and if not, whether that has failed or is under way."""
        self._saved.setText(tr("saved") if saved else tr("not saved") if failed else tr("saving…"))

    def set_refused(self) -> None:
        """Show that there is nothing that could be saved to."""
        self._saved.setText(tr("annotations not open"))

    def set_photo(self, name: str | None) -> None:
        """Another photo: nothing is under the cursor, and without one nothing is saved."""
        self.set_cursor(None)
        if name is None:
            self._saved.clear()
            self._hint.set_full_text("")

    def _label(self, name: str, tip: str, width: int) -> QLabel:
        label = QLabel(textFormat=Qt.TextFormat.PlainText)
        label.setObjectName(name)
        label.setToolTip(tip)
        label.setAccessibleName(tip)
        label.setMinimumWidth(width)
        return label
