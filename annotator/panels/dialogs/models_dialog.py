"""The project's models: where each comes from, how good it measures, which is in use; go back to any, delete any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator import icons, theme
from annotator.panels.formatting import average_precision
from annotator.panels.widgets import label, name_control
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = (
    mark("Model"), mark("Made"), mark("From"), mark("Photos"), mark("Mask AP"), mark("95% of difference"),
    mark("Keypoint AP"),
)  # fmt: skip
_NAME = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class ModelFact:
    """A row of the list of models."""

    name: str
    """What it is called, in the list and in signals."""
    made: str = ""
    """When, as people read it; "" for the models that come with the application."""
    parent: str = ""
    """What it was trained from."""
    photos: int | None = None
    """How many photos it was trained and validated on, None where that is not known."""
    before: float | None = None
    """Mask AP, on the same photos, of the model in use before it."""
    after: float | None = None
    """Mask AP of its own."""
    low: float | None = None
    """Lower end of the 95% interval of the difference."""
    high: float | None = None
    """Upper end of the 95% interval of the difference."""
    keypoints: float | None = None
    """Keypoint AP of its own."""
    sentence: str = ""
    """All that is worth knowing, for people."""
    problem: str = ""
    """Why it cannot be used, or ""."""
    removable: bool = True
    """Whether it may be deleted."""


class ModelsDialog(QDialog):
    """A list of the models, and what can be done with the selected one."""

    use_requested = Signal(str)
    """(name) use this one from now on."""
    delete_requested = Signal(str)
    """(name) delete its file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models")
        self.setWindowTitle(tr("Models of this project"))
        self.resize(840, 420)
        self._facts: dict[str, ModelFact] = {}
        self._in_use = ""
        self._list = QTreeWidget()
        self._list.setObjectName("models.list")
        self._list.setAccessibleName(tr("Models"))
        self._list.setHeaderLabels([tr(title) for title in COLUMNS])
        self._list.setRootIsDecorated(False)
        self._list.setUniformRowHeights(True)
        self._list.setAllColumnsShowFocus(True)
        self._list.setStyleSheet("QTreeWidget::item { min-height: 26px; }")
        self._list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._about = label(tone="muted")
        self._about.setObjectName("models.about")
        self._about.setWordWrap(True)
        self._about.setMinimumHeight(3 * self._about.fontMetrics().lineSpacing())
        self._about.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._use = QPushButton(tr("Use this model"))
        name_control(
            self._use, "models.use", tr("Suggest with this model from now on, in this folder"), tr("Use this model")
        )
        self._delete = QPushButton(tr("Delete"))
        name_control(
            self._delete, "models.delete", tr("Delete the model's file; it cannot be undone"), tr("Delete this model")
        )
        self._lay_out()
        self._list.currentItemChanged.connect(self._show)
        self._list.itemActivated.connect(self._ask_for_use)
        self._use.clicked.connect(self._ask_for_use)
        self._delete.clicked.connect(self._ask_for_deletion)
        self._show()

    def set_models(self, facts: Sequence[ModelFact], in_use: str) -> None:
        """Show these models, the newest first, and which one is in use."""
        selected = self._selected() or in_use
        self._facts = {fact.name: fact for fact in facts}
        self._in_use = in_use
        self._list.clear()
        for fact in facts:
            self._add(fact)
        items = [item for i in range(self._list.topLevelItemCount()) if (item := self._list.topLevelItem(i))]
        chosen = next((item for item in items if item.data(0, _NAME) == selected), None)
        if items:
            self._list.setCurrentItem(chosen or items[0])
        self._show()

    def _add(self, fact: ModelFact) -> None:
        used = fact.name == self._in_use
        change = (
            average_precision(fact.after)
            if fact.before is None
            else f"{average_precision(fact.before)} → {average_precision(fact.after)}"
        )
        span = (
            "–"
            if fact.low is None or fact.high is None
            else tr("{low:+.3f} to {high:+.3f}", low=fact.low, high=fact.high)
        )
        texts = [
            tr("{name} (in use)", name=fact.name) if used else fact.name, fact.made, fact.parent,
            "" if fact.photos is None else str(fact.photos), change, span, average_precision(fact.keypoints),
        ]  # fmt: skip
        if fact.problem:
            texts = [fact.name, fact.made, tr("cannot be used"), "", "", "", ""]
        item = QTreeWidgetItem(self._list, texts)
        item.setData(0, _NAME, fact.name)
        item.setIcon(0, icons.icon("check" if used else "warning" if fact.problem else "model", "muted"))
        if used:
            font = QFont(self._list.font())
            font.setBold(True)
            item.setFont(0, font)
        if fact.problem:
            for column in range(len(COLUMNS)):
                item.setForeground(column, QBrush(QColor(theme.current().muted)))

    def _selected(self) -> str:
        item = self._list.currentItem()
        return item.data(0, _NAME) if item else ""

    def _show(self) -> None:
        fact = self._facts.get(self._selected())
        self._about.setText(fact.problem or fact.sentence if fact else "")
        used = fact is not None and fact.name == self._in_use
        self._use.setEnabled(fact is not None and not used and not fact.problem)
        self._delete.setEnabled(fact is not None and not used and fact.removable)

    def _ask_for_use(self) -> None:
        if self._use.isEnabled():
            self.use_requested.emit(self._selected())

    def _ask_for_deletion(self) -> None:
        name = self._selected()
        question = QMessageBox(QMessageBox.Icon.Question, "Annotator", tr("Delete {name}?", name=name), parent=self)
        question.setObjectName("models.confirm")
        question.setInformativeText(tr("Its file is removed for good. Your annotations and the other models stay."))
        question.addButton(tr("Delete"), QMessageBox.ButtonRole.DestructiveRole).clicked.connect(
            lambda: self.delete_requested.emit(name)
        )
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.open()

    def _lay_out(self) -> None:
        close = QPushButton(tr("Close"))
        name_control(close, "models.close", tr("Close (Esc)"), tr("Close"))
        close.clicked.connect(self.reject)
        for button in (self._use, self._delete, close):
            button.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._use)
        buttons.addWidget(self._delete)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._list, 1)
        column.addWidget(self._about)
        column.addLayout(buttons)
