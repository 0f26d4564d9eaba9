"""The rows of what a check has found: its kinds with their counts, and what there is of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from annotator.panels.rows import RowPainter
from annotator.panels.widgets import one_line
from dataset.check.findings import KINDS
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QPainter

    from annotator.panels.rows import Index
    from dataset.check.findings import Finding

RECORD = Qt.ItemDataRole.UserRole
"""Of a kind its name, else the `Finding`."""


class KindRows(QAbstractListModel):
    """The kinds of which something was found."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._counts: list[tuple[str, int]] = []

    def set_counts(self, counts: Mapping[str, int]) -> None:
        """List these kinds, each with how much there is of it."""
        self.beginResetModel()
        self._counts = list(counts.items())
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """Return how many kinds there are."""
        return 0 if parent.isValid() else len(self._counts)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401  a QVariant
        """Return the kind's title, its name, or both title and count in words."""
        if not index.isValid():
            return None
        name, count = self._counts[index.row()]
        if role == RECORD:
            return name
        if role == Qt.ItemDataRole.DisplayRole:
            return tr(KINDS[name].title)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return tr("{title}: {n:,}", title=tr(KINDS[name].title), n=count)
        return count if role == Qt.ItemDataRole.UserRole + 1 else None


class FindingRows(QAbstractListModel):
    """What was found of one kind."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._findings: Sequence[Finding] = ()

    def set_findings(self, findings: Sequence[Finding]) -> None:
        """List these."""
        self.beginResetModel()
        self._findings = findings
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        """Return how many there are."""
        return 0 if parent.isValid() else len(self._findings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401  a QVariant
        """Return the finding, or it in words."""
        if not index.isValid():
            return None
        finding = self._findings[index.row()]
        if role == RECORD:
            return finding
        if role in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.AccessibleTextRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            where = place_of(finding)
            return tr("{where}: {problem}", where=where, problem=finding.text) if where else finding.text
        return None


def place_of(finding: Finding) -> str:
    """Return the photo and the object that something was found of, as one line; "" where there is neither."""
    where = [one_line(finding.photo)] if finding.photo else []
    if finding.annotation is not None:
        where.append(tr("object {id}", id=finding.annotation))
    return ", ".join(where)


class KindDelegate(QStyledItemDelegate):
    """Paints a kind: its title, and at the right its count."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        painter.save()
        row = RowPainter(painter, option)
        row.ground(option)
        row.text_right(f"{index.data(Qt.ItemDataRole.UserRole + 1):,}", row.theme.muted)
        row.text(index.data(), row.theme.text)
        painter.restore()


class FindingDelegate(QStyledItemDelegate):
    """Paints a finding: where it is, and what is wrong there."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        finding: Finding = index.data(RECORD)
        painter.save()
        row = RowPainter(painter, option)
        row.ground(option)
        where = place_of(finding)
        if where:
            row.text(where, row.theme.text, Qt.TextElideMode.ElideMiddle, row.room // 2)
            row.left += 12
        row.text(one_line(finding.text), row.theme.muted)
        painter.restore()
