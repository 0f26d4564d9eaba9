"""The attributes of an object, as a table of names and values, and its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from annotator.panels.form_rows import caption, form
from annotator.panels.widgets import Field, label, name_control
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIZE = (380, 320)


class AttributesDialog(QDialog):
    """Edits names and values; `changes` is what is to be otherwise. Nothing is changed until it is accepted."""

    def __init__(
        self, given: Mapping[str, str], names: Iterable[str], group: str, objects: int, parent: QWidget | None = None
    ) -> None:
        """`names` are offered without a value where they are not `given`; `objects` are changed."""
        super().__init__(parent)
        self.setObjectName("attributes")
        self.setWindowTitle(tr("Attributes"))
        self.resize(*SIZE)
        self._given, self._group = dict(given), group
        self._table = QTableWidget(0, 2)
        self._table.setHorizontalHeaderLabels([tr("Name"), tr("Value")])
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.verticalHeader().hide()
        name_control(
            self._table, "attributes.table", tr("Type into the last row to add one; an empty value removes it")
        )
        for name, text in {**given, **{name: "" for name in names if name not in given}}.items():
            self._add(name, text)
        self._add("", "")
        self._group_field = Field()
        self._group_field.setText(group)
        name_control(self._group_field, "attributes.group", tr("Objects with the same group belong together"))
        box = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(box.Ok | box.Cancel)
        text = plural("For {n:,} selected object.", "What you change is set for {n:,} selected objects.", objects)
        group_row = form()
        group_row.addRow(caption(tr("Group")), self._group_field)
        layout = QVBoxLayout(self)
        layout.addWidget(label(text, tone="muted"))
        layout.addWidget(self._table, 1)
        layout.addLayout(group_row)
        layout.addWidget(buttons)
        self._table.itemChanged.connect(self._changed)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)

    @property
    def changes(self) -> dict[str, str]:
        """The attributes that are to be otherwise, by name; "" for one that is to go."""
        typed: dict[str, str] = {}
        for row in range(self._table.rowCount()):
            name, text = self._cell(row, 0), self._cell(row, 1)
            if name:
                typed[name] = text
        gone = {name: "" for name in self._given if name not in typed}
        return gone | {name: text for name, text in typed.items() if text != self._given.get(name, "")}

    @property
    def group(self) -> str | None:
        """The group, if it is to be another one; "" for none."""
        text = self._group_field.text().strip()
        return None if text == self._group else text

    def _cell(self, row: int, column: int) -> str:
        item = self._table.item(row, column)
        return item.text().strip() if item is not None else ""

    def _add(self, name: str, text: str) -> None:
        row = self._table.rowCount()
        self._table.insertRow(row)
        item = QTableWidgetItem(name)
        if name:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        self._table.setItem(row, 0, item)
        self._table.setItem(row, 1, QTableWidgetItem(text))

    def _changed(self, item: QTableWidgetItem) -> None:
        if item.row() == self._table.rowCount() - 1 and item.text().strip():
            self._add("", "")
