"""The rows of the instance list: the document's annotations and suggestions, and how a row is painted."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from annotator.panels.formatting import origin_text
from annotator.panels.widgets import RowPainter
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from PySide6.QtGui import QPainter

    from annotator.core.annotation import Annotation
    from annotator.core.categories import Categories
    from annotator.core.document import Document
    from annotator.panels.widgets import Index

RECORD = Qt.ItemDataRole.UserRole  # an `Annotation`


class InstanceRows(QAbstractListModel):
    """What is shown: annotations, the newest on top, then suggestions, the best first. Holds their ids, no more."""

    def __init__(self, categories: Categories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._categories = categories
        self._document: Document | None = None
        self._ids: list[int] = []

    def set_document(self, document: Document | None) -> None:
        """List another photo's instances."""
        self.beginResetModel()
        self._document = document
        self._ids = _listed(document)
        self.endResetModel()

    @property
    def ids(self) -> list[int]:
        """The ids in the order of the rows. Not to be changed."""
        return self._ids

    def refresh(self, touched: Collection[int] = ()) -> None:
        """Take out and put in what differs from the document, and show anew the rows of the ids touched."""
        wanted = _listed(self._document)
        kept = set(self._ids) & set(wanted)
        if [i for i in self._ids if i in kept] != [i for i in wanted if i in kept]:
            self.set_document(self._document)
            return
        for first, last in reversed(_runs(row for row, i in enumerate(self._ids) if i not in kept)):
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._ids[first : last + 1]
            self.endRemoveRows()
        for first, last in _runs(row for row, i in enumerate(wanted) if i not in kept):
            self.beginInsertRows(QModelIndex(), first, last)
            self._ids[first:first] = wanted[first : last + 1]
            self.endInsertRows()
        for row, i in enumerate(self._ids) if touched else ():
            if i in touched:
                self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """Return how many instances are listed."""
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401  a QVariant
        """Return the record, its class name, or it in words."""
        if not index.isValid() or self._document is None:
            return None
        record = self._document.get(self._ids[index.row()])
        if record is None:  # while the document has changed and this list has not followed yet
            return None
        if role == RECORD:
            return record
        if role == Qt.ItemDataRole.DisplayRole:
            return self.class_name(record)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return tr("{name}, {details}", name=self.class_name(record), details=_in_words(record))
        return None

    def class_name(self, record: Annotation) -> str:
        """Return what the record's class is called."""
        known = record.category_id in self._categories
        return self._categories[record.category_id].name if known else tr("class {id}", id=record.category_id)

    def color(self, record: Annotation) -> str:
        """Return the colour of the record's class."""
        known = record.category_id in self._categories
        return self._categories[record.category_id].color if known else "#888888"


class InstanceDelegate(QStyledItemDelegate):
    """Paints an instance's row: swatch, class name, and at the right where it comes from, or that it is a crowd."""

    def __init__(self, rows: InstanceRows, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self.hovered: int | None = None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        record: Annotation | None = index.data(RECORD)
        if record is None:
            return
        painter.save()
        row = RowPainter(painter, option)
        row.ground(option, emphasised=record.id == self.hovered)
        row.swatch(self._rows.color(record), dashed=record.is_suggestion)
        row.text_right(_at_right(record), row.theme.muted)
        row.text(self._rows.class_name(record), row.theme.text)
        painter.restore()


def _listed(document: Document | None) -> list[int]:
    if document is None:
        return []
    return [*(a.id for a in reversed(document.shown_annotations)), *(s.id for s in document.shown_suggestions)]


def _runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, last) of each unbroken run."""
    runs = []
    for _, group in groupby(enumerate(rows), key=lambda pair: pair[1] - pair[0]):
        members = [row for _, row in group]
        runs.append((members[0], members[-1]))
    return runs


def _at_right(record: Annotation) -> str:
    if record.is_suggestion:
        return tr("suggested {score:.2f}", score=record.score or 0.0)
    return tr("crowd") if record.is_crowd else origin_text(record)


def _in_words(record: Annotation) -> str:
    if record.is_suggestion:
        return tr("suggested with score {score:.2f}", score=record.score or 0.0)
    words = [origin_text(record)]
    if record.is_crowd:
        words.append(tr("crowd"))
    if record.score is not None:
        words.append(tr("score {score:.2f}", score=record.score))
    return ", ".join(words)
