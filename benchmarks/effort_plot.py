"""The curve of `benchmarks.human_effort` as a picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPen, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WAYS = {
    "by_hand": ("by hand", "#8a8f98"),
    "parent": ("with the model as it came", "#d08a2e"),
    "tuned": ("with fine-tuning", "#2f6fde"),
}
SIZE, SCALE = (720, 400), 2
AREA = QRectF(64, 44, 632, 296)


def draw(points: Sequence[dict[str, float]], rounds: Sequence[int], title: str, file: Path) -> None:
    """Draw actions per instance against photos done, a line for each way and a mark for each round, into a PNG file."""
    application = QGuiApplication.instance() or QGuiApplication([])
    image = QImage(SIZE[0] * SCALE, SIZE[1] * SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(SCALE)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    last = max(points[-1]["photos"], 2)
    top = max(5.0, 5 * -(-max(p[way] for p in points for way in WAYS) // 5))

    def place(photos: float, actions: float) -> QPointF:
        x = AREA.left() + (photos - 1) / (last - 1) * AREA.width()
        return QPointF(x, AREA.bottom() - actions / top * AREA.height())

    _axes(painter, last, top, place)
    painter.setPen(QPen(QColor("#b8bdc6"), 1, Qt.PenStyle.DotLine))
    for photos in rounds:
        painter.drawLine(place(photos, 0), place(photos, top))
    for number, (way, (words, colour)) in enumerate(WAYS.items()):
        painter.setPen(QPen(QColor(colour), 2))
        painter.drawPolyline(QPolygonF([place(p["photos"], p[way]) for p in points]))
        painter.drawText(QPointF(AREA.left() + 8 + 208 * number, 32), f"— {words}")
    painter.setPen(QColor("#30343b"))
    painter.drawText(QPointF(AREA.left(), 14), f"{title}: actions per object, the last ten photos")
    painter.end()
    del application
    if not image.save(str(file)):
        raise OSError(f"{file} cannot be written")


def _axes(painter: QPainter, last: float, top: float, place: object) -> None:
    assert callable(place)
    for step in range(6):
        value = top * step / 5
        painter.setPen(QColor("#e4e7ec"))
        painter.drawLine(place(1, value), place(last, value))
        painter.setPen(QColor("#666b73"))
        label = QRectF(0, place(1, value).y() - 10, AREA.left() - 8, 20)
        painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
    for step in range(5):
        photos = round(1 + (last - 1) * step / 4)
        label = QRectF(place(photos, 0).x() - 30, AREA.bottom() + 6, 60, 20)
        painter.drawText(label, Qt.AlignmentFlag.AlignCenter, f"{photos}")
    painter.drawText(
        QRectF(AREA.left(), AREA.bottom() + 30, AREA.width(), 20), Qt.AlignmentFlag.AlignCenter, "photos done"
    )
