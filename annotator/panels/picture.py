"""The panel for how the photo is shown: tone, fill of objects. Nothing of it is written or given to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from annotator.core.tone import MAX_FILL, MAX_STRETCH, Tone
from annotator.panels.part_rows import PartRows
from annotator.panels.sliders import WheelSlider
from annotator.panels.widgets import MARGIN, dress_panel, label, name_control
from dataset.i18n import tr

if TYPE_CHECKING:
    from dataset.pictures.parts import PartChoice, PictureParts

GAMMA_STEPS = 100
"""Steps of the slider of gamma at either side of 1; each end is a factor of 5."""


class PicturePanel(QWidget):
    """Sliders for the tone of the photo and the fill of objects."""

    tone_changed = Signal(object)
    """A `Tone` was chosen."""
    fill_changed = Signal(int)
    """Percent of the fill of objects at rest."""
    part_chosen = Signal(object)
    """A `PartChoice`: the page and the bands to be shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "picture")
        self._values: dict[QSlider, QLabel] = {}
        self._brightness = self._slider("brightness", tr("Brightness"), -100, 100, 0)
        self._contrast = self._slider("contrast", tr("Contrast"), -100, 100, 0)
        self._gamma = self._slider("gamma", tr("Gamma"), -GAMMA_STEPS, GAMMA_STEPS, 0)
        self._stretch = self._slider("stretch", tr("Stretch"), -1, MAX_STRETCH, -1)
        self._stretch.setToolTip(tr("Share of the darkest and lightest values that become black and white"))
        self._fill = self._slider("fill", tr("Fill"), 0, MAX_FILL, 0)
        self._fill.setToolTip(tr("How opaque objects are filled that nobody points at"))
        self._tones = (self._brightness, self._contrast, self._gamma, self._stretch)
        self.keep = QCheckBox(tr("Keep for other photos"))
        name_control(self.keep, "picture.keep", tr("Show the next photos so too, until this is reset"))
        self._reset = QPushButton(tr("Reset"))
        name_control(self._reset, "picture.reset", tr("Show the photo as it is"))
        for control in (self.keep, self._reset):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._parts = PartRows()
        self._parts.chosen.connect(self.part_chosen)
        self._lay_out()
        for slider in self._tones:
            slider.valueChanged.connect(self._tone_changed)
        self._fill.valueChanged.connect(self._fill_changed)
        self._reset.clicked.connect(self.reset)
        self._name_values()

    @property
    def tone(self) -> Tone:
        """What is chosen."""
        gamma = round(100 * 5 ** (self._gamma.value() / GAMMA_STEPS))
        return Tone(self._brightness.value(), self._contrast.value(), gamma, self._stretch.value())

    def reset(self) -> None:
        """Show the photo as it is; the fill of objects stays."""
        before = self.tone
        for slider in self._tones:
            with QSignalBlocker(slider):
                slider.setValue(-1 if slider is self._stretch else 0)
        if self.tone != before:
            self._tone_changed()

    def set_fill(self, percent: int) -> None:
        """Show how opaque objects are, without choosing it anew."""
        with QSignalBlocker(self._fill):
            self._fill.setValue(percent)
        self._name_values()

    def set_parts(self, parts: PictureParts, choice: PartChoice) -> None:
        """Show which pages and bands there are to choose among, and which are shown."""
        self._parts.set_parts(parts, choice)

    def _tone_changed(self) -> None:
        self._name_values()
        self.tone_changed.emit(self.tone)

    def _fill_changed(self, percent: int) -> None:
        self._name_values()
        self.fill_changed.emit(percent)

    def _name_values(self) -> None:
        tone = self.tone
        self._reset.setEnabled(not tone.is_neutral)
        texts = {
            self._brightness: f"{tone.brightness:+d}" if tone.brightness else "0",
            self._contrast: f"{tone.contrast:+d}" if tone.contrast else "0",
            self._gamma: f"{tone.gamma / 100:.2f}",
            self._stretch: tr("off") if tone.stretch < 0 else f"{tone.stretch / 10:.1f} %",
            self._fill: f"{self._fill.value()} %",
        }
        for slider, text in texts.items():
            self._values[slider].setText(text)

    def _slider(self, name: str, title: str, least: int, most: int, value: int) -> QSlider:
        made = WheelSlider(Qt.Orientation.Horizontal)
        made.setRange(least, most)
        made.setValue(value)
        made.setPageStep(10)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        name_control(made, f"picture.{name}", title)
        self._values[made] = label(tone="muted")
        return made

    def _lay_out(self) -> None:
        rows = QGridLayout()
        rows.setHorizontalSpacing(8)
        rows.setVerticalSpacing(4)
        rows.setColumnStretch(1, 1)
        rows.setColumnMinimumWidth(2, 44)
        for row, (slider, value) in enumerate(self._values.items()):
            rows.addWidget(label(slider.accessibleName()), row, 0)
            rows.addWidget(slider, row, 1)
            rows.addWidget(value, row, 2, Qt.AlignmentFlag.AlignRight)
        foot = QHBoxLayout()
        foot.addWidget(self.keep, 1)
        foot.addWidget(self._reset)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 4, MARGIN, MARGIN)
        column.setSpacing(8)
        column.addWidget(self._parts)
        column.addLayout(rows)
        column.addLayout(foot)
        column.addStretch(1)
