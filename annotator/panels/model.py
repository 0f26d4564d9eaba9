"""The model panel: which model, what it is doing, from which score its suggestions are shown, the whole folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from annotator import icons
from annotator.core.training_runs import is_round
from annotator.panels.clamped_label import ClampedLabel
from annotator.panels.sliders import WheelSlider
from annotator.panels.widgets import MARGIN, ElidedComboBox, ElidedLabel, dress_panel, label, name_control, set_tone
from dataset.i18n import mark, tr
from dataset.messages import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

_WEIGHTS = ((mark("Built-in"), "builtin"), (mark("COCO (torchvision)"), "coco"))
_DEVICES = {
    "auto": mark("Automatic"),
    "cpu": "CPU",
    "cuda": "GPU (CUDA)",
    "mps": "GPU (Metal)",
    "coreml": "Core ML",
    "directml": "DirectML",
}


class ModelPanel(QWidget):
    """A view of the model, with the controls for it."""

    threshold_changed = Signal(float)
    """The score from which suggestions are shown, 0.05 to 0.95."""
    suggest_all_requested = Signal()
    cancel_requested = Signal()
    """Suggest on the whole folder; stop that."""
    weights_requested = Signal(str)
    """"builtin", "coco" or the path of a file; also when it is the one shown already."""
    device_requested = Signal(str)
    """"auto", "cpu", "cuda" or another one that was offered."""
    closer_look_chosen = Signal(bool)
    """Whether the model is to look at large photos in tiles, too."""
    fine_tune_requested = Signal()
    """Let the model learn, or show how far it is with that."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "model")
        self._name = ElidedLabel(tr("No model yet"), Qt.TextElideMode.ElideMiddle)
        self._name.setObjectName("model.name")
        set_tone(self._name, "title")
        self._speed = label(tone="muted")
        name_control(self._speed, "model.speed", tr("Time the model takes for a photo"))
        self._state = ElidedLabel()
        self._state.setObjectName("model.state")
        set_tone(self._state, "muted")
        self._problem = ClampedLabel(lines=3)
        self._problem.setObjectName("model.problem")
        set_tone(self._problem, "warning")
        self._problem.hide()
        self._weights = _combo("model.weights", tr("Weights the model runs with"), tr("Weights"), _WEIGHTS)
        self._weights.addItem(tr("File…"))
        self._chosen_weights = 0
        self._device = _combo("model.device", tr("Where the model runs"), tr("Device"), ())
        self.offer_devices(("auto", "cpu", "cuda"))
        self._closer_look = QCheckBox(tr("if large"))
        tip = tr("Finds small objects, but takes up to ten times as long (built-in: from 2,080 pixels a side on)")
        name_control(self._closer_look, "model.closer_look", tip, tr("Look closer at large photos"))
        self._closer_look.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._slider = _threshold_slider()
        self._value = label()
        self._value.setObjectName("model.threshold_value")
        self._whole_folder = _WholeFolder()
        self._fine_tune = QPushButton(icons.icon("fine-tune"), "")
        self._fine_tune.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tip = tr("Let the model learn from the photos that are done")
        name_control(self._fine_tune, "model.fine_tune_button", tip, tr("Fine-tune"))
        self.set_training(None)
        self._lay_out()
        self._slider.valueChanged.connect(self._slid)
        self._weights.activated.connect(self._weights_activated)
        self._device.activated.connect(self._device_activated)
        self._closer_look.clicked.connect(self.closer_look_chosen)
        self._whole_folder.suggest.clicked.connect(self.suggest_all_requested)
        self._whole_folder.cancel.clicked.connect(self.cancel_requested)
        self._fine_tune.clicked.connect(self.fine_tune_requested)
        self._show_threshold()
        self.set_speed(None)

    # What there is to show

    def set_model(self, name: str, device: str) -> None:
        """Show which model runs where."""
        self._name.set_full_text(f"{name} · {device}" if device else name)

    def set_state(self, text: str, *, problem: bool = False) -> None:
        """Show in a few words what the model is doing; a problem as a sentence, in full in the tooltip if it is long.

        A problem stays until the model does something again: "" does not take it away.
        """
        if not text and not self._problem.isHidden():
            return
        self._state.set_full_text("" if problem else text)
        self._problem.set_full_text(text if problem else "")
        self._state.setVisible(not problem)
        self._problem.setVisible(problem)

    def set_speed(self, ms: float | None) -> None:
        """Show how many milliseconds the model takes for a photo."""
        self._speed.setText("" if ms is None else _duration_ms(ms))

    def set_threshold(self, value: float) -> None:
        """Show the threshold without emitting that it changed."""
        with QSignalBlocker(self._slider):
            self._slider.setValue(round(value * 100))
        self._show_threshold()

    @property
    def threshold(self) -> float:
        """The score shown on the slider."""
        return self._slider.value() / 100

    def set_weights(self, weights: str) -> None:
        """Show which weights are in use: "builtin", "coco" or the path of a file."""
        for other in reversed(range(self._weights.count())):  # rounds of this folder, or of the one before
            data = self._weights.itemData(other) or ""
            if data != weights and is_round(Path(data).stem):
                self._weights.removeItem(other)
        at = self._weights.findData(weights)
        if at < 0:
            at = self._weights.count() - 1
            path = Path(weights)
            self._weights.insertItem(at, path.stem if is_round(path.stem) else path.name, weights)
            self._weights.setItemData(at, weights, Qt.ItemDataRole.ToolTipRole)
        self._weights.setCurrentIndex(at)
        self._chosen_weights = at

    def offer_devices(self, names: Sequence[str]) -> None:
        """Offer the devices that can be asked for on this computer: "auto", "cpu", "cuda", ..."""
        self._device.clear()
        for name in names:
            self._device.addItem(tr(_DEVICES[name]), name)

    def set_device(self, device: str) -> None:
        """Show which device was asked for, by its name."""
        self._device.setCurrentIndex(max(self._device.findData(device), 0))

    def set_closer_look(self, *, on: bool) -> None:
        """Show whether the model looks at large photos in tiles, too."""
        self._closer_look.setChecked(on)

    def set_progress(
        self, done: int | None, total: int = 0, rate: float | None = None, remaining_s: float | None = None
    ) -> None:
        """Show how far suggesting on the whole folder is; None: it is not running.

        `rate` is in photos per second; it and `remaining_s` are left out while unknown.
        """
        self._whole_folder.set_progress(done, total, rate, remaining_s)

    def set_training(self, share: float | None) -> None:
        """Show how much of a round of fine-tuning is done, 0 to 1; None: there is none."""
        text = tr("Fine-tune…") if share is None else tr("Fine-tuning, {share:.0%}", share=share)
        self._fine_tune.setText(f" {text}")

    def set_suggest_all_enabled(self, enabled: bool) -> None:  # noqa: FBT001  a Qt slot
        """Whether there is a folder to suggest on, and to learn from."""
        self._whole_folder.suggest.setEnabled(enabled)
        self._fine_tune.setEnabled(enabled)

    # Parts

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._name, 1)
        head.addWidget(self._speed)
        score = QHBoxLayout()
        score.setSpacing(8)
        score.addWidget(self._slider, 1)
        score.addWidget(self._value)
        self._value.setMinimumWidth(self._value.fontMetrics().horizontalAdvance("0.00"))
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow(label(tr("Score from"), "muted"), score)
        form.addRow(label(tr("Weights"), "muted"), self._weights)
        form.addRow(label(tr("Device"), "muted"), self._device)
        form.addRow(label(tr("Closer look"), "muted"), self._closer_look)
        content = QWidget()
        dress_panel(content, "model.content")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(MARGIN, 4, MARGIN, MARGIN)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self._state)
        layout.addWidget(self._problem)
        layout.addSpacing(6)
        layout.addLayout(form)
        layout.addSpacing(8)
        layout.addWidget(self._whole_folder)
        layout.addSpacing(4)
        layout.addWidget(self._fine_tune)
        layout.addStretch(1)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(_Scroll(content))

    def _slid(self) -> None:
        self._show_threshold()
        self.threshold_changed.emit(self.threshold)

    def _show_threshold(self) -> None:
        self._value.setText(f"{self.threshold:.2f}")

    def _device_activated(self, at: int) -> None:
        self.device_requested.emit(self._device.itemData(at))

    def _weights_activated(self, at: int) -> None:
        weights = self._weights.itemData(at)
        if weights is None:
            self._weights.setCurrentIndex(self._chosen_weights)  # until a file is chosen
            self._ask_for_file()
        else:  # also those shown: they may have failed to load
            self._chosen_weights = at
            self.weights_requested.emit(weights)

    def _ask_for_file(self) -> None:
        weights, every = tr("Weights (*.safetensors *.pth *.pt)"), tr("All files (*)")
        dialog = QFileDialog(self, tr("Weights of the model"), "", f"{weights};;{every}")
        dialog.setObjectName("model.weights_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._file_chosen)
        dialog.open()

    def _file_chosen(self, path: str) -> None:
        self.set_weights(path)
        self.weights_requested.emit(path)


class _Scroll(QScrollArea):
    """Scrolls the panel where it is too low for its controls, which keep their size."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.setWidget(content)
        self.setObjectName("model.scroll")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def minimumSizeHint(self) -> QSize:
        """Room for the model, what it is doing and the threshold; the controls are not cut off at the side."""
        return QSize(self._content.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width(), 96)

    def sizeHint(self) -> QSize:
        """Room for everything."""
        return self._content.sizeHint()


class _WholeFolder(QStackedWidget):
    """The button that starts suggesting on the whole folder, and in its place the progress while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.suggest = QPushButton(icons.icon("suggest-all"), " " + tr("Suggest all"))
        self.suggest.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tip = tr("Let the model suggest on every photo of the folder that has none yet")
        name_control(self.suggest, "model.suggest_all", tip, tr("Suggest all"))
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        name_control(
            self.cancel, "model.cancel", tr("Stop suggesting; what has been found stays"), tr("Cancel suggesting")
        )
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        name_control(self._bar, "model.progress", tr("Photos suggested on so far"), tr("Suggesting on all photos"))
        self._text = ElidedLabel()
        self._text.setObjectName("model.progress_text")
        set_tone(self._text, "muted")
        idle = QWidget()
        column = QVBoxLayout(idle)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.suggest, 0, Qt.AlignmentFlag.AlignTop)
        running = QWidget()
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._bar, 1)
        row.addWidget(self.cancel)
        column = QVBoxLayout(running)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._text)
        self._pages = (idle, running)
        for page in self._pages:
            self.addWidget(page)
        self._show_page(0)

    def set_progress(self, done: int | None, total: int, rate: float | None, remaining_s: float | None) -> None:
        """See `ModelPanel.set_progress`."""
        self._show_page(0 if done is None else 1)
        if done is None:
            return
        self._bar.setMaximum(max(total, 1))
        self._bar.setValue(done)
        words = [tr("{done:,} of {total:,}", done=done, total=total)]
        if rate is not None:
            words.append(tr("{rate:.1f}/s", rate=rate))
        if remaining_s is not None:
            words.append(tr("{time} left", time=duration(remaining_s)))
        self._text.set_full_text(" · ".join(words))

    def _show_page(self, index: int) -> None:
        """Show a page, and be no higher than it needs."""
        self.setCurrentIndex(index)
        for at, page in enumerate(self._pages):
            policy = QSizePolicy.Policy.Preferred if at == index else QSizePolicy.Policy.Ignored
            page.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self.updateGeometry()


def _combo(name: str, tip: str, accessible: str, items: tuple[tuple[str, str], ...]) -> QComboBox:
    made = ElidedComboBox()
    for text, data in items:
        made.addItem(tr(text), data)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(6)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    name_control(made, name, tip, accessible)
    return made


def _threshold_slider() -> QSlider:
    made = WheelSlider(Qt.Orientation.Horizontal)
    made.setRange(5, 95)
    made.setValue(50)
    made.setPageStep(5)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    name_control(made, "model.threshold", tr("Show suggestions from this score on"), tr("Score threshold"))
    return made


def _duration_ms(ms: float) -> str:
    return tr("{n:.0f} ms", n=ms) if ms < 1000 else tr("{n:.1f} s", n=ms / 1000)
