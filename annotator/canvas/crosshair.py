"""Lines through the cursor across the photo, to see where an object's edges would come to lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF

from annotator.canvas.style import pen

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter


class Crosshair:
    """Two lines in viewport pixels, or none."""

    def __init__(self) -> None:
        self._lines: tuple[QLineF, ...] = ()

    def move(self, at: QPointF | None, photo: QRectF) -> list[QRect]:
        """Cross the photo, which lies at `photo`, at a point; None or one beside it: nowhere.

        Returns what has to be painted anew.
        """
        before = self._lines
        self._lines = ()
        if at is not None and photo.contains(at):
            x, y = at.x(), at.y()
            self._lines = (
                QLineF(x, photo.top(), x, photo.bottom()),
                QLineF(photo.left(), y, photo.right(), y),
            )
        if before == self._lines:
            return []
        return [QRectF(line.p1(), line.p2()).toAlignedRect().adjusted(-2, -2, 2, 2) for line in before + self._lines]

    def paint(self, painter: QPainter) -> None:
        """Paint the lines, light on dark, so that they are seen on every photo."""
        for line in self._lines:
            painter.setPen(pen("#000000", 3.0, 60))
            painter.drawLine(line)
            painter.setPen(pen("#ffffff", 1.0, 190))
            painter.drawLine(line)
