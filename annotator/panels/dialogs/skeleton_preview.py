"""A picture of a skeleton, in which edges are put and taken by clicking their two ends."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QMouseEvent, QPainter, QPen, QPixmap, qGray
from PySide6.QtWidgets import QSizePolicy, QWidget

from annotator import theme
from annotator.core.skeleton import Skeleton, sides, spoken
from annotator.core.skeleton_templates import laid_out
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QPaintEvent

    from dataset.coco.categories import Category

_MARGIN = 34.0
_RADIUS = 8.0
_REACH = 16.0


class SkeletonPreview(QWidget):
    """Paints keypoints with their numbers, in the colours that they have on the photo."""

    edge_toggled = Signal(int, int)
    """Two keypoints were clicked one after the other."""
    keypoint_chosen = Signal(int)
    """One was clicked; -1: a place without any."""

    def __init__(
        self, category: Category, color_of: Callable[[Category, int], str], parent: QWidget | None = None
    ) -> None:
        """`color_of` returns the colour of a class's keypoint."""
        super().__init__(parent)
        self.setObjectName("skeleton.preview")
        self.setAccessibleName(tr("Picture of the skeleton"))
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._category, self._color_of = category, color_of
        self._skeleton = Skeleton()
        self._marked: int | None = None  # in the list
        self._first: int | None = None  # end of an edge
        self._hovered: int | None = None

    def set_skeleton(self, skeleton: Skeleton) -> None:
        """Show another one."""
        self._skeleton = skeleton
        self._category = replace(self._category, keypoint_names=skeleton.names)
        count = len(skeleton.names)
        self._first = self._first if self._first is not None and self._first < count else None
        self._hovered = None
        self.update()

    def set_marked(self, index: int | None) -> None:
        """Mark the keypoint that is chosen elsewhere."""
        if index != self._marked:
            self._marked = index
            self.update()

    def sizeHint(self) -> QSize:
        """Return a size at which the largest template is clear."""
        return QSize(360, 420)

    def minimumSizeHint(self) -> QSize:
        """Return the size below which points would lie on one another."""
        return QSize(240, 260)

    def place(self, index: int) -> QPointF:
        """Return where a keypoint is painted."""
        return self._places()[index]

    def badge(self, index: int) -> QIcon:
        """Return a keypoint's number as it is painted here, for a list."""
        side, ratio = 2 * _RADIUS + 2, self.devicePixelRatioF()
        made = QPixmap(round(side * ratio), round(side * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(_small(painter.font()))
        self._paint_point(painter, index, QPointF(side / 2, side / 2), is_chosen=False)
        painter.end()
        icon = QIcon(made)
        icon.addPixmap(made, QIcon.Mode.Selected)
        return icon

    def _places(self) -> list[QPointF]:
        """Return where the keypoints are painted, all of them within the margins."""
        placed = laid_out(self._skeleton.names)
        high = max((y for _, y in placed), default=1.0)
        room = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        scale = min(room.width() / 0.85, room.height() / max(high, 1.0))
        left = room.center().x() - scale / 2
        top = room.center().y() - scale * max(high, 1.0) / 2
        return [QPointF(left + x * scale, top + y * scale) for x, y in placed]

    def _at(self, position: QPointF) -> int | None:
        reached = [(math.dist(p.toTuple(), position.toTuple()), i) for i, p in enumerate(self._places())]
        distance, index = min(reached, default=(math.inf, 0))
        return index if distance <= _REACH else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Name the keypoint under the mouse, and show the edge that a click would put."""
        found = self._at(event.position())
        self.setCursor(Qt.CursorShape.ArrowCursor if found is None else Qt.CursorShape.PointingHandCursor)
        if found != self._hovered:
            self._hovered = found
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self._hovered = None
        self.update()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the first end of an edge, or the second one."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.put_end(self._at(event.position()))

    def put_end(self, found: int | None) -> None:
        """Take a keypoint for an end of an edge, the first one or the second; None gives up the first one."""
        first = self._first
        self._first = None if found == first or first is not None else found
        self.keypoint_chosen.emit(-1 if found is None else found)
        if found is not None and first is not None and found != first:
            self.edge_toggled.emit(first, found)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the edges, the keypoints and the names of those that are pointed at."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(now.border), 1))
        painter.setBrush(QColor(now.canvas))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        placed, names = self._places(), self._skeleton.names
        if not names:
            painter.setPen(QColor(now.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("No keypoints yet"))
            return
        side = sides(names)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for a, b in self._skeleton.edges:
            end = a if side[a] else b
            is_of_one = side[a] == side[b] or not (side[a] and side[b])
            painter.setPen(QPen(self._ink(end) if is_of_one and side[end] else QColor(self._category.color), 2))
            painter.drawLine(placed[a], placed[b])
        if self._first is not None and self._hovered is not None:
            painter.setPen(QPen(QColor(now.accent), 2, Qt.PenStyle.DashLine))
            painter.drawLine(placed[self._first], placed[self._hovered])
        painter.setFont(_small(painter.font()))
        for i, at in enumerate(placed):
            self._paint_point(painter, i, at, is_chosen=i in (self._first, self._marked))
        for index in dict.fromkeys(i for i in (self._first, self._hovered) if i is not None):
            self._paint_name(painter, placed[index], spoken(names[index]))

    def _paint_point(self, painter: QPainter, index: int, at: QPointF, *, is_chosen: bool) -> None:
        painter.setPen(QPen(QColor(theme.current().accent if is_chosen else "#161618"), 3 if is_chosen else 1))
        ground = self._ink(index)
        painter.setBrush(ground)
        painter.drawEllipse(at, _RADIUS, _RADIUS)
        painter.setPen(QColor("#161618" if qGray(ground.rgb()) > 130 else "#ffffff"))
        around = QRectF(at.x() - 12, at.y() - _RADIUS, 24, 2 * _RADIUS)
        painter.drawText(around, Qt.AlignmentFlag.AlignCenter, str(index + 1))

    def _paint_name(self, painter: QPainter, at: QPointF, name: str) -> None:
        width = painter.fontMetrics().horizontalAdvance(name) + 10
        box = QRectF(at.x() + 11, at.y() - 9, width, 18)
        box.moveRight(min(box.right(), self.width() - 4.0))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#161618"))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor("#f4f4f5"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    def _ink(self, index: int) -> QColor:
        return QColor(self._color_of(self._category, index))


def _small(font: QFont) -> QFont:
    font.setPixelSize(10)
    return font
