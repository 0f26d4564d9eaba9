"""What nobody has to choose before a round of fine-tuning, for those who like to."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from annotator.panels.form_rows import Choice, NumberField, caption, choice, decimal, form, whole
from annotator.panels.widgets import name_control
from dataset.i18n import mark, tr
from model.protocol import FineTuneOptions

EPOCHS = (1, 1000)
RATES = (1e-7, 1.0)
FREEZE: tuple[Choice, ...] = (
    (mark("Automatic"), None), (mark("Heads only (fast)"), "heads"), (mark("Heads and FPN"), "neck"),
    (mark("Everything (slow)"), "none"),
)  # fmt: skip
SIDES: tuple[Choice, ...] = (
    (mark("Automatic"), None), ("320 px", 320), ("416 px", 416), ("512 px", 512), ("640 px", 640), ("800 px", 800),
)  # fmt: skip
AUGMENT: tuple[Choice, ...] = (
    (mark("Automatic"), None), (mark("Light"), "light"), (mark("Full"), "full"),
)  # fmt: skip


class Advanced(QWidget):
    """What nobody has to choose."""

    changed = Signal()
    """Another choice was made."""
    resized = Signal()
    """It takes more room, or less."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("finetune.advanced_part")
        self._freeze = choice(
            "finetune.freeze", tr("What learns; the rest of the network stays as it is"), tr("Trains"), FREEZE
        )
        self._epochs = NumberField(whole, *EPOCHS, tr("A whole number from 1 to 1000; empty: automatic."))
        self._epochs.name("finetune.epochs", tr("How often every photo is seen, such as 30"), tr("Epochs"))
        self._rate = NumberField(decimal, *RATES, tr("A number from 0.0000001 to 1; empty: automatic."))
        self._rate.name("finetune.learning_rate", tr("The optimiser's step, such as 0.005"), tr("Learning rate"))
        self._side = choice(
            "finetune.short_side", tr("The shorter side that photos are scaled to"), tr("Resolution"), SIDES
        )
        self._augment = choice("finetune.augment", tr("How much photos are varied"), tr("Augmentation"), AUGMENT)
        self._keep = QCheckBox(tr("Keep the model's other classes"))
        self._keep.setChecked(True)
        tip = tr("Go on suggesting what the model knows and these photos do not show; costs a little time")
        name_control(self._keep, "finetune.keep", tip, tr("Keep the model's other classes"))
        rows = form()
        rows.setContentsMargins(0, 8, 0, 0)
        for text, widget in (
            (tr("Trains"), self._freeze), (tr("Epochs"), self._epochs), (tr("Learning rate"), self._rate),
            (tr("Resolution"), self._side), (tr("Augmentation"), self._augment), ("", self._keep),
        ):  # fmt: skip
            rows.addRow(caption(text), widget)
        self.setLayout(rows)
        for box in (self._freeze, self._side, self._augment):
            box.currentIndexChanged.connect(self._change)
        for number in self._numbers:
            number.changed.connect(self._change)
            number.resized.connect(self.resized)
        self._keep.toggled.connect(self._change)

    @property
    def _numbers(self) -> tuple[NumberField[int], NumberField[float]]:
        return self._epochs, self._rate

    @property
    def is_right(self) -> bool:
        """Whether every number can be taken."""
        return all(number.is_right for number in self._numbers)

    def show_problems(self) -> None:
        """Mark the numbers that cannot be taken, now."""
        for number in self._numbers:
            number.show_problem()

    def _change(self) -> None:
        self.changed.emit()

    def settings(self, device: str) -> FineTuneOptions:
        """Return what is chosen."""
        return FineTuneOptions(
            epochs=self._epochs.value,
            learning_rate=self._rate.value,
            freeze=self._freeze.currentData(),
            short_side=self._side.currentData(),
            augment=self._augment.currentData(),
            forget=not self._keep.isChecked(),
            device=device,
        )
