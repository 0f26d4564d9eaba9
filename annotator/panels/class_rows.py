"""The rows of the class list: the project's categories, how a row is painted and renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from annotator.core.categories import given_number
from annotator.panels.rows import RowPainter
from annotator.panels.widgets import MARGIN, Field
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from PySide6.QtGui import QPainter

    from annotator.core.categories import Categories
    from annotator.panels.rows import Index
    from dataset.coco.categories import Category

CATEGORY = Qt.ItemDataRole.UserRole  # a `Category`
KEY = Qt.ItemDataRole.UserRole + 1  # as text, or ""
COUNT = Qt.ItemDataRole.UserRole + 2  # how often the project uses it

UNUSED_FROM = 6  # unused classes of the model, from so many on, stand behind the others and can be folded away
_KEY_WIDTH = 18  # room for the number key, left of the swatch


class ClassRows(QAbstractListModel):
    """The classes whose name has the words searched for, in the project's order; unused ones of the model come last."""

    refused = Signal(str)
    """Why a class could not be renamed, in a sentence; "" when it was."""
    unused_changed = Signal()
    """Other classes of the model are unused now, or they are folded away or not."""

    def __init__(self, categories: Categories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._categories = categories
        self._counts: Mapping[int, int] = {}
        self._key_of: Callable[[int], str] = str
        self._words: list[str] = []
        self._model_names: frozenset[str] = frozenset()
        self._added: set[str] = set()  # names, by the person, since the window is open
        self._current: int | None = None
        self._unfolded: bool | None = None  # as the person chose
        self._unused: list[int] = []
        self._listed: list[int] = []
        self._number_of: dict[int, int] = {}
        self._list()
        categories.changed.connect(self._changed)

    def set_counts(self, counts: Mapping[int, int]) -> None:
        """How often the project uses each class, by id."""
        self._counts = counts
        self._changed()

    def set_model_names(self, names: Iterable[str]) -> None:
        """What the classes of the model are called."""
        self._model_names = frozenset(name.casefold() for name in names)
        self._changed()

    def note_added(self, category_id: int) -> None:
        """A person added the class: it is no unused one of the model, whatever its name. It is put before those."""
        self._added.add(self._categories[category_id].name.casefold())
        others = [i for i in self._unused if i != category_id]
        if others:
            place = min(self._categories.place(i) for i in others)
            if place < self._categories.place(category_id):
                self._categories.move(category_id, place)
        self._changed()

    def set_current(self, category_id: int | None) -> None:
        """The class that is drawn with is never folded away."""
        if category_id != self._current:
            self._current = category_id
            self._changed()

    @property
    def unused(self) -> int:
        """How many unused classes of the model there are, where they are so many that they can be folded away."""
        return len(self._unused)

    @property
    def is_unfolded(self) -> bool:
        """Whether they are listed: while there is nothing else, or as `set_unfolded` says."""
        return len(self._unused) == len(self._categories) if self._unfolded is None else self._unfolded

    def set_unfolded(self, *, unfolded: bool) -> None:
        """List the unused classes of the model, or not."""
        self._unfolded = unfolded
        self._changed()
        self.unused_changed.emit()

    def follow_keys(self, key_of: Callable[[int], str]) -> None:
        """Show the keys that `key_of` returns for the numbers 1 to 9 from now on."""
        self._key_of = key_of
        self._repaint()

    def numbers(self) -> dict[int, int]:
        """Return the classes that numbers choose, 1 to 9, by their places in the list with all classes in it."""
        return self._categories.numbers(set(self._unused))

    def key(self, number: int) -> str:
        """Return the key of a number, 1 to 9, as text."""
        return self._key_of(number)

    def set_search(self, text: str) -> None:
        """List only the classes with all these words in their name."""
        self._words = text.casefold().split()
        self._changed()

    def category_id(self, row: int) -> int:
        """Return the class in a row."""
        return self._listed[row]

    def row(self, category_id: int) -> int | None:
        """Return the row of a class, or None where the search leaves it out."""
        return next((row for row, i in enumerate(self._listed) if i == category_id), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """Return how many classes are listed."""
        return 0 if parent.isValid() else len(self._listed)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401  a QVariant
        """Return the class, its name, its key, its count, or it in words."""
        if not index.isValid():
            return None
        category_id = self._listed[index.row()]
        number = self._number_of.get(category_id)
        key = "" if number is None else self._key_of(number)
        if category_id not in self._categories:  # while the classes have changed and this list has not followed yet
            return None
        category = self._categories[category_id]
        count = self._counts.get(category_id, 0)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            words = _in_words(category.name, count, key)
            return words if role == Qt.ItemDataRole.AccessibleTextRole else f"{words}\n{list_help()}"
        return {
            CATEGORY: category,
            KEY: key,
            COUNT: count,
            Qt.ItemDataRole.DisplayRole: category.name,
            Qt.ItemDataRole.EditRole: category.name,
        }.get(role)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: ANN401
        """Rename the class."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        try:
            self._categories.rename(self.category_id(index.row()), str(value))
        except ValueError as error:
            self.refused.emit(str(error))
            return False
        self.refused.emit("")
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Classes can be chosen and renamed."""
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def _changed(self) -> None:
        before, folded = list(self._listed), (self.unused, self.is_unfolded)
        self._list()
        if folded != (self.unused, self.is_unfolded):
            self.unused_changed.emit()
        if self._listed == before:
            self._repaint()
            return
        after, self._listed = self._listed, before
        if after[: len(before)] == before:  # the usual case: one more at the end
            self.beginInsertRows(QModelIndex(), len(before), len(after) - 1)
            self._listed = after
            self.endInsertRows()
            return
        self.beginResetModel()
        self._listed = after
        self.endResetModel()

    def _list(self) -> None:
        unused = [c.id for c in self._categories if self._is_unused(c)]
        self._unused = unused if len(unused) >= UNUSED_FROM else []
        behind = set(self._unused)
        shows_all = self.is_unfolded or bool(self._words)
        if not shows_all and self._current is not None:
            behind.discard(self._current)
        found = [c.id for c in self._categories if all(word in c.name.casefold() for word in self._words)]
        last = [i for i in found if i in behind] if shows_all else []
        self._listed = [i for i in found if i not in behind] + last
        self._number_of = {category_id: number for number, category_id in self.numbers().items()}

    def _is_unused(self, category: Category) -> bool:
        name = category.name.casefold()
        is_models = name in self._model_names and name not in self._added
        return is_models and not self._counts.get(category.id) and given_number(category) is None

    def _repaint(self) -> None:
        if self._listed:
            self.dataChanged.emit(self.index(0), self.index(len(self._listed) - 1))


def list_help() -> str:
    """Return how the class list is used, in two lines."""
    return tr(
        "Click: draw with it. Its key, or a right click: give it to the selected objects too.\n"
        "A double click renames it, a click on its colour changes the colour."
    )


def _in_words(name: str, count: int, key: str) -> str:
    if key:
        return tr("{name}, {count:,} in the project (key {key})", name=name, count=count, key=key)
    return tr("{name}, {count:,} in the project", name=name, count=count)


class ClassDelegate(QStyledItemDelegate):
    """Paints a class's row: key, swatch, name and count; its editor stands where the name is."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        category: Category | None = index.data(CATEGORY)
        if category is None:
            return
        painter.save()
        row = RowPainter(painter, option)
        row.ground(option)
        row.text(index.data(KEY), row.theme.muted, width=_KEY_WIDTH)
        row.left = swatch_rect(row.rect).left()
        row.swatch(category.color)
        count = index.data(COUNT)
        row.text_right(f"{count:,}" if count else "", row.theme.muted)
        row.text(category.name, row.theme.text)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """Return a field for the new name."""
        del option, index
        field = Field(parent)
        field.setObjectName("classes.rename")
        field.setAccessibleName(tr("New name of the class"))
        field.setMaxLength(200)
        return field

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Show the name; what is being typed is left alone, though a row changes whenever its count does."""
        if not (isinstance(editor, Field) and editor.isModified()):
            super().setEditorData(editor, index)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Put the field where the name is."""
        del index
        row: QRect = option.rect  # type: ignore[attr-defined]
        editor.setGeometry(row.adjusted(swatch_rect(row).right() - row.left() + 2, 0, -4, 0))


def swatch_rect(row: QRect) -> QRect:
    """Return where a row's swatch takes the mouse: a little more than what is painted."""
    return QRect(row.left() + MARGIN + _KEY_WIDTH, row.top(), 14, row.height())
