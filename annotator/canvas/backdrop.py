"""What lies still under the cursor, kept as pixels: the photo and the shapes that nobody is working on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QPainter, QPixmap, QRegion

if TYPE_CHECKING:
    from collections.abc import Callable


_MANY_RECTS = 64  # a region of more of them costs more than what it saves


class Backdrop:
    """A pixmap of the viewport that repaints only what became stale.

    Hovering or dragging then costs one copy of the exposed rectangle, and panning the strip that came into view.
    All rectangles are in logical viewport pixels.
    """

    def __init__(self, paint: Callable[[QPainter, QRect], None]) -> None:
        self._paint = paint
        self._pixmap = QPixmap()
        self._size = QSize()
        self._stale = QRegion()

    def resize(self, size: QSize, ratio: float) -> None:
        """Follow the viewport's size and device pixel ratio. Everything is stale where they differ from before."""
        if size == self._size and ratio == self._pixmap.devicePixelRatio():
            return
        self._size = QSize(size)
        self._pixmap = QPixmap((QSizeF(size) * ratio).toSize())
        self._pixmap.setDevicePixelRatio(ratio)
        self.invalidate()

    def invalidate(self, rect: QRect | None = None) -> None:
        """Paint that rectangle, or everything, anew when it is next shown."""
        everything = QRect(0, 0, self._size.width(), self._size.height())
        self._stale += everything if rect is None else rect & everything
        if self._stale.rectCount() > _MANY_RECTS:
            self._stale = QRegion(self._stale.boundingRect())

    def scroll(self, dx: int, dy: int) -> None:
        """Move the content, so that only the strip that comes into view is stale."""
        ratio = self._pixmap.devicePixelRatio()
        steps = dx * ratio, dy * ratio
        everything = QRect(0, 0, self._size.width(), self._size.height())
        if not all(step.is_integer() for step in steps) or self._pixmap.isNull():
            self.invalidate()
            return
        self._pixmap.scroll(int(steps[0]), int(steps[1]), self._pixmap.rect())
        self._stale = (self._stale.translated(dx, dy) & everything) + (
            QRegion(everything) - everything.translated(dx, dy)
        )

    def draw(self, painter: QPainter, exposed: QRect) -> None:
        """Copy the rectangle, painted anew where it was stale."""
        fresh = self._stale & exposed
        if not fresh.isEmpty():
            self._stale -= fresh
            onto = QPainter(self._pixmap)
            onto.setClipRegion(fresh)
            self._paint(onto, fresh.boundingRect())
            onto.end()
        ratio = self._pixmap.devicePixelRatio()
        source = QRectF(QPointF(exposed.topLeft()) * ratio, QSizeF(exposed.size()) * ratio)
        painter.drawPixmap(QRectF(exposed), self._pixmap, source)
