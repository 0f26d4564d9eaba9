"""The rows of the class list: the project's categories, how a row is painted and renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from annotator.panels.widgets import MARGIN, Field, RowPainter
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtGui import QPainter

    from annotator.core.categories import Categories
    from annotator.panels.widgets import Index
    from dataset.categories import Category

CATEGORY = Qt.ItemDataRole.UserRole  # a `Category`
KEY = Qt.ItemDataRole.UserRole + 1  # as text, or ""
COUNT = Qt.ItemDataRole.UserRole + 2  # how often the project uses it

MAX_KEYS = 9  # classes that have a key
_KEY_WIDTH = 18  # room for the number key, left of the swatch


class ClassRows(QAbstractListModel):
    """The classes whose name has the words searched for, in the project's order."""

    refused = Signal(str)
    """Why a class could not be renamed, in a sentence; "" when it was."""

    def __init__(self, categories: Categories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._categories = categories
        self._counts: Mapping[int, int] = {}
        self._key_of: Callable[[int], str] = str
        self._words: list[str] = []
        self._listed: list[tuple[int, int]] = []  # (id, place in the whole list from 1)
        self._list()
        categories.changed.connect(self._changed)

    def set_counts(self, counts: Mapping[int, int]) -> None:
        """How often the project uses each class, by id."""
        self._counts = counts
        self._repaint()

    def follow_keys(self, key_of: Callable[[int], str]) -> None:
        """Show the keys that `key_of` returns for the classes' places, 1 to 9, from now on."""
        self._key_of = key_of
        self._repaint()

    def set_search(self, text: str) -> None:
        """List only the classes with all these words in their name."""
        self._words = text.casefold().split()
        self.beginResetModel()
        self._list()
        self.endResetModel()

    def category_id(self, row: int) -> int:
        """Return the class in a row."""
        return self._listed[row][0]

    def row(self, category_id: int) -> int | None:
        """Return the row of a class, or None where the search leaves it out."""
        return next((row for row, (i, _) in enumerate(self._listed) if i == category_id), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """Return how many classes are listed."""
        return 0 if parent.isValid() else len(self._listed)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401  a QVariant
        """Return the class, its name, its key, its count, or it in words."""
        if not index.isValid():
            return None
        category_id, place = self._listed[index.row()]
        key = self._key_of(place) if place <= MAX_KEYS else ""
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
        before = list(self._listed)
        self._list()
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
        self._listed = [
            (category.id, place)
            for place, category in enumerate(self._categories, 1)
            if all(word in category.name.casefold() for word in self._words)
        ]

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

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Put the field where the name is."""
        del index
        row: QRect = option.rect  # type: ignore[attr-defined]
        editor.setGeometry(row.adjusted(swatch_rect(row).right() - row.left() + 2, 0, -4, 0))


def swatch_rect(row: QRect) -> QRect:
    """Return where a row's swatch takes the mouse: a little more than what is painted."""
    return QRect(row.left() + MARGIN + _KEY_WIDTH, row.top(), 14, row.height())
