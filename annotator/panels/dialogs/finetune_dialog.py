"""The dialog before a round of fine-tuning: what the model will learn from, and a button; more under Advanced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator.panels.dialogs.finetune_advanced import Advanced
from annotator.panels.form_rows import TOP, Choice, caption, choice, form, settle
from annotator.panels.rows import Swatch
from annotator.panels.widgets import ElidedLabel, breakable, label, name_control
from dataset.i18n import mark, plural, tr
from dataset.messages import counted_photos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.core.training_set import ClassFact, Summary
    from model.protocol import FineTuneOptions

WIDTH = 480
CLASS_ROWS = 6  # shown without scrolling
ROW = 24
DEVICES: tuple[Choice, ...] = ((mark("Automatic"), "auto"), ("CPU", "cpu"), ("GPU (CUDA)", "cuda"))


class FineTuneDialog(QDialog):
    """Shows what a round would learn from, and has the button to begin."""

    train_requested = Signal(object)
    """(FineTuneOptions) start a round."""
    photo_requested = Signal(str)
    """Go to a photo on which something is left to answer."""
    settings_changed = Signal()
    """Another choice was made: how long the round takes is not known any more."""

    def __init__(self, baseline: str, device: str, parent: QWidget | None = None) -> None:
        """Show that things are being counted, for a round that has to beat a model called `baseline`."""
        super().__init__(parent)
        self.setObjectName("finetune")
        self.setWindowTitle(tr("Fine-tune"))
        self.setFixedWidth(WIDTH)
        self._ready = False
        self._photos = _fact("finetune.photos", tr("counting…"))
        self._split = _fact("finetune.split")
        self._baseline = ElidedLabel(baseline, Qt.TextElideMode.ElideMiddle)
        self._baseline.setObjectName("finetune.rival")
        self._baseline.setContentsMargins(0, TOP, 0, TOP)
        self._time = _fact("finetune.time")
        self._classes = _FoundClasses()
        self._problems = _sentences("finetune.problems", "warning")
        self._unanswered = _Unanswered()
        self._unanswered.photo_requested.connect(self._leave_for)
        self._device = choice("finetune.device", tr("Where it is computed"), tr("Device"), DEVICES)
        self._device.setCurrentIndex(max(self._device.findData(device), 0))
        self._advanced = Advanced()
        self._more = QToolButton()
        self._more.setText(tr("Advanced"))
        self._more.setCheckable(True)
        self._more.setStyleSheet("QToolButton { padding: 3px 6px 3px 0; } QToolButton:checked { background: none; }")
        self._more.setArrowType(Qt.ArrowType.RightArrow)
        self._more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        name_control(
            self._more, "finetune.advanced", tr("Epochs, learning rate and more; the standard is right for most")
        )
        self._train = QPushButton(tr("Train"))
        self._train.setDefault(True)
        self._train.setEnabled(False)
        name_control(
            self._train, "finetune.train", tr("Begin; you can go on annotating meanwhile (Enter)"), tr("Train")
        )
        self._lay_out()
        self._more.toggled.connect(self._show_advanced)
        self._train.clicked.connect(self._begin)
        self._device.currentIndexChanged.connect(self._change)
        self._advanced.changed.connect(self._change)
        self._advanced.resized.connect(self._fit)
        self._show_advanced(on=False)

    def set_baseline(self, name: str) -> None:
        """Show another model as the one that the round has to beat."""
        self._baseline.set_full_text(name)

    def set_summary(self, summary: Summary) -> None:
        """Show what there is to learn from."""
        self._photos.setText(_done_photos(summary))
        apart = summary.kept_apart
        if apart:
            text = tr("About {n} of them are kept apart to measure with, the same ones in every round", n=apart)
            self._split.setText(text)
        else:
            self._split.setText(tr("All train and each is measured with in turn: there are too few to keep some apart"))
        self._classes.show_classes(summary.classes)
        self._problems.setText(breakable("\n".join(summary.problems)))
        self._problems.setVisible(bool(summary.problems))
        self._unanswered.show_photos(summary.unanswered)
        self._ready = summary.ready
        self._train.setEnabled(self._ready and self._advanced.is_right)
        self._fit()

    def set_time(self, text: str) -> None:
        """Show how long a round will take, or that it is being found out."""
        if self._advanced.is_right:  # else it is of other settings
            self._time.setText(breakable(text))
            self._fit()

    def _change(self) -> None:
        right = self._advanced.is_right
        self._train.setEnabled(self._ready and right)
        self._time.setText("" if right else tr("Known once the numbers below are right"))
        self._fit()
        if right:
            self.settings_changed.emit()

    @property
    def settings(self) -> FineTuneOptions:
        """What is chosen."""
        return self._advanced.settings(str(self._device.currentData()))

    def _leave_for(self, photo: str) -> None:
        self.reject()
        self.photo_requested.emit(photo)

    def _begin(self) -> None:
        self.train_requested.emit(self.settings)
        self.accept()

    def _show_advanced(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        if not on and not self._advanced.is_right:  # it would hide why nothing can begin
            self._advanced.show_problems()
            self._more.setChecked(True)
            return
        self._more.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self._advanced.setVisible(on)
        self._fit()

    def _fit(self) -> None:
        """Be as high as everything takes, or as the screen: sentences are broken, and no dialog grows with them."""
        settle(self)
        screen, frame = self.screen().availableGeometry(), self.frameGeometry().height() - self.height()
        needed = self._content.totalHeightForWidth(WIDTH) + self._buttons.totalSizeHint().height()
        self.setFixedHeight(min(needed, screen.height() - frame))
        below = self.frameGeometry().bottom() - screen.bottom()
        if below > 0 and self.isVisible():
            self.move(self.x(), self.y() - below)

    def _lay_out(self) -> None:
        title = label(tr("Let the model learn from your corrections"), "title")
        lead = _sentences("finetune.lead", "muted")
        lead.setText(tr("It trains in the background while you go on annotating."))
        rows = form()
        for text, widget in (
            (tr("Photos"), self._photos), (tr("Measured"), self._split), (tr("Classes"), self._classes),
            (tr("Compared with"), self._baseline), (tr("Device"), self._device), (tr("Time"), self._time),
        ):  # fmt: skip
            rows.addRow(caption(text), widget)
        promise = _sentences("finetune.promise", "muted")
        promise.setText(
            tr(
                "The new model is put in use by itself only if it measures better; what you have annotated is never "
                "touched, and one click goes back. If you close the window, training stops, and can go on from there "
                "when this folder is opened again."
            )
        )
        cancel = QPushButton(tr("Cancel"))
        name_control(cancel, "finetune.cancel", tr("Close without training (Esc)"), tr("Cancel"))
        cancel.clicked.connect(self.reject)
        cancel.setAutoDefault(False)
        self._buttons = buttons = QHBoxLayout()
        buttons.setContentsMargins(20, 16, 20, 16)
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self._train)
        content = QWidget()
        self._content = column = QVBoxLayout(content)
        column.setContentsMargins(20, 20, 20, 0)
        column.setSpacing(0)
        for widget, after in ((title, 4), (lead, 16)):
            column.addWidget(widget)
            column.addSpacing(after)
        column.addLayout(rows)
        column.addSpacing(12)
        column.addWidget(self._unanswered)
        column.addWidget(self._problems)
        column.addSpacing(4)
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._advanced)
        column.addSpacing(12)
        column.addWidget(promise)
        scroll = QScrollArea()
        scroll.setObjectName("finetune.scroll")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        for part in (scroll.viewport(), content):
            part.setAutoFillBackground(False)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.setSpacing(0)
        around.addWidget(scroll, 1)
        around.addLayout(buttons)
        self._problems.hide()


class _Unanswered(QWidget):
    """How many photos have suggestions that nobody answered, and the way to the first of them."""

    photo_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._first = ""
        self._text = _sentences("finetune.unanswered", "muted")
        self._show = QPushButton(tr("Show the first"))
        self._show.setAutoDefault(False)
        name_control(
            self._show, "finetune.show_unanswered", tr("Close this and go to the first photo with such suggestions")
        )
        self._show.clicked.connect(lambda: self.photo_requested.emit(self._first))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 8)
        row.setSpacing(12)
        row.addWidget(self._text, 1)
        row.addWidget(self._show, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_photos(self, names: Sequence[str]) -> None:
        """Show that these are the photos, or nothing where there are none."""
        self._first = next(iter(names), "")
        self._text.setText(
            plural(
                "{n} photo marked done has suggestions that nobody answered: the model learns nothing from these.",
                "{n} photos marked done have suggestions that nobody answered: the model learns nothing from these.",
                len(names),
            )
        )
        self.setVisible(bool(names))


class _FoundClasses(QScrollArea):
    """The classes found, with their colours, how many objects there are, and which are new to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("finetune.classes")
        self.setAccessibleName(tr("Classes found"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.show_classes(())

    def show_classes(self, classes: Sequence[ClassFact]) -> None:
        """Show these classes."""
        content = QWidget()
        content.setAutoFillBackground(False)
        grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        for row, fact in enumerate(classes):
            grid.setRowMinimumHeight(row, ROW)
            grid.addWidget(Swatch(fact.color, ROW), row, 0)
            grid.addWidget(ElidedLabel(fact.name), row, 1)
            if fact.is_new:
                grid.addWidget(label(tr("new to the model"), "accent"), row, 2)
            count = label(plural("{n:,} object", "{n:,} objects", fact.count), "muted")
            grid.addWidget(count, row, 3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if not classes:
            grid.addWidget(label(tr("none yet"), "muted"), 0, 0, 1, 4)
        self.setWidget(content)
        self.setFixedHeight(max(1, min(len(classes), CLASS_ROWS)) * ROW)


def _done_photos(summary: Summary) -> str:
    photos = counted_photos(summary.photos)
    if not summary.empty:
        return tr("{photos} marked done", photos=photos)
    return tr("{photos} marked done, {n} of them checked to be empty", photos=photos, n=summary.empty)


def _fact(name: str, text: str = "") -> QLabel:
    made = label(text)
    made.setObjectName(name)
    made.setWordWrap(True)
    made.setContentsMargins(0, TOP, 0, TOP)
    return made


def _sentences(name: str, tone: str) -> QLabel:
    made = label(tone=tone)
    made.setObjectName(name)
    made.setWordWrap(True)
    return made
