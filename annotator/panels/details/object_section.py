"""The section of the selected objects: their attributes and their group."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QSignalBlocker, QStringListModel, Qt, Signal
from PySide6.QtWidgets import QApplication, QCompleter, QGridLayout, QVBoxLayout, QWidget

from annotator.panels.widgets import ElidedComboBox, ElidedLabel, Field, label, name_control, set_tone
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_WIDTH = 84


class AttributeRow(NamedTuple):
    """An attribute of the selected objects."""

    name: str
    text: str | None
    """Its value, "" where it has none; None where the objects differ in it."""
    values: tuple[str, ...] = ()
    """The texts to choose from; empty where any text will do."""


class ObjectSection(QWidget):
    """Shows and changes the attributes that the selected objects have, or are to have."""

    attribute_changed = Signal(str, str)
    """An attribute is to have this value, or none where it is ""."""
    group_changed = Signal(str)
    """The group is to be this, or none where it is ""."""
    escaped = Signal()
    """Escape in a field: the keyboard may go elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[AttributeRow] = []
        self._editors: dict[str, Field | ElidedComboBox] = {}
        self._added: list[str] = []  # names that were typed and have no value yet
        self._ids: tuple[int, ...] = ()  # of the objects
        self._what = label(tone="muted")
        self._what.setWordWrap(True)
        self._fields = QWidget()
        self._grid = QGridLayout(self._fields)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnMinimumWidth(0, NAME_WIDTH)
        self._group = Field()
        name_control(self._group, "details.group", tr("Objects with the same group belong together"), tr("Group"))
        self._new = Field()
        self._new.setPlaceholderText(tr("Add an attribute"))
        name_control(self._new, "details.new_attribute", tr("Type the name of an attribute and press Enter"))
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._new.setCompleter(completer)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(label(tr("Object"), "title"))
        column.addWidget(self._what)
        column.addWidget(self._fields)
        column.addWidget(self._new)
        self._group.editingFinished.connect(self._give_group)
        self._new.returnPressed.connect(self._add)
        for field in (self._group, self._new):
            field.escaped.connect(self.escaped)
        self._build()
        self.show_objects((), [], "")

    def show_objects(self, ids: tuple[int, ...], rows: Sequence[AttributeRow], group: str | None) -> None:
        """Show the attributes of objects and their group, None where they differ in that."""
        objects, others = len(ids), ids != self._ids
        names = {row.name for row in rows}
        self._added = [] if others else [name for name in self._added if name not in names]
        listed = [*rows, *(AttributeRow(name, "") for name in self._added)]
        if [(row.name, row.values) for row in listed] != [(row.name, row.values) for row in self._rows]:
            self._rows = listed
            self._build()
        self._rows, self._ids = listed, ids
        for row in listed:
            _show_text(self._editors[row.name], row.text, others=others)
        _show_text(self._group, group, others=others)
        if not objects:
            self._what.setText(tr("Select an object to see its attributes."))
        else:
            text = plural("{n:,} object is selected.", "What is changed is set for {n:,} selected objects.", objects)
            self._what.setText(text)
        self._fields.setVisible(objects > 0)
        self._new.setVisible(objects > 0)

    def show_known(self, names: Sequence[str]) -> None:
        """Complete the name of a new attribute to these."""
        if self._known.stringList() != list(names):
            self._known.setStringList(list(names))

    def take_keyboard(self) -> None:
        """Bring the keyboard to the first attribute, or to the field for a new one."""
        first = next(iter(self._editors.values()), self._new)
        first.setFocus()

    def hand_over(self) -> None:
        """Set what is being typed, because the photo is left."""
        focus = QApplication.focusWidget()
        if isinstance(focus, Field) and self.isAncestorOf(focus) and focus is not self._new:
            focus.editingFinished.emit()

    def _build(self) -> None:
        """Make a line for each attribute, and one for the group."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget is not self._group:
                widget.hide()
                widget.deleteLater()
        self._editors = {}
        for place, row in enumerate(self._rows):
            editor = self._choice(row) if row.values else self._line(row)
            name_control(editor, f"details.attribute.{row.name}", tr("Empty: the object does not have it"), row.name)
            self._editors[row.name] = editor
            self._put(place, row.name, editor)
        self._put(len(self._rows), tr("Group"), self._group)

    def _put(self, place: int, name: str, editor: QWidget) -> None:
        caption = ElidedLabel(name)
        caption.setFixedWidth(NAME_WIDTH)
        set_tone(caption, "muted")
        self._grid.addWidget(caption, place, 0)
        self._grid.addWidget(editor, place, 1)

    def _line(self, row: AttributeRow) -> Field:
        field = Field()
        field.editingFinished.connect(partial(self._give, row.name))
        field.escaped.connect(self.escaped)
        return field

    def _choice(self, row: AttributeRow) -> ElidedComboBox:
        box = ElidedComboBox()
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for value in ("", *row.values):
            box.addItem(value or "–", value)
        box.activated.connect(lambda _i: self._give(row.name))
        return box

    def _give(self, name: str) -> None:
        editor, row = self._editors.get(name), next((row for row in self._rows if row.name == name), None)
        if editor is None or row is None or not self._ids:
            return
        if isinstance(editor, Field):
            if not editor.isModified():
                return
            editor.setModified(False)
            text = editor.text().strip()
        else:
            text = editor.currentData()
        if text != row.text:
            self.attribute_changed.emit(name, text)

    def _give_group(self) -> None:
        if self._ids and self._group.isModified():
            self._group.setModified(False)
            self.group_changed.emit(self._group.text().strip())

    def _add(self) -> None:
        name = self._new.text().strip()
        self._new.clear()
        if name and name not in self._editors:
            self._added.append(name)
            self._rows = [*self._rows, AttributeRow(name, "")]
            texts = {row.name: row.text for row in self._rows}
            self._build()
            for known, text in texts.items():
                _show_text(self._editors[known], text, others=True)
        if name:
            self._editors[name].setFocus()


def _show_text(editor: Field | ElidedComboBox, text: str | None, *, others: bool) -> None:
    """Show a value, or that there are several, but leave what is being typed, unless it is of `others`."""
    if isinstance(editor, Field):
        editor.setPlaceholderText(tr("several values") if text is None else "")
        if editor.text() != (text or "") and (others or not editor.isModified()):
            editor.setText(text or "")
        return
    with QSignalBlocker(editor):
        if text is not None and editor.findData(text) < 0:
            editor.addItem(text, text)  # one that the file does not declare
        editor.setCurrentIndex(-1 if text is None else editor.findData(text))
        editor.setPlaceholderText(tr("several values"))
