"""The rows of the instance list: the document's annotations and suggestions, and how a row is painted."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, Qt
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from annotator import icons
from annotator.core.attributes import in_words
from annotator.core.categories import object_color
from annotator.panels.formatting import origin_text
from annotator.panels.rows import RowPainter
from annotator.panels.widgets import MARGIN
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from PySide6.QtGui import QPainter

    from annotator.core.annotation import Annotation
    from annotator.core.categories import Categories
    from annotator.core.document import Document
    from annotator.panels.rows import Index

RECORD = Qt.ItemDataRole.UserRole  # an `Annotation`
IS_HIDDEN = Qt.ItemDataRole.UserRole + 1
IS_LOCKED = Qt.ItemDataRole.UserRole + 2

_ICON, _GAP = 16, 4  # of the eye and the lock at the right


class InstanceRows(QAbstractListModel):
    """What is shown: annotations, the newest on top, then suggestions, the best first. Holds their ids, no more."""

    def __init__(self, categories: Categories, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._categories = categories
        self._document: Document | None = None
        self._ids: list[int] = []
        self.colors_objects = False
        """Whether each object has a colour of its own, not its class's."""

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
        document = self._document if index.isValid() else None
        record = document.get(self._ids[index.row()]) if document is not None else None
        if document is None or record is None:  # while the document has changed and this list has not followed yet
            return None
        if role == RECORD:
            return record
        if role in (IS_HIDDEN, IS_LOCKED):
            marks = document.marks
            return record.id in (marks.hidden if role == IS_HIDDEN else marks.locked)
        if role == Qt.ItemDataRole.DisplayRole:
            return self.class_name(record)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return tr("{name}, {details}", name=self.class_name(record), details=_in_words(record, document))
        return None

    def class_name(self, record: Annotation) -> str:
        """Return what the record's class is called."""
        known = record.category_id in self._categories
        return self._categories[record.category_id].name if known else tr("class {id}", id=record.category_id)

    def color(self, record: Annotation) -> str:
        """Return the colour of the record's class, or its own."""
        if self.colors_objects:
            return object_color(record.id)
        known = record.category_id in self._categories
        return self._categories[record.category_id].color if known else "#888888"


class InstanceDelegate(QStyledItemDelegate):
    """Paints an instance's row: swatch, class name, where it comes from, or that it is a crowd, and its eye and lock.

    The last two are there while it is hidden or locked, and under the mouse.
    """

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
        is_hidden, is_locked = index.data(IS_HIDDEN), index.data(IS_LOCKED)
        is_under_mouse = record.id == self.hovered
        if is_hidden or is_under_mouse:
            icons.paint(painter, "eye-off" if is_hidden else "eye", eye_rect(row.rect), _ink(row, on=is_hidden))
        if is_locked or (is_under_mouse and not record.is_suggestion):
            icons.paint(painter, "lock", lock_rect(row.rect), _ink(row, on=is_locked))
        if is_hidden or is_locked or is_under_mouse:
            row.right = lock_rect(row.rect).left() - 2 * _GAP
        row.text_right(_at_right(record), row.theme.muted)
        row.text(self._rows.class_name(record), row.theme.muted if is_hidden else row.theme.text)
        painter.restore()


def eye_rect(row: QRect) -> QRect:
    """Return where a row's eye is."""
    top = row.center().y() - _ICON // 2 + 1
    return QRect(row.right() - MARGIN - _ICON, top, _ICON, _ICON)


def lock_rect(row: QRect) -> QRect:
    """Return where a row's lock is."""
    return eye_rect(row).translated(-_ICON - _GAP, 0)


def _ink(row: RowPainter, *, on: bool) -> str:
    return row.theme.text if on else row.theme.muted


def _listed(document: Document | None) -> list[int]:
    if document is None:
        return []
    recorded = document.annotations if document.shown.annotations else ()
    offered = document.suggestions if document.shown.suggestions else ()
    return [*(a.id for a in reversed(recorded)), *(s.id for s in offered)]


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


def _in_words(record: Annotation, document: Document) -> str:
    words = [_origin_in_words(record), *in_words(record)]
    if record.id in document.marks.hidden:
        words.append(tr("hidden"))
    if record.id in document.marks.locked:
        words.append(tr("locked"))
    return ", ".join(words)


def _origin_in_words(record: Annotation) -> str:
    if record.is_suggestion:
        return tr("suggested with score {score:.2f}", score=record.score or 0.0)
    words = [origin_text(record)]
    if record.is_crowd:
        words.append(tr("crowd"))
    if record.score is not None:
        words.append(tr("score {score:.2f}", score=record.score))
    return ", ".join(words)
