"""The rows of a dialog: a quiet caption, and a fact, a choice or a number to type beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from annotator.panels.widgets import ElidedComboBox, Field, label, name_control, set_tone
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

TOP = 5  # over a line of text beside a field
PATIENCE = 800  # milliseconds: "0.0" is on its way to "0.005"

Choice = tuple[str, object]
Number = TypeVar("Number", int, float)


def form() -> QFormLayout:
    """Return a layout for rows of captions and fields."""
    made = QFormLayout()
    made.setHorizontalSpacing(16)
    made.setVerticalSpacing(6)
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    made.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    return made


def caption(text: str) -> QLabel:
    """Return the quiet word at the left of a row."""
    made = label(text, "muted")
    made.setFixedWidth(96)
    made.setAlignment(Qt.AlignmentFlag.AlignTop)
    made.setContentsMargins(0, TOP, 0, 0)
    return made


def choice(name: str, tip: str, accessible: str, items: tuple[Choice, ...]) -> QComboBox:
    """Return a choice among texts given to `mark`, each with its data."""
    made = ElidedComboBox()
    with QSignalBlocker(made):
        for text, data in items:
            made.addItem(tr(text), data)
    name_control(made, name, tip, accessible)
    return made


def settle(widget: QWidget) -> None:
    """Activate every layout in a widget now, not at the next turn of the event loop."""
    for child in widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
        settle(child)
    layout = widget.layout()
    if layout:
        layout.activate()


class NumberField(QWidget, Generic[Number]):
    """A number to type, or nothing for automatic. What is neither is marked, with a sentence on what can be typed."""

    changed = Signal()
    """Another text was typed."""
    resized = Signal()
    """The sentence came or went."""

    def __init__(self, read: Callable[[str], Number], minimum: Number, maximum: Number, allowed: str) -> None:
        """`read` makes a number of a text, or raises ValueError; `allowed` is the sentence on what is taken."""
        super().__init__()
        self._read, self._min, self._max = read, minimum, maximum
        self.field = Field()
        self.field.setPlaceholderText(tr("Automatic"))
        self._problem = label(allowed, "error")
        self._problem.setWordWrap(True)
        self._problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.field)
        column.addWidget(self._problem)
        self.setFocusProxy(self.field)
        self._later = QTimer(self, singleShot=True, interval=PATIENCE)
        self._later.timeout.connect(self.show_problem)
        self.field.textChanged.connect(self._change)
        self.field.editingFinished.connect(self.show_problem)

    def name(self, name: str, tip: str, accessible: str) -> None:
        """Name the field and the label of its problem."""
        name_control(self.field, name, tip, accessible)
        self._problem.setObjectName(f"{name}_problem")

    @property
    def value(self) -> Number | None:
        """The number; None where nothing is typed, or nothing that could be taken."""
        try:
            value = self._read(self.field.text())
        except (ValueError, OverflowError):
            return None
        return value if self._min <= value <= self._max else None

    @property
    def is_right(self) -> bool:
        """Whether the text is a number that can be taken, or none."""
        return not self.field.text().strip() or self.value is not None

    def show_problem(self) -> None:
        """Mark what cannot be taken, and take the mark from what can."""
        self._later.stop()
        right = self.is_right
        set_tone(self.field, "" if right else "error")
        self.field.setAccessibleDescription("" if right else self._problem.text())
        if self._problem.isHidden() is not right:
            self._problem.setVisible(not right)
            self.resized.emit()

    def _change(self) -> None:
        if self.is_right:
            self.show_problem()
        else:
            self._later.start()
        self.changed.emit()


def whole(text: str) -> int:
    """Return the whole number in a text. ValueError if there is none."""
    return int(text.replace("_", "?"))


def decimal(text: str) -> float:
    """Return the number in a text, with a point or a comma. ValueError if there is none."""
    return float(text.replace(",", ".").replace("_", "?"))
