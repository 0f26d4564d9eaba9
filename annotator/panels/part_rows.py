"""The page and the bands of the photo that are shown, where it has several."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from annotator.panels.widgets import ElidedComboBox, label, name_control
from dataset.i18n import mark, tr
from dataset.pictures.parts import PartChoice, PictureParts

COLOURS = (
    ("red", mark("Band shown as red")),
    ("green", mark("Band shown as green")),
    ("blue", mark("Band shown as blue")),
)
_DEFAULT, _MIXED = "default", "mixed"  # data of the choice of bands, beside the number of one band


class PartRows(QWidget):
    """Rows for the page, the bands, and which bands are red, green and blue; each where it applies."""

    chosen = Signal(object)
    """A `PartChoice`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page = _choice("picture.page", tr("Page that is shown; what is annotated belongs to all of them"))
        self._bands = _choice("picture.bands", tr("Bands that are shown; the model is given what is shown by default"))
        self._mix = {name: _choice(f"picture.{name}", tr(tip)) for name, tip in COLOURS}
        self._captions: dict[QWidget, QLabel] = {}
        mixed = QWidget()
        row = QHBoxLayout(mixed)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for control in self._mix.values():
            row.addWidget(control, 1)
        self._mixed = mixed
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setHorizontalSpacing(8)
        rows.setVerticalSpacing(4)
        rows.setColumnStretch(1, 1)
        for at, (text, control) in enumerate(
            ((tr("Page"), self._page), (tr("Bands"), self._bands), (tr("R, G, B"), mixed))
        ):
            self._captions[control] = label(text)
            rows.addWidget(self._captions[control], at, 0)
            rows.addWidget(control, at, 1)
        self._page.activated.connect(lambda _at: self.chosen.emit(self.choice))
        self._bands.activated.connect(self._bands_activated)
        for control in self._mix.values():
            control.activated.connect(lambda _at: self.chosen.emit(self.choice))
        self.set_parts(PictureParts(), PartChoice())

    @property
    def choice(self) -> PartChoice:
        """What is chosen."""
        bands = self._bands.currentData()
        mixed = tuple(control.currentIndex() for control in self._mix.values())
        shown = {_DEFAULT: (), _MIXED: mixed}.get(bands, (bands,))
        return PartChoice(max(0, self._page.currentIndex()), shown)

    def set_parts(self, parts: PictureParts, choice: PartChoice) -> None:
        """Show which pages and bands there are to choose among, and which are shown."""
        bands = [tr("Band {n}", n=n) for n in range(1, parts.bands + 1)]
        _fill(self._page, [(tr("{n} of {total}", n=n + 1, total=parts.pages), n) for n in range(parts.pages)])
        mixing = [(tr("Red, green, blue"), _MIXED)] if parts.bands > 2 else []
        _fill(self._bands, [(tr("As in the file"), _DEFAULT), *mixing, *((text, n) for n, text in enumerate(bands))])
        self._page.setCurrentIndex(choice.page)
        data = {0: _DEFAULT, 3: _MIXED}.get(len(choice.bands), *choice.bands[:1] or (_DEFAULT,))
        self._bands.setCurrentIndex(self._bands.findData(data))
        for at, control in enumerate(self._mix.values()):
            _fill(control, [(str(n + 1), n) for n in range(parts.bands)])
            control.setCurrentIndex(choice.bands[at] if len(choice.bands) == 3 else at)
        self._show(self._page, on=parts.pages > 1)
        self._show(self._bands, on=parts.bands > 1)
        self._show(self._mixed, on=data == _MIXED)
        self.setVisible(parts.is_choice)

    def _bands_activated(self) -> None:
        self._show(self._mixed, on=self._bands.currentData() == _MIXED)
        self.chosen.emit(self.choice)

    def _show(self, control: QWidget, *, on: bool) -> None:
        control.setVisible(on)
        self._captions[control].setVisible(on)


def _choice(name: str, tip: str) -> QComboBox:
    made = ElidedComboBox()
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(2)
    name_control(made, name, tip)
    return made


def _fill(control: QComboBox, items: list[tuple[str, object]]) -> None:
    with QSignalBlocker(control):
        control.clear()
        for text, data in items:
            control.addItem(text, data)
