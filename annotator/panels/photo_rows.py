"""The rows of the photo list: an index array over `ImageList`, and how a row is painted."""

from __future__ import annotations

from bisect import bisect_left
from html import escape
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from annotator.core.document import Status
from annotator.panels.formatting import status_text
from annotator.panels.rows import RowPainter
from annotator.panels.widgets import one_line
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QImage

    from annotator.core.image_list import ImageList, ImageRow
    from annotator.panels.rows import Index

GLYPHS = {
    Status.NEW: ("status-new", "muted"),
    Status.SUGGESTED: ("status-suggested", "accent"),
    Status.STARTED: ("status-started", "accent"),
    Status.DONE: ("status-done", "success"),
    Status.SKIPPED: ("status-skipped", "muted"),
    Status.UNREADABLE: ("status-unreadable", "warning"),
}

PICTURE = QSize(64, 48)
"""Room of a small picture."""
PICTURE_ROW = 56  # height of a row that has one
PHOTO = Qt.ItemDataRole.UserRole  # a `ImageRow`


class PhotoRows(QAbstractListModel):
    """The photos that match the filter, in order.

    A photo that stops matching stays listed while it is the current one, so that nothing moves away under the hand.
    """

    def __init__(self, photos: ImageList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._photos = photos
        self._current: int | None = None
        self._rows: Sequence[int] = photos.listed
        photos.filtered.connect(self._list)
        photos.reset.connect(self._reset)
        photos.changed.connect(self._changed)
        photos.many_changed.connect(self._many_changed)

    def set_current(self, name: str | None) -> None:
        """The photo that stays listed whatever becomes of it."""
        before = self._current
        self._current = self._photos.index(name) if name is not None and name in self._photos else None
        if before is not None and before != self._current and before < len(self._photos):
            self._place(before)

    def name(self, row: int) -> str:
        """Return the photo in a row."""
        return self._photos.names[self._rows[row]]

    def row(self, name: str) -> int | None:
        """Return the row of a photo, or None where the filter leaves it out."""
        return self._row_of(self._photos.index(name)) if name in self._photos else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """Return how many photos are listed."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401  a QVariant
        """Return the photo, its name, or it in words."""
        if not index.isValid():
            return None
        photo = self._photos.photo(self._rows[index.row()])
        if role == PHOTO:
            return photo
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(photo.name)
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = [
                one_line(photo.name),
                photo.error or _in_words(photo),
                ", ".join(photo.notes.tags),
                photo.notes.note,
            ]
            text = "\n".join(filter(None, lines))
            # A tooltip with a tag in it would be read as markup.
            return f"<qt>{escape(text).replace(chr(10), '<br>')}</qt>" if "<" in text else text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{one_line(photo.name)}, {_in_words(photo)}"
        return None

    def _reset(self) -> None:
        self._current = None
        self._list()

    def _list(self) -> None:
        self.beginResetModel()
        self._rows = self._photos.listed
        self.endResetModel()

    def _changed(self, i: int) -> None:
        row = self._place(i)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))

    def _many_changed(self) -> None:
        rows = self._photos.listed
        if self._current is not None and self._row_of(self._current) is not None and self._current not in rows:
            rows = sorted([*rows, self._current])  # it stays while it is shown
        if rows == self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def _place(self, i: int) -> int | None:
        """Put a photo in the list or take it out, as the filter has it. Its row, where it was and stays there."""
        row = self._row_of(i)
        if not self._photos.filter.is_set:
            return row
        wanted = i == self._current or self._photos.is_listed(i)
        if row is None and wanted and i != self._current:
            at = bisect_left(self._rows, i)
            self.beginInsertRows(QModelIndex(), at, at)
            self._rows = [*self._rows[:at], i, *self._rows[at:]]
            self.endInsertRows()
        elif row is not None and not wanted:
            self.beginRemoveRows(QModelIndex(), row, row)
            self._rows = [*self._rows[:row], *self._rows[row + 1 :]]
            self.endRemoveRows()
            return None
        return row

    def _row_of(self, i: int) -> int | None:
        at = bisect_left(self._rows, i)
        return at if at < len(self._rows) and self._rows[at] == i else None


class PhotoDelegate(QStyledItemDelegate):
    """Paints a photo's row: status, folder and file name, and at the right how much is on it."""

    picture_of: Callable[[str], QImage | None] | None = None
    """Returns the small picture of a photo, None while there is none; None: rows have no pictures."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        photo: ImageRow = index.data(PHOTO)
        painter.save()
        row = RowPainter(painter, option)
        row.ground(option)
        if self.picture_of is not None:
            _paint_picture(row, self.picture_of(photo.name))
        glyph, tone = GLYPHS[photo.status]
        row.icon(glyph, getattr(row.theme, tone))
        if self.picture_of is None:
            row.text_right(_amount(photo), row.theme.muted)
        else:  # the picture has taken room from the name
            row.text_below(_amount(photo), row.theme.muted)
        color = row.theme.muted if photo.status in (Status.SKIPPED, Status.UNREADABLE) else row.theme.text
        folder, slash, file = one_line(photo.name).rpartition("/")
        spare = row.room - row.metrics.horizontalAdvance(file)
        if slash and spare > row.metrics.horizontalAdvance("m…/"):
            row.text(folder + slash, row.theme.muted, Qt.TextElideMode.ElideMiddle, spare)
        row.text(file, color, Qt.TextElideMode.ElideMiddle)
        painter.restore()


def _paint_picture(row: RowPainter, picture: QImage | None) -> None:
    """Paint a small picture at the left, or a place for one."""
    box = QRect(row.left, row.rect.center().y() - PICTURE.height() // 2 + 1, PICTURE.width(), PICTURE.height())
    if picture is None or picture.isNull():
        row.painter.setPen(Qt.PenStyle.NoPen)
        row.painter.setBrush(QColor(row.theme.hover))
        row.painter.drawRoundedRect(box, 3, 3)
    else:
        size = picture.size().scaled(PICTURE, Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(QPoint(), size)
        place.moveCenter(box.center())
        row.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        row.painter.drawImage(place, picture)
    row.left += PICTURE.width() + 8


def _amount(photo: ImageRow) -> str:
    if photo.count:
        return str(photo.count)
    counted = photo.looked_at and photo.status in (Status.NEW, Status.SUGGESTED)
    return tr("{n} sug.", n=photo.suggestions) if counted else ""


def _in_words(photo: ImageRow) -> str:
    words = [status_text(photo.status)]
    if photo.count:
        words.append(plural("{n} annotation", "{n} annotations", photo.count))
    if photo.suggestions and photo.looked_at:
        words.append(plural("{n} suggestion", "{n} suggestions", photo.suggestions))
    elif photo.looked_at and not photo.count:
        words.append(tr("no suggestions"))
    return ", ".join(words)
